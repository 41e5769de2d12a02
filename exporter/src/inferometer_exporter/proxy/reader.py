"""Reads requests from a client's bytes: where each begins and ends, its head, its body without its framing.

httptools decides what is HTTP. A head that is the one before but for its length, as clients send on a kept connection,
is not read again: its body is counted.
"""

from __future__ import annotations

from typing import NoReturn, Protocol

import httptools

from inferometer_exporter.proxy.head import (
    MAX_HEAD,
    MAX_HEADERS,
    Headers,
    Refused,
    RequestHead,
    read_request_head,
    split_length,
)


class Owner(Protocol):
    """Who is told what was read, in this order for each request."""

    def request_began(self) -> None: ...

    def request_head(self, head: RequestHead, length: bytes | None) -> None:
        """May raise Refused."""

    def request_body(self, piece: bytes) -> None: ...

    def request_end(self) -> None: ...


class RequestReader:
    """Give it bytes as they come. It raises Refused once, and must not be fed after that."""

    __slots__ = (
        "_common", "_fields", "_fresh", "_left", "_loose", "_muted", "_owner", "_parser", "_refused", "_seen", "_target"
    )  # fmt: skip

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._parser = httptools.HttpRequestParser(self)
        self._fields: Headers = []
        self._target = b""
        self._fresh = True  # the next byte is the first of a request
        self._left = 0  # bytes of a body that is counted, not parsed
        self._loose = 0  # bytes that came since the last head, piece of a body or end
        self._seen: tuple[bytes, bytes | None] | None = None  # the head being parsed as it came, without its length
        self._common: tuple[bytes, RequestHead] | None = None  # the last such head, and what was read of it
        self._refused: Refused | None = None
        self._muted = False

    def close(self) -> None:
        """Let go of the parser, which holds on to this reader."""
        del self._parser

    def feed(self, data: bytes) -> None:
        if self._left:
            self._counted(data)
        elif self._fresh:
            self._first(data)
        else:
            self._parse(data)

    def _first(self, data: bytes) -> None:
        """The first bytes of a request."""
        end = data.find(b"\r\n\r\n")
        if end < 0 or data[0] in b"\r\n":  # an empty line before a request is no part of its head
            self._seen = None
            self._parse(data)
            return
        common, length = self._seen = split_length(data[:end])
        if (
            self._common is None
            or common != self._common[0]
            or (length is not None and not (length.isdigit() and len(length) < 16))
        ):
            self._parse(data)
            return
        owner = self._owner
        owner.request_began()
        assert self._common is not None
        owner.request_head(self._common[1], length)
        self._left = int(length) if length else 0
        if len(data) > end + 4:
            self._counted(data[end + 4 :])
        elif self._left == 0:
            owner.request_end()

    def _counted(self, data: bytes) -> None:
        """Bytes after a head that was not parsed: its body, and perhaps the next request."""
        left = self._left
        body, rest = (data, b"") if len(data) <= left else (data[:left], data[left:])
        self._left = left = left - len(body)
        if body:
            self._owner.request_body(body)
        if left == 0:
            self._owner.request_end()
        if rest:  # requests sent all at once: the parser takes any number of them in one go
            self._seen = None
            self._parse(rest)

    def _parse(self, data: bytes) -> None:
        self._loose += len(data)
        while data:
            try:
                self._parser.feed_data(data)
                break
            except httptools.HttpParserUpgrade as upgrade:
                self._after_upgrade()
                data = data[upgrade.args[0] :]
            except httptools.HttpParserInvalidMethodError:
                raise Refused(501, "an unknown method") from None
            except httptools.HttpParserError:
                raise self._refused or Refused(400, "the request is no HTTP") from None
        if self._loose > MAX_HEAD:
            raise Refused(431, "a head that is too long")

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self._muted:
            return
        self._fresh = False
        self._target, self._fields = b"", []
        self._owner.request_began()

    def on_url(self, part: bytes) -> None:
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name, value))
        if len(self._fields) > MAX_HEADERS:  # trailers count too, which come here as well
            self._stop(Refused(431, "too many headers"))

    def on_headers_complete(self) -> None:
        if self._muted:
            return
        fields, parser = self._fields, self._parser
        seen, self._seen = self._seen, None  # what was seen is the first head of a read only
        if (
            self._loose > MAX_HEAD
            and len(self._target) + sum(len(name) + len(value) for name, value in fields) > MAX_HEAD
        ):
            self._stop(Refused(431, "a head that is too long"))
        self._loose = 0
        try:
            head = read_request_head(
                parser.get_method(), parser.get_http_version(), self._target, fields, parser.should_keep_alive()
            )
            length = self._length()
            self._owner.request_head(head, length)
        except Refused as refused:
            self._stop(refused)
        same = seen is not None and seen[1] == length
        plain = same and head.keep and not head.chunked and not parser.should_upgrade()
        self._common = (seen[0], head) if plain and seen is not None else None

    def on_body(self, piece: bytes) -> None:
        self._loose = 0
        self._owner.request_body(piece)

    def on_message_complete(self) -> None:
        if self._muted or (self._parser.should_upgrade() and self._announced()):
            return  # the parser thinks that another protocol follows; see _after_upgrade
        self._loose = 0
        self._fresh = True
        self._owner.request_end()

    def _stop(self, refused: Refused) -> NoReturn:
        self._refused = refused
        raise refused

    def _length(self) -> bytes | None:
        for name, value in self._fields:
            if name.lower() == b"content-length":
                return value.strip()
        return None

    def _announced(self) -> bytes:
        """The header that announces a body; empty where there is none."""
        for name, value in self._fields:
            low = name.lower()
            if (low == b"content-length" and int(value)) or low == b"transfer-encoding":
                return b"%b: %b\r\n" % (name, value)
        return b""

    def _after_upgrade(self) -> None:
        """A request asked to change the protocol (curl and Java do, for HTTP/2): it is served as if it had not."""
        self._parser = httptools.HttpRequestParser(self)
        announced = self._announced()
        if announced and not self._fresh:
            self._muted = True  # the head was read already: only the parser needs one
            self._parser.feed_data(b"POST / HTTP/1.1\r\nHost: -\r\n" + announced + b"\r\n")
            self._muted = False
