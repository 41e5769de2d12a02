"""As much of HTTP/1.1 as a simulated server needs: one request after the other, answers whole or in chunks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import formatdate

_LONGEST_BODY = 64 * 2**20
_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked. Header names are in lower case; `path` has no query."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Gone(Exception):
    """The other side left, or does not speak HTTP."""


class Answer:
    """The way back to the client, for one request."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def whole(self, status: int, kind: str, body: bytes, *headers: str) -> None:
        """The answer in one piece. `kind` is its content type."""
        self._head(status, kind, f"Content-Length: {len(body)}", *headers)
        await self._send(body)

    async def start(self, kind: str) -> None:
        """The head of a stream, which is sent at once."""
        self._head(200, kind, "Transfer-Encoding: chunked")
        await self._send(b"")

    async def chunk(self, data: bytes) -> None:
        await self._send(b"%x\r\n%s\r\n" % (len(data), data))

    async def end(self) -> None:
        await self._send(b"0\r\n\r\n")

    def break_off(self) -> None:
        """Cut the connection as a server does that dies."""
        self._writer.transport.abort()

    def _head(self, status: int, kind: str, *headers: str) -> None:
        lines = (
            f"HTTP/1.1 {status} {_REASONS[status]}",
            f"Content-Type: {kind}",
            f"Date: {formatdate(usegmt=True)}",
            *headers,
        )
        self._writer.write("".join(f"{line}\r\n" for line in lines).encode() + b"\r\n")

    async def _send(self, data: bytes) -> None:
        if self._writer.transport.is_closing():
            raise Gone
        self._writer.write(data)
        try:
            await self._writer.drain()
        except ConnectionError:
            raise Gone from None


Handler = Callable[[Request, Answer], Awaitable[None]]


class Server:
    """A server on a free port of loopback: `start`, then `port`; `stop` cuts what is still connected."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while (request := await _read(reader)) is not None:
                await self._handler(request, Answer(writer))
                if request.headers.get("connection", "").lower() == "close":
                    break
        except (Gone, ConnectionError, asyncio.CancelledError):
            # Cancelled by `stop` only: the connection ends either way, and asyncio would complain of a cancelled task.
            writer.transport.abort()
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    """The next request, None where the client has no more. Raises Gone."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise Gone from None
        return None
    except asyncio.LimitOverrunError:
        raise Gone from None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    words = first.split(" ")
    if len(words) != 3:
        raise Gone
    try:
        body = await _body(reader, headers)
    except (asyncio.IncompleteReadError, ValueError):
        raise Gone from None
    return Request(words[0], words[1].partition("?")[0], headers, body)


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if "chunked" not in headers.get("transfer-encoding", ""):
        length = int(headers.get("content-length", "0"))
        if not 0 <= length <= _LONGEST_BODY:
            raise Gone
        return await reader.readexactly(length)
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        if len(body) + size > _LONGEST_BODY:
            raise Gone
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return body
