"""A mail server on loopback that keeps what it is given."""

from __future__ import annotations

import email
import email.policy
import socketserver
from email.message import EmailMessage

from tests.parts.listening import Listening


class MailServer(Listening):
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

        super().__init__(Handler)
