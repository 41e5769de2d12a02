"""An upstream on a raw socket that does as a test tells it, well or badly, and keeps what it saw."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from tests.exporter.support.wire import HOST, Bytes, Head, Torn, response

POLLER = b"inferometer-exporter"
"""How the exporter names itself when it looks at a backend's state; those requests are no part of the tests."""


class Call:
    """One request as the upstream sees it. `body` is None until the script reads it."""

    def __init__(self, bytes_: Bytes, head: Head, number: int) -> None:
        self.head = head
        self.body: bytes | None = None
        self.at = time.monotonic()
        self.connection = number
        self.gone_at: float | None = None
        self.keep = True
        self._bytes = bytes_
        self._start = len(bytes_.seen)

    def read(self) -> bytes:
        """The body, without its framing."""
        framing = self.head.framing()
        if framing == "chunked":
            body = bytearray()
            self._bytes.chunks(body)
            self.body = bytes(body)
        else:
            self.body = self._bytes.exactly(int(self.head.get("Content-Length") or b"0"))
        return self.body

    def swallow(self) -> int:
        """Take a body with a length and keep none of it. Gives how many bytes came."""
        self.body = b""
        return self._bytes.swallow(int(self.head.get("Content-Length") or b"0"))

    def send(self, *pieces: bytes, pause: float = 0.0) -> None:
        """Each piece is a segment of its own."""
        for number, piece in enumerate(pieces):
            if number:
                time.sleep(pause)
            self._bytes.connection.sendall(piece)

    def gone(self, timeout: float = 10) -> bool:
        """Wait until the exporter ends the connection; `gone_at` says when it did."""
        self._bytes.connection.settimeout(timeout)
        try:
            while self._bytes.more():
                pass
        except TimeoutError:
            return False
        self.gone_at = time.monotonic()
        return True

    def close(self) -> None:
        self.keep = False

    def reset(self) -> None:
        """End it as a crashing machine does."""
        self.keep = False
        self._bytes.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._bytes.connection.close()

    @property
    def socket(self) -> socket.socket:
        return self._bytes.connection


Script = Callable[[Call], None]
"""What the upstream does with a request. The connection is kept for another one, unless the script says otherwise."""


def answering(*pieces: bytes, pause: float = 0.0, keep: bool = True) -> Script:
    """Reads the whole request, then sends the pieces, each on its own."""

    def script(call: Call) -> None:
        call.read()
        call.send(*pieces, pause=pause)
        call.keep = keep

    return script


def in_turn(*scripts: Script) -> Script:
    """The first request meets the first script, and so on; the last one serves all that follow."""
    left = list(scripts)
    lock = threading.Lock()

    def script(call: Call) -> None:
        with lock:
            chosen = left.pop(0) if len(left) > 1 else left[0]
        chosen(call)

    return script


class Upstream:
    """Listens on loopback while the context lasts; each connection has a thread. `script` may change at any time."""

    def __init__(self, script: Script | None = None, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.script: Script = script or answering(response(b"{}"))
        self.polled: Script = answering(response(b"{}"))
        self.calls: list[Call] = []
        self.polls: list[Call] = []
        self.torn: list[str] = []
        """What came and was no HTTP."""
        self.crashes: list[BaseException] = []
        self.connections = 0
        self._tls = tls
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server((HOST, port), backlog=512)
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{'localhost' if self._tls else HOST}:{self.port}"

    def __enter__(self) -> Self:
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self.crashes and error is None:
            raise ExceptionGroup(
                "the upstream's script failed", [one for one in self.crashes if isinstance(one, Exception)]
            )

    def stop(self) -> None:
        """End the listener and every connection."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        self.hang_up()
        for thread in self._threads:
            thread.join(timeout=20)

    def hang_up(self) -> None:
        """End every connection that is open, as a restart does."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def fresh(self, script: Script | None = None) -> Self:
        """Forget what came, and do this from now on."""
        self.calls, self.torn = [], []
        if script:
            self.script = script
        return self

    def call(self, number: int = 0, timeout: float = 5) -> Call:
        """The request of that number, as soon as its head is here."""
        end = time.monotonic() + timeout
        while len(self.calls) <= number:
            assert time.monotonic() < end, f"the upstream got {len(self.calls)} requests; torn: {self.torn}"
            time.sleep(0.002)
        return self.calls[number]

    @property
    def open(self) -> int:
        return len(self._open)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection, self.connections))
            self._threads = [one for one in self._threads if one.is_alive()]
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        self._open.add(connection)
        wrapped = connection
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls:
                wrapped = self._tls.wrap_socket(connection, server_side=True)
                self._open.add(wrapped)
            self._requests(Bytes(wrapped), number)
        except OSError:
            pass  # the other side broke off, which the tests ask of `calls`
        except BaseException as crash:
            self.crashes.append(crash)
        finally:
            self._open -= {connection, wrapped}
            wrapped.close()
            connection.close()

    def _requests(self, bytes_: Bytes, number: int) -> None:
        while bytes_.waiting or bytes_.more():
            try:
                head = bytes_.head()
                call = Call(bytes_, head, number)
                if (head.get("User-Agent") or b"").startswith(POLLER):
                    self.polls.append(call)
                    self.polled(call)
                else:
                    self.calls.append(call)
                    self.script(call)
            except Torn as torn:
                self.torn.append(str(torn))
                return
            if not call.keep or call.body is None:
                return


def ndjson(lines: Iterable[bytes], status: str = "200 OK") -> bytes:
    """A stream in Ollama's dialect, a chunk for each line."""
    return response(lines, status, [("Content-Type", "application/x-ndjson")])


def sse(events: Iterable[bytes], status: str = "200 OK") -> bytes:
    """A stream in OpenAI's dialect, a chunk for each event."""
    return response(events, status, [("Content-Type", "text/event-stream")])
