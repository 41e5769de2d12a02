"""Connections to one server: opened, kept for the next request, and read."""

from __future__ import annotations

import asyncio
import ssl
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import SplitResult

import httptools

from inferometer_exporter.config.model import Timeouts
from inferometer_exporter.names import Reason
from inferometer_exporter.proxy.head import MAX_HEAD, AnswerHeads, read_answer_head

if TYPE_CHECKING:
    from inferometer_exporter.proxy.exchange import Exchange

# Bytes that wait for a peer, client or server, before the other side is read no more.
WRITE_BUFFER = 64 * 1024
# Unused connections that are kept for each server. More clients than this at once open new ones.
POOL_SIZE = 256
# A server that refused a connection is asked last for this long, in seconds.
SHUNNED = 5.0


class Connection(asyncio.Protocol):
    """One connection to a server. It serves one exchange at a time, and none while it lies in the pool."""

    __slots__ = (
        "_body_left", "_chunked", "_done", "_head", "_parser", "_pieces", "_reusable", "exchange", "idle_since",
        "paused", "transport", "upstream", "used", "write_paused",
    )  # fmt: skip

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.transport: asyncio.Transport = None  # type: ignore[assignment]  # set by connection_made
        self.exchange: Exchange | None = None
        self.used = False  # whether it has served before: then the server may have closed it unseen
        self.idle_since = 0.0
        self.paused = self.write_paused = False
        self._begin()

    def _begin(self) -> None:
        """Wait for the head of an answer."""
        self._head: bytes | None = b""  # what came of the head; None once it was read
        self._body_left: int | None = 0  # None: until the connection ends, or by chunks
        self._chunked = False
        self._done = False
        self._reusable = False
        self._pieces: list[bytes] = []
        self._parser: httptools.HttpResponseParser | None = None

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        transport.set_write_buffer_limits(high=WRITE_BUFFER)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        exchange = self.exchange
        if exchange is None or self._done:
            # What nobody asked for: the next answer on this connection could be anything.
            self.discard()
            return
        if self._head is None:
            self._body(exchange, data)
        else:
            self._head_data(exchange, data)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self.upstream.forget(self)
        exchange = self.exchange
        if exchange is None:
            return
        if self._head is None and not self._chunked and self._body_left is None and not self._done and error is None:
            self._reusable = False
            if exchange.hider is not None:
                exchange.forward(exchange.hider.rest(b"", last=True))
            self._end(exchange)  # an answer whose end is the connection's
            return
        self.exchange = None
        exchange.lost(self, answered=self._head is None or bool(self._head))

    def pause_writing(self) -> None:
        self.write_paused = True
        if self.exchange is not None:
            self.exchange.client.pause()

    def resume_writing(self) -> None:
        self.write_paused = False
        if self.exchange is not None:
            self.exchange.client.resume()

    # Reading an answer.

    def _head_data(self, exchange: Exchange, data: bytes) -> None:
        exchange.replay = None  # something came: never send it twice
        if self._head:
            data = self._head + data
        start, bodiless = 0, exchange.head.method == b"HEAD"
        while True:
            end = data.find(b"\r\n\r\n", start)
            if (end if end >= 0 else len(data)) - start > MAX_HEAD:
                self._broken(exchange)
                return
            if end < 0:
                self._head = data[start:]
                return
            known = None if bodiless else self.upstream.heads.known(data[start:end])
            if known is not None and not known.chunked:
                break
            parser = self._parser = httptools.HttpResponseParser(self)
            try:
                parser.feed_data(data[start : end + 4])
            except httptools.HttpParserError:  # also an upgrade, which no forwarded request asks for
                self._broken(exchange)
                return
            if data[start + 9 : start + 10] != b"1":
                break
            exchange.client.interim(data[start : end + 4])
            self._done = False
            start = end + 4
        rest, data = data[end + 4 :], data[start:end]
        head = known or (read_answer_head(data, True) if bodiless else self.upstream.heads.read(data))
        self._head = None
        self._body_left, self._chunked = head.length, head.chunked
        self._reusable = head.reusable
        self._done = False
        exchange.answered(head)
        first = head.raw + (b"\r\nConnection: close\r\n\r\n" if exchange.close_client else b"\r\n\r\n")
        if head.length == 0:
            self._reusable = self._reusable and not rest
            exchange.forward(first)
            self._end(exchange)
        elif rest:
            self._body(exchange, rest, first)
        else:
            exchange.forward(first)

    def _body(self, exchange: Exchange, data: bytes, first: bytes = b"") -> None:
        """Forward a piece as it came, and show it to the observer afterwards. `first` is the head, sent with it."""
        if self._chunked:
            self._chunks(exchange, data, first)
            return
        left = self._body_left
        if left is not None:
            if len(data) > left:
                data = data[:left]
                self._reusable = False
            self._body_left = left = left - len(data)
        shown = data if exchange.hider is None or left is not None else exchange.hider.rest(data, last=False)
        exchange.forward(first + shown if first else shown)
        exchange.observe(data)
        if left == 0:
            self._end(exchange)

    def _chunks(self, exchange: Exchange, data: bytes, first: bytes) -> None:
        assert self._parser is not None
        pieces: list[bytes] = []
        self._pieces = pieces
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._broken(exchange)
            return
        if exchange.hider is not None or exchange.unchunked:
            data = self._remade(exchange, b"".join(pieces))
        exchange.forward(first + data if first else data)
        for piece in pieces:
            exchange.observe(piece)
        if self._done:
            self._end(exchange)

    def _remade(self, exchange: Exchange, data: bytes) -> bytes:
        """A piece of a chunked answer whose framing the client shall not get."""
        if exchange.hider is not None:
            data = exchange.hider.rest(data, last=self._done)
        if exchange.unchunked:
            return data
        framed = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
        return framed + b"0\r\n\r\n" if self._done else framed

    def on_message_begin(self) -> None:
        if self._done:
            raise httptools.HttpParserError("a second answer, which nobody asked for")

    def on_body(self, piece: bytes) -> None:
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        self._done = True

    def _end(self, exchange: Exchange) -> None:
        self._done = True
        exchange.answer_ended()

    def _broken(self, exchange: Exchange) -> None:
        """What came is no HTTP."""
        self.exchange = None
        self.discard()
        exchange.failed(Reason.RESET, 502, "the server's answer is no HTTP")

    # For the exchange.

    def pause(self) -> None:
        """Read no more: the client does not take what came."""
        if not self.paused and not self.transport.is_closing():
            self.paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        if self.paused and not self.transport.is_closing():
            self.paused = False
            self.transport.resume_reading()

    def release(self) -> None:
        """The exchange is over: keep the connection for the next one, or close it."""
        self.exchange = None
        if self._reusable and self._done and not self.transport.is_closing():
            self.used = True
            self._begin()
            self.resume()
            self.upstream.keep(self)
        else:
            self.discard()

    def discard(self) -> None:
        """Close it at once: the server shall stop working for it."""
        self.exchange = None
        self.upstream.forget(self)
        self.transport.abort()


