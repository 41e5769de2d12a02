"""Fault 6: an upstream that is away, breaks or lies gives a clear error or a broken answer, never a clean lie."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.exporter.support.process import Exporter
from tests.exporter.support.upstream import Call, Upstream, answering, in_turn
from tests.exporter.support.wire import HOST, Torn, chunked, request, response
from tests.parts.process import free_port

DONE = b'{"model":"m","message":{"content":"x"},"done":true,"prompt_eval_count":5,"eval_count":3}\n'
LINE = b'{"model":"m","message":{"content":"x"},"done":false}\n'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"
FAILURES = "inferometer_request_failures_total"


def shape(body: bytes) -> Any:
    """The names in an error without its words: what a client's library relies on."""

    def blank(value: Any) -> Any:
        return {key: blank(inner) for key, inner in value.items()} if isinstance(value, dict) else "words"

    return blank(json.loads(body))


OLLAMA = {"error": "words"}
OPENAI = {"error": {"message": "words", "type": "words", "param": "words", "code": "words"}}
SHAPES: dict[str, Any] = {
    "/api/chat": OLLAMA,
    "/api/generate": OLLAMA,
    "/api/embed": OLLAMA,
    "/api/tags": OLLAMA,
    "/v1/chat/completions": OPENAI,
    "/v1/embeddings": OPENAI,
    "/v1/responses": OPENAI,
    "/v1/messages": {"type": "words", "error": {"type": "words", "message": "words"}},
}


@pytest.fixture(scope="module")
def refused() -> Iterator[Exporter]:
    """An exporter before a port where nobody listens."""
    with Exporter(f"http://{HOST}:{free_port()}") as started:
        yield started


@pytest.mark.parametrize("target", SHAPES)
def test_a_refused_connection_is_a_502_in_the_shape_of_the_api(refused: Exporter, target: str) -> None:
    with refused.wire() as wire:
        for _ in range(2):
            began = time.monotonic()
            reply = wire.send(request(target, b'{"model":"m"}')).reply()
            assert (reply.status, reply.head.get("Content-Type")) == (502, b"application/json")
            assert time.monotonic() - began < 1  # the bench measures the 200 ms that are promised
            assert shape(reply.body) == SHAPES[target]


def test_a_refused_connection_is_recorded_as_unreachable(refused: Exporter, tag: str) -> None:
    before = refused.metrics().sum(FAILURES, reason="upstream_unreachable")
    refused.ask(request(body=b'{"model":"m"}', headers=[("X-Herd-Tags", tag)]))
    [row] = refused.tagged(tag)
    assert (row["status"], row["prompt_tokens"], row["completion_tokens"]) == ("failed", None, None)
    assert row["error_message"]
    assert refused.metrics().sum(FAILURES, reason="upstream_unreachable") == before + 1
    assert refused.metrics().sum("inferometer_backend_up") == 0


def test_ready_says_that_the_upstream_is_away(refused: Exporter) -> None:
    status, said = refused.status("/readyz")
    assert status == 503
    assert "box" in said


QUICK = """
admin: {admin}
store: {store}
timeouts: {{connect: 0.5s, idle: 0.5s}}
backends:
  - {{name: box, engine: ollama, urls: ["{upstream}"], listen: "{proxy}"}}
"""


