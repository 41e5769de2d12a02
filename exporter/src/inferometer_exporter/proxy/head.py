"""Heads of requests and answers: which headers belong to one hop only, and what is forwarded of the rest.

A request's head is made anew from what the parser understood, so that the server reads it as we did. An answer's head
goes through as it came, but for the headers of its hop.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from inferometer_exporter.config.hosts import is_local

Headers = list[tuple[bytes, bytes]]

# Of a request's and an answer's head: nginx allows 32 KB by default, Go 1 MB. No LLM client comes near.
MAX_HEAD = 64 * 1024
MAX_HEADERS = 256

# RFC 9110, 7.6.1, and two that only proxies read. What `Connection:` names is added in each request.
HOP = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"proxy-authorization", b"te", b"trailer", b"upgrade")
)
TRANSFER_CODING = frozenset((b"transfer-encoding",))
FRAMING = frozenset((b"content-length", b"transfer-encoding"))
_SPECIAL = HOP | FRAMING | {b"host", b"expect", b"x-herd-tags"}
# Never taken for a hop's own, whatever `Connection:` says: the message would be read otherwise without them.
_KEPT = frozenset((b"content-length", b"content-type", b"content-encoding", b"host"))

# Of an answer's head in lower case, the headers that matter here.
_ANSWER = re.compile(
    rb"\r\n(content-(?:length|type|encoding)|transfer-encoding|connection|x-fleet-[a-z-]+):[ \t]*([^\r\n]*)"
)
# What belongs to the hop from the server to here.
_ANSWER_HOP = re.compile(rb"\r\n(?:connection|keep-alive|proxy-connection|upgrade):[^\r\n]*", re.IGNORECASE)


class Refused(Exception):
    """A request that is not forwarded. `status` is what its client is answered."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


@dataclass(slots=True)
class RequestHead:
    """What the proxy needs of a request's head. It holds for every request with the same head, whatever its length.

    `lines` are the headers to forward, joined, each with its line end, but for the length. `keep` tells whether the
    client's connection may serve another request, `local` whether its Host names this machine.
    """

    method: bytes
    version: str
    target: bytes
    path: bytes
    lines: bytes
    chunked: bool
    expects: bool
    herd_tags: str | None
    keep: bool
    local: bool
    first: tuple[object, bytes] = (None, b"")  # the head as made for a server, and that server

    def for_server(self, server: object, prefix: bytes, authority: bytes) -> bytes:
        """The head to send, without its length and its empty line."""
        if self.first[0] is not server:
            first = b"%b %b%b HTTP/%b\r\nHost: %b\r\n%b" % (
                self.method, prefix, self.target, self.version.encode(), authority, self.lines
            )  # fmt: skip
            self.first = (server, first)
        return self.first[1]

    def readable(self) -> RequestHead:
        """The same for another body, with an answer that comes in no encoding."""
        left_out = (b"accept-encoding:", b"transfer-encoding:")
        kept = [line for line in self.lines.split(b"\r\n")[:-1] if not line.lower().startswith(left_out)]
        lines = b"".join([line + b"\r\n" for line in kept])
        return replace(self, lines=lines, chunked=False, first=(None, b""))


def read_request_head(method: bytes, version: str, target: bytes, headers: Headers, keep: bool) -> RequestHead:
    """What is forwarded of a request. Raises Refused where its framing or its target could be read in two ways.

    `keep` is the parser's word on keeping the connection.
    """
    if version not in ("1.1", "1.0"):
        raise Refused(505, "only HTTP/1.1 and HTTP/1.0 are spoken here")
    if method == b"CONNECT":
        raise Refused(405, "this is no forward proxy")
    lines, hosts, chunked, expects, tags, named = [], list[bytes](), False, False, None, frozenset[bytes]()
    for name, value in headers:
        low = name.lower()
        if low not in _SPECIAL:
            if b"_" in low and low.replace(b"_", b"-") in FRAMING:
                raise Refused(400, "a header that some servers take for another")
            lines.append((low, b"%b: %b\r\n" % (name, value)))
        elif low == b"host":
            hosts.append(value)
        elif low == b"connection":
            named |= _named(value)
        elif low == b"transfer-encoding":
            if value.strip().lower() != b"chunked":
                raise Refused(501, "no transfer coding but chunked is known here")
            chunked = True
        elif low == b"expect":
            expects = True
            lines.append((low, b"%b: %b\r\n" % (name, value)))
        elif low == b"x-herd-tags":
            tags = value.decode("latin-1") if tags is None else f"{tags},{value.decode('latin-1')}"
            lines.append((low, b"%b: %b\r\n" % (name, value)))
    if len(hosts) > 1 or (not hosts and version == "1.1"):
        raise Refused(400, "one Host header is needed")
    if chunked and version == "1.0":
        raise Refused(400, "HTTP/1.0 has no chunks")
    joined = b"".join([line for low, line in lines if low not in named])
    if chunked:
        joined += b"Transfer-Encoding: chunked\r\n"
    origin = _origin(target)
    path = origin.partition(b"?")[0]
    keep = keep and version == "1.1"
    local = not hosts or is_local(hosts[0].decode("latin-1"))
    return RequestHead(method, version, origin, path, joined, chunked, expects, tags, keep, local)


