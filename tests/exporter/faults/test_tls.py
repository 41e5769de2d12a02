"""Fault 17: HTTPS to the upstream, checked, and to the client: the same data path under the same tests."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exporter.support.certificates import Pair, make_pair
from tests.exporter.support.process import Exporter, eventually
from tests.exporter.support.upstream import Call, Upstream, answering, ndjson
from tests.exporter.support.wire import chunked, request, response

LINE = b'{"model":"m","message":{"content":"x"},"done":false}\n'
DONE = b'{"model":"m","message":{"content":""},"done":true,"done_reason":"stop","prompt_eval_count":5,"eval_count":9}\n'
STREAM = ndjson([LINE, LINE, DONE])
MIB = 2**20


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return make_pair(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def seen() -> dict[str, object]:
    """What the upstream saw in a handshake: the name that was asked for, and the protocol agreed on."""
    return {}


@pytest.fixture(scope="module")
def secured(pair: Pair, seen: dict[str, object]) -> Iterator[Upstream]:
    context = pair.server()
    context.set_alpn_protocols(["h2", "http/1.1"])

    def note(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        seen["sni"] = name

    context.sni_callback = note
    with Upstream(tls=context) as started:
        yield started


@pytest.fixture(scope="module")
def both(secured: Upstream, pair: Pair) -> Iterator[Exporter]:
    """An exporter with TLS on both sides. The harness's own looks at it go through TLS too."""
    options = ("--ca-file", pair.authority, "--proxy-cert", pair.cert, "--proxy-key", pair.key)
    with Exporter(secured.url, *options) as started:
        yield started


def test_a_stream_through_tls_on_both_sides_is_whole_and_counted(
    both: Exporter, secured: Upstream, pair: Pair, tag: str
) -> None:
    secured.fresh(answering(*(STREAM[at : at + 7] for at in range(0, len(STREAM), 7))))
    with both.wire(tls=pair.client()) as wire:
        reply = wire.send(request(body=b'{"model":"m"}', headers=[("X-Herd-Tags", tag)])).reply()
    assert (reply.status, reply.body, reply.whole) == (200, LINE * 2 + DONE, True)
    [row] = both.tagged(tag)
    assert (row["prompt_tokens"], row["completion_tokens"], row["status"]) == (5, 9, "completed")


def test_the_first_line_passes_tls_before_the_second_is_made(both: Exporter, secured: Upstream, pair: Pair) -> None:
    release = threading.Event()

    def script(call: Call) -> None:
        call.read()
        call.send(STREAM[: STREAM.index(b"\r\n\r\n") + 4], chunked(LINE, last=False))
        release.wait(5)
        call.send(chunked(DONE))

    secured.fresh(script)
    with both.wire(tls=pair.client(), timeout=3) as wire:
        wire.send(request(body=b'{"model":"m"}'))
        try:
            wire.bytes.head()
            assert wire.bytes.exactly(len(chunked(LINE, last=False))) == chunked(LINE, last=False)
        finally:
            release.set()
        rest = bytearray()
        wire.bytes.chunks(rest)
    assert bytes(rest) == DONE


def test_the_name_is_sent_and_http_1_1_agreed_on(
    both: Exporter, secured: Upstream, pair: Pair, seen: dict[str, object]
) -> None:
    protocols: list[str | None] = []

    def script(call: Call) -> None:
        assert isinstance(call.socket, ssl.SSLSocket)
        protocols.append(call.socket.selected_alpn_protocol())
        call.read()
        call.send(response(b"{}"))

    secured.fresh(script)
    with both.wire(tls=pair.client()) as wire:
        assert wire.send(request(body=b"{}")).reply().status == 200
    assert seen["sni"] == "localhost"
    assert protocols in (["http/1.1"], [None])
    assert secured.call().head.all("Host") == [secured.url.removeprefix("https://").encode()]


