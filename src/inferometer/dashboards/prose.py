"""What a panel's description says: what it shows, which metrics it reads, who does not tell, which alert watches it."""

from __future__ import annotations

from collections.abc import Iterable

from inferometer.catalog.knobs import Knob
from inferometer.catalog.signal import Metric, Profile, Ratio, Signal
from inferometer.names import RUNBOOKS
from inferometer.plan.sources import Branch, Sources
from inferometer.promql import Selector
from inferometer.units import COUNT, RATIO, SECONDS, Unit, format_duration


def about(sources: Sources, signal: Signal | Ratio, text: str, knob: Knob | None = None) -> str:
    """A panel's description in Markdown; `knob` is the alert on the same signal."""
    lines = [text, "", reads(sources, signal)]
    if knob and knob.enabled and knob.threshold is not None:
        limit = format_value(knob.threshold, knob.unit)
        watched = f"Alert **{knob.alert}** ({knob.severity}): {knob.meaning}, above {limit}."
        lines += ["", f"{watched} Runbook: `{RUNBOOKS}/{knob.alert}.md`."]
    return "\n".join(lines)


def reads(sources: Sources, signal: Signal | Ratio) -> str:
    """One line for each source: the engine and its metrics; then those who do not tell."""
    if isinstance(signal, Signal):
        branches = sources.branches(signal)
    else:
        branches = tuple(branch for side in sources.pair(signal) for branch in side)
    lines = list(dict.fromkeys(_source(branch) for branch in branches))
    silent = [profile.title for profile in sources.silent(signal)]
    return "\n".join([*lines, *([f"- not told by {', '.join(silent)}"] if silent else [])])


def gaps(sources: Sources, wanted: Iterable[Signal | Ratio]) -> list[str]:
    """A line for each reason why an engine tells some of the wanted signals not."""
    reasons: dict[str, list[str]] = {}
    for signal in wanted:
        for profile in sources.silent(signal):
            reasons.setdefault(lack(profile, signal), []).append(signal.title)
    return [f"- **{', '.join(dict.fromkeys(titles))}**: {reason}" for reason, titles in reasons.items()]


def lack(profile: Profile, signal: Signal | Ratio) -> str:
    """Why an engine does not tell a signal, and what to do about it."""
    needed = [signal] if isinstance(signal, Signal) else [signal.part, signal.whole]
    told = [profile.lacks[one.key] for one in needed if one.key in profile.lacks]
    return told[0] if told else f"{profile.title} has no metric for it."


def format_value(value: float, unit: Unit | None) -> str:
    """A threshold as people write it: `5 %`, `2s500ms`, `50`, `0.5 per second`."""
    if unit is RATIO:
        return f"{value * 100:g} %"
    if unit is SECONDS:
        return format_duration(value)
    return f"{value:g}" + (f" {unit.name}" if unit and unit is not COUNT else "")


def _source(branch: Branch) -> str:
    names = " + ".join(_names(metric) for metric in branch.source.metrics)
    own = branch.profile.engine in branch.runtimes
    who = branch.profile.title if own else f"{branch.profile.title}, before {' and '.join(branch.runtimes)}"
    return f"- {who}: {names}" + (f". {branch.source.note}" if branch.source.note else "")


def _names(metric: Metric) -> str:
    """`new{…}` (until 0.13 `old`)"""
    current, *older = metric.names
    shown = f"`{Selector(current.name, metric.where).text()}`"
    until = [f"until {'.'.join(map(str, old.until))} `{old.name}`" for old in older if old.until]
    return shown + (f" ({', '.join(until)})" if until else "")
