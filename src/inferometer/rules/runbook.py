"""Runbook pages: what stands in the plan about an alert, and what a person should know and do about it."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files

from inferometer import units as u
from inferometer.catalog.knobs import Knob
from inferometer.names import SPEC
from inferometer.plan import Plan
from inferometer.promql import number
from inferometer.rules.model import Alert, Group
from inferometer.units import format_duration


def pages(plan: Plan, groups: Iterable[Group]) -> dict[str, str]:
    """A page for each alert of these groups, by the alert's name."""
    rules: dict[str, list[tuple[Group, Alert]]] = {}
    for group in groups:
        for alert in group.alerts:
            rules.setdefault(alert.name, []).append((group, alert))
    return {name: f"{_head(plan, found)}\n\n{prose(name)}" for name, found in rules.items()}


def prose(name: str) -> str:
    """The part of a page that a person wrote. FileNotFoundError where an alert has none."""
    return files("inferometer.rules").joinpath("runbooks", f"{name}.md").read_text(encoding="utf-8")


def _head(plan: Plan, rules: list[tuple[Group, Alert]]) -> str:
    """The part that the plan gives: what the alert watches, when it fires, and how to turn it."""
    name = rules[0][1].name
    knob, scale = plan.settings[name], plan.settings.scale
    _, first = rules[0]
    lines = [
        f"# {name}",
        "",
        f"- **Watches:** {knob.meaning}.",
        f"- **Fires:** {_when(first)}.",
        f"- **Severity:** {knob.severity}.",
    ]
    if knob.threshold is not None:
        lines.insert(3, f"- **Threshold:** {_shown(knob)}.")
    if scale != 1:
        lines.append(f"- All times are scaled by {number(scale)} (`alerts: {{scale: {number(scale)}}}` in `{SPEC}`).")
    lines += [
        "",
        f"Turn it in `{SPEC}` (these are the values in force), then run `make`:",
        "",
        "```yaml",
        "alerts:",
        f"  {name}:",
    ]
    if knob.threshold is not None:
        lines.append(f"    threshold: {_written(knob)}")
    lines += [
        f"    for: {format_duration(knob.patience)}",
        f"    severity: {knob.severity}",
        "    enabled: true",
        "```",
    ]
    lines += ["", "What is asked:" if len(rules) == 1 else "What is asked, by objective:"]
    for group, alert in rules:
        lines += ["", *([group.about, ""] if len(rules) > 1 else []), "```promql", alert.expr.pretty(), "```"]
    return "\n".join(lines)


def _when(alert: Alert) -> str:
    waited = f"when this lasts for {format_duration(alert.patience)}" if alert.patience else "at once"
    return waited + (f", and goes on for {format_duration(alert.keep)} after its end" if alert.keep else "")


def _shown(knob: Knob) -> str:
    if knob.threshold is None or knob.unit is None:
        return ""
    if knob.unit in (u.RATIO, u.SECONDS, u.COUNT):
        return _written(knob)
    return f"{_written(knob)} {knob.unit.name}"


def _written(knob: Knob) -> str:
    """The threshold as one would write it into the spec."""
    value = knob.threshold or 0.0
    if knob.unit is u.RATIO:
        return f"{number(round(value * 100, 6))}%"
    if knob.unit is u.SECONDS and round(value, 3) == value:
        return format_duration(value)
    return number(value)
