"""YAML text into a tree in which every value keeps its line, with duplicate keys, aliases and tags refused.

It is composed from PyYAML's events, without recursion: `yaml.load` takes duplicate keys in silence, and deep nesting
ends the process. PyYAML takes some MiB, so this module is imported only where a file is read.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import yaml

from inferometer_exporter.config.tree import Entries, Items, Node, Scalar

MAX_NODES = 100_000
MAX_DEPTH = 20

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Slip:
    """What is wrong with the YAML itself, at a line that counts from 1."""

    line: int
    message: str
    remedy: str


class Unreadable(Exception):
    """The text cannot be read to its end."""

    def __init__(self, slip: Slip) -> None:
        super().__init__(slip.message)
        self.slip = slip


def parse(text: str) -> tuple[Node | None, list[Slip]]:
    """The tree (None for an empty text) and what is wrong with it. Raises Unreadable where reading cannot go on."""
    composer = _Composer()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            composer.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = " ".join(part for part in (error.context, error.problem) if part)
        raise Unreadable(_no_yaml(mark.line + 1 if mark else 1, f"is not valid YAML: {problem}")) from None
    except yaml.YAMLError:
        raise Unreadable(_no_yaml(1, "holds a character that YAML does not allow")) from None
    return composer.root, composer.slips


def _no_yaml(line: int, message: str) -> Slip:
    remedy = "indent with spaces, put a space behind each colon, and quotes around text that begins with a sign"
    return Slip(line, message, remedy)


@dataclass(slots=True)
class _Open:
    """A list or a mapping that is being read. In a mapping keys and values take turns."""

    mapping: bool
    line: int
    children: list[Node] = field(default_factory=list)


class _Composer:
    def __init__(self) -> None:
        self.root: Node | None = None
        self.slips: list[Slip] = []
        self._open: list[_Open] = []
        self._documents = 0
        self._nodes = 0

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.ScalarEvent):
            self._refuse_tag(event.tag, line)
            self._add(Scalar(str(event.value), line, plain=not event.style))
        elif isinstance(event, yaml.AliasEvent):
            # The name is not printed: it may be a secret that begins with an asterisk.
            self.slips.append(Slip(line, "is an alias", 'write the value out; text that begins with "*" needs quotes'))
            self._add(Scalar("alias", line))
        elif isinstance(event, yaml.CollectionStartEvent):
            self._refuse_tag(event.tag, line)
            if len(self._open) >= MAX_DEPTH:
                raise Unreadable(Slip(line, f"is nested more than {MAX_DEPTH} deep", "see the example in README.md"))
            self._open.append(_Open(isinstance(event, yaml.MappingStartEvent), line))
        elif isinstance(event, yaml.CollectionEndEvent):
            opened = self._open.pop()
            self._add(self._mapping(opened) if opened.mapping else Items(opened.children, opened.line))
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise Unreadable(Slip(line, "begins a second document", "keep one document in the file"))

    def _refuse_tag(self, tag: object, line: int) -> None:
        if tag is not None:
            self.slips.append(Slip(line, "has a tag", 'leave it out; text that begins with "!" needs quotes'))

    def _add(self, node: Node) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise Unreadable(Slip(node.line, f"is the value after {MAX_NODES}", "make the file shorter"))
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node

    def _mapping(self, opened: _Open) -> Entries:
        entries: dict[str, Node] = {}
        lines: dict[str, int] = {}
        for key, value in zip(opened.children[::2], opened.children[1::2], strict=True):
            if not isinstance(key, Scalar):
                self.slips.append(Slip(key.line, "has a key that is no text", "write a word before the colon"))
            elif key.text in entries:
                message = f"repeats the key of line {lines[key.text]}"
                self.slips.append(Slip(key.line, message, "keep one of the two"))
            else:
                entries[key.text], lines[key.text] = value, key.line
        return Entries(entries, opened.line, lines)
