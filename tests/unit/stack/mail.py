"""A mail server on loopback that keeps what it is given."""

from __future__ import annotations

import email
import email.policy
import socketserver
import threading
from email.message import EmailMessage
from types import TracebackType
from typing import Self


class MailServer:
    """Speaks as much SMTP as Alertmanager does without TLS and without a login."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        messages = self.messages

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.say("220 here")
                while line := self.rfile.readline().decode().strip():
                    match line.split()[0].upper():
                        case "DATA":
                            self.say("354 go on")
                            messages.append(self.message())
                            self.say("250 kept")
                        case "QUIT":
                            self.say("221 bye")
                            return
                        case _:
                            self.say("250 fine")

            def say(self, line: str) -> None:
                self.wfile.write(f"{line}\r\n".encode())

            def message(self) -> EmailMessage:
                lines = []
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
                return email.message_from_bytes(b"".join(lines), EmailMessage, policy=email.policy.default)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
