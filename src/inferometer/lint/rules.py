"""Checks of rule files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from inferometer.lint.finding import Finding, syntax_fault
from inferometer.names import ALERTS, SEVERITY

SEVERITIES = ("critical", "warning", "info")
WANTED = ("summary", "description", "runbook_url")


Rule = Mapping[str, Any]


def rules(path: str, value: object) -> Iterator[Rule]:
    """The rules of a rule file (not of its tests); none for any other file."""
    if isinstance(value, Mapping) and path.startswith(f"{ALERTS}/") and path.count("/") == 1:
        for group in value.get("groups") or ():
            yield from group.get("rules") or ()


def named(rule: Rule) -> str:
    return str(rule.get("alert") or rule.get("record"))


def expression_parses(path: str, rule: Rule) -> Iterator[Finding]:
    fault = syntax_fault(str(rule.get("expr", "")))
    if fault:
        yield Finding("promql", path, named(rule), fault)


def alert_can_be_acted_on(path: str, rule: Rule) -> Iterator[Finding]:
    if "alert" not in rule:
        return
    missing = [word for word in WANTED if not (rule.get("annotations") or {}).get(word)]
    if missing:
        yield Finding("alert-words", path, named(rule), f"the alert has no {', '.join(missing)}")
    severity = (rule.get("labels") or {}).get(SEVERITY)
    if severity not in SEVERITIES:
        fault = f"severity {severity!r} is none of {', '.join(SEVERITIES)}: no route knows it"
        yield Finding("alert-severity", path, named(rule), fault)
