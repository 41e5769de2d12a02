"""Answers of real servers, as tests/fixtures/recordings keeps them: status line, headers, body without chunks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

RECORDINGS = Path(__file__).resolve().parents[1] / "fixtures/recordings"


@dataclass(frozen=True)
class Recorded:
    """One answer. The header Transfer-Encoding is kept as the server sent it; the body has no chunk framing."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """A header's first value, "" where there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


def parsed(text: bytes) -> Recorded:
    head, _, body = text.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
    return Recorded(int(first.split()[1]), headers, body)


def recorded(name: str) -> Recorded:
    """`recorded("ollama/0.32.15/chat_stream")`."""
    return parsed((RECORDINGS / f"{name}.response.txt").read_bytes())


def request_body(name: str) -> bytes:
    """The body of the request that was recorded with an answer: lines of `> `, of which the last is the body."""
    lines = (RECORDINGS / f"{name}.request.txt").read_bytes().rstrip(b"\n").split(b"\n")
    return lines[-1].removeprefix(b"> ")
