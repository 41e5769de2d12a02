"""Where things stand in the file, for problems found after reading. Lines are kept with their secrets masked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from inferometer.errors import Position, Problem
from inferometer.spec.nodes import Fault, MappingNode, Node, ScalarNode, SequenceNode, Span

# From the top of the file to a value: keys and indexes.
Path: TypeAlias = tuple[str | int, ...]

_MASK = "*"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at a path. `on_key` when the key itself is meant and not its value."""

    code: str
    path: Path
    message: str
    hint: str | None = None
    on_key: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """The file that a spec was read from. `moved` leads from paths of the model to where a short form wrote them."""

    file: str
    lines: Sequence[str]
    root: Node | None = None
    moved: Mapping[Path, Path] = field(default_factory=dict)

    def problem(self, code: str, path: Path, message: str, hint: str | None = None, *, on_key: bool = False) -> Problem:
        """A problem with what stands at `path`, or with the nearest thing around it that is there."""
        return self.at(code, self._span(self.written(path), on_key), message, hint)

    def of(self, finding: Finding) -> Problem:
        return self.problem(finding.code, finding.path, finding.message, finding.hint, on_key=finding.on_key)

    def at(self, code: str, span: Span, message: str, hint: str | None = None) -> Problem:
        """A problem with what stands in a span. What stands after the last line is shown at that line's end."""
        number = min(span.line, len(self.lines) - 1)
        line = self.lines[number]
        start = min(span.column, len(line)) if number == span.line else len(line)
        end = span.end_column if span.end_line == span.line else len(line)
        return Problem(code, message, Position(self.file, number + 1, start + 1), hint, line, max(1, end - start))

    def fault(self, fault: Fault) -> Problem:
        return self.at(fault.code, fault.span, fault.message, fault.hint)

    def written(self, path: Path) -> Path:
        """Where a path of the model stands in the file: short forms undone, no index 0 of what is no list there."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.moved:
                path = self.moved[path[:end]] + path[end:]
                break
        node, steps = self.root, []
        for step in path:
            if step == 0 and node is not None and not isinstance(node, SequenceNode):
                continue
            steps.append(step)
            node = _child(node, step)
        return tuple(steps)

    def _span(self, path: Path, on_key: bool) -> Span:
        node, key = self.root, None
        for step in path:
            below = _child(node, step)
            if below is None:
                on_key = False
                break
            key = node.keys[str(step)] if isinstance(node, MappingNode) else None
            node = below
        if node is None:
            return Span(0, 0, 0, 1)
        if key is None:
            return _first_key(node)
        return node.span if isinstance(node, ScalarNode) and not on_key and not _empty(node.span) else key


def _child(node: Node | None, step: str | int) -> Node | None:
    if isinstance(node, MappingNode) and isinstance(step, str):
        return node.entries.get(step)
    if isinstance(node, SequenceNode) and isinstance(step, int) and 0 <= step < len(node.items):
        return node.items[step]
    return None


def masked(lines: Sequence[str], spans: Iterable[Span]) -> list[str]:
    """The lines with every character of the spans but white space replaced; columns stay as they are."""
    shown = list(lines)
    for span in spans:
        for number in range(span.line, min(span.end_line + 1, len(shown))):
            line = shown[number]
            start = span.column if number == span.line else 0
            end = span.end_column if number == span.end_line else len(line)
            shown[number] = line[:start] + "".join(c if c.isspace() else _MASK for c in line[start:end]) + line[end:]
    return shown


def _empty(span: Span) -> bool:
    return (span.line, span.column) == (span.end_line, span.end_column)


def _first_key(node: Node) -> Span:
    """The whole of a scalar; the first key of a mapping; the beginning of anything else."""
    if isinstance(node, ScalarNode):
        return node.span
    first = next(iter(node.keys.values()), None) if isinstance(node, MappingNode) else None
    begins = (node.span.line, node.span.column)
    if first is not None and begins == (first.line, first.column):
        return first
    return Span(*begins, begins[0], begins[1] + 1)
