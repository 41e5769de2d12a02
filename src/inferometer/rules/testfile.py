"""A group's cases as a file for `promtool test rules`.

Each case asks for samples, not for alerts with their annotations: labels and numbers are pinned, prose is not. The
`sum without` drops the series' name and the label by which vmalert tells groups apart, so that the same expressions
hold in vmalert-tool (which knows the same section as `metricsql_expr_test`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from inferometer.promql import number, quoted
from inferometer.rules.model import Alert, Case, Group, Labels, Record
from inferometer.units import format_duration

# Digits of a recorded value that must be right: sums of floats differ in the last ones, and promtool compares exactly.
_DIGITS = 5


def cases_file(group: Group) -> dict[str, object]:
    """The file's content: one test for each set of input series, in the group's order."""
    step = format_duration(group.step)
    tests: dict[tuple[tuple[str, str], ...], list[tuple[Alert | Record, Case]]] = {}
    for rule in group.rules:
        for case in rule.cases:
            tests.setdefault(tuple(case.series.items()), []).append((rule, case))
    return {
        "rule_files": [f"../{group.name}.yaml"],
        "evaluation_interval": step,
        "group_eval_order": [group.title],
        "tests": [_test(cases, step) for cases in tests.values()],
    }


def series(name: str, labels: Labels) -> str:
    """`name{label="value",…}`."""
    return f"{name}{{{','.join(f'{label}={quoted(value)}' for label, value in labels.items())}}}"


def _test(cases: Sequence[tuple[Alert | Record, Case]], step: str) -> dict[str, object]:
    """Cases that begin with the same series share one run, and the first of them gives its name."""
    rule, first = cases[0]
    return {
        "name": f"{rule.name} {first.name}",
        "interval": step,
        "input_series": [{"series": name, "values": values} for name, values in first.series.items()],
        "promql_expr_test": [_question(rule, case) for rule, case in cases],
    }


def _question(rule: Alert | Record, case: Case) -> Mapping[str, object]:
    if isinstance(rule, Alert):
        state = series("ALERTS", {"alertname": rule.name, "alertstate": "firing"})
        expr, digits = f"sum without (alertname, alertstate, alertgroup) ({state})", 0
    else:
        digits = _decimals([expected.value for expected in case.expected])
        grain = number(10**digits)
        expr = f"round(sum without () ({rule.name}) * {grain}) / {grain}"
    samples = [{"labels": series("", one.labels), "value": round(one.value, digits)} for one in case.expected]
    return {"expr": expr, "eval_time": format_duration(case.at), "exp_samples": samples}


def _decimals(values: list[float]) -> int:
    """Decimals that hold the wanted digits of the smallest value."""
    smallest = min((abs(value) for value in values if value), default=1.0)
    return max(0, _DIGITS - 1 - math.floor(math.log10(smallest)))