def split_length(head: bytes) -> tuple[bytes, bytes | None]:
    """A head as it came, without its length, and that: the first is common to most messages of one sender."""
    at = head.find(b"\r\nContent-Length: ")
    if at < 0:
        at = head.find(b"\r\ncontent-length: ")
        if at < 0:
            return head, None
    end = head.find(b"\r\n", at + 18)
    if end < 0:
        return head[:at], head[at + 18 :]
    return head[:at] + head[end:], head[at + 18 : end]


def _named(connection: bytes) -> frozenset[bytes]:
    """The headers that a `Connection:` value names, in lower case."""
    return frozenset(token.strip().lower() for token in connection.split(b",")) - _KEPT


def _origin(target: bytes) -> bytes:
    """The path and query, byte for byte. The authority of an absolute form never chooses the server."""
    if target.startswith(b"/") or target == b"*":
        return target
    scheme, separator, rest = target.partition(b"://")
    if not separator or scheme.lower() not in (b"http", b"https"):
        raise Refused(400, "the target is neither a path nor an http address")
    cut = min((at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0), default=len(rest))
    path = rest[cut:]
    return path if path.startswith(b"/") else b"/" + path


@dataclass(slots=True)
class AnswerHead:
    """What the proxy needs of an answer's head.

    `raw` is the head to forward without its last empty line, `fields` its headers that matter, in lower case. `length`
    is the body's, None where it is chunked or ends with the connection (`chunked` tells which).
    """

    status: int
    raw: bytes
    fields: dict[bytes, bytes]
    length: int | None
    chunked: bool
    reusable: bool


def read_answer_head(head: bytes, bodiless: bool) -> AnswerHead:
    """Of a head that the parser has accepted, without its final empty line. `bodiless`: the answer to a HEAD."""
    status = int(head[9:12])
    found = _ANSWER.findall(head.lower())
    fields = dict(found)
    reusable = head[7:8] == b"1"
    if _ANSWER_HOP.search(head):
        head = _ANSWER_HOP.sub(b"", head)
        said = fields[b"connection"] = b",".join([value for name, value in found if name == b"connection"])
        if said not in (b"keep-alive", b""):
            reusable = reusable and b"close" not in said
            head = without(head, _named(said))
    if bodiless or status == 204 or status == 304:
        return AnswerHead(status, head, fields, 0, False, reusable)
    if b"transfer-encoding" in fields:
        return AnswerHead(status, head, fields, None, True, reusable)
    length = fields.get(b"content-length")
    if length is None:
        return AnswerHead(status, head, fields, None, False, False)
    return AnswerHead(status, head, fields, int(length), False, reusable)


class AnswerHeads:
    """Reads the heads of one server's answers. One that is the last but for its length is not read again.

    Servers say the date in seconds: under load, most heads are like the one before.
    """

    __slots__ = ("_around", "_last", "_strips")

    def __init__(self) -> None:
        self._around = (b"", b"")  # what stands before and after the length
        self._last: AnswerHead | None = None
        self._strips = False  # the head has headers that are not forwarded

    def known(self, head: bytes) -> AnswerHead | None:
        """What there is to know of a head that was read before; None where the parser must see it, and then `read`."""
        last = self._last
        if last is None:
            return None
        before, after = self._around
        size = last.length
        if size is None:
            if head != before:
                return None
        else:
            number = head[len(before) : len(head) - len(after)]
            if not (head.startswith(before) and head.endswith(after) and number.isdigit() and len(number) < 16):
                return None
            size = int(number)
        raw = _ANSWER_HOP.sub(b"", head) if self._strips else head
        return AnswerHead(last.status, raw, last.fields, size, last.chunked, last.reusable)

    def read(self, head: bytes) -> AnswerHead:
        """Read a head that the parser has accepted, without its final empty line; not that of the answer to a HEAD."""
        answer = read_answer_head(head, False)
        length = b"" if answer.length is None else b": %d" % answer.length
        before, found, after = head.partition(length) if length else (head, b"", b"")
        whole = not length or (before[-14:].lower() == b"content-length" and after[:1] in (b"", b"\r"))
        named = answer.fields.get(b"connection", b"") not in (b"keep-alive", b"")
        self._last = None
        if whole and not named and answer.status >= 200 and answer.status not in (204, 304):
            self._around, self._last, self._strips = (before + found[:2], after), answer, answer.raw != head
        return answer


def without(head: bytes, names: frozenset[bytes]) -> bytes:
    """A head as it came, but for the headers of these names (in lower case)."""
    first, *lines = head.split(b"\r\n")
    kept = [line for line in lines if line.partition(b":")[0].strip().lower() not in names]
    return b"\r\n".join([first, *kept])


def header(head: bytes, name: bytes) -> bytes | None:
    """The value of the first header of this name (in lower case) as it came; None where there is none."""
    at = head.lower().find(b"\r\n" + name + b":")
    if at < 0:
        return None
    start = at + len(name) + 3
    end = head.find(b"\r\n", start)
    return head[start : end if end >= 0 else len(head)].strip(b" \t")
