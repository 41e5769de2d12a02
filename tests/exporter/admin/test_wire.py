"""HTTP of the admin port, over real sockets: what is refused, how long a client may take, and how many may come."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Literal

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from inferometer_exporter.admin import connection
from tests.exporter.admin.site import Site, headers, serving
from tests.exporter.support.wire import Torn, Wire, request

HEALTH = request("/healthz", method="GET")


@pytest.fixture(scope="module", params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    with serving(new_loop=request.param) as running:
        yield running


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/metrics", "/api/v1/recent", "/nowhere"])
def test_only_get_and_head_are_allowed(site: Site, method: str, path: str) -> None:
    reply = site.raw(request(path, b"{}", method))
    assert reply.status == 405
    assert reply.head.get("Allow") == b"GET, HEAD"


def test_a_client_that_sends_a_large_body_still_reads_why_it_is_refused(site: Site) -> None:
    with site.wire() as wire:
        wire.send(b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 400000\r\n\r\n", b"x" * 400_000)
        assert wire.reply().status == 405


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /healthz\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost : localhost\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n folded: yes\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nA: \x00\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: +0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
        b"GET http://elsewhere/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"hello\r\n\r\n",
    ],
)
def test_what_is_no_plain_request_is_a_400_and_ends_the_connection(site: Site, sent: bytes) -> None:
    with site.wire() as wire:
        assert wire.send(sent).reply().status == 400
        assert wire.closed(5)


@pytest.mark.parametrize("padding", [b"A: " + b"x" * 20_000, b"\r\n".join(b"A%d: b" % n for n in range(3000))])
def test_a_head_of_more_than_16_kib_is_refused(site: Site, padding: bytes) -> None:
    reply = site.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + padding)
    assert reply.status == 431


def test_a_long_target_is_a_head_too(site: Site) -> None:
    assert site.raw(b"GET /" + b"x" * 100_000).status == 431


def test_a_head_of_12_kib_is_read(site: Site) -> None:
    assert site.get("/healthz", [("Cookie", "x" * 12_000)]).status == 200


def test_head_has_the_headers_of_get_and_no_body(site: Site) -> None:
    for path in ("/healthz", "/", "/static/page.js", "/api/v1/", "/nowhere"):
        got, head = site.get(path), site.get(path, method="HEAD")
        assert (head.status, head.body) == (got.status, b"")
        assert headers(head) | {"date": ""} == headers(got) | {"date": ""}


def test_requests_in_one_connection_are_answered_in_their_order(site: Site) -> None:
    paths = ["/healthz", "/nowhere", "/readyz", "/api/v1/summary", "/metrics", "/healthz"] * 10
    with site.wire() as wire:
        wire.send(b"".join(request(path, method="GET") for path in paths))
        answers = [wire.reply() for _ in paths]
    assert [reply.status for reply in answers] == [200, 404, 200, 200, 200, 200] * 10
    assert answers[4].body.startswith(b"# HELP")


def test_a_request_may_come_byte_by_byte(site: Site) -> None:
    with site.wire() as wire:
        assert wire.send(*(bytes([one]) for one in HEALTH)).reply().status == 200


def test_http_1_0_is_answered_and_closed(site: Site) -> None:
    with site.wire() as wire:
        assert wire.send(b"GET /healthz HTTP/1.0\r\n\r\n").reply().status == 200
        assert wire.closed(5)


def test_connection_close_is_heeded(site: Site) -> None:
    with site.wire() as wire:
        reply = wire.send(request("/healthz", method="GET", headers=[("Connection", "close")])).reply()
        assert reply.head.get("Connection") == b"close"
        assert wire.closed(5)


def test_a_client_that_has_said_all_still_gets_its_answer(site: Site) -> None:
    with site.wire() as wire:
        wire.send(request("/metrics", method="GET"))
        wire.half_close()
        assert wire.reply().status == 200
        assert wire.closed(5)


@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
@pytest.mark.parametrize("last", ["close", "keep-alive"])
@pytest.mark.parametrize("how", ["fin", "reset"])
def test_a_client_that_leaves_before_its_answer_leaves_no_trace(
    site: Site, how: Literal["fin", "reset"], last: str, path: str
) -> None:
    """What is left behind fails the fixture: it looks at errors that nobody caught."""
    for _ in range(20):
        with site.wire() as wire:
            wire.send(request(path, method="GET", headers=[("Connection", last)]))
            wire.leave(how)
    assert site.get("/healthz").status == 200


def test_another_protocol_is_not_spoken(site: Site) -> None:
    wanted = [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABk")]
    assert site.get("/healthz", wanted).status == 200


def test_a_client_that_does_not_finish_its_head_is_cut(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.2)
    with site.wire() as wire:
        assert wire.send(b"GET /healthz HTT").reply().status == 408
        assert wire.closed(5)


def test_a_client_that_says_nothing_is_cut(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.2)
    with site.wire() as wire:
        assert wire.closed(5)


def test_a_kept_connection_that_asks_nothing_is_cut(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "IDLE_SECONDS", 0.2)
    with site.wire() as wire:
        assert wire.send(HEALTH).reply().status == 200
        assert wire.closed(5)


def test_a_client_that_never_reads_is_cut(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "STALL_SECONDS", 0.3)
    ask = request("/static/tabs.js", method="GET")
    with Wire(site.server.port, receive_buffer=4096) as wire:
        asking = (wire.send(ask * 100) for _ in range(3000))
        with pytest.raises((ConnectionError, TimeoutError)):
            list(asking)
        assert wire.closed(5)
    assert site.get("/healthz").status == 200


def test_more_clients_than_allowed_push_out_the_oldest_that_is_idle(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MAX_CONNECTIONS", 5)
    idle = [site.wire() for _ in range(20)]
    try:
        assert site.get("/healthz").status == 200
        assert idle[0].closed(5)
        assert idle[-1].send(HEALTH).reply().status == 200
    finally:
        for wire in idle:
            wire.leave("fin")


PIECES = (
    *(b"GET ", b"POST ", b"/healthz ", b"/api/v1/summary?a=%zz ", b"//x ", b"HTTP/1.1", b"HTTP/1.0", b"\r\n", b"\n"),
    *(b"Host: localhost\r\n", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"\r\n\r\n"),
    *(b"Accept: */*;q=x\r\n", b"Accept-Encoding: gzip;q=\xff\r\n", b"Authorization: Basic =\r\n"),
    *(b"Connection: upgrade\r\n", b"Upgrade: h2c\r\n", b"GET /metrics HTTP/1.1\r\n", HEALTH),
)


@settings(max_examples=300)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.binary(min_size=1, max_size=20)), min_size=1, max_size=12))
def test_no_bytes_harm_the_port(site: Site, noise: list[bytes]) -> None:
    with site.wire() as wire:
        wire.send(b"".join(noise))
        wire.half_close()
        try:
            assert wire.reply().status in (200, 400, 404, 405, 408, 421, 431)
        except Torn:
            assert wire.closed(5)
    assert site.get("/healthz").body == b"ok\n"


def test_no_socket_stays_open_after_stop() -> None:
    with serving() as running:
        port = running.server.port
        wire = running.wire()
        assert wire.send(HEALTH).reply().status == 200
    assert wire.closed(5)
    wire.leave("fin")
    with pytest.raises(ConnectionError):
        socket.create_connection(("127.0.0.1", port), 2).close()
