"""A finding: which check, in which file and where in it, and what is wrong."""

from __future__ import annotations

from dataclasses import dataclass

import promql_parser

# A duration for each of Grafana's own variables: a parser knows no `$`.
_DURATIONS = {"$__rate_interval": "1m", "$__interval": "1m", "$__range": "1h"}


@dataclass(frozen=True, slots=True)
class Finding:
    """`where` is a panel's title or a rule's name; empty for the file as a whole."""

    check: str
    path: str
    where: str
    message: str

    def __str__(self) -> str:
        place = f"{self.path}: {self.where}" if self.where else self.path
        return f"{place}: {self.message} [{self.check}]"


def without_variables(expr: str) -> str:
    """A board's query with Grafana's durations filled in; `$variables` inside label values may stay."""
    for variable, duration in _DURATIONS.items():
        expr = expr.replace(variable, duration)
    return expr


def syntax_fault(expr: str) -> str | None:
    """What a PromQL parser says against an expression, None where it accepts it."""
    try:
        promql_parser.parse(without_variables(expr))
    except ValueError as error:
        return str(error).strip().splitlines()[0]
    return None
