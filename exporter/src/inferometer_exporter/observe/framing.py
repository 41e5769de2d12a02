"""Cuts an answer's bytes into what is read at once: JSON lines, the data of server-sent events, or the whole body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from inferometer_exporter.observe.kept import LIMIT, Kept


class Framing(Protocol):
    """`split` gives what a piece made whole, `rest` what the end made whole. Empty ones mean nothing."""

    def split(self, data: bytes) -> Sequence[bytes]: ...

    def rest(self) -> Sequence[bytes]: ...

    @property
    def size(self) -> int:
        """Bytes that came and were not given out yet, kept or not."""

    @property
    def held(self) -> int:
        """Bytes in memory."""


class Lines:
    """Lines that end in LF; a CR before it stays on the line, where JSON takes it for white space."""

    __slots__ = ("_partial",)

    def __init__(self) -> None:
        self._partial = Kept()

    @property
    def size(self) -> int:
        return self._partial.size

    @property
    def held(self) -> int:
        return self._partial.held

    def split(self, data: bytes) -> Sequence[bytes]:
        return self._joined(data.split(b"\n"))

    def _joined(self, lines: list[bytes]) -> list[bytes]:
        """The lines that are whole, with what was kept before the first; what stands after the last LF is kept."""
        last = lines.pop()
        if lines and self._partial.size:
            self._partial.add(lines[0])
            lines[0] = self._partial.take()
        if last:
            self._partial.add(last)
        return lines

    def rest(self) -> Sequence[bytes]:
        return [self._partial.take()]


class Events(Lines):
    """The data of server-sent events, by the HTML standard's "Server-sent events" (but a CR alone ends no line).

    An event ends with an empty line; several `data:` lines are joined by LF. Names, ids and comments are left out: all
    dialects say an event's kind in its data. One that is cut off by the end counts, since some servers end so.
    """

    __slots__ = ("_data",)

    def __init__(self) -> None:
        super().__init__()
        self._data = b""

    @property
    def held(self) -> int:
        return super().held + len(self._data)

    def split(self, data: bytes) -> Sequence[bytes]:
        lines = data.split(b"\n")
        # Servers mostly send one event at a time: `data: …`, or `event: …` and `data: …`, then an empty line.
        if 3 <= len(lines) <= 4 and not self._partial.size and not self._data:
            line, blank, rest = lines[-3:]
            if not blank and not rest and line[:5] == b"data:" and (len(lines) == 3 or lines[0][:6] == b"event:"):
                return (line[5:],)
        return self._events(self._joined(lines))

    def rest(self) -> Sequence[bytes]:
        return self._events([*super().rest(), b""])

    def _events(self, lines: Sequence[bytes]) -> Sequence[bytes]:
        events = []
        for line in lines:
            if line.startswith(b"data:"):
                if not self._data:
                    self._data = line[5:]
                elif len(self._data) + len(line) <= LIMIT:
                    self._data += b"\n" + line[5:]
            elif self._data and (not line or line == b"\r"):
                events.append(self._data)
                self._data = b""
        return events


class Body:
    """A whole body, which is read at its end. Most come in one piece, which is kept as it is."""

    __slots__ = ("_kept", "_only")

    def __init__(self) -> None:
        self._only = b""
        self._kept: Kept | None = None

    @property
    def size(self) -> int:
        return self._kept.size if self._kept is not None else len(self._only)

    @property
    def held(self) -> int:
        return self._kept.held if self._kept is not None else len(self._only)

    def split(self, data: bytes) -> Sequence[bytes]:
        if self._kept is not None:
            self._kept.add(data)
        elif not self._only and len(data) <= LIMIT:
            self._only = data
        else:
            self._kept = Kept()
            self._kept.add(self._only)
            self._kept.add(data)
            self._only = b""
        return ()

    def rest(self) -> Sequence[bytes]:
        return (self._kept.take() if self._kept is not None else self._only,)


class Ignored:
    """What cannot be read: nothing of it is kept."""

    __slots__ = ()
    size = held = 0

    def split(self, data: bytes) -> Sequence[bytes]:
        return ()

    def rest(self) -> Sequence[bytes]:
        return ()
