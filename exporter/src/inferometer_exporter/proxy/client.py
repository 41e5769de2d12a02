"""One client's connection: requests are read from it and forwarded, and answered in their order."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import deque
from time import monotonic

from inferometer_exporter.names import Reason
from inferometer_exporter.observe.apis import METERED
from inferometer_exporter.proxy import usage
from inferometer_exporter.proxy.exchange import Exchange
from inferometer_exporter.proxy.head import Refused, RequestHead
from inferometer_exporter.proxy.reader import RequestReader
from inferometer_exporter.proxy.recording import Route
from inferometer_exporter.proxy.refusals import refusal
from inferometer_exporter.proxy.upstream import WRITE_BUFFER

# States of a TCP connection whose other side has ended it (linux, include/net/tcp_states.h): CLOSE, CLOSE_WAIT.
_ENDED = (7, 8)


class ClientConnection(asyncio.Protocol):
    """Reads requests and starts an exchange for each.

    `touched` is when a byte came or went (monotonic seconds), `head_since` when the first byte of a request came, None
    outside of its head. `receiving` is the exchange whose request still comes in, `exchange` the one being answered.
    """

    __slots__ = (
        "_clients", "_fault", "_queue", "_reader", "body_bytes", "body_since", "exchange", "head_since", "lingering",
        "paused", "peer", "receiving", "route", "touched", "transport", "write_paused",
    )  # fmt: skip

    def __init__(self, route: Route, clients: set[ClientConnection]) -> None:
        self.route, self._clients = route, clients
        self.transport: asyncio.Transport = None  # type: ignore[assignment]  # set by connection_made
        self.exchange: Exchange | None = None
        self.receiving: Exchange | None = None
        self._queue: deque[Exchange] = deque()  # received ahead of their turn
        self._reader = RequestReader(self)
        self._fault: Refused | None = None  # why nothing more is read
        self.lingering = self.paused = self.write_paused = False
        self.peer = ""
        self.touched = monotonic()
        self.head_since: float | None = None
        self.body_since = 0.0
        self.body_bytes = 0

    @property
    def busy(self) -> bool:
        """Whether a request comes in or is answered, or some of an answer was not taken yet."""
        return self.exchange is not None or self.head_since is not None or self.transport.get_write_buffer_size() > 0

    def look(self) -> None:
        """Notice a client that left while nothing was read from it."""
        plain = self.transport.get_extra_info("socket")
        if self.paused and plain is not None and hasattr(socket, "TCP_INFO"):
            with contextlib.suppress(OSError):
                if plain.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] in _ENDED:
                    self._left()
                    self.transport.abort()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER)
        peer = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if peer else ""
        self._clients.add(self)

    def data_received(self, data: bytes) -> None:
        if self._fault is not None or self.lingering:
            return
        self.touched = monotonic()
        try:
            self._reader.feed(data)
        except Refused as fault:
            self._fault = fault
        if self.receiving is not None:
            self.receiving.flush()
        if self._fault is not None:
            self._refuse_fault()
        elif self._queue:
            self.pause()

    def eof_received(self) -> bool:
        """A client that closes its side has left: who waits for an answer keeps it open."""
        if self.exchange is not None:
            self._left()
            self.transport.abort()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._clients.discard(self)
        self._left()
        self._reader.close()

    def _left(self) -> None:
        exchange, self.exchange, self.receiving = self.exchange, None, None
        if exchange is not None:
            exchange.client_left()
        while self._queue:
            self._queue.popleft().client_left()

    def pause_writing(self) -> None:
        self.write_paused = True
        if self.exchange is not None and self.exchange.connection is not None:
            self.exchange.connection.pause()

    def resume_writing(self) -> None:
        self.write_paused = False
        if self.exchange is not None and self.exchange.connection is not None:
            self.exchange.connection.resume()

    # What the reader tells.

    def request_began(self) -> None:
        self.head_since = self.touched

    def request_head(self, head: RequestHead, length: bytes | None) -> None:
        self.head_since = None
        if not head.local and self.route.guarded:
            raise Refused(403, "this name is not one of this machine")
        self.body_since, self.body_bytes = self.touched, 0
        api = METERED.get(head.path) if head.method == b"POST" else None
        self.receiving = exchange = Exchange(self, self.route, api, head, length)
        if not head.keep or self.route.stopping:
            exchange.close_client = True
        if self.route.backend.inject_usage and usage.wanted(api) and not head.expects:
            exchange.injecting = True
        if self.exchange is not None:
            self._queue.append(exchange)
        else:
            self.exchange = exchange
            if not exchange.injecting:
                exchange.start()

    def request_body(self, piece: bytes) -> None:
        self.body_bytes += len(piece)
        if self.receiving is not None:
            self.receiving.body(piece)

    def request_end(self) -> None:
        exchange, self.receiving = self.receiving, None
        if exchange is None:
            return
        exchange.body_ended()
        if exchange.injecting and exchange is self.exchange:
            exchange.start()
        exchange.flush()
        exchange.request_ended()

    # The ends.

    def _refuse_fault(self) -> None:
        """Answer what cannot be understood, when its turn comes, and read no more."""
        fault, exchange = self._fault, self.receiving
        assert fault is not None
        self.head_since = None
        if exchange is not None:  # its head was fine, its body is not
            self.receiving = None
            if exchange is self.exchange:
                self.exchange = None
                fresh = exchange.status is None
                exchange.status = exchange.status or fault.status
                exchange.cut(Reason.CLIENT_ERROR, "the request was not sent whole")
                if not fresh:
                    self.transport.abort()
                    return
            else:
                self._queue.remove(exchange)
        if self.exchange is None and not self._queue:
            self.transport.write(refusal(fault.status, fault.why, b"", None))
            self._linger()

    def interim(self, data: bytes) -> None:
        """Forward a 1xx answer; HTTP/1.0 has none."""
        if self.exchange is not None and self.exchange.head.version != "1.0":
            self.transport.write(data)

    def refuse(self, exchange: Exchange, status: int, why: str) -> None:
        """Answer in the server's place."""
        close = exchange.close_client or not exchange.request_done
        self.transport.write(
            refusal(status, why, exchange.head.path, exchange.api, body=exchange.head.method != b"HEAD", close=close)
        )
        self.exchange_over(exchange, linger=not exchange.request_done)

    def time_out(self) -> None:
        """The client is too slow with its request."""
        if self._fault is None:
            self._fault = Refused(408, "the request did not come in time")
            self._refuse_fault()

    def reset(self) -> None:
        """Break the connection in a way that no client takes for a clean end."""
        plain = self.transport.get_extra_info("socket")
        if plain is not None:
            with contextlib.suppress(OSError):
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def exchange_over(self, exchange: Exchange, linger: bool) -> None:
        """The answer was forwarded. `linger`: some of the request still comes, and shall be read away."""
        if exchange is not self.exchange:
            return
        self.exchange = None
        if linger:
            self.receiving = None
            self._linger()
        elif exchange.close_client or self.route.stopping:
            self.transport.close()
        elif self._queue:
            self.exchange = following = self._queue.popleft()
            if following.request_done or not following.injecting:
                following.start()
                following.flush()
        elif self._fault is not None:
            self._refuse_fault()
        self.resume()

    def _linger(self) -> None:
        """Say that this is the end, and give the client time to read it: closing at once could lose it."""
        self.lingering = True
        self.touched = monotonic()
        if self.transport.can_write_eof():
            with contextlib.suppress(OSError):  # the client is gone, which asyncio's own loop tells in this way
                self.transport.write_eof()
        self.resume()

    def pause(self) -> None:
        """Read no more for now: the server does not take what came, or it is not its turn."""
        if not self.paused and not self.transport.is_closing():
            self.paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        """Read on, unless there is another reason not to."""
        if not self.paused or self.transport.is_closing():
            return
        blocked = self._queue or (self.receiving is not None and self.receiving.blocked)
        if self.lingering or not blocked:
            self.paused = False
            self.transport.resume_reading()
            self.body_since, self.body_bytes = monotonic(), 0  # the waiting was ours