def test_a_connection_that_nobody_takes_times_out(tag: str) -> None:
    """A listener whose queue is full answers no SYN, as an address behind a firewall does."""
    with socket.create_server((HOST, 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        with Exporter(f"http://{HOST}:{address[1]}", config=QUICK) as exporter:
            began = time.monotonic()
            reply = exporter.ask(request(body=b'{"model":"m"}', headers=[("X-Herd-Tags", tag)]))
            assert reply.status in (502, 504)
            assert 0.4 <= time.monotonic() - began <= 2
            assert exporter.tagged(tag)[0]["status"] == "failed"
            assert exporter.metrics().sum(FAILURES, reason="upstream_timeout") == 1
        for one in waiting:
            one.close()


@pytest.mark.parametrize("began", [False, True], ids=["before the head", "in mid-stream"])
def test_an_upstream_that_falls_silent_is_left_after_the_idle_time(upstream: Upstream, began: bool) -> None:
    def silent(call: Call) -> None:
        call.read()
        if began:
            call.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(LINE, last=False))
        call.gone()

    upstream.script = silent
    with Exporter(upstream.url, config=QUICK) as exporter:
        start = time.monotonic()
        reply = exporter.ask(request(body=b'{"model":"m"}'))
        assert 0.4 <= time.monotonic() - start <= 3
        assert (reply.status, reply.whole) == ((200, False) if began else (504, True))
        assert exporter.metrics().sum(FAILURES, reason="upstream_timeout") == 1


def test_a_slow_upstream_that_still_speaks_is_not_left(upstream: Upstream) -> None:
    upstream.script = answering(
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
        *(chunked(LINE, last=False) for _ in range(6)),
        chunked(DONE),
        pause=0.2,
    )
    with Exporter(upstream.url, config=QUICK) as exporter:
        reply = exporter.ask(request(body=b'{"model":"m"}'))
    assert (reply.whole, reply.body) == (True, LINE * 6 + DONE)


BROKEN = {
    "chunked, no last chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(LINE, last=False),
    "chunked, half a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(LINE)[:20],
    "chunked, nothing": HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
    "too short for its length": HEAD + b"Content-Length: 1000\r\n\r\n" + LINE,
}


@pytest.mark.parametrize("how", ["fin", "reset"])
@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_answer_never_ends_cleanly(
    exporter: Exporter, upstream: Upstream, tag: str, broken: str, how: str
) -> None:
    def script(call: Call) -> None:
        call.read()
        call.send(BROKEN[broken])
        time.sleep(0.05)
        call.reset() if how == "reset" else call.close()

    upstream.script = script
    before = exporter.metrics().sum(FAILURES, reason="upstream_reset")
    data = request(body=b'{"model":"m"}', headers=[("X-Herd-Tags", tag)])
    reply = exporter.ask(data)
    assert (reply.status, reply.whole) == (200, False)
    [row] = exporter.tagged(tag)
    assert row["status"] in ("failed", "incomplete")
    assert exporter.metrics().sum(FAILURES, reason="upstream_reset") == before + 1
    assert len(upstream.calls) == 1


def test_a_reset_of_a_body_without_framing_is_no_clean_end(exporter: Exporter, upstream: Upstream) -> None:
    def script(call: Call) -> None:
        call.read()
        call.send(HEAD + b"\r\n" + LINE)
        time.sleep(0.05)
        call.reset()

    upstream.script = script
    assert not exporter.ask(request(body=b'{"model":"m"}')).whole


def test_a_stream_that_ends_without_its_last_event_is_incomplete(
    exporter: Exporter, upstream: Upstream, tag: str
) -> None:
    upstream.script = answering(response([LINE], headers=[("Content-Type", "application/x-ndjson")]))
    reply = exporter.ask(request(body=b'{"model":"m"}', headers=[("X-Herd-Tags", tag)]))
    assert reply.whole
    [row] = exporter.tagged(tag)
    assert (row["status"], row["completion_tokens"]) == ("incomplete", None)


def test_an_error_told_in_a_stream_is_a_failure(exporter: Exporter, upstream: Upstream, tag: str) -> None:
    lines = [LINE, b'{"error":"runner died: CANARY"}\n']
    upstream.script = answering(response(lines, headers=[("Content-Type", "application/x-ndjson")]))
    exporter.ask(request(body=b'{"model":"m"}', headers=[("X-Herd-Tags", tag)]))
    [row] = exporter.tagged(tag)
    assert row["status"] == "failed"
    assert "CANARY" not in str(row)


@pytest.mark.parametrize(
    "lie",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"\x00" * 64,
        HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"abc"),
        HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"X: " + b"y" * 2**20 + b"\r\nContent-Length: 0\r\n\r\n",
        b"",
    ],
    ids=[
        "another protocol",
        "no status",
        "zeros",
        "two framings",
        "two lengths",
        "negative",
        "1 MiB of header",
        "nothing",
    ],
)
def test_what_is_no_answer_becomes_a_502_and_is_tried_once(exporter: Exporter, upstream: Upstream, lie: bytes) -> None:
    upstream.script = answering(lie, keep=False)
    upstream.hang_up()
    time.sleep(0.05)
    reply = exporter.ask(request(body=b'{"model":"m"}'))
    assert reply.status == 502
    assert len(upstream.calls) == 1


