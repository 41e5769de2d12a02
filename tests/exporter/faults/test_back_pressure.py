"""Back-pressure where it is easy to lose: while a connection is opened, in turn, at the end, and after a long pause."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

from tests.exporter.support.process import Exporter, eventually
from tests.exporter.support.upstream import Call, Upstream, answering
from tests.exporter.support.wire import HOST, Wire, chunked, request, response

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


UNTOLD = request("/up", headers=[("Transfer-Encoding", "chunked")]).replace(b"Content-Length: 0\r\n", b"")


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


def fill(listener: socket.socket, stack: ExitStack) -> None:
    """Take every place in the listener's queue, so that the next connection is not made."""
    for _ in range(2):
        filler = stack.enter_context(closing(socket.socket()))
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())


def test_a_body_that_waited_for_its_connection_costs_no_memory() -> None:
    """Across a network: small segments, and so small buffers in the kernel. The server takes connections, not bytes."""
    with ExitStack() as stack:
        listener = stack.enter_context(closing(socket.socket()))
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind((HOST, 0))
        listener.listen(0)
        fill(listener, stack)
        exporter = stack.enter_context(Exporter(f"http://{HOST}:{listener.getsockname()[1]}", engine="openai"))
        before = exporter.forget_peak()
        wire = stack.enter_context(exporter.wire(timeout=3))
        wire.send(begin("/up"))
        stack.enter_context(pumping(wire))
        time.sleep(0.5)
        listener.settimeout(4)
        with contextlib.suppress(TimeoutError):
            while True:
                stack.enter_context(closing(listener.accept()[0]))
        memory = exporter.peak() - before
    assert memory <= ROOM


def test_a_long_body_goes_on_at_the_next_address_where_the_first_one_is_silent(upstream: Upstream) -> None:
    upstream.script = lambda call: call.send(response(b"%d" % len(call.read())))
    with ExitStack() as stack:
        silent = stack.enter_context(closing(socket.create_server((HOST, 0), backlog=0)))
        fill(silent, stack)
        first = f"http://{HOST}:{silent.getsockname()[1]}"
        config = CONFIG.replace("%s", f'"{first}", "{{upstream}}"')
        exporter = stack.enter_context(Exporter(upstream.url, config=config))
        assert exporter.ask(request("/first", b"x")).body == b"1"  # leaves a kept connection to the second address
        time.sleep(5.1)  # until the first one is asked again
        wire = stack.enter_context(exporter.wire())
        wire.send(UNTOLD)
        wire.send(chunked(*[bytes(MIB)] * 4))
        assert wire.reply().body == b"%d" % (4 * MIB)


def test_an_answer_that_was_not_yet_taken_is_finished_when_it_is_told_to_end(upstream: Upstream) -> None:
    """It was forwarded whole, and lies in a buffer of ours: the network to the client is slow."""
    size = 60_000  # one read of ours, and more than the kernel takes
    upstream.script = answering(response(bytes(size)))
    with Exporter(upstream.url) as exporter, closing(socket.socket()) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.settimeout(10)
        client.connect((HOST, exporter.proxy_port))
        client.sendall(request())
        eventually(exporter.rows)
        exporter.signal(signal.SIGTERM)
        time.sleep(0.5)
        taken = 0
        while data := client.recv(MIB):
            taken += len(data)
        assert taken > size
        assert exporter.exit_code() == 0


def test_a_client_that_stops_reading_is_no_failure_of_the_server(upstream: Upstream, tag: str) -> None:
    upstream.script = answering(response(bytes(SIZE)))
    with (
        Exporter(upstream.url, config=CONFIG.replace("%s", '"{upstream}"')) as exporter,
        exporter.wire(receive_buffer=4096) as wire,
    ):
        wire.send(request("/v1/completions", b"{}", headers=[("X-Herd-Tags", tag)]))
        [row] = exporter.tagged(tag)
        assert (row["status"], row["error_message"]) == ("client_disconnected", "the client took nothing for 1 seconds")


def test_a_client_that_leaves_is_noticed_though_the_server_does_not_take_its_body(
    exporter: Exporter, upstream: Upstream, tag: str
) -> None:
    left = threading.Event()

    def deaf(call: Call) -> None:
        left.wait(10)
        assert call.gone()

    upstream.script = deaf
    with exporter.wire(timeout=1) as wire:
        wire.send(begin("/api/chat").replace(b"Host", b"X-Herd-Tags: %b\r\nHost" % tag.encode()))
        with pumping(wire):
            pass  # until nothing more is taken for the client's timeout
        wire.leave("reset")
        [row] = exporter.tagged(tag)
        left.set()
    assert row["status"] == "client_disconnected"
