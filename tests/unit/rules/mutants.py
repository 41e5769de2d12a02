"""Rules with one mistake each: a comparison turned round, a limit moved, a matcher or a label dropped, no patience."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from inferometer.names import SLO
from inferometer.promql import Aggregate, Binary, Call, Expr, Number, Selector
from inferometer.rules import Alert, Group, Record

_TURNED = {">": "<", "<": ">", ">=": "<", "==": "!="}


def mutants(rule: Alert | Record) -> Iterator[tuple[str, Alert | Record]]:
    """Each mutant with a word on what is wrong with it. All of them mean something else than the rule."""
    for what, expr in wrong(rule.expr):
        yield what, replace(rule, expr=expr)
    if isinstance(rule, Alert) and rule.patience:
        yield "no patience", replace(rule, patience=0)


def wrong(expr: Expr) -> Iterator[tuple[str, Expr]]:
    """All expressions with one mistake. A limit that stands in several comparisons moves in all of them, and an
    objective's name, by which series are chosen on both sides of an operator, is dropped everywhere."""
    yield from _one_place(expr)
    for limit in sorted(
        {float(one.right.value) for one in _comparisons(expr) if isinstance(one.right, Number)} - {0.0}
    ):
        for factor in (0.9, 1.1):
            # A tenth more of a small whole number is the same number to what counts in whole ones.
            moved = limit * factor if limit != int(limit) or limit >= 10 else limit + (1 if factor > 1 else -1)
            yield f"limit {limit} moved to {moved}", _rebuilt(expr, partial(_moved, limit=limit, moved=moved))
    if any(matcher.label == SLO for one in _parts(expr) if isinstance(one, Selector) for matcher in one.matchers):
        yield "any objective", _rebuilt(expr, _of_any_objective)


def _one_place(expr: Expr) -> Iterator[tuple[str, Expr]]:
    yield from _here(expr)
    match expr:
        case Binary(op="*", right=Number(value=0.0)):
            # Nothing of what is multiplied by zero can be wrong but the labels of the result.
            inside = ((what, left) for what, left in _one_place(expr.left) if what.startswith("not by"))
            yield from ((what, replace(expr, left=left)) for what, left in inside)
        case Binary():
            yield from ((what, replace(expr, left=left)) for what, left in _one_place(expr.left))
            yield from ((what, replace(expr, right=right)) for what, right in _one_place(expr.right))
        case Aggregate():
            yield from ((what, replace(expr, expr=inner)) for what, inner in _one_place(expr.expr))
        case Call():
            for index, argument in enumerate(expr.arguments):
                before, after = expr.arguments[:index], expr.arguments[index + 1 :]
                changed = ((what, (*before, one, *after)) for what, one in _one_place(argument))
                yield from ((what, replace(expr, arguments=arguments)) for what, arguments in changed)


def _here(expr: Expr) -> Iterator[tuple[str, Expr]]:
    match expr:
        case Binary() if expr.op in _TURNED:
            yield f"{expr.op} turned round in {expr}", replace(expr, op=_TURNED[expr.op])
        case Binary() if expr.op in ("and", "unless", "or"):
            yield f"only the left of: {expr.op} {expr.right}", expr.left
            if expr.op == "or":
                yield f"only the right of: {expr.left} or", expr.right
        case Selector():
            for matcher in expr.matchers:
                if matcher.label != SLO:
                    rest = tuple(one for one in expr.matchers if one is not matcher)
                    yield f"no {matcher.text()} on {expr.metric}", replace(expr, matchers=rest)
        case Aggregate():
            for label in expr.by:
                yield f"not by {label}", replace(expr, by=tuple(one for one in expr.by if one != label))


def _parts(expr: Expr) -> Iterator[Expr]:
    yield expr
    match expr:
        case Binary():
            yield from (*_parts(expr.left), *_parts(expr.right))
        case Aggregate():
            yield from _parts(expr.expr)
        case Call():
            for argument in expr.arguments:
                yield from _parts(argument)


def _comparisons(expr: Expr) -> Iterator[Binary]:
    return (one for one in _parts(expr) if isinstance(one, Binary) and one.op in _TURNED)


def _rebuilt(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The expression with each part changed, the innermost first."""
    match expr:
        case Binary():
            expr = replace(expr, left=_rebuilt(expr.left, change), right=_rebuilt(expr.right, change))
        case Aggregate():
            expr = replace(expr, expr=_rebuilt(expr.expr, change))
        case Call():
            expr = replace(expr, arguments=tuple(_rebuilt(one, change) for one in expr.arguments))
    return change(expr)


def _moved(expr: Expr, limit: float, moved: float) -> Expr:
    if isinstance(expr, Binary) and expr.op in _TURNED and expr.right == Number(limit):
        return replace(expr, right=Number(moved))
    return expr


def _of_any_objective(expr: Expr) -> Expr:
    if isinstance(expr, Selector):
        return replace(expr, matchers=tuple(one for one in expr.matchers if one.label != SLO))
    return expr


def needed(group: Group, rule: Alert | Record) -> Group:
    """The rule, last, with its cases; before it, without theirs, those of its name and the records that it reads."""
    text, kept = rule.expr.text(), [rule]
    for record in reversed(group.records):
        if record is not rule and (record.name == rule.name or record.name in text):
            kept.insert(0, replace(record, cases=()))
            text += record.expr.text()
    return replace(group, rules=tuple(kept))
