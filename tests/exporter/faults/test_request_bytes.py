"""Fault 4: a request's bytes reach the upstream as they were sent, whatever they are."""

from __future__ import annotations

import time

import pytest

from tests.exporter.support.process import Exporter
from tests.exporter.support.upstream import Call, Upstream, answering
from tests.exporter.support.wire import chunked, request, response

DONE = b'{"model":"m","message":{"content":"x"},"done":true,"prompt_eval_count":5,"eval_count":3}'
HOP = {b"host", b"connection", b"keep-alive", b"transfer-encoding", b"content-length"}

BODIES = {
    "key order and spaces": b'{ "stream" : false,\t"model":"m",  "a":1}\n',
    "duplicate keys": b'{"model":"a","model":"m","stream":true,"stream":false}',
    "big integers": b'{"model":"m","seed":123456789012345678901234567890,"x":1e400,"y":-0.0}',
    "invalid JSON": b'{"model":"m",]',
    "not UTF-8": b'{"model":"m\xff\xfe"}',
    "a NUL": b'{"model":"m\x00"}',
    "a byte order mark": b'\xef\xbb\xbf{"model":"m"}',
    "nothing": b"",
    "one byte": b"{",
    "deep": b"[" * 100_000,
    "3 MiB": b'{"model":"m","prompt":"' + b"x" * 3 * 2**20 + b'"}',
    "looks like HTTP": b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
    "ends of chunks": b"0\r\n\r\n0\r\n\r\n",
}
HEADERS = [("content-TYPE", "application/json; a=b"), ("X-Twice", "1"), ("x-twice", "2"), ("Authorization", "Bearer k")]


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_the_body_arrives_as_it_was_sent(
    exporter: Exporter, upstream: Upstream, body: bytes, framing: str, tag: str
) -> None:
    upstream.script = answering(response(DONE))
    headers = [*HEADERS, ("X-Herd-Tags", tag)]
    data = request("/api/chat", body, headers=headers)
    if framing == "chunked":
        head = request("/api/chat", b"", headers=[*headers, ("Transfer-Encoding", "chunked")])
        pieces = [body[at : at + 70_000] for at in range(0, len(body), 70_000)]
        data = head.replace(b"Content-Length: 0\r\n", b"") + chunked(*pieces)
    reply = exporter.ask(data)
    assert (reply.status, reply.body) == (200, DONE)
    [call] = upstream.calls
    assert call.body == body
    sent = [(name.encode(), value.encode()) for name, value in headers]
    assert [one for one in call.head.headers if one[0].lower() not in HOP] == sent
    assert upstream.torn == []
    assert len(exporter.tagged(tag)) == 1


def test_chunks_cut_anywhere_arrive_whole(exporter: Exporter, upstream: Upstream) -> None:
    upstream.script = answering(response(DONE))
    head = request("/api/chat", headers=[("Transfer-Encoding", "chunked")]).replace(b"Content-Length: 0\r\n", b"")
    data = head + chunked(b'{"model":', b'"m"', b"}")
    for cut in range(1, len(data)):
        with exporter.wire() as wire:
            assert wire.send(data[:cut], data[cut:], pause=0.001).reply().status == 200
    assert {call.body for call in upstream.calls} == {b'{"model":"m"}'}
    assert len(upstream.calls) == len(data) - 1


def test_the_upstream_gets_the_first_bytes_before_the_last_are_sent(exporter: Exporter, upstream: Upstream) -> None:
    upstream.script = answering(response(DONE))
    data = request("/api/chat", b"x" * 100_000)
    with exporter.wire() as wire:
        wire.send(data[:50_000])
        assert upstream.call().body is None
        assert wire.send(data[50_000:]).reply().status == 200
    assert upstream.call().body == b"x" * 100_000


def test_a_client_that_waits_for_100_gets_it_and_its_body_arrives(exporter: Exporter, upstream: Upstream) -> None:
    def script(call: Call) -> None:
        if call.head.get("Expect"):
            time.sleep(0.05)
            call.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        call.read()
        call.send(response(DONE))

    upstream.script = script
    data = request(body=b'{"model":"m"}', headers=[("Expect", "100-continue")])
    with exporter.wire(timeout=3) as wire:
        wire.send(data[:-13])
        assert wire.bytes.head().status == 100
        assert wire.send(data[-13:]).reply().status == 200
    assert [call.body for call in upstream.calls] == [b'{"model":"m"}']


def test_a_client_that_waits_for_100_can_be_refused(exporter: Exporter, upstream: Upstream) -> None:
    def refuse(call: Call) -> None:
        call.send(response(b"{}", "417 Expectation Failed", [("Connection", "close")]))
        call.keep = False

    upstream.script = refuse
    data = request(body=b"x" * 13, headers=[("Expect", "100-continue")])
    with exporter.wire(timeout=3) as wire:
        assert wire.send(data[:-13]).reply().status == 417


@pytest.mark.parametrize("keep", [True, False], ids=["reads on", "hangs up"])
def test_an_answer_that_comes_before_the_body_was_read_reaches_the_client(
    exporter: Exporter, upstream: Upstream, keep: bool
) -> None:
    def too_large(call: Call) -> None:
        call.send(response(b'{"error":"too large"}', "413 Content Too Large"))
        if keep:
            call.read()

    upstream.script = too_large
    size = 2**20
    data = request(body=b"x" * size)
    with exporter.wire(timeout=5) as wire:
        wire.send(data[: -size // 2])
        reply = wire.reply()
    assert (reply.status, reply.body, reply.whole) == (413, b'{"error":"too large"}', True)


def test_a_body_after_an_early_answer_is_never_taken_for_a_request(exporter: Exporter, upstream: Upstream) -> None:
    upstream.script = lambda call: call.send(response(b"{}", "413 Content Too Large"))
    smuggled = request("/smuggled", method="GET")
    data = request(body=b"x" * 1000 + smuggled)
    with exporter.wire(timeout=5) as wire:
        wire.send(data[: -len(smuggled)])
        assert wire.reply().status == 413
        wire.closed(0.3)
    with exporter.wire(timeout=5) as wire:
        wire.send(data).reply()
        wire.closed(0.3)
    assert b"/smuggled" not in [call.head.target for call in upstream.calls]


def test_requests_sent_at_once_are_answered_in_their_order(exporter: Exporter, upstream: Upstream) -> None:
    def echo(call: Call) -> None:
        call.read()
        call.send(response(call.head.target))

    upstream.script = echo
    targets = [b"/api/tags?%d" % number for number in range(20)]
    with exporter.wire() as wire:
        wire.send(b"".join(request(target, method="GET") for target in targets))
        assert [wire.reply("GET").body for _ in targets] == targets
    assert [call.head.target for call in upstream.calls] == targets
