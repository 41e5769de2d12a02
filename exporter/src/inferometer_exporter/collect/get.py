"""A tiny HTTP client that can only GET, and only the routes of `routes.py`: each on a connection of its own."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httptools

from inferometer_exporter import __version__
from inferometer_exporter.collect.routes import Route
from inferometer_exporter.config.tls import client_context

TIMEOUT = 5.0
# Some thousands of models. JSON of 2 MiB holds the loop, and so every stream, for some 20 ms; no real answer is near.
MAX_BODY = 2 * 2**20
MAX_HEAD = 64 * 1024
_PIECE = 64 * 1024


class NoAnswer(Exception):
    """The server did not answer, or not in HTTP. The text is in our own words, without anything that it sent."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is None where it was larger than MAX_BODY or broke off: the server answered all the same."""

    status: int
    body: bytes | None


async def get(url: str, ca_file: Path | None, route: Route, timeout: float = TIMEOUT) -> Answer:
    """The answer of the server at `url` (scheme, host, and a path that goes before the route). Raises NoAnswer.

    The timeout is for the whole. Redirects are answers like others.
    """
    try:
        async with asyncio.timeout(timeout), _connection(url, ca_file) as (reader, writer):
            writer.write(_request(url, route))
            return await _read(reader)
    except TimeoutError:
        raise NoAnswer(f"no answer within {timeout:g} s") from None
    except ssl.SSLCertVerificationError:
        raise NoAnswer("its certificate is not trusted") from None
    except ssl.SSLError:
        raise NoAnswer("no TLS connection") from None
    except ConnectionRefusedError:
        raise NoAnswer("connection refused") from None
    except (OSError, UnicodeError):
        raise NoAnswer("no connection") from None
    except httptools.HttpParserError:
        raise NoAnswer("the answer is not HTTP") from None


@contextlib.asynccontextmanager
async def _connection(
    url: str, ca_file: Path | None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    context = client_context(ca_file) if secure else None
    reader, writer = await asyncio.open_connection(
        parts.hostname, parts.port or (443 if secure else 80), ssl=context, limit=_PIECE
    )
    try:
        yield reader, writer
    finally:
        # A polite close waits for the other side; nothing more is wanted from it.
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _request(url: str, route: Route) -> bytes:
    parts = urlsplit(url)
    lines = (
        f"GET {parts.path}{route.value} HTTP/1.1",
        f"Host: {parts.netloc}",
        f"User-Agent: inferometer-exporter/{__version__}",
        "Accept: application/json",
        "Accept-Encoding: identity",
        "Connection: close",
    )
    return "\r\n".join((*lines, "", "")).encode("ascii")


async def _read(reader: asyncio.StreamReader) -> Answer:
    receiver = _Receiver()
    while not receiver.complete:
        data = await reader.read(_PIECE)
        if not data:
            break
        receiver.feed(data)
    return receiver.answer()


class _Receiver:
    """What httptools calls while it reads. Interim answers (1xx) are passed over."""

    def __init__(self) -> None:
        self.complete = False
        self._parser = httptools.HttpResponseParser(self)
        self._body: bytearray | None = bytearray()
        self._framed = False
        self._status = 0
        self._head_bytes = 0

    def feed(self, data: bytes) -> None:
        """Raises httptools.HttpParserError."""
        if not self._status:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD + _PIECE:
                raise httptools.HttpParserError("the head is too long")
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.complete = True

    def answer(self) -> Answer:
        if not self._status:
            raise NoAnswer("it closed the connection without an answer")
        whole = self.complete or not self._framed
        return Answer(self._status, bytes(self._body) if whole and self._body is not None else None)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() in (b"content-length", b"transfer-encoding"):
            self._framed = True

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status >= 200:
            self._status = status
        else:
            self._framed = False

    def on_body(self, data: bytes) -> None:
        if self._body is None:
            return
        self._body += data
        if len(self._body) > MAX_BODY:
            self._body = None
            self.complete = True

    def on_message_complete(self) -> None:
        if self._status:
            self.complete = True
