"""YAML text into a tree in which everything keeps its place, read by YAML 1.2's core rules.

PyYAML's events are composed here and not by `yaml.compose`: that one recurses (deep nesting ends the process), resolves
by YAML 1.1, and lets a later duplicate key win in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml

from inferometer.spec.scalars import Plain, Scalar, ambiguity, resolve
from inferometer.spec.syntax import complaint

# A fleet of 1,000 backends with 50 models each has some 100,000 nodes; aliases count as often as they are used.
MAX_NODES = 1_000_000
MAX_DEPTH = 50

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# What libyaml counts as the end of a line, so that its line numbers find the line.
LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")

_TEXT_TAGS = ("!", "tag:yaml.org,2002:str")
_MERGE = "<<"


@dataclass(frozen=True, slots=True)
class Span:
    """From a place up to, but not with, another. Lines and columns count from 0, as PyYAML counts."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class ScalarNode:
    value: Scalar
    span: Span
    size: int = 1
    height: int = 1


@dataclass(frozen=True, slots=True)
class SequenceNode:
    items: tuple[Node, ...]
    span: Span
    size: int
    height: int


@dataclass(frozen=True, slots=True)
class MappingNode:
    """`keys` holds the places of the keys."""

    entries: dict[str, Node]
    keys: dict[str, Span]
    span: Span
    size: int
    height: int


Node: TypeAlias = ScalarNode | SequenceNode | MappingNode


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with the YAML itself, at a span."""

    code: str
    message: str
    span: Span
    hint: str | None = None


class Unreadable(Exception):
    """The text cannot be read to its end; `fault` is the reason."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


@dataclass(slots=True)
class _Open:
    """A collection that is being read. In a mapping keys and values take turns."""

    start: yaml.Event
    mapping: bool
    anchor: str | None
    children: list[Node] = field(default_factory=list)


def parse(text: str, loader: type = _LOADER) -> tuple[Node | None, list[Fault]]:
    """The tree of the text (None for an empty one) and its faults. Raises Unreadable where reading cannot go on."""
    composer = _Composer()
    try:
        for event in yaml.parse(text, Loader=loader):
            composer.take(event)
    except yaml.MarkedYAMLError as error:
        said = complaint(error, LINE_BREAK.split(text))
        where = Span(said.line, said.column, said.line, said.column + 1)
        raise Unreadable(Fault("IM104", said.message, where, said.hint)) from None
    except yaml.YAMLError:
        raise Unreadable(Fault("IM104", "not valid YAML", Span(0, 0, 0, 1))) from None
    return composer.root, composer.faults


