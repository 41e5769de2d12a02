"""Fault 3: status, reason and headers of an answer reach the client as they were, on streams and errors too."""

from __future__ import annotations

import gzip
import zlib

import pytest

from tests.exporter.support.process import Exporter, eventually
from tests.exporter.support.upstream import Upstream, answering, ndjson
from tests.exporter.support.wire import Reply, request, response

DONE = (
    b'{"model":"m","message":{"content":"x"},"done":true,"done_reason":"stop","prompt_eval_count":5,"eval_count":3}\n'
)
FRAMING = {b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"te", b"trailer", b"upgrade"}


def told(reply: Reply) -> list[tuple[bytes, bytes]]:
    """The headers that the server gave, without those of the connection."""
    return [one for one in reply.head.headers if one[0].lower() not in FRAMING]


@pytest.mark.parametrize(
    ("status", "status_told", "reason"),
    [
        ("429 Too Many Requests", "rejected", "rejected"),
        ("503 Service Unavailable", "rejected", "rejected"),
        ("500 Internal Server Error", "failed", "upstream_error"),
        ("502 Bad Gateway", "failed", "upstream_error"),
        ("404 Not Found", "failed", "client_error"),
    ],
)
@pytest.mark.parametrize("media", ["application/json", "text/event-stream", "application/x-ndjson"])
def test_a_refusal_of_a_stream_keeps_its_status_and_headers(
    exporter: Exporter, upstream: Upstream, tag: str, status: str, status_told: str, reason: str, media: str
) -> None:
    headers = [("Content-Type", media), ("Retry-After", "7"), ("X-Ratelimit-Remaining", "0")]
    upstream.script = answering(response([b'{"error":"no"}'], status, headers))
    before = exporter.metrics().sum("inferometer_request_failures_total", reason=reason)
    body = b'{"model":"listed","stream":true}'
    reply = exporter.ask(request("/api/chat", body, headers=[("X-Herd-Tags", tag)]))
    assert reply.head.start == b"HTTP/1.1 " + status.encode()
    assert told(reply) == [(name.encode(), value.encode()) for name, value in headers]
    assert (reply.body, reply.whole) == (b'{"error":"no"}', True)
    [row] = exporter.tagged(tag)
    assert (row["status"], row["http_status"]) == (status_told, int(status[:3]))
    eventually(lambda: exporter.metrics().sum("inferometer_request_failures_total", reason=reason) == before + 1)


def test_headers_keep_their_order_spelling_and_number(exporter: Exporter, upstream: Upstream) -> None:
    headers = [
        *(("Set-Cookie", "a=1; Path=/"), ("content-TYPE", "application/json"), ("Set-Cookie", "b=2")),
        *(("X-Empty", ""), ("Server", "other/1"), ("Date", "Sat, 21 Nov 2026 00:44:40 GMT"), ("x_under", "score")),
        *(("X-Latin", "caf\xe9"), ("Via", "1.1 before")),
    ]
    upstream.script = answering(response(DONE, headers=headers))
    reply = exporter.ask(request(body=b"{}"))
    assert told(reply) == [(name.encode(), value.encode("latin-1")) for name, value in headers]


def test_nothing_tells_that_the_exporter_is_there(exporter: Exporter, upstream: Upstream) -> None:
    upstream.script = answering(response(DONE, headers=[]))
    reply = exporter.ask(request(body=b"{}"))
    assert told(reply) == []
    [call] = upstream.calls
    assert {name.lower() for name, _ in call.head.headers} <= {b"host", b"content-length", b"connection"}


def packed(coding: str) -> bytes:
    if coding == "gzip":
        return gzip.compress(DONE)
    return zlib.compress(DONE) if coding == "deflate" else bytes(range(256))


@pytest.mark.parametrize(("coding", "tokens"), [("gzip", (5, 3)), ("deflate", (5, 3)), ("br", (None, None))])
@pytest.mark.parametrize("split", [1, 7, 10_000])
def test_packed_answers_stay_packed_and_count_where_they_can_be_read(
    exporter: Exporter, upstream: Upstream, tag: str, coding: str, tokens: tuple[int | None, int | None], split: int
) -> None:
    body = packed(coding)
    pieces = [body[at : at + split] for at in range(0, len(body), split)]
    headers = [("Content-Type", "application/x-ndjson"), ("Content-Encoding", coding)]
    upstream.script = answering(response(pieces, headers=headers))
    asked = [("Accept-Encoding", coding), ("X-Herd-Tags", tag)]
    reply = exporter.ask(request("/api/chat", b'{"model":"m"}', headers=asked))
    assert (reply.body, reply.whole) == (body, True)
    assert reply.head.all("Content-Encoding") == [coding.encode()]
    assert upstream.call().head.all("Accept-Encoding") == [coding.encode()]
    [row] = exporter.tagged(tag)
    assert (row["prompt_tokens"], row["completion_tokens"]) == tokens


def test_gzip_cut_anywhere_is_counted(exporter: Exporter, upstream: Upstream, tag: str) -> None:
    whole = ndjson([gzip.compress(DONE)]).replace(b"\r\n", b"\r\nContent-Encoding: gzip\r\n", 1)
    cuts = range(1, len(whole), 9)
    for cut in cuts:
        upstream.script = answering(whole[:cut], whole[cut:], pause=0.001)
        assert exporter.ask(request(body=b'{"model":"m"}', headers=[("X-Herd-Tags", tag)])).whole
    rows = exporter.tagged(tag, len(cuts))
    assert {(row["prompt_tokens"], row["completion_tokens"]) for row in rows} == {(5, 3)}


@pytest.mark.parametrize("start", ["204 No Content", "304 Not Modified"])
def test_answers_without_a_body_end_at_once(exporter: Exporter, upstream: Upstream, start: str) -> None:
    upstream.script = answering(f"HTTP/1.1 {start}\r\nETag: x\r\n\r\n".encode())
    with exporter.wire(timeout=3) as wire:
        for _ in range(2):
            reply = wire.send(request("/api/tags", method="GET")).reply("GET")
            assert (reply.status, reply.head.get("ETag")) == (int(start[:3]), b"x")


def test_head_has_the_length_and_no_body(exporter: Exporter, upstream: Upstream) -> None:
    upstream.script = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n")
    with exporter.wire(timeout=3) as wire:
        for _ in range(2):
            reply = wire.send(request("/", method="HEAD")).reply("HEAD")
            assert (reply.status, reply.head.get("Content-Length")) == (200, b"17")


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_body_that_ends_with_the_connection_is_whole(exporter: Exporter, upstream: Upstream, version: str) -> None:
    upstream.script = answering(f"HTTP/{version} 200 OK\r\n\r\n".encode(), b"abc", b"def", pause=0.02, keep=False)
    reply = exporter.ask(request("/api/tags", method="GET"))
    assert (reply.body, reply.whole) == (b"abcdef", True)


def test_an_interim_answer_comes_through_before_the_answer(exporter: Exporter, upstream: Upstream) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    upstream.script = answering(early, response(DONE), pause=0.02)
    reply = exporter.ask(request(body=b"{}"))
    assert (reply.status, reply.body, reply.whole) == (200, DONE, True)
    assert reply.interim == (103,)
