"""A value of the configuration with its place, and how every key takes its own: all problems are kept, none ends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from inferometer_exporter.config.tree import Entries, Items, Node, Scalar

T = TypeVar("T")

# From the top to a value: keys and indexes.
Path: TypeAlias = tuple[str | int, ...]

# Names the place of a path for a person: a line of a file, or a flag.
Where: TypeAlias = Callable[[Path], str]

_LONGEST_SHOWN = 80


class Wrong(Exception):
    """What is wrong with one value. The message goes on where the place ends: "is not a duration"."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class Problems:
    """Problems of one configuration, each a line for a person."""

    def __init__(self, where: Where) -> None:
        self.lines: list[str] = []
        self._where = where

    def add(self, path: Path, message: str, remedy: str) -> None:
        line = f"{self._where(path)}: {message}. Remedy: {remedy}."
        if line not in self.lines:
            self.lines.append(line)


@dataclass(frozen=True, slots=True)
class Section:
    """What a section says: `got` is good, `wrong` are the keys that are missing, unknown or wrong, which was noted."""

    got: dict[str, Any]
    wrong: frozenset[str]


class Value:
    """A node at its path. What reads it raises Wrong, or returns a result that is good."""

    __slots__ = ("node", "path", "problems")

    def __init__(self, node: Node, path: Path, problems: Problems) -> None:
        self.node = node
        self.path = path
        self.problems = problems

    def scalar(self) -> Scalar:
        if not isinstance(self.node, Scalar):
            kind = "a list" if isinstance(self.node, Items) else "a section with keys"
            raise Wrong(f"is {kind}, and one value is wanted", "write the value behind the colon")
        if self.node.empty:
            raise Wrong("has no value", "give it one, or leave the key out")
        return self.node

    def text(self) -> str:
        """One line of text, as it was written."""
        text = self.scalar().text.strip()
        if not text:
            raise Wrong("has no value", "give it one, or leave the key out")
        if not text.isprintable():
            raise Wrong("holds a line break or a control character", "write it in one line of printable characters")
        return text

    def each(self, read: Callable[[Value], T]) -> list[T | None]:
        """Every item of a list as `read` takes it; None stands for one that is wrong, which is noted."""
        if not isinstance(self.node, Items):
            what = "has no value" if isinstance(self.node, Scalar) and self.node.empty else "is not a list"
            raise Wrong(what, "write a list: [a, b], or a line with - for each")
        items = (Value(node, (*self.path, index), self.problems) for index, node in enumerate(self.node.items))
        return [item.attempt(read) for item in items]

    def entries(self) -> dict[str, Value]:
        """The values of a section by their keys."""
        if not isinstance(self.node, Entries):
            what = "has no value" if isinstance(self.node, Scalar) and self.node.empty else "is not a section with keys"
            raise Wrong(what, "write keys below it, each with a colon and its value")
        return {key: Value(node, (*self.path, key), self.problems) for key, node in self.node.entries.items()}

    def section(self, fields: Mapping[str, Callable[[Value], Any]], needed: Mapping[str, str]) -> Section:
        """The section's keys as `fields` take them. `needed` are keys that must be there, each with what to write."""
        said = self.entries()
        wrong = needed.keys() - said.keys()
        for key in sorted(wrong):
            self.problems.add((*self.path, key), "is missing", needed[key])
        got = {}
        for key, value in said.items():
            if key not in fields:
                self.problems.add(value.path, "is not a key here", _instead(key, list(fields)))
            result = value.attempt(fields[key]) if key in fields else None
            if result is None:
                wrong.add(key)
            else:
                got[key] = result
        return Section(got, frozenset(wrong))

    def attempt(self, read: Callable[[Value], T]) -> T | None:
        """The result of `read`, or None with the problem noted."""
        try:
            return read(self)
        except Wrong as wrong:
            self.problems.add(self.path, str(wrong), wrong.remedy)
            return None


def shown(text: str) -> str:
    """The text in quotes for a message, cut where it is long, and never what may hold a password."""
    if "@" in text or "?" in text:
        return "this value"
    return f"'{_printable(text)}{'…' if len(text) > _LONGEST_SHOWN else ''}'"


def nearest(word: str, words: Sequence[str]) -> str | None:
    """The word that was most likely meant."""
    import difflib  # only when something is wrong

    close = difflib.get_close_matches(word[:_LONGEST_SHOWN].lower(), words, 1, 0.6)
    return close[0] if close else None


def place(path: Path) -> str:
    """The path as people write it: `backends[0].urls[1]`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{_printable(step) or repr('')}" for step in path)
    return "".join(steps).removeprefix(".")


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text[:_LONGEST_SHOWN])


def _instead(key: str, keys: Sequence[str]) -> str:
    meant = nearest(key, keys)
    return f"write {meant}" if meant else f"leave it out; keys here are {', '.join(keys)}"
