"""The values of a configuration as they were written, from a file or from flags.

Nothing is resolved here: each key knows what it wants, so `on`, `0777` and `12:30:45` are what the user wrote.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

_NULLS = ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True)
class Scalar:
    """`plain` when it was written without quotes: only then it can be a number, true, or nothing."""

    text: str
    line: int = 0
    plain: bool = True

    @property
    def empty(self) -> bool:
        return self.plain and self.text in _NULLS


@dataclass(frozen=True, slots=True)
class Items:
    items: list[Node]
    line: int = 0


@dataclass(frozen=True, slots=True)
class Entries:
    """`lines` are those of the keys."""

    entries: dict[str, Node]
    line: int = 0
    lines: dict[str, int] = field(default_factory=dict)


Node: TypeAlias = Scalar | Items | Entries
