"""Fault 8: requests whose framing is malformed are refused or re-framed. One request sent is never two upstream."""

from __future__ import annotations

import time

import pytest

from tests.exporter.support.process import Exporter
from tests.exporter.support.upstream import Upstream, answering
from tests.exporter.support.wire import Torn, request, response

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
HOST = b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = HOST + b"Transfer-Encoding: chunked\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(SMUGGLED)
REFUSED = (400, 411, 414, 417, 431, 501, 505)

FORBIDDEN = {
    "length and chunked": CHUNKED + LENGTH + b"\r\n0\r\n\r\n" + SMUGGLED,
    "chunked and length": HOST + LENGTH + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "two lengths": HOST + b"Content-Length: 0\r\n" + LENGTH + b"\r\n" + SMUGGLED,
    "two lengths in one": HOST + b"Content-Length: 0, %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED,
    "+5": HOST + b"Content-Length: +5\r\n\r\nabcde" + SMUGGLED,
    "-1": HOST + b"Content-Length: -1\r\n\r\n" + SMUGGLED,
    "0x": HOST + b"Content-Length: 0x5\r\n\r\nabcde" + SMUGGLED,
    "5 5": HOST + b"Content-Length: 5 5\r\n\r\nabcde" + SMUGGLED,
    "an empty length": HOST + b"Content-Length:\r\n\r\n" + SMUGGLED,
    "a length beyond 64 bits": HOST + b"Content-Length: 18446744073709551621\r\n\r\nabcde" + SMUGGLED,
    "bare LF": HOST.replace(b"\r\n", b"\n") + b"Content-Length: 0\n\n" + SMUGGLED,
    "one bare LF": HOST[:-2] + b"\nContent-Length: 0\r\n\r\n" + SMUGGLED,
    "a bare CR": HOST[:-2] + b"\rX: y\r\n\r\n" + SMUGGLED,
    "a chunk without its end": CHUNKED + b"\r\n3\r\nabcX\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk that ends in LF": CHUNKED + b"\r\n3\nabc\n0\n\n" + SMUGGLED,
    "a negative chunk": CHUNKED + b"\r\n-3\r\nabc\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk size with 0x": CHUNKED + b"\r\n0x3\r\nabc\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk size beyond 64 bits": CHUNKED + b"\r\n10000000000000003\r\nabc\r\n0\r\n\r\n" + SMUGGLED,
    "a folded header": HOST + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n" + SMUGGLED,
    "a folded coding": HOST + b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a NUL in a header": HOST + b"X: a\x00b\r\n\r\n" + SMUGGLED,
    "a NUL in a name": HOST + b"X\x00: a\r\n\r\n" + SMUGGLED,
    "a space before the colon": HOST + b"Content-Length : 5\r\n\r\nabcde" + SMUGGLED,
    "no name": HOST + b": a\r\n\r\n" + SMUGGLED,
    "no colon": HOST + b"abc\r\n\r\n" + SMUGGLED,
    "1.0 with chunked": HOST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunked twice": CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunked, then gzip": HOST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a coding of no one": HOST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunked, identity": HOST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "gzip, chunked": HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "identity": HOST + b"Transfer-Encoding: identity\r\n" + LENGTH + b"\r\n" + SMUGGLED,
    "100 KB of header": HOST + b"X: " + b"y" * 100_000 + b"\r\n\r\n" + SMUGGLED,
    "1,000 headers": HOST + b"".join(b"X-%d: y\r\n" % one for one in range(1000)) + b"\r\n" + SMUGGLED,
    "100 KB of target": b"GET /" + b"y" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n" + SMUGGLED,
    "100 KB of method": b"G" * 100_000 + b" / HTTP/1.1\r\nHost: localhost\r\n\r\n" + SMUGGLED,
    "a space in the target": b"GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n" + SMUGGLED,
    "a control in the target": b"GET /\x01 HTTP/1.1\r\nHost: localhost\r\n\r\n" + SMUGGLED,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SMUGGLED,
    "HTTP/0.9": b"GET /\r\n\r\n" + SMUGGLED,
    "HTTP/1.2": b"GET / HTTP/1.2\r\nHost: localhost\r\n\r\n" + SMUGGLED,
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 500,
    "two hosts": HOST + b"Host: 127.0.0.1\r\nContent-Length: 0\r\n\r\n" + SMUGGLED,
}
LENIENT = {"two hosts", "gzip, chunked", "identity", "two lengths in one", "HTTP/1.2"}
"""What may also be re-framed into one correct request: then the upstream sees that one."""