class _Composer:
    """Builds the tree from events, without recursion."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.faults: list[Fault] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, Node | None] = {}
        self._documents = 0
        self._nodes = 0

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._tag(event, event.tag not in (None, *_TEXT_TAGS))
            if event.anchor is not None and not event.value:
                hint = 'text that begins with "&" must be quoted'
                self.faults.append(Fault("IM108", "an anchor with nothing after it", _span(event), hint))
            self._add(ScalarNode(self._scalar(event), _span(event)), event.anchor)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._tag(event, event.tag not in (None, "!"))
            if len(self._open) >= MAX_DEPTH:
                raise Unreadable(Fault("IM109", f"nested more than {MAX_DEPTH} deep", _span(event)))
            if event.anchor is not None:
                self._anchors[event.anchor] = None
            self._open.append(_Open(event, isinstance(event, yaml.MappingStartEvent), event.anchor))
        elif isinstance(event, yaml.CollectionEndEvent):
            opened = self._open.pop()
            whole = _until(opened.start, event)
            self._add(self._mapping(opened, whole) if opened.mapping else _sequence(opened, whole), opened.anchor)
        elif isinstance(event, yaml.AliasEvent):
            self._add(self._aliased(event), None)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                fault = Fault("IM109", "a second document begins here", _span(event), "a spec is one document")
                raise Unreadable(fault)

    def _add(self, node: Node, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = node
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise Unreadable(Fault("IM109", f"more than {MAX_NODES:,} values", node.span))
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node

    def _aliased(self, event: yaml.AliasEvent) -> Node:
        # The name is not printed: it may be a secret that begins with an asterisk and was not quoted.
        node = self._anchors.get(str(event.anchor))
        if node is None:
            inside = event.anchor in self._anchors
            message = "this alias stands inside what it repeats" if inside else "this alias has no anchor before it"
            hint = None if inside else 'text that begins with "*" must be quoted'
            self.faults.append(Fault("IM108", message, _span(event), hint))
            return ScalarNode(None, _span(event))
        self._nodes += node.size
        if self._nodes > MAX_NODES:
            message = f"with this alias the file holds more than {MAX_NODES:,} values"
            raise Unreadable(Fault("IM108", message, _span(event)))
        if len(self._open) + node.height > MAX_DEPTH:
            message = f"with this alias the file is nested more than {MAX_DEPTH} deep"
            raise Unreadable(Fault("IM108", message, _span(event)))
        return node

    def _tag(self, event: yaml.Event, unknown: bool) -> None:
        if unknown:
            hint = 'leave it out; text that begins with "!" must be quoted'
            self.faults.append(Fault("IM109", "a spec has no tags", _span(event), hint))

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        text = str(event.value)
        if event.style or event.tag is not None:
            return text
        # Keys are text however they look.
        taken_for = None if _key_follows(self._open) else ambiguity(text)
        if taken_for is not None:
            message = f"some YAML readers take this for {taken_for}"
            hint = "quote it if it is text; a number is written without leading zeros and colons"
            self.faults.append(Fault("IM107", message, _span(event), hint))
            return text
        return resolve(text)

    def _mapping(self, opened: _Open, span: Span) -> MappingNode:
        entries: dict[str, Node] = {}
        keys: dict[str, Span] = {}
        merged: list[tuple[Node, Span]] = []
        for key, value in zip(opened.children[::2], opened.children[1::2], strict=True):
            if not isinstance(key, ScalarNode):
                self.faults.append(Fault("IM109", "a key must be text", key.span))
                continue
            name = key.value.text if isinstance(key.value, Plain) else key.value or ""
            if name == _MERGE:
                merged.append((value, key.span))
            elif name in entries:
                message = f"this key stands on line {keys[name].line + 1} already"
                self.faults.append(Fault("IM106", message, key.span, "keep one of the two"))
            else:
                entries[name], keys[name] = value, key.span
        for value, where in merged:
            for source in value.items if isinstance(value, SequenceNode) else (value,):
                if not isinstance(source, MappingNode):
                    self.faults.append(Fault("IM109", '"<<" takes the alias of a mapping', where))
                    continue
                for name, entry in source.entries.items():
                    entries.setdefault(name, entry)
                    keys.setdefault(name, source.keys[name])
        return MappingNode(entries, keys, span, *_measure(opened.children))


def children(node: Node) -> Iterator[Node]:
    """What a node holds; an alias brings the same node again."""
    if isinstance(node, SequenceNode):
        yield from node.items
    elif isinstance(node, MappingNode):
        yield from node.entries.values()


def _key_follows(opened: Sequence[_Open]) -> bool:
    """Whether the next scalar is a key: keys are always text here."""
    return bool(opened) and opened[-1].mapping and len(opened[-1].children) % 2 == 0


def _sequence(opened: _Open, span: Span) -> SequenceNode:
    return SequenceNode(tuple(opened.children), span, *_measure(opened.children))


def _measure(nodes: Sequence[Node]) -> tuple[int, int]:
    """Size and height of the collection that holds these nodes."""
    return 1 + sum(node.size for node in nodes), 1 + max((node.height for node in nodes), default=0)


def _span(event: yaml.Event) -> Span:
    return _until(event, event)


def _until(first: yaml.Event, last: yaml.Event) -> Span:
    start, end = first.start_mark, last.end_mark
    if start is None or end is None:
        return Span(0, 0, 0, 1)
    return Span(start.line, start.column, end.line, end.column)
