"""Thresholds that no server could ever show to be passed: a quantile ends at the last bound of its buckets."""

from __future__ import annotations

from collections.abc import Iterator

from inferometer.errors import Problem
from inferometer.plan.settings import Settings
from inferometer.plan.sources import Sources
from inferometer.spec.load import Source
from inferometer.units import format_duration


def problems(settings: Settings, source: Source, sources: Sources) -> Iterator[Problem]:
    """Each alert on a histogram whose threshold lies at or above the last bound on every engine that tells it."""
    for alert, knob in settings.knobs.items():
        bounds = [branch.source.buckets for branch in sources.branches(knob.signal)] if knob.signal else []
        last = max((max(each) for each in bounds if each), default=None)
        if knob.threshold is None or last is None or knob.threshold < last:
            continue
        message = f"{alert} could never fire: no server tells of more than {format_duration(last)}"
        yield source.problem("IM313", ("alerts", alert, "threshold"), message, "choose a threshold below that")
