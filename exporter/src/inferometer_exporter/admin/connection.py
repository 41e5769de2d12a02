"""One client of the admin port: reads requests within limits, answers them in turn, and never waits for long."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httptools

from inferometer_exporter.admin.http import Request, Response, failure, on_the_wire

HEAD_BYTES = 16 * 1024
HEAD_SECONDS = 10.0
IDLE_SECONDS = 75.0  # longer than the usual scrape interval of a minute
STALL_SECONDS = 30.0  # for a client to take an answer
LINGER_SECONDS = 2.0  # for a refused client to read why, while what it sends is thrown away
MAX_CONNECTIONS = 200

_SLICE = 4096  # bytes parsed between two looks at the size of a head
_PIPELINE = 16  # requests that may wait in one connection before its socket is left unread
_ONCE = frozenset({"host", "authorization", "content-length"})


@dataclass(slots=True)
class Clients:
    """The connections that are open, in the order of their arrival, and who answers them."""

    answer: Callable[[Request], Awaitable[Response]]
    open: dict[Connection, None] = field(default_factory=dict)

    def room(self) -> bool:
        """Whether one more may come. The one that came first and asks nothing leaves for it."""
        if len(self.open) < MAX_CONNECTIONS:
            return True
        idle = next((one for one in self.open if one.idle), None)
        if idle is None:
            return False
        idle.abort()
        return True


class Connection(asyncio.Protocol):
    """HTTP/1 with kept-alive connections and pipelines; GET and HEAD without bodies, all else is refused."""

    def __init__(self, clients: Clients, *, tls: bool) -> None:
        self._clients = clients
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._waiting: deque[tuple[Request | Response, bool]] = deque()  # what to answer, and whether it is the last
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._closing = False  # nothing more is read
        self._paused = False
        self._in_head = False
        self._head_bytes = 0
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []

    @property
    def idle(self) -> bool:
        return self._task is None

    def abort(self) -> None:
        self._closing = True
        self._clients.open.pop(self, None)
        self._transport.abort()

    # --- the socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's is no subclass of asyncio's
        if self._clients.room():
            self._clients.open[self] = None
            self._end_in(HEAD_SECONDS)
        else:
            self._refuse(503, "too many connections")

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self._clients.open.pop(self, None)
        self._end_in(None)
        self._writable.set()
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def eof_received(self) -> bool:
        """A client that has said all may still read its answers; within TLS it cannot."""
        self._closing = True
        return self._task is not None and not self._tls

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        if self._task is None and not self._in_head:
            self._end_in(HEAD_SECONDS)
        try:
            for start in range(0, len(data), _SLICE):
                part = data[start : start + _SLICE]
                self._parser.feed_data(part)
                self._head_bytes += len(part)
                if self._in_head and self._head_bytes > HEAD_BYTES:
                    self._refuse(431, f"the request's head is larger than {HEAD_BYTES} bytes")
                if self._closing:
                    return
        except httptools.HttpParserUpgrade:
            self._closing = True  # its request is answered as if it had not asked for another protocol
        except httptools.HttpParserError:
            self._refuse(400, "this is not HTTP/1 as RFC 9112 has it")
        if len(self._waiting) >= _PIPELINE and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    # --- what httptools calls

    def on_message_begin(self) -> None:
        self._in_head, self._head_bytes, self._target, self._headers = True, 0, b"", []

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._closing:
            return None
        method = self._parser.get_method().decode("latin-1")
        path, _, query = self._target.decode("latin-1").partition("?")
        headers: dict[str, str] = {}
        for raw_name, raw_value in self._headers:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1").strip()
            if name in headers and name in _ONCE:
                return self._refuse(400, f"the header {name} is there twice")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        if method not in ("GET", "HEAD"):
            return self._refuse(405, "this port is only read: GET and HEAD", ("Allow", "GET, HEAD"))
        if not path.startswith("/"):
            return self._refuse(400, "the target must be a path")
        if "host" not in headers and self._parser.get_http_version() != "1.0":
            return self._refuse(400, "the header host is missing")
        if "transfer-encoding" in headers or headers.get("content-length", "0").strip("0"):
            return self._refuse(400, "a request has no body here")
        return self._enqueue(Request(method, path, query, headers), last=not self._parser.should_keep_alive())

    # --- answers

    def _refuse(self, status: int, message: str, *headers: tuple[str, str]) -> None:
        if not self._closing:
            self._enqueue(failure(status, message, *headers), last=True)

    def _enqueue(self, item: Request | Response, *, last: bool) -> None:
        self._waiting.append((item, last))
        self._closing = self._closing or last
        if self._task is None:
            self._end_in(None)
            self._task = self._loop.create_task(self._serve())

    async def _serve(self) -> None:
        while self._waiting:
            item, last = self._waiting.popleft()
            request, response = (None, item) if isinstance(item, Response) else (item, await self._clients.answer(item))
            last = last or (self._closing and not self._waiting)
            self._end_in(STALL_SECONDS)
            self._transport.write(
                on_the_wire(
                    response,
                    head_only=request is not None and request.method == "HEAD",
                    gzip_wanted=request is not None and request.takes_gzip,
                    last=last,
                )
            )
            if last:
                return self._leave()
            await self._writable.wait()
            if self._paused and not self._waiting:
                self._paused = False
                self._transport.resume_reading()
        if self._closing:
            return self._leave()
        self._task = None
        return self._end_in(HEAD_SECONDS if self._in_head else IDLE_SECONDS)

    def _leave(self) -> None:
        """Ends the connection once the answer is out. A client that still sends is heard, or it could not read it."""
        self._task = None
        try:
            if self._tls or not self._transport.can_write_eof():
                self._transport.close()
            else:
                self._transport.write_eof()
        except OSError:  # the client is gone
            self.abort()
        else:
            self._end_in(STALL_SECONDS if self._transport.get_write_buffer_size() else LINGER_SECONDS)

    def _end_in(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self._loop.call_later(seconds, self._time_is_up)

    def _time_is_up(self) -> None:
        if self._in_head and self._task is None and not self._closing:
            self._refuse(408, f"the request's head took longer than {HEAD_SECONDS:.0f} s")
        else:
            self.abort()
