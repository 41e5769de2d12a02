"""A real server with the exporter before it, asked both ways; and what of an answer differs each time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tests.exporter.support.process import Exporter
from tests.exporter.support.wire import HOST, Reply, Wire
from tests.parts.process import Server

S = TypeVar("S", bound=Server)

# Moments, durations and the names that a server makes up for each answer.
_VOLATILE_STRINGS = "created_at|expires_at|modified_at|id|item_id|request_id"
_VOLATILE_NUMBERS = (
    "created|created_at|completed_at|total_duration|load_duration|prompt_eval_duration|eval_duration"
    "|prompt_ms|prompt_per_token_ms|prompt_per_second|predicted_ms|predicted_per_token_ms|predicted_per_second"
)
_STRING = re.compile(rf'"({_VOLATILE_STRINGS})":"[^"]*"'.encode())
_NUMBER = re.compile(rf'"({_VOLATILE_NUMBERS})":[0-9.e+-]+'.encode())
VOLATILE = frozenset(f"{_VOLATILE_STRINGS}|{_VOLATILE_NUMBERS}".split("|"))


@dataclass(frozen=True, slots=True)
class Recorded(Generic[S]):
    """The server, and the exporter before it. Their addresses are what clients are pointed at."""

    server: S
    exporter: Exporter

    @property
    def urls(self) -> tuple[str, str]:
        """Without the exporter, and with it."""
        return self.server.url, f"http://{HOST}:{self.exporter.proxy_port}"

    def both(self, data: bytes, method: str = "POST") -> tuple[Reply, Reply]:
        """The same bytes sent to the server itself, and through the exporter."""
        return ask(self.server.port, data, method), ask(self.exporter.proxy_port, data, method)


def ask(port: int, data: bytes, method: str = "POST") -> Reply:
    """One request on a connection of its own."""
    with Wire(port, timeout=60) as wire:
        return wire.send(data).reply(method)


def request(path: str, body: bytes = b"", method: str = "POST", headers: Iterable[str] = ()) -> bytes:
    """A request that servers on this machine take: Ollama refuses names of hosts that it does not know."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", *headers]
    if method == "POST":
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def settled(body: bytes) -> bytes:
    """The body without what differs each time; nothing else is touched."""
    return _NUMBER.sub(rb'"\1":0', _STRING.sub(rb'"\1":""', body))


def headers(reply: Reply) -> list[tuple[bytes, bytes]]:
    """The headers in their order and spelling, without those of one connection and values that always differ."""
    volatile, of_one_connection = (b"date", b"content-length"), (b"connection", b"keep-alive")
    return [
        (name, b"" if name.lower() in volatile else value)
        for name, value in reply.head.headers
        if name.lower() not in of_one_connection
    ]


def without_volatile(value: Any) -> Any:
    """A client's answer as data, without what differs each time."""
    if isinstance(value, Mapping):
        return {key: without_volatile(one) for key, one in value.items() if key not in VOLATILE}
    if isinstance(value, list | tuple):
        return [without_volatile(one) for one in value]
    return value
