"""Alert knobs as they stand for this fleet: the catalog's defaults, turned by the spec, scaled in time for tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from inferometer.catalog.knobs import KNOBS, Knob
from inferometer.errors import Problem, nearest
from inferometer.spec.load import Source as SpecSource
from inferometer.spec.model import Spec


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
            problems.append(source.problem("IM303", ("alerts", alert), f'there is no alert "{alert}"', hint))
            continue
        if wish.threshold is not None and knob.threshold is None:
            problems.append(
                source.problem("IM304", ("alerts", alert, "threshold"), f"{alert} has no threshold", "leave it out")
            )
            continue
        knobs[alert] = _turned(knob, wish.threshold, wish.for_, wish.severity, wish.enabled)
    settings = Settings(knobs, spec.alerts.scale, 4 * int(spec.storage.scrape_interval))
    return settings, problems


def _turned(
    knob: Knob, threshold: float | None, patience: float | None, severity: str | None, enabled: bool | None
) -> Knob:
    soon = knob.soon
    if threshold is not None and knob.threshold and soon is not None:
        soon = round(soon * threshold / knob.threshold, 9)  # orange keeps its distance from red
    return replace(
        knob,
        threshold=knob.threshold if threshold is None else threshold,
        soon=soon,
        patience=knob.patience if patience is None else int(patience),
        severity=severity or knob.severity,
        enabled=knob.enabled if enabled is None else enabled,
    )