@pytest.mark.parametrize("how", ["fin", "reset"])
def test_a_client_that_leaves_is_told_through_tls(both: Exporter, secured: Upstream, pair: Pair, how: str) -> None:
    def script(call: Call) -> None:
        call.read()
        call.gone()

    secured.fresh(script)
    wire = both.wire(tls=pair.client()).send(request(body=b'{"model":"m"}'))
    call = secured.call()
    wire.leave("fin" if how == "fin" else "reset")
    eventually(lambda: call.gone_at, timeout=2)


def test_a_broken_answer_is_broken_through_tls(both: Exporter, secured: Upstream, pair: Pair) -> None:
    secured.fresh(answering(STREAM[:-5], keep=False))
    with both.wire(tls=pair.client()) as wire:
        assert not wire.send(request(body=b'{"model":"m"}')).reply().whole


def test_large_bodies_pass_tls_unchanged(both: Exporter, secured: Upstream, pair: Pair) -> None:
    body = bytes(range(256)) * (8 * MIB // 256)

    def echo(call: Call) -> None:
        call.send(response(call.read()))

    secured.fresh(echo)
    with both.wire(tls=pair.client()) as wire:
        reply = wire.send(request("/any", body)).reply()
    assert reply.whole
    assert reply.body == body


def test_connections_are_kept_through_tls(both: Exporter, secured: Upstream, pair: Pair) -> None:
    secured.fresh(answering(response(b"{}")))
    with both.wire(tls=pair.client()) as wire:
        for _ in range(5):
            assert wire.send(request(body=b"{}")).reply().status == 200
    assert len({call.connection for call in secured.calls}) == 1


def test_a_client_without_tls_is_not_served(both: Exporter, secured: Upstream) -> None:
    secured.fresh(answering(response(b"{}")))
    with both.wire() as wire:
        wire.send(request(body=b"{}"))
        assert wire.closed(5)
        assert not wire.bytes.seen.startswith(b"HTTP/1.1 200")
    assert secured.calls == []


def refused_for_its_certificate(exporter: Exporter, upstream: Upstream, tag: str) -> str:
    reply = exporter.ask(request(body=b'{"model":"m"}', headers=[("X-Herd-Tags", tag)]))
    assert reply.status == 502
    assert upstream.calls == []
    [row] = exporter.tagged(tag)
    assert row["status"] == "failed"
    assert exporter.metrics().sum("inferometer_request_failures_total", reason="upstream_unreachable") == 1
    return exporter.status("/readyz")[1] + exporter.log() + str(row["error_message"]) + str(reply.body)


def test_a_certificate_of_another_authority_is_refused_and_said(secured: Upstream, tmp_path: Path, tag: str) -> None:
    other = make_pair(tmp_path)
    secured.fresh(answering(response(b"{}")))
    with Exporter(secured.url, "--ca-file", other.authority) as exporter:
        assert "certificate" in refused_for_its_certificate(exporter, secured, tag)


def test_a_certificate_of_no_known_authority_is_refused_by_default(secured: Upstream, tag: str) -> None:
    secured.fresh(answering(response(b"{}")))
    with Exporter(secured.url) as exporter:
        assert "certificate" in refused_for_its_certificate(exporter, secured, tag)


def test_a_certificate_for_another_name_is_refused(tmp_path: Path, tag: str) -> None:
    elsewhere = make_pair(tmp_path, "DNS:elsewhere.example")
    with (
        Upstream(answering(response(b"{}")), tls=elsewhere.server()) as upstream,
        Exporter(upstream.url, "--ca-file", elsewhere.authority) as exporter,
    ):
        assert "certificate" in refused_for_its_certificate(exporter, upstream, tag)


def test_an_upstream_that_speaks_no_tls_is_an_error(upstream: Upstream) -> None:
    with Exporter(upstream.url.replace("http://", "https://")) as exporter:
        assert exporter.ask(request(body=b"{}")).status == 502
    assert upstream.calls == []