class Upstream:
    """One server's address, with the connections to it that wait for the next request."""

    def __init__(self, url: SplitResult, tls: ssl.SSLContext | None, timeouts: Timeouts) -> None:
        self.host = url.hostname or ""
        self.port = url.port or (443 if url.scheme == "https" else 80)
        self.authority = url.netloc.encode()
        self.prefix = url.path.rstrip("/").encode()
        self.tls = tls
        self.timeouts = timeouts
        self.heads = AnswerHeads()
        self.active = 0
        self.shunned_until = 0.0
        self._idle: list[Connection] = []

    def take(self) -> Connection | None:
        """The connection that was used last, if any lies ready."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.transport.is_closing():
                return connection
        return None

    def keep(self, connection: Connection) -> None:
        if len(self._idle) >= POOL_SIZE:
            connection.discard()
            return
        connection.idle_since = monotonic()
        self._idle.append(connection)

    def forget(self, connection: Connection) -> None:
        if not connection.exchange and connection in self._idle:
            self._idle.remove(connection)

    def trim(self, before: float) -> None:
        """Close the connections that were put away before a time: the oldest lie first."""
        while self._idle and self._idle[0].idle_since < before:
            self._idle.pop(0).transport.close()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().transport.close()

    async def connect(self) -> Connection:
        """A new connection. Raises OSError (also for TLS and names), TimeoutError."""
        named = self.host if self.tls else None
        async with asyncio.timeout(self.timeouts.connect):
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: Connection(self), self.host, self.port, ssl=self.tls, server_hostname=named
            )
        return connection


def pick(upstreams: tuple[Upstream, ...]) -> Upstream:
    """The least busy one, those that refused a moment ago last."""
    if len(upstreams) == 1:
        return upstreams[0]
    now = monotonic()
    return min(upstreams, key=lambda one: (one.shunned_until > now, one.active))
