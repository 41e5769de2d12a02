"""Alert knobs as they stand for this fleet: the catalog's defaults, turned by the spec, scaled in time for tests."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from inferometer.catalog.knobs import KNOBS, Knob
from inferometer.errors import Problem, nearest
from inferometer.spec.load import Source as SpecSource
from inferometer.spec.model import Spec
from inferometer.spec.slips import SPACE, tight_key
from inferometer.units import RATIO, format_duration

# A rate needs two samples in its window; one may be late and one lost.
_SAMPLES = 4


@dataclass(frozen=True, slots=True)
class Settings:
    """`scale` shortens every window and patience (1: as they are), never below `floor` seconds for a window."""

    knobs: Mapping[str, Knob]
    scale: float
    floor: int

    def __getitem__(self, alert: str) -> Knob:
        return self.knobs[alert]

    def limit(self, alert: str) -> float:
        """The alert's threshold. KeyError for an alert without one is a fault of the caller."""
        threshold = self.knobs[alert].threshold
        if threshold is None:
            raise KeyError(f"{alert} has no threshold")
        return threshold

    def window(self, seconds: int) -> int:
        """A rule's window in seconds, scaled; four scrapes at least, or a rate may see only one sample."""
        return max(round(seconds * self.scale), self.floor)

    def patience(self, seconds: int) -> int:
        return round(seconds * self.scale)


def resolve(spec: Spec, source: SpecSource) -> tuple[Settings, list[Problem]]:
    """The knobs with the spec's wishes applied, and the problems of those wishes."""
    knobs = dict(KNOBS)
    problems: list[Problem] = []
    for alert, wish in spec.alerts.knobs.items():
        knob = KNOBS.get(alert)
        if knob is None:
            word = nearest(alert, KNOBS)
            hint = f'did you mean "{word}"?' if word else f"the alerts are: {', '.join(KNOBS)}"
            hint = SPACE if tight_key(alert) else hint
            problems.append(source.problem("IM303", ("alerts", alert), f'there is no alert "{alert}"', hint))
            continue
        if wish.threshold is not None and knob.threshold is None:
            problems.append(
                source.problem("IM304", ("alerts", alert, "threshold"), f"{alert} has no threshold", "leave it out")
            )
            continue
        wrong = _wrong_share(alert, knob, wish.threshold, source)
        if wrong is not None:
            problems.append(wrong)
            continue
        knobs[alert] = _turned(knob, wish.threshold, wish.for_, wish.severity, wish.enabled)
    problems += _too_short(spec, source)
    return Settings(knobs, spec.alerts.scale, _floor(spec)), problems


def _floor(spec: Spec) -> int:
    """The least window: four samples of what is scraped least often, in whole seconds."""
    scrapes = [*(backend.scrape for backend in spec.backends), *(host.scrape for host in spec.hosts)]
    if spec.recorded:
        scrapes.append(spec.exporter.scrape)
    longest = max(spec.storage.scrape_interval, *(scrape.interval or 0 for scrape in scrapes), 0)
    return max(1, math.ceil(_SAMPLES * longest))


def _too_short(spec: Spec, source: SpecSource) -> list[Problem]:
    """A scale that leaves an alert no patience: less than an evaluation, or than the whole second that rules hold."""
    scale, least = spec.alerts.scale, min(knob.patience for knob in KNOBS.values() if knob.patience)
    needed = max(1, spec.storage.rule_interval)
    if scale == 1 or least * scale >= needed:
        return []
    message = f"the shortest patience of an alert, {format_duration(least)}, would be less than one evaluation"
    smallest = min(1.0, math.ceil(1000 * needed / least) / 1000)
    hint = f"write {smallest:g} or more, or a shorter storage.evaluation_interval"
    return [source.problem("IM310", ("alerts", "scale"), message, hint)]


def _wrong_share(alert: str, knob: Knob, threshold: float | None, source: SpecSource) -> Problem | None:
    """A share lies between 0 and 1: at 1 or above, the alert could never fire."""
    if threshold is None or knob.unit != RATIO or 0 < threshold < 1:
        return None
    meant = f"did you mean {threshold:g}%?" if 1 < threshold < 100 else "write it as 5% or 0.05"
    message = f"the threshold of {alert} is a share: it lies between 0 and 1 (0% and 100%), without either"
    return source.problem("IM310", ("alerts", alert, "threshold"), message, meant)


def _turned(
    knob: Knob, threshold: float | None, patience: float | None, severity: str | None, enabled: bool | None
) -> Knob:
    soon = knob.soon
    if threshold is not None and knob.threshold and soon is not None:
        soon = round(soon * threshold / knob.threshold, 9)  # orange keeps its distance from red
        soon = soon if 0 < soon < threshold else None
    return replace(
        knob,
        threshold=knob.threshold if threshold is None else threshold,
        soon=soon,
        patience=knob.patience if patience is None else int(patience),
        severity=severity or knob.severity,
        enabled=knob.enabled if enabled is None else enabled,
    )
