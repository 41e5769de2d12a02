"""Back-pressure where it is easy to lose: while a connection is opened, in turn, at the end, and after a long pause."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from tests.exporter.support.process import Exporter, eventually
from tests.exporter.support.upstream import Call, Upstream, answering, in_turn
from tests.exporter.support.wire import HOST, Wire, request, response

MIB = 2**20
ROOM = 16 * MIB
SIZE = 96 * MIB

CONFIG = """
admin: {admin}
store: {store}
timeouts: {{connect: 1s, idle: 1s}}
backends:
  - {{name: box, engine: openai, urls: [%s], listen: "{proxy}"}}
"""


def begin(target: str) -> bytes:
    """The head of a request whose body is SIZE bytes."""
    return request(target, headers=[("Content-Length", str(SIZE))]).replace(b"Content-Length: 0\r\n", b"")


@contextlib.contextmanager
def pumping(wire: Wire) -> Iterator[None]:
    """The body is sent as fast as it is taken, beside the test."""

    def run() -> None:
        piece = bytes(MIB)
        with contextlib.suppress(OSError):
            for _ in range(SIZE // MIB):
                wire.send(piece)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@pytest.fixture
def narrow() -> Iterator[socket.socket]:
    """A listener like one across a network: small segments, and so small buffers in the kernel."""
    with closing(socket.socket()) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind((HOST, 0))
        yield listener


@pytest.fixture
def full() -> Iterator[str]:
    """The address of a listener whose queue is full: connections to it are never made."""
    with ExitStack() as stack:
        listener = stack.enter_context(closing(socket.create_server((HOST, 0), backlog=0)))
        for _ in range(2):
            filler = stack.enter_context(closing(socket.socket()))
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield f"http://{HOST}:{listener.getsockname()[1]}"


def test_a_body_that_waited_for_its_connection_costs_no_memory(narrow: socket.socket) -> None:
    """Until the server listens nothing is connected; then it takes a connection and reads nothing."""
    url = f"http://{HOST}:{narrow.getsockname()[1]}"
    late = "--backend", url
    with ExitStack() as stack:
        exporter = stack.enter_context(Exporter(url, engine="openai"))
        narrow.listen(16)
        before = exporter.forget_peak()
        wires = [stack.enter_context(exporter.wire(timeout=5)) for _ in range(4)]
        for wire in wires:
            wire.send(begin("/up") + bytes(MIB + MIB // 2))
        for wire in wires:
            stack.enter_context(pumping(wire))
        time.sleep(2)
        memory = exporter.peak() - before
        for wire in wires:
            wire.leave("reset")
    assert memory <= ROOM
