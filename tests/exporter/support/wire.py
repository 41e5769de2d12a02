"""HTTP/1.1 as it lies on a socket: a strict reader that keeps each byte, and a client that sends what it is told."""

from __future__ import annotations

import contextlib
import re
import select
import socket
import ssl
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

HOST = "127.0.0.1"
_NO_BODY = frozenset({204, 304})
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")
_LONGEST_LINE = 2**20

Framing = Literal["none", "length", "chunked", "close"]


class Torn(Exception):
    """What came is no whole HTTP message: it broke off, or breaks the grammar."""


@dataclass(frozen=True, slots=True)
class Head:
    """A start line and headers, in order and as spelled."""

    start: bytes
    headers: tuple[tuple[bytes, bytes], ...]

    def all(self, name: str) -> list[bytes]:
        return [value for key, value in self.headers if key.lower() == name.lower().encode()]

    def get(self, name: str) -> bytes | None:
        values = self.all(name)
        return values[0] if values else None

    @property
    def status(self) -> int:
        return int(self.start.split(b" ")[1])

    @property
    def method(self) -> str:
        return self.start.split(b" ")[0].decode()

    @property
    def target(self) -> bytes:
        return self.start.split(b" ")[1]

    def framing(self) -> Framing:
        """How the body is marked off. Raises Torn where the headers contradict each other."""
        lengths, codings = self.all("Content-Length"), self.all("Transfer-Encoding")
        if (lengths and codings) or len(lengths) > 1 or len(codings) > 1:
            raise Torn(f"two lengths: {self.headers!r}")
        if codings:
            if codings[0].lower() != b"chunked":
                raise Torn(f"a transfer coding that nobody asked for: {codings[0]!r}")
            return "chunked"
        if lengths:
            if not re.fullmatch(rb"\d+", lengths[0]):
                raise Torn(f"no length: {lengths[0]!r}")
            return "length"
        return "none"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as the client got it. `whole`: its own framing says that nothing is missing."""

    head: Head
    body: bytes
    framing: Framing
    whole: bool
    interim: tuple[int, ...] = ()

    @property
    def status(self) -> int:
        return self.head.status


class Bytes:
    """What comes out of a socket. `seen` is all of it; `ended` says how it ended: "" while it has not."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.seen = bytearray()
        self.ended: Literal["", "fin", "reset"] = ""
        self._at = 0

    def more(self) -> bool:
        """Wait for some bytes; False where the other side ended."""
        if self.ended:
            return False
        try:
            data = self.connection.recv(2**18)
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
            self.ended = "reset"
            return False
        if not data:
            self.ended = "fin"
        self.seen += data
        return bool(data)

    @property
    def waiting(self) -> bool:
        """Whether bytes are here that no message took."""
        return self._at < len(self.seen)

    def line(self) -> bytes:
        """The next line, without its CRLF."""
        start = self._at
        while (end := self.seen.find(b"\n", start)) < 0:
            start = len(self.seen)
            if start - self._at > _LONGEST_LINE or not self.more():
                raise Torn(f"a line broke off ({self.ended}): {bytes(self.seen[self._at :])[-80:]!r}")
        line = bytes(self.seen[self._at : end + 1])
        self._at = end + 1
        if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
            raise Torn(f"a line without CRLF: {line[-80:]!r}")
        return line[:-2]

    def exactly(self, count: int) -> bytes:
        while len(self.seen) - self._at < count:
            if not self.more():
                raise Torn(f"the body broke off ({self.ended})")
        taken = bytes(self.seen[self._at : self._at + count])
        self._at += count
        return taken

    def fill(self, into: bytearray, length: int) -> None:
        """A body of that length. What came stays in `into` where it breaks off."""
        while len(into) < length:
            if not self.waiting and not self.more():
                raise Torn(f"the body broke off ({self.ended})")
            into += self.exactly(min(length - len(into), len(self.seen) - self._at))

    def swallow(self, count: int) -> int:
        """Take so many bytes and keep none. Gives how many came."""
        taken = min(count, len(self.seen) - self._at)
        self._at += taken
        while taken < count and (data := self.connection.recv(min(2**20, count - taken))):
            taken += len(data)
        return taken

    def rest(self) -> bytes:
        """Everything until the other side ends."""
        while self.more():
            pass
        taken = bytes(self.seen[self._at :])
        self._at = len(self.seen)
        return taken

    def head(self) -> Head:
        start = self.line()
        headers = []
        while line := self.line():
            found = _HEADER.fullmatch(line)
            if not found:
                raise Torn(f"no header: {line[:80]!r}")
            headers.append((found[1], found[2]))
        return Head(start, tuple(headers))

    def chunks(self, into: bytearray) -> None:
        """A chunked body up to its end. What came stays in `into` where it breaks off."""
        while size := self._chunk_size():
            into += self.exactly(size)
            if self.exactly(2) != b"\r\n":
                raise Torn("a chunk without its end")
        while self.line():
            pass

    def _chunk_size(self) -> int:
        line = self.line()
        if not re.fullmatch(rb"[0-9a-fA-F]{1,15}(;.*)?", line):
            raise Torn(f"no chunk size: {line[:40]!r}")
        return int(line.split(b";")[0], 16)