PIECES = {"in one piece": 10**9, "byte by byte": 1}


@pytest.mark.parametrize("pieces", PIECES)
@pytest.mark.parametrize("name", FORBIDDEN)
def test_malformed_framing_is_refused_and_not_forwarded(
    exporter: Exporter, upstream: Upstream, name: str, pieces: str
) -> None:
    upstream.script = answering(response(b"{}"))
    data = FORBIDDEN[name]
    size = PIECES[pieces] if len(data) < 2000 else 50_000
    status = 0
    with exporter.wire(timeout=5) as wire:
        try:
            for at in range(0, len(data), size):
                wire.send(data[at : at + size])
            status = wire.reply().status
        except (OSError, Torn):
            pass  # refused while it was still sent: the connection ended, which is as good
        wire.closed(0.2)
    assert b"/smuggled" not in [call.head.target for call in upstream.calls]
    whole = [call for call in upstream.calls if call.body is not None]
    if name in LENIENT:
        assert len(upstream.calls) <= 1
        assert upstream.torn == []
    else:
        assert status in (0, *REFUSED)
        assert whole == []


def test_a_refusal_says_so_and_ends_the_connection(exporter: Exporter, upstream: Upstream) -> None:
    for name in ("length and chunked", "+5", "a folded header", "a space before the colon"):
        with exporter.wire(timeout=5) as wire:
            reply = wire.send(FORBIDDEN[name]).reply()
            assert reply.status in REFUSED, name
            assert reply.whole, name
            assert wire.closed(2), name
    assert upstream.calls == []


def test_refusals_are_counted_as_the_clients_or_not_at_all(exporter: Exporter, upstream: Upstream) -> None:
    before = exporter.metrics()
    for _ in range(5):
        exporter.ask(FORBIDDEN["+5"])
    after = exporter.metrics()
    name = "inferometer_request_failures_total"
    caused = after.sum(name, reason="client_error") - before.sum(name, reason="client_error")
    assert after.sum(name) - before.sum(name) == caused
    assert upstream.calls == []


def test_headers_with_an_underscore_stay_or_are_refused_but_are_never_rewritten(
    exporter: Exporter, upstream: Upstream
) -> None:
    upstream.script = answering(response(b"{}"))
    headers = [("X_Forwarded_For", "1"), ("Content_Length", "5")]
    reply = exporter.ask(request(body=b"{}", headers=headers))
    if reply.status == 200:
        assert upstream.call().body == b"{}"
        assert upstream.call().head.all("X-Forwarded-For") == []
        assert len(upstream.call().head.all("Content-Length")) == 1
    else:
        assert reply.status in REFUSED
        assert upstream.calls == []


def test_two_equal_lengths_are_refused_or_become_one(exporter: Exporter, upstream: Upstream) -> None:
    upstream.script = answering(response(b"{}"))
    reply = exporter.ask(HOST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}")
    if reply.status == 200:
        assert upstream.call().head.all("Content-Length") == [b"2"]
        assert upstream.call().body == b"{}"
    else:
        assert reply.status == 400
        assert upstream.calls == []


def test_trailers_and_chunk_extensions_do_not_reach_the_upstream_as_headers(
    exporter: Exporter, upstream: Upstream
) -> None:
    upstream.script = answering(response(b"{}"))
    reply = exporter.ask(CHUNKED + b"\r\n2;a=b\r\n{}\r\n0\r\nX-Trailer: 1\r\nContent-Length: 9\r\n\r\n")
    time.sleep(0.05)
    assert upstream.torn == []
    if reply.status == 200:
        assert [call.body for call in upstream.calls] == [b"{}"]
        assert upstream.call().head.get("X-Trailer") is None
    else:
        assert reply.status in REFUSED


def test_an_old_client_gets_an_answer_that_it_can_read(exporter: Exporter, upstream: Upstream) -> None:
    """HTTP/1.0 knows no chunks: the body's end is the connection's."""
    upstream.script = answering(response([b"one", b"two"]))
    reply = exporter.ask(b"POST /api/chat HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}")
    assert (reply.status, reply.framing, reply.body) == (200, "close", b"onetwo")


def test_empty_lines_before_a_request_do_no_harm(exporter: Exporter, upstream: Upstream) -> None:
    upstream.script = answering(response(b"{}"))
    assert exporter.ask(b"\r\n\r\n" + request(body=b"{}")).status == 200
    assert len(upstream.calls) == 1