@pytest.mark.parametrize("bad", [b"zz\r\nabc\r\n0\r\n\r\n", b"3\r\nabcX\r\n0\r\n\r\n", b"ffffffffffffffffff\r\nabc"])
def test_bad_chunks_of_an_answer_are_never_a_clean_end(exporter: Exporter, upstream: Upstream, bad: bytes) -> None:
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    upstream.script = answering(head + chunked(LINE, last=False) + bad, keep=False)
    try:
        reply = exporter.ask(request(body=b'{"model":"m"}'))
    except Torn:
        return
    assert reply.status == 502 or not reply.whole


def test_what_follows_an_answer_is_never_given_to_the_next_client(exporter: Exporter, upstream: Upstream) -> None:
    poison = response(b"poison")
    upstream.script = in_turn(answering(response(b"one") + poison), answering(response(b"two")))
    assert exporter.ask(request(body=b"{}")).body == b"one"
    assert exporter.ask(request(body=b"{}")).body == b"two"


def test_connections_are_kept_and_used_again(exporter: Exporter, upstream: Upstream) -> None:
    upstream.script = answering(response(DONE))
    for _ in range(5):
        assert exporter.ask(request(body=b"{}")).status == 200
    assert len({call.connection for call in upstream.calls}) == 1


def hang_up(call: Call) -> None:
    """Reads the request and closes without a byte."""
    call.read()
    call.close()


def test_a_kept_connection_that_died_is_replaced_once(exporter: Exporter, upstream: Upstream, tag: str) -> None:
    upstream.script = in_turn(answering(response(DONE)), hang_up, answering(response(DONE)))
    upstream.hang_up()
    time.sleep(0.05)
    assert exporter.ask(request(body=b'{"first":1}')).status == 200
    reply = exporter.ask(request(body=b'{"second":2}', headers=[("X-Herd-Tags", tag)]))
    assert (reply.status, reply.body) == (200, DONE)
    assert [call.body for call in upstream.calls] == [b'{"first":1}', b'{"second":2}', b'{"second":2}']
    assert len({call.connection for call in upstream.calls}) == 2
    assert exporter.tagged(tag)[0]["status"] == "completed"


def test_a_second_connection_that_dies_is_an_error(exporter: Exporter, upstream: Upstream) -> None:
    upstream.script = in_turn(answering(response(DONE)), hang_up)
    upstream.hang_up()
    time.sleep(0.05)
    exporter.ask(request(body=b'{"first":1}'))
    assert exporter.ask(request(body=b'{"second":2}')).status == 502
    assert len(upstream.calls) == 3


def test_a_kept_connection_that_gave_a_byte_is_not_tried_again(exporter: Exporter, upstream: Upstream) -> None:
    upstream.script = in_turn(answering(response(DONE)), answering(b"H", keep=False))
    upstream.hang_up()
    time.sleep(0.05)
    exporter.ask(request(body=b'{"first":1}'))
    assert exporter.ask(request(body=b'{"second":2}')).status == 502
    assert len(upstream.calls) == 2
