"""Fault 9, where it is easy to lose: back-pressure while a connection is opened, changed, or waited for in turn."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from tests.exporter.support.process import Exporter
from tests.exporter.support.upstream import Call, Upstream, in_turn
from tests.exporter.support.wire import HOST, request, response
from tests.parts.process import free_port

MIB = 2**20
ROOM = 16 * MIB
SIZE = 128 * MIB


def begin(target: str) -> bytes:
    """The head of a request whose body is SIZE bytes."""
    return request(target, headers=[("Content-Length", str(SIZE))]).replace(b"Content-Length: 0\r\n", b"")


def pump(wire: object, count: int = SIZE // MIB) -> threading.Thread:
    """Sends the body as fast as it is taken, beside the test."""

    def run() -> None:
        piece = bytes(MIB)
        for _ in range(count):
            wire.send(piece)  # type: ignore[attr-defined]

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def stalled(call: Call) -> None:
    """Takes the body after a while."""
    time.sleep(1.5)
    call.send(response(b"%d" % call.swallow()))


def test_a_body_that_comes_while_it_waits_for_its_turn_costs_no_memory(exporter: Exporter, upstream: Upstream) -> None:
    go = threading.Event()

    def first(call: Call) -> None:
        call.read()
        go.wait(10)
        call.send(response(b"1"))

    upstream.script = in_turn(first, stalled)
    before = exporter.forget_peak()
    with exporter.wire(timeout=30) as wire:
        wire.send(request("/first", method="GET") + begin("/second"))
        sending = pump(wire)
        time.sleep(0.3)
        go.set()
        assert wire.reply("GET").body == b"1"
        assert wire.reply().body == b"%d" % SIZE
        sending.join()
    assert exporter.peak() - before <= ROOM


@pytest.fixture
def late() -> Iterator[tuple[socket.socket, str]]:
    """A listener whose queue of connections is full, so that the next one is opened when it takes one; its address."""
    with ExitStack() as stack:
        listener = stack.enter_context(closing(socket.create_server((HOST, 0), backlog=0)))
        for _ in range(2):
            filler = stack.enter_context(closing(socket.socket()))
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener, f"http://{HOST}:{listener.getsockname()[1]}"


def test_a_body_that_comes_while_the_connection_is_opened_costs_no_memory(late: tuple[socket.socket, str]) -> None:
    listener, url = late
    with Exporter(url, engine="openai") as exporter, ExitStack() as stack:
        time.sleep(0.5)
        before = exporter.forget_peak()
        wire = stack.enter_context(exporter.wire(timeout=30))
        wire.send(begin("/up"))
        sending = pump(wire)
        time.sleep(0.5)
        taken = []
        listener.settimeout(5)
        deadline = time.monotonic() + 6
        found = None
        while found is None and time.monotonic() < deadline:
            connection, _ = listener.accept()
            stack.enter_context(closing(connection))
            connection.settimeout(1)
            taken.append(connection)
            for one in taken:
                one.setblocking(False)
                try:
                    head = one.recv(64, socket.MSG_PEEK)
                except BlockingIOError:
                    continue
                if head.startswith(b"POST /up"):
                    found = one
        assert found is not None
        time.sleep(1.5)
        assert exporter.rss() - before <= ROOM
        found.setblocking(True)
        got = 0
        while got < SIZE:
            got += len(found.recv(MIB))
        found.sendall(response(b"whole"))
        assert wire.reply().body == b"whole"
        sending.join()


def test_a_large_body_goes_on_at_the_next_address_where_the_first_one_refuses(upstream: Upstream) -> None:
    dead = f"http://{HOST}:{free_port()}"
    upstream.script = lambda call: call.send(response(b"%d" % call.swallow()))
    with Exporter(dead, "--backend", upstream.url, engine="openai") as exporter:
        assert exporter.ask(request("/first", b"x")).body == b"1"  # leaves a kept connection to the second address
        time.sleep(5.5)  # until the first one is asked again
        with exporter.wire(timeout=10) as wire:
            wire.send(begin("/up"))
            sending = pump(wire)
            assert wire.reply().body == b"%d" % SIZE
            sending.join()
