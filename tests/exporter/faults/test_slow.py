"""Fault 9: clients that send slowly, never read or only wait cost little and change nothing for the others."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.exporter.support.process import Exporter, eventually
from tests.exporter.support.upstream import Call, Upstream, answering
from tests.exporter.support.wire import Wire, request, response

MIB = 2**20
ROOM = 16 * MIB
"""How much more memory a huge body or a crowd may cost."""

IMPATIENT = """
admin: {admin}
store: {store}
timeouts: {{request_head: 1s, idle: 20s}}
backends:
  - {{name: box, engine: ollama, urls: ["{upstream}"], listen: "{proxy}"}}
"""


@pytest.fixture(scope="module")
def impatient(shared_upstream: Upstream) -> Iterator[Exporter]:
    """An exporter that waits a second for a request's headers."""
    with Exporter(shared_upstream.url, config=IMPATIENT) as started:
        yield started


@pytest.mark.parametrize("sent", [b"", b"POST /api/chat HT", b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nX: "])
def test_headers_that_do_not_come_in_time_end_the_connection(
    impatient: Exporter, upstream: Upstream, sent: bytes
) -> None:
    with impatient.wire() as wire:
        began = time.monotonic()
        wire.send(sent)
        if sent:
            assert wire.closed(4)
            assert time.monotonic() - began >= 0.5
    assert upstream.calls == []


def test_a_byte_now_and_then_does_not_win_time(impatient: Exporter, upstream: Upstream) -> None:
    data = request(headers=[("X", "y" * 50)])
    with impatient.wire() as wire:
        began = time.monotonic()
        sent = 0
        while sent < len(data) and not wire.answered(0.1):
            wire.send(data[sent : sent + 1])
            sent += 1
        assert time.monotonic() - began < 4
        assert sent < len(data)
        assert wire.closed()
        assert not wire.bytes.seen.startswith(b"HTTP/1.1 200")
    assert upstream.calls == []


def test_a_kept_connection_may_wait_longer_than_headers_may_take(impatient: Exporter, upstream: Upstream) -> None:
    upstream.script = answering(response(b"{}"))
    with impatient.wire() as wire:
        assert wire.send(request(body=b"{}")).reply().status == 200
        time.sleep(2)
        assert wire.send(request(body=b"{}")).reply().status == 200


@pytest.mark.slow
def test_a_body_that_trickles_is_cut_and_the_upstream_told(exporter: Exporter, upstream: Upstream) -> None:
    """256 bytes/s on average once 10 s have passed; here it is 10 bytes/s."""
    data = request(body=b"x" * 10_000)
    head, body = data[:-10_000], data[-10_000:]
    with exporter.wire(timeout=1) as wire:
        wire.send(head)
        began = time.monotonic()
        try:
            wire.send(*(body[at : at + 1] for at in range(300)), pause=0.1)
        except OSError:
            pass
        else:
            pytest.fail("a body at 10 bytes/s was taken for half a minute")
        assert 9 <= time.monotonic() - began <= 20
    assert [call.body for call in upstream.calls] in ([], [None])


def crowd(exporter: Exporter, size: int, stack: ExitStack, data: bytes = b"", **options: int) -> list[Wire]:
    wires = [stack.enter_context(exporter.wire(**options)) for _ in range(size)]
    for wire in wires:
        wire.send(data)
    return wires


@pytest.fixture
def many_files() -> Iterator[None]:
    """Room for the sockets of a crowd in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4096), hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_a_thousand_idle_clients_change_nothing_for_the_others(exporter: Exporter, upstream: Upstream) -> None:
    upstream.script = answering(response(b"{}"))
    exporter.ask(request(body=b"{}"))
    before = exporter.rss()
    with ExitStack() as stack:
        crowd(exporter, 1000, stack)
        began = time.monotonic()
        assert [exporter.ask(request(body=b"{}")).status for _ in range(50)] == [200] * 50
        assert time.monotonic() - began < 5
        assert exporter.rss() - before <= ROOM


def flood(size: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % size


def test_a_hundred_clients_that_never_read_change_nothing_for_the_others(
    exporter: Exporter, upstream: Upstream
) -> None:
    def script(call: Call) -> None:
        call.read()
        if call.head.target == b"/flood":
            call.send(flood(64 * MIB))
            call.socket.settimeout(20)
            for _ in range(64):
                call.send(bytes(MIB))
        else:
            call.send(response(b"{}"))

    upstream.script = script
    exporter.ask(request(body=b"{}"))
    before = exporter.rss()
    with ExitStack() as stack:
        crowd(exporter, 100, stack, request("/flood", method="GET"), receive_buffer=4096)
        upstream.call(99)
        time.sleep(1)
        began = time.monotonic()
        assert [exporter.ask(request(body=b"{}")).status for _ in range(50)] == [200] * 50
        assert time.monotonic() - began < 5
        assert exporter.rss() - before <= ROOM + 100 * 256 * 1024
    eventually(lambda: upstream.open < 100, timeout=10)


def huge(call: Call) -> None:
    """`/down/N` sends N bytes as fast as they are taken; any other path takes a body, after a pause, and counts it."""
    if call.head.target.startswith(b"/down/"):
        call.read()
        size = int(call.head.target.rpartition(b"/")[2])
        call.send(flood(size))
        piece = bytes(MIB)
        for _ in range(size // MIB):
            call.send(piece)
    else:
        time.sleep(STALL)
        call.send(response(b"%d" % call.swallow()))


STALL = 1.0
SIZES = [pytest.param(256 * MIB, id="256 MiB"), pytest.param(1024 * MIB, id="1 GiB", marks=pytest.mark.slow)]


@pytest.mark.parametrize("size", SIZES)
def test_a_huge_answer_and_a_reader_that_stalls_cost_no_memory(
    exporter: Exporter, upstream: Upstream, size: int
) -> None:
    upstream.script = huge
    exporter.ask(request("/down/0", method="GET"))
    before = exporter.forget_peak()
    with exporter.wire(timeout=60) as wire:
        wire.send(request(f"/down/{size}", method="GET"))
        head = wire.bytes.head()
        time.sleep(STALL)
        assert exporter.rss() - before <= ROOM
        assert wire.bytes.swallow(size) == size
    assert head.get("Content-Length") == b"%d" % size
    assert exporter.peak() - before <= ROOM


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("target", ["/up", "/api/chat"])
def test_a_huge_request_and_an_upstream_that_stalls_cost_no_memory(
    exporter: Exporter, upstream: Upstream, size: int, target: str
) -> None:
    upstream.script = huge
    exporter.ask(request("/down/0", method="GET"))
    before = exporter.forget_peak()
    piece = bytes(MIB)
    with exporter.wire(timeout=60) as wire:
        wire.send(request(target, headers=[("Content-Length", str(size))]).replace(b"Content-Length: 0\r\n", b""))
        for _ in range(size // MIB):
            wire.send(piece)
        assert wire.reply().body == b"%d" % size
    assert exporter.peak() - before <= ROOM
