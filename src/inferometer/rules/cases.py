"""Test cases that rules bring along: an alert fires, and is silent just below, early, without data, after a restart.

A case is made from a truth ("6 of 100 requests fail") and says what must be seen; it never asks the rule's expression.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from inferometer.catalog.knobs import Knob
from inferometer.names import SEVERITY
from inferometer.plan import RULE_WINDOW, Plan
from inferometer.rules.model import Case, Expected, Labels, Series
from inferometer.rules.traffic import Witness, constant, merged, sampling

Truth = Callable[[Witness, float, int], Series]
"""The series of a backend at which a signal has this value for so many seconds."""

# How far from its threshold a value stands that must, or must not, fire: a threshold moved by a tenth is noticed.
ABOVE, BELOW = 1.05, 0.95

# Scrapes after which a rule has seen what it needs, beside its window and its patience.
_SETTLED = 4


@dataclass(frozen=True, slots=True)
class Span:
    """The times of an alert's cases, in seconds after the first sample: when it must fire, and when it must not yet.

    `early` is 0 where its patience is so short that no sample lies within it.
    """

    late: int
    early: int

    @classmethod
    def of(cls, plan: Plan, knob: Knob, window: int = RULE_WINDOW, step: int = 0) -> Span:
        """`window` is what the rule looks back on (unscaled), `step` the seconds between samples if not the usual."""
        step = step or sampling(plan)
        patience = plan.settings.patience(knob.patience)
        late = plan.settings.window(window) + patience + _SETTLED * step
        return cls(_whole(late, step), max(0, patience - 1) // step * step)


def _whole(seconds: int, step: int) -> int:
    """Rounded up to a whole number of steps: rules are evaluated then."""
    return -(-seconds // step) * step


def firing(knob: Knob, labels: Iterable[Labels]) -> tuple[Expected, ...]:
    """The alert fires once for each of these label sets."""
    return tuple(Expected({**each, SEVERITY: knob.severity}, 1) for each in labels)


def alert_cases(
    knob: Knob,
    span: Span,
    bad: Callable[[int], Series],
    good: Callable[[int], Series],
    labels: Iterable[Labels],
    *more: Case,
    settled: int = 0,
    plain: Callable[[int], Series] | None = None,
) -> tuple[Case, ...]:
    """The cases that any alert has: `bad` and `good` give the series of so many seconds.

    `settled` is when the silence just below is asked for, if an alert could have fired earlier than the bad case's.
    `plain` gives series that are bad from the first samples on, where those of `bad` get there slowly: only these show
    that the alert waits.
    """
    calm = settled or span.late
    cases = [
        Case("fires", bad(span.late), span.late, firing(knob, labels)),
        Case("is silent just below", good(calm), calm),
        no_data(span.late),
        *more,
    ]
    if span.early > 0:
        cases.append(Case("waits its time", (plain or bad)(span.late), span.early))
    return tuple(cases)


def witness_cases(
    plan: Plan,
    knob: Knob,
    witnesses: Sequence[Witness],
    truth: Truth,
    bad: float,
    good: float,
    plain: Truth | None = None,
) -> tuple[Case, ...]:
    """The cases of an alert on a signal that every witness tells: each fires at `bad`, none at `good`."""
    span = Span.of(plan, knob)

    def told(how: Truth, value: float, seconds: int) -> Series:
        return merged(*(how(witness, value, seconds) for witness in witnesses))

    restarted = merged(*(truth(witness.restarted(), good, span.late) for witness in witnesses))
    return alert_cases(
        knob,
        span,
        lambda seconds: told(truth, bad, seconds),
        lambda seconds: told(truth, good, seconds),
        [witness.labels for witness in witnesses],
        Case("is silent through a restart", restarted, span.late),
        plain=lambda seconds: told(plain or truth, bad, seconds),
    )


def no_data(at: int) -> Case:
    """Nothing is scraped but something that has nothing to do with the rule."""
    return Case("is silent without data", {'up{job="elsewhere",instance="elsewhere:1"}': constant(1, 400)}, at)


def holds(name: str, series: Series, at: int, *expected: tuple[Labels, float]) -> Case:
    """A recording rule's case: these samples and no others, or none at all."""
    return Case(name, series, at, tuple(Expected(labels, value) for labels, value in expected))


def record_cases(plan: Plan, witnesses: Sequence[Witness], truth: Truth, value: float) -> tuple[Case, ...]:
    """The cases of a recorded signal: its value as told, through a restart, under each name; no data is no data."""
    at = _whole(2 * plan.settings.window(RULE_WINDOW), sampling(plan))

    def case(name: str, told: Sequence[Witness]) -> Case:
        seen = [(witness.labels, value) for witness in told]
        return holds(name, merged(*(truth(witness, value, at) for witness in told)), at, *seen)

    return (
        case("has the value", witnesses),
        case("keeps its value through a restart", [witness.restarted() for witness in witnesses]),
        no_data(at),
    )


def name_cases(plan: Plan, witnesses: Sequence[Witness], truth: Truth, *values: float) -> tuple[Case, ...]:
    """The cases of a signal whose metrics have several names: each is heard by itself, with each of these values."""
    at = _whole(2 * plan.settings.window(RULE_WINDOW), sampling(plan))
    apart = [alone for witness in witnesses for alone in witness.apart()]
    return tuple(
        holds(
            "is zero where nothing of it was counted" if value == 0 else "has the value under each name",
            spoken(merged(*(truth(witness, value, at) for witness in apart))),
            at,
            *((witness.labels, value) for witness in apart),
        )
        for value in values
    )


def spoken(told: Series) -> Series:
    """Without the counters that never moved: a server does not show a label's value before it first met it."""
    return {name: values for name, values in told.items() if not values.startswith("0+0x")}
