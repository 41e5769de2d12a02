"""The client that can only GET, against raw sockets: framings, faults, limits, TLS."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inferometer_exporter import __version__
from inferometer_exporter.collect.get import MAX_BODY, Answer, NoAnswer, get
from inferometer_exporter.collect.routes import Route
from tests.exporter.support.certificates import Pair, make_pair
from tests.exporter.support.upstream import Call, Script, Upstream
from tests.exporter.support.wire import HOST, response


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return make_pair(tmp_path_factory.mktemp("tls"))


def polled(script: Script) -> Upstream:
    upstream = Upstream()
    upstream.polled = script
    return upstream


def sending(*pieces: bytes, pause: float = 0.0) -> Script:
    """Sends the pieces and closes."""

    def script(call: Call) -> None:
        call.send(*pieces, pause=pause)
        call.close()

    return script


def asked(url: str, ca_file: Path | None = None, timeout: float = 5.0) -> Answer:
    return asyncio.run(get(url, ca_file, Route.OLLAMA_PS, timeout))


def test_the_request_is_a_plain_get_under_the_paths_prefix() -> None:
    with polled(sending(response(b"{}"))) as upstream:
        asked(f"{upstream.url}/a/b")
        (call,) = upstream.polls
    assert call.head.start == b"GET /a/b/api/ps HTTP/1.1"
    assert call.head.headers == (
        (b"Host", f"{HOST}:{upstream.port}".encode()),
        (b"User-Agent", f"inferometer-exporter/{__version__}".encode()),
        (b"Accept", b"application/json"),
        (b"Accept-Encoding", b"identity"),
        (b"Connection", b"close"),
    )


@pytest.mark.parametrize(
    ("pieces", "answer"),
    [
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", b"lo"], Answer(200, b"hello")),
        ([response([b"he", b"llo"])], Answer(200, b"hello")),
        ([b"HTTP/1.1 200 OK\r\n\r\nhe", b"llo"], Answer(200, b"hello")),
        ([b"HTTP/1.0 200 OK\r\n\r\nhello"], Answer(200, b"hello")),
        ([b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", response(b"hello")], Answer(200, b"hello")),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], Answer(204, b"")),
        ([response(b"no", "401 Unauthorized")], Answer(401, b"no")),
        ([b"HTTP/1.1 302 Found\r\nLocation: /api/version\r\nContent-Length: 0\r\n\r\n"], Answer(302, b"")),
        ([b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"], None),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"], Answer(200, None)),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"], Answer(200, None)),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"], None),
        ([b"SSH-2.0-OpenSSH_9.2\r\n"], None),
        ([b"HTTP/1.1 2"], None),
        ([b""], None),
    ],
)
def test_an_answer_is_read_by_its_framing(pieces: list[bytes], answer: Answer | None) -> None:
    with polled(sending(*pieces, pause=0.01)) as upstream:
        if answer is None:
            with pytest.raises(NoAnswer):
                asked(upstream.url)
        else:
            assert asked(upstream.url) == answer
    assert len(upstream.polls) == 1


def test_a_body_beyond_the_limit_is_not_kept() -> None:
    with polled(sending(response(b"x" * (MAX_BODY + 1)))) as upstream:
        assert asked(upstream.url) == Answer(200, None)


def test_a_head_without_an_end_is_given_up() -> None:
    endless = sending(b"HTTP/1.1 200 OK\r\n", *[b"A: " + b"x" * 50_000 + b"\r\n"] * 10)
    with polled(endless) as upstream, pytest.raises(NoAnswer, match="not HTTP"):
        asked(upstream.url)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel"])
def test_a_server_that_hangs_is_given_up(said: bytes) -> None:
    def script(call: Call) -> None:
        call.send(said)
        call.gone()
        call.close()

    with polled(script) as upstream, pytest.raises(NoAnswer, match=r"within 0\.2 s"):
        asked(upstream.url, timeout=0.2)


def test_a_server_that_drips_is_given_up() -> None:
    """The time is for the whole answer, not for each byte."""

    def script(call: Call) -> None:
        call.send(b"HTTP/1.1 200 OK\r\n\r\n")
        end = time.monotonic() + 10
        while time.monotonic() < end:
            call.send(b"x")
            time.sleep(0.02)

    with polled(script) as upstream, pytest.raises(NoAnswer, match="within"):
        asked(upstream.url, timeout=0.3)


def test_a_closed_port_is_no_answer() -> None:
    with Upstream() as upstream:
        pass
    with pytest.raises(NoAnswer, match="refused"):
        asked(upstream.url)


def test_an_unknown_host_is_no_answer() -> None:
    with pytest.raises(NoAnswer, match="no connection"):
        asked("http://no-such-host.invalid:1")


def test_a_connection_that_is_reset_is_no_answer() -> None:
    with polled(Call.reset) as upstream, pytest.raises(NoAnswer):
        asked(upstream.url)


def test_a_servers_words_are_not_in_the_reason() -> None:
    with polled(sending(b"HTTP/1.1 200 OK\r\nsecret words\r\n\r\n")) as upstream, pytest.raises(NoAnswer) as raised:
        asked(upstream.url)
    assert "secret" not in str(raised.value)


def test_tls_is_checked_by_the_given_authority(pair: Pair) -> None:
    names: list[str | None] = []
    context = pair.server()
    context.sni_callback = lambda _, name, __: names.append(name)
    with Upstream(tls=context) as upstream:
        upstream.polled = sending(response(b"hello"))
        assert asked(upstream.url, pair.authority) == Answer(200, b"hello")
    assert names == ["localhost"]


def test_a_certificate_of_another_authority_is_refused_before_anything_is_sent(pair: Pair) -> None:
    with Upstream(tls=pair.server()) as upstream, pytest.raises(NoAnswer, match="not trusted"):
        asked(upstream.url)
    assert upstream.polls == []


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    other = make_pair(tmp_path, "DNS:elsewhere.example")
    with Upstream(tls=other.server()) as upstream, pytest.raises(NoAnswer, match="not trusted"):
        asked(upstream.url, other.authority)


def test_a_server_that_speaks_no_tls_is_no_answer(pair: Pair) -> None:
    with Upstream() as upstream, pytest.raises(NoAnswer):
        asked(f"https://localhost:{upstream.port}", pair.authority)


@settings(max_examples=60)
@given(st.binary(max_size=200) | st.builds(b"HTTP/1.1 200 OK\r\n".__add__, st.binary(max_size=100)))
def test_any_bytes_are_an_answer_or_none(said: bytes) -> None:
    with polled(sending(said)) as upstream:
        try:
            answer = asked(upstream.url)
        except NoAnswer:
            return
    assert 200 <= answer.status <= 999
