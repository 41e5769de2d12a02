"""A bounded copy of bytes that arrive in pieces: whole up to a limit, beyond it the beginning and the end."""

from __future__ import annotations

import re

# Up to here a line or a body is kept whole.
LIMIT = 2**20
# Of what is longer, so much is kept at either end. Counts stand at the end, names at the beginning or the end.
ENDS = 2**16

# Stands for what cannot be shortened: no JSON, and a comment in an event stream.
_NOTHING = b":"

# A quote inside a JSON string is always escaped, so strings can be told from structure even in a part of a document.
_FORWARD = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["{}\[\],]', re.DOTALL)
_BACKWARD = re.compile(rb'\\*+"|[{}\[\],]')


class Kept:
    """Takes pieces, and gives them back as one. Never holds more than `LIMIT` and one piece."""

    __slots__ = ("_head", "_tail", "size")

    def __init__(self) -> None:
        self.size = 0  # bytes taken, kept or not
        self._head = bytearray()
        self._tail: bytearray | None = None

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        if self._tail is None:
            self._head += piece
            if len(self._head) > LIMIT:
                self._tail = self._head[-ENDS:]
                del self._head[ENDS:]
        else:
            self._tail += piece
            if len(self._tail) > 4 * ENDS:
                del self._tail[:-ENDS]

    @property
    def held(self) -> int:
        """Bytes in memory."""
        return len(self._head) + len(self._tail or b"")

    def take(self) -> bytes:
        """All of it if it was short, else a JSON object of the members whole at either end. Empties the copy."""
        head, tail = bytes(self._head), self._tail
        self.size = 0
        self._head = bytearray()
        self._tail = None
        return head if tail is None else shortened(head, bytes(tail[-ENDS:]))


def shortened(head: bytes, tail: bytes) -> bytes:
    """A JSON object without the members between, from its first and its last bytes; what stands before it is kept.

    `{"a":1,"b":[1,2` and `8,9],"c":3}` give `{"a":1,"c":3}`. Text that is no object, or does not end like one, gives
    what no reader understands; text that is broken gives broken JSON. Only a text that breaks off at a brace inside
    its longest member cannot be told from a whole one.
    """
    start, end = head.find(b"{"), len(tail.rstrip()) - 1
    if start < 0 or tail[end : end + 1] != b"}":
        return _NOTHING
    first, last = _last_comma(head, start), _first_comma(tail, end)
    if first is None or last is None:
        return _NOTHING
    members = [part for part in (head[start + 1 : first], tail[last:end]) if part]
    return head[:start] + b"{" + b",".join(members) + b"}"


def _last_comma(head: bytes, start: int) -> int | None:
    """Where the last whole member of the object that begins at `start` ends."""
    depth, comma = 0, start + 1
    for token in _FORWARD.finditer(head, start):
        sign = token[0]
        if sign == b'"':  # a string that goes on beyond the head
            break
        if sign in b"{[":
            depth += 1
        elif sign in b"}]":
            depth -= 1
            if depth == 0:
                return None
        elif sign == b"," and depth == 1:
            comma = token.start()
    return comma


def _first_comma(tail: bytes, end: int) -> int | None:
    """Where the first whole member of the object that ends at `end` begins, found from the end backwards."""
    depth, inside, begin = 0, False, end
    for token in reversed([*_BACKWARD.finditer(tail, 0, end + 1)]):
        sign = token[0]
        if sign[-1:] == b'"':
            inside ^= len(sign) % 2 == 1  # an odd number of backslashes before it makes it a part of the string
        elif inside:
            continue
        elif sign in b"}]":
            depth += 1
        elif sign in b"{[":
            depth -= 1
            if depth == 0:
                return None
        elif depth == 1:
            begin = token.end()
    return begin
