"""Requests and answers of the admin port as values: no sockets here."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import msgspec

GZIP_FROM = 1024
"""Bytes: a smaller body fits a packet, and packing it saves nothing."""

_GZIP_LEVEL = 4  # on 1 MB of metrics: three times as fast as the default, and 10 % larger

_CONTENT_SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_STRICT = (
    f"Content-Security-Policy: {_CONTENT_SECURITY}\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Cache-Control: no-store\r\n"
)


@dataclass(frozen=True, slots=True)
class Request:
    """A GET or HEAD. `path` and `query` are as sent; the names in `headers` are in lower case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def takes_gzip(self) -> bool:
        """Whether `Accept-Encoding` names gzip (or anything), and not with a weight of 0."""
        weights: dict[str, bool] = {}
        for choice in self.headers.get("accept-encoding", "").lower().split(","):
            name, _, weight = choice.replace(" ", "").partition(";q=")
            weights[name] = weight.strip("0.") != "" if weight else True
        return weights.get("gzip", weights.get("*", False))


@dataclass(slots=True)
class Response:
    """An answer before it is put on the wire: every one gets the strict headers there."""

    status: int
    body: bytes
    content_type: str
    headers: tuple[tuple[str, str], ...] = ()
    _packed: bytes = b""

    def packed(self) -> bytes:
        """The body in gzip, made once. A large one takes milliseconds: call it first where a thread waits anyway."""
        if not self._packed:
            import gzip

            self._packed = gzip.compress(self.body, _GZIP_LEVEL, mtime=0)
        return self._packed


def as_json(value: object, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """A value that msgspec can write. NaN and infinity become null."""
    return Response(status, msgspec.json.encode(value), "application/json", headers)


def as_text(text: str, status: int = 200) -> Response:
    return Response(status, text.encode(), "text/plain; charset=utf-8")


def failure(status: int, message: str, *headers: tuple[str, str]) -> Response:
    """An error for a program and a person: `{"error": message}`."""
    return as_json({"error": message}, status, headers)


def on_the_wire(response: Response, *, head_only: bool, gzip_wanted: bool, last: bool) -> bytes:
    """The bytes of an answer. `last` tells the client that the connection ends here."""
    packed = gzip_wanted and len(response.body) > GZIP_FROM
    body = response.packed() if packed else response.body
    lines = [
        f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}",
        f"Date: {time.strftime('%a, %d %b %Y %H:%M:%S GMT', time.gmtime())}",
        f"Content-Type: {response.content_type}",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in response.headers),
    ]
    if packed:
        lines.append("Content-Encoding: gzip")
    if len(response.body) > GZIP_FROM:
        lines.append("Vary: Accept, Accept-Encoding")
    if last:
        lines.append("Connection: close")
    head = "\r\n".join(lines) + "\r\n" + _STRICT + "\r\n"
    return head.encode("latin-1") + (b"" if head_only else body)
