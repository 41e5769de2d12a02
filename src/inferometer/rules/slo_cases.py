"""Cases of an objective's rules: events of which a share is bad, at a pace that may change with time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

from inferometer.catalog import signals as s
from inferometer.names import SLO
from inferometer.plan import RULE_WINDOW, Objective, Plan
from inferometer.rules.burn import DAY, FAST, Pair
from inferometer.rules.cases import ABOVE, BELOW, Span, alert_cases, firing, holds, no_data, spoken
from inferometer.rules.model import Case, Series
from inferometer.rules.testfile import series
from inferometer.rules.traffic import Witness, constant, joined, merged, requests, sampling, server

# Traffic in the past that weighs more than all that comes after it.
_HEAVY = 10_000


@dataclass(frozen=True, slots=True)
class Phase:
    """So many seconds at `pace` events per second, of which `share` are bad."""

    seconds: int
    pace: float
    share: float


@dataclass(frozen=True, slots=True)
class Events:
    """The events of one objective: from a backend of each runtime that it covers, and from others that do not count.

    `records` are the names under which objectives are recorded.
    """

    plan: Plan
    objective: Objective
    records: tuple[str, ...]

    @property
    def step(self) -> int:
        """Seconds between samples: few enough that cases over days stay small, enough for the shortest window."""
        return max(sampling(self.plan), self.plan.settings.window(RULE_WINDOW) // 4)

    @property
    def pace(self) -> float:
        return 8.0

    @property
    def share(self) -> float:
        """Half the budget."""
        return self.objective.budget / 2

    @property
    def bad_pace(self) -> float:
        return self.pace * self.share

    # -- records ------------------------------------------------------------------------------------------------------

    def measured(self, value: float) -> tuple[Case, ...]:
        """`pace` events per second, a `share` of them bad: the record must hold `value`, or none without data."""
        return self._recorded(value, ())

    def shared(self, value: float) -> tuple[Case, ...]:
        """The same for a record that is made from others, of which each objective has its own."""
        at = self._at(2 * self._window(RULE_WINDOW))
        idle = holds("is nothing without traffic", self._told([Phase(at, 0, 0)]), at)
        return (*self._recorded(value, self.records[:2]), idle)

    def _recorded(self, value: float, others: Sequence[str]) -> tuple[Case, ...]:
        at = self._at(2 * self._window(RULE_WINDOW))
        seen, phases = ({SLO: self.objective.name}, value), [Phase(at, self.pace, self.share)]
        return (
            holds("has the value", self._among_others(phases, names=others), at, seen),
            holds("keeps its value through a restart", self._told(phases, restart=True), at, seen),
            no_data(at),
        )

    def all_good(self) -> Case:
        """All events are good, and no bad one was ever counted: 0, not nothing."""
        at = self._at(2 * self._window(RULE_WINDOW))
        told = self._told([Phase(at, self.pace, 0)])
        told = spoken(told) if self.objective.signal is None else told
        return holds("is zero when all is good", told, at, ({SLO: self.objective.name}, 0))

    # -- alerts -------------------------------------------------------------------------------------------------------

    def burn_cases(self, alert: str, pairs: Sequence[Pair]) -> tuple[Case, ...]:
        """Cases of a burn alert on these pairs of windows, the quickest first."""
        knob, slow = self.plan.settings[alert], pairs[-1]
        # Where the number of events matters the short window must be full; elsewhere there are more than enough events.
        full, soon = (
            Span.of(self.plan, knob, slow.short + RULE_WINDOW, self.step),
            Span.of(self.plan, knob, step=self.step),
        )
        limit, least = self._limit(slow), self._least(slow)
        good = Phase(soon.late, _HEAVY * least, limit * BELOW)
        return alert_cases(
            knob,
            full,
            lambda seconds: self._among_others([Phase(seconds, least * ABOVE, limit * ABOVE)]),
            lambda _: self._among_others([good]),
            [{SLO: self.objective.name}],
            Case("is silent through a restart", self._among_others([good], restart=True), soon.late),
            Case("is silent with few events", self._among_others([Phase(full.late, least * BELOW, 1)]), full.late),
            self._ended(alert, pairs),
            *self._bursts(alert, pairs),
            settled=soon.late,
            plain=lambda seconds: self._among_others([Phase(seconds, _HEAVY * least, limit * ABOVE)]),
        )

    def _bursts(self, alert: str, pairs: Sequence[Pair]) -> Iterator[Case]:
        """After many good events: a burst that is too short for the long window, and one that is long enough."""
        knob, quick = self.plan.settings[alert], pairs[0]
        share, pace = min(1, self._limit(quick) * ABOVE), self._least(quick) * ABOVE
        past = Phase(self._at(2 * self._window(RULE_WINDOW)), _HEAVY * pace, 0)
        short = Span.of(self.plan, knob, quick.short + RULE_WINDOW, self.step).late
        yield Case(
            "is silent on a short burst", self._among_others([past, Phase(short, pace, share)]), past.seconds + short
        )
        if len(pairs) > 1:
            # The good events lie in the slow pair's long window and no longer in the quick one's: only that can speak.
            long = Span.of(self.plan, knob, quick.long + RULE_WINDOW, self.step).late
            told = self._among_others([past, Phase(long, pace, share)])
            yield Case("fires on a long burst", told, past.seconds + long, firing(knob, [{SLO: self.objective.name}]))
            if quick.long <= DAY / 4:  # a day of the same for the slow alert would cost more than it tells
                less = self._among_others([past, Phase(long, pace, self._limit(quick) * BELOW)])
                yield Case("is silent just below on a long burst", less, past.seconds + long)

    def _ended(self, alert: str, pairs: Sequence[Pair]) -> Case:
        """The long windows still hold what went wrong, the short ones no longer do."""
        knob, quick = self.plan.settings[alert], pairs[0]
        calm = self._at(
            self._window(pairs[-1].short) + self.plan.settings.patience(knob.keep) + 2 * self._window(RULE_WINDOW)
        )
        share = min(self._limit(quick) * ABOVE, 0.95)
        storm = self._at(ceil(calm * share / (1 - share)) + self._window(RULE_WINDOW))
        pace = self._least(quick) * ABOVE
        return Case(
            "is silent soon after the end",
            self._among_others([Phase(storm, pace, 1), Phase(calm, pace, 0)]),
            storm + calm,
        )

    def quiet_cases(self) -> tuple[Case, ...]:
        """Cases of the alert for few events, most of them bad."""
        knob = self.plan.settings["SloQuietFailure"]
        span = Span.of(self.plan, knob, FAST[-1].short + RULE_WINDOW, self.step)
        limit, least = self.plan.settings.limit("SloQuietFailure"), self._least(FAST[-1])
        bad = min(1, limit * ABOVE)
        many = self._among_others([Phase(span.late, least * ABOVE, bad)])
        return alert_cases(
            knob,
            span,
            lambda seconds: self._among_others([Phase(seconds, least * BELOW, bad)]),
            lambda seconds: self._among_others([Phase(seconds, least * BELOW, limit * BELOW)]),
            [{SLO: self.objective.name}],
            Case("leaves many events to the burn alerts", many, span.late),
        )

    def _limit(self, pair: Pair) -> float:
        return pair.limit(self.objective.window, self.objective.budget)

    def _least(self, pair: Pair) -> float:
        """Events per second at which the pair's short window holds just the least number."""
        return self.objective.min_events / self._window(pair.short)

    def _window(self, seconds: int) -> int:
        return self.plan.settings.window(seconds)

    def _at(self, seconds: int) -> int:
        return -(-seconds // self.step) * self.step

    # -- series -------------------------------------------------------------------------------------------------------

    def _told(self, phases: Sequence[Phase], *, restart: bool = False) -> Series:
        counted, others = self._witnesses()
        parts = [
            merged(
                *(
                    self._events(witness, Phase(phase.seconds, phase.pace / len(counted), phase.share), restart)
                    for witness in counted
                ),
                *(self._events(witness, Phase(phase.seconds, 1000, 1), restart) for witness in others),
            )
            for phase in phases
        ]
        return parts[0] if len(parts) == 1 else joined(parts)

    def _among_others(
        self, phases: Sequence[Phase], *, restart: bool = False, names: Sequence[str] | None = None
    ) -> Series:
        """The same beside what is recorded of another objective, all of whose events are bad."""
        held = constant(1, sum(phase.seconds for phase in phases) // self.step)
        others = {series(name, {SLO: "another"}): held for name in (self.records if names is None else names)}
        return merged(self._told(phases, restart=restart), others)

    def _events(self, witness: Witness, phase: Phase, restart: bool) -> Series:
        bad, signal = phase.pace * phase.share, self.objective.signal
        told = replace(witness, targets=witness.targets[:2], interval=self.step, restart=restart, spelling=int(restart))
        if signal is None:
            return requests(told, good=phase.pace - bad, failed=bad, seconds=phase.seconds)
        return told.histogram({self.objective.limit: phase.pace - bad, float("inf"): bad}, phase.seconds)

    def _witnesses(self) -> tuple[list[Witness], list[Witness]]:
        """The servers that count, and those that the objective leaves out by backend or by model."""
        plan, sources = self.plan, self.objective.sources
        (slo,) = (slo for slo in plan.spec.slos if slo.name == self.objective.name)
        branches = sources.branches(self.objective.signal) if self.objective.signal else sources.pair(s.ERROR_RATIO)[1]
        counted, others = [], []
        model = {"model_name": slo.models[0]} if slo.models else {}
        for branch in branches:
            for runtime in branch.runtimes:
                chosen = [b.name for b in plan.spec.backends if b.engine == runtime and b.name in slo.backends]
                backend = chosen[0] if chosen else ""
                counted.append(server(plan, branch, runtime, backend, **model))
                if slo.backends:
                    others.append(server(plan, branch, runtime, "elsewhere", **model))
                if slo.models and branch.source.per_model:
                    others.append(server(plan, branch, runtime, backend, "another"))
        return counted, others