class Wire:
    """A client's socket. Nothing is sent but what the test says."""

    def __init__(
        self,
        port: int,
        tls: ssl.SSLContext | None = None,
        timeout: float = 15,
        receive_buffer: int | None = None,
    ) -> None:
        self._socket = socket.socket()
        if receive_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect((HOST, port))
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls:
                self._socket = tls.wrap_socket(self._socket, server_hostname="localhost")
        except BaseException:
            self._socket.close()
            raise
        self.bytes = Bytes(self._socket)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def send(self, *pieces: bytes, pause: float = 0.0) -> Self:
        """Each piece leaves on its own."""
        for number, piece in enumerate(pieces):
            if number:
                time.sleep(pause)
            self._socket.sendall(piece)
        return self

    def reply(self, to: str = "POST") -> Reply:
        """The next answer. Raises Torn only where not even its head came whole."""
        interim = []
        while (head := self.bytes.head()).status < 200:
            interim.append(head.status)
        framing = head.framing()
        if to == "HEAD" or head.status in _NO_BODY:
            return Reply(head, b"", "none", True, tuple(interim))
        body = bytearray()
        whole = True
        try:
            if framing == "chunked":
                self.bytes.chunks(body)
            elif framing == "length":
                self.bytes.fill(body, int(head.get("Content-Length") or b"0"))
            else:
                framing = "close"
                body += self.bytes.rest()
                whole = self.bytes.ended == "fin"
        except Torn:
            whole = False
        return Reply(head, bytes(body), framing, whole, tuple(interim))

    def answered(self, timeout: float) -> bool:
        """Whether anything came, or the end, within so many seconds. Takes nothing."""
        return bool(select.select([self._socket], [], [], timeout)[0])

    def closed(self, timeout: float = 15) -> bool:
        """Whether the other side ends the connection in time; what still comes is kept."""
        self._socket.settimeout(timeout)
        with contextlib.suppress(TimeoutError):
            self.bytes.rest()
        return self.bytes.ended != ""

    def leave(self, how: Literal["fin", "reset"]) -> None:
        """Go as a client goes: closed by its program, or reset by its machine."""
        if how == "reset":
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def half_close(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)


def request(
    target: str | bytes = "/api/chat",
    body: bytes = b"",
    method: str = "POST",
    headers: Iterable[tuple[str, str]] = (),
) -> bytes:
    """A plain, correct request with a length."""
    path = target.encode() if isinstance(target, str) else target
    lines = [b"%s %s HTTP/1.1" % (method.encode(), path), b"Host: localhost"]
    lines += [f"{name}: {value}".encode("latin-1") for name, value in headers]
    if body or method not in ("GET", "HEAD"):
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, b"", body])


def chunked(*pieces: bytes, last: bool = True) -> bytes:
    """Pieces in chunked framing, each a chunk."""
    framed = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece)
    return framed + (b"0\r\n\r\n" if last else b"")


def response(
    body: bytes | Iterable[bytes] = b"",
    status: str = "200 OK",
    headers: Iterable[tuple[str, str]] = (("Content-Type", "application/json"),),
) -> bytes:
    """A correct answer: with a length for bytes, chunked for several pieces."""
    if isinstance(body, bytes):
        framing, framed = b"Content-Length: %d" % len(body), body
    else:
        framing, framed = b"Transfer-Encoding: chunked", chunked(*body)
    lines = [f"HTTP/1.1 {status}".encode(), *(f"{name}: {value}".encode("latin-1") for name, value in headers), framing]
    return b"\r\n".join([*lines, b"", framed])
