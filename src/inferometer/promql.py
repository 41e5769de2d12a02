"""PromQL as small immutable expressions.

An expression knows its selector and its window; it is turned into text once, at the very end, by `text()` (one line) or
`pretty()` (broken where a line would grow too long). Nothing here knows a metric name: the catalog does.

The grammar is the subset that Prometheus and VictoriaMetrics share
(https://prometheus.io/docs/prometheus/latest/querying/basics/).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce

INDENT = "  "
WIDTH = 110

_PRECEDENCE = {
    "or": 1, "and": 2, "unless": 2,
    "==": 3, "!=": 3, "<=": 3, "<": 3, ">=": 3, ">": 3,
    "+": 4, "-": 4, "*": 5, "/": 5, "%": 5, "^": 6,
}  # fmt: skip
_ATOM = 9


def quoted(value: str) -> str:
    """A PromQL string literal. Grafana's `$variables` pass through: they hold nothing that needs an escape."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def number(value: float) -> str:
    """A number as a person would write it: `1`, `0.95`, `1e+06` never `1000000.0`."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(float(value))


@dataclass(frozen=True, slots=True)
class Matcher:
    """One label matcher; `op` is one of `=`, `!=`, `=~`, `!~`."""

    label: str
    op: str
    value: str

    def text(self) -> str:
        return f"{self.label}{self.op}{quoted(self.value)}"


@dataclass(frozen=True, slots=True)
class Expr:
    """What all expressions share. Subclasses give `text()` and, where they hold others, `_broken()`."""

    def text(self) -> str:
        raise TypeError(f"{type(self).__name__} has no text")

    @property
    def precedence(self) -> int:
        return _ATOM

    def _broken(self, width: int) -> str:
        return self.text()

    def pretty(self, width: int = WIDTH) -> str:
        """The expression in lines of at most `width` columns where it can be broken at all."""
        flat = self.text()
        return flat if len(flat) <= width else self._broken(width)

    def __str__(self) -> str:
        return self.text()


@dataclass(frozen=True, slots=True)
class Selector(Expr):
    """`metric{matchers}`, with a range when `window` is set: `metric{…}[5m] offset 1h`."""

    metric: str
    matchers: tuple[Matcher, ...] = ()
    window: str = ""
    offset: str = ""

    def text(self) -> str:
        inside = ",".join(matcher.text() for matcher in self.matchers)
        body = f"{self.metric}{{{inside}}}" if inside or not self.metric else self.metric
        return body + (f"[{self.window}]" if self.window else "") + (f" offset {self.offset}" if self.offset else "")

    def over(self, window: str) -> Selector:
        return replace(self, window=window)


@dataclass(frozen=True, slots=True)
class Number(Expr):
    value: float

    def text(self) -> str:
        return number(self.value)


@dataclass(frozen=True, slots=True)
class Text(Expr):
    """A string literal, an argument of `label_replace` and its kin."""

    value: str

    def text(self) -> str:
        return quoted(self.value)


@dataclass(frozen=True, slots=True)
class Call(Expr):
    function: str
    arguments: tuple[Expr, ...]

    def text(self) -> str:
        return f"{self.function}({', '.join(a.text() for a in self.arguments)})"

    def _broken(self, width: int) -> str:
        if len(self.arguments) == 1 and isinstance(self.arguments[0], Selector):
            return self.text()
        inner = width - len(INDENT)
        lines: list[str] = []
        for argument in self.arguments:
            shown = argument.pretty(inner)
            literal = isinstance(argument, (Text, Number))
            if lines and literal and len(lines[-1]) + len(shown) + 2 <= inner:
                lines[-1] += f" {shown},"  # the short arguments share the last line: "model", "$1", …
            else:
                lines.append(f"{shown},")
        return f"{self.function}(\n{_indented(chr(10).join(lines)[:-1])}\n)"


@dataclass(frozen=True, slots=True)
class Aggregate(Expr):
    """`op by (labels) (expr)`; `parameter` comes first inside the brackets, as `topk` wants it."""

    op: str
    expr: Expr
    by: tuple[str, ...] = ()
    parameter: Expr | None = None

    def _head(self) -> str:
        return f"{self.op} by ({', '.join(self.by)}) " if self.by else self.op

    def text(self) -> str:
        first = f"{self.parameter.text()}, " if self.parameter else ""
        return f"{self._head()}({first}{self.expr.text()})"

    def _broken(self, width: int) -> str:
        first = f"{self.parameter.text()},\n" if self.parameter else ""
        return f"{self._head()}(\n{_indented(first + self.expr.pretty(width - len(INDENT)))}\n)"


@dataclass(frozen=True, slots=True)
class Binary(Expr):
    """`left op right`. `on`/`ignoring` give the matching labels; `group_left` the labels to copy."""

    op: str
    left: Expr
    right: Expr
    on: tuple[str, ...] | None = None
    ignoring: tuple[str, ...] | None = None
    group_left: tuple[str, ...] | None = None
    bool_: bool = False

    @property
    def precedence(self) -> int:
        return _PRECEDENCE[self.op]

    def _operator(self) -> str:
        words = [self.op + (" bool" if self.bool_ else "")]
        if self.on is not None:
            words.append(f"on ({', '.join(self.on)})")
        if self.ignoring is not None:
            words.append(f"ignoring ({', '.join(self.ignoring)})")
        if self.group_left is not None:
            words.append(f"group_left ({', '.join(self.group_left)})")
        return " ".join(words)

    def _wrapped(self, side: Expr, shown: str, right: bool) -> str:
        # Operators are left-associative (but for ^, used once at most): an equal on the right needs brackets.
        tight = side.precedence < self.precedence or (right and side.precedence == self.precedence)
        if not tight:
            return shown
        return f"(\n{_indented(shown)}\n)" if "\n" in shown else f"({shown})"

    def text(self) -> str:
        left = self._wrapped(self.left, self.left.text(), right=False)
        right = self._wrapped(self.right, self.right.text(), right=True)
        return f"{left} {self._operator()} {right}"

    def _broken(self, width: int) -> str:
        left = self._wrapped(self.left, self.left.pretty(width - len(INDENT)), right=False)
        right = self._wrapped(self.right, self.right.pretty(width - len(INDENT)), right=True)
        last = left.rpartition("\n")[2]
        fits = last == ")" and "\n" not in right and len(f"{last} {self._operator()} {right}") <= width
        return f"{left}{' ' if fits else chr(10)}{self._operator()} {right}"


def _indented(text: str) -> str:
    return "\n".join(INDENT + line for line in text.split("\n"))


def call(function: str, *arguments: Expr) -> Call:
    return Call(function, arguments)


def rate(selector: Selector, window: str) -> Call:
    return call("rate", selector.over(window))


def increase(selector: Selector, window: str) -> Call:
    return call("increase", selector.over(window))


def total(expr: Expr, *by: str) -> Aggregate:
    return Aggregate("sum", expr, by)


def union(branches: Iterable[Expr]) -> Expr:
    """`a or b or c`: where two branches have a series with the same labels, the earlier one wins."""
    parts = list(branches)
    if not parts:
        raise ValueError("a union of nothing")
    return reduce(lambda left, right: Binary("or", left, right), parts)


def set_label(expr: Expr, label: str, value: str) -> Call:
    """`expr` with `label` set to the constant `value` on every series."""
    return call("label_replace", expr, Text(label), Text(value), Text(""), Text(""))


def fill_label(expr: Expr, label: str, value: str) -> Call:
    """`expr` with `label` set to `value` where it is missing or empty, and left alone elsewhere."""
    return call("label_replace", expr, Text(label), Text(value), Text(label), Text(""))


def copy_label(expr: Expr, source: str, target: str, pattern: str = "(.+)") -> Call:
    """`expr` with `target` set to what `pattern` captures of `source`; unchanged where it does not match."""
    return call("label_replace", expr, Text(target), Text("$1"), Text(source), Text(pattern))


def first_label(expr: Expr, target: str, sources: Sequence[str]) -> Call:
    """`expr` with `target` set to the first of two labels that is there: their own name, or what stands in for it.

    PromQL has no conditional copy, so both are joined and the pattern takes the left one unless it is empty.
    """
    left, right = sources
    joined = call("label_join", expr, Text(target), Text(";"), Text(left), Text(right))
    return call("label_replace", joined, Text(target), Text("$1$2"), Text(target), Text("([^;]+);.*|;(.*)"))


def over(left: Expr, right: Expr) -> Binary:
    """`left / right` with the divisor guarded: where nothing was counted there is no ratio, and no NaN."""
    return Binary("/", left, Binary(">", right, Number(0)))


def compare(left: Expr, op: str, limit: float) -> Binary:
    return Binary(op, left, Number(limit))


def quantile(q: float, buckets: Expr) -> Call:
    return call("histogram_quantile", Number(q), buckets)
