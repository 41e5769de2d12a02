"""Service level objectives, resolved and checked: a limit must be a bucket's bound on every engine it covers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from inferometer.catalog import signals as s
from inferometer.catalog.signal import Signal
from inferometer.errors import Problem, listed
from inferometer.names import BACKEND
from inferometer.plan.sources import Sources, escaped, one_of
from inferometer.promql import Matcher
from inferometer.spec.load import Source as SpecSource
from inferometer.spec.model import Slo, Spec
from inferometer.units import format_duration

AVAILABILITY = "availability"
LATENCIES: dict[str, Signal] = {
    signal.key: signal for signal in (s.TIME_TO_FIRST_TOKEN, s.TIME_PER_OUTPUT_TOKEN, s.REQUEST_DURATION, s.QUEUE_TIME)
}


@dataclass(frozen=True, slots=True)
class Objective:
    """One objective. `signal` is None for availability (requests that did not fail); `limit` is in seconds.

    `sources` are those of the runtimes covered, `matchers` narrow them to backends, `model` to models.
    """

    name: str
    signal: Signal | None
    target: float
    limit: float
    window: int
    min_events: int
    sources: Sources
    matchers: tuple[Matcher, ...] = ()
    model: str = ""

    @property
    def budget(self) -> float:
        """The share of events that may be bad."""
        return 1 - self.target

    @property
    def sentence(self) -> str:
        goal = f"{self.target * 100:g} % of requests"
        days = format_duration(self.window)
        if self.signal is None:
            return f"{goal} succeed, over {days}"
        return f"{goal}: {self.signal.title.lower()} within {format_duration(self.limit)}, over {days}"


def resolve(spec: Spec, source: SpecSource, sources: Sources) -> tuple[list[Objective], list[Problem]]:
    """The spec's objectives and what is wrong with them."""
    objectives: list[Objective] = []
    problems: list[Problem] = []
    for index, slo in enumerate(spec.slos):
        covered = sources.only(_runtimes(spec, slo, sources))
        wrong = [*_problems(slo, index, source, covered), *_forgotten(spec, slo, index, source)]
        problems += wrong
        if not wrong:
            objectives.append(_objective(spec, slo, covered))
    return objectives, problems


def _runtimes(spec: Spec, slo: Slo, sources: Sources) -> list[str]:
    chosen = {b.engine for b in spec.backends if not slo.backends or b.name in slo.backends}
    return [p.engine for p in sources.engines if p.engine in chosen and (not slo.engines or p.engine in slo.engines)]


def _problems(slo: Slo, index: int, source: SpecSource, sources: Sources) -> list[Problem]:
    at = ("slos", index)
    signal = LATENCIES.get(slo.signal)
    problems = []
    for profile in sources.silent(signal or s.ERROR_RATIO):
        others = ", ".join(p.engine for p in sources.engines if p is not profile)
        narrow = f", or narrow the objective with `engines: [{others}]`" if others else ""
        remedy = f"put the exporter before it (`record: true`){narrow}"
        problems.append(source.problem("IM301", (*at, "signal"), f"{profile.title} does not tell {slo.signal}", remedy))
    if signal is None or slo.threshold is None:
        return problems
    bounds = {branch.profile.title: branch.source.buckets for branch in sources.branches(signal)}
    strangers = [title for title, own in bounds.items() if slo.threshold not in own]
    if strangers:
        message = (
            f"{format_duration(slo.threshold)} is no bucket boundary of {signal.title.lower()} on "
            f"{listed(strangers, 'and')}: nobody can count the requests within it"
        )
        problems.append(source.problem("IM302", (*at, "threshold"), message, _legal(slo.threshold, bounds)))
    return problems


def _forgotten(spec: Spec, slo: Slo, index: int, source: SpecSource) -> Iterator[Problem]:
    """An objective that looks further back than samples are kept would judge a part of its window as the whole."""
    if slo.window > spec.storage.retention:
        kept, window = format_duration(spec.storage.retention), format_duration(slo.window)
        remedy = f"keep them for longer (`storage: {{retention: {window}}}`), or give the objective a shorter window"
        message = f"{slo.name} looks back {window}, and samples are kept for {kept}"
        yield source.problem("IM312", ("slos", index, "window"), message, remedy)


def _legal(limit: float, bounds: Mapping[str, Sequence[float]]) -> str:
    """The nearest boundaries that all engines share, or those of each where they share none."""
    shared = set.intersection(*(set(own) for own in bounds.values()))
    if shared:
        which = "boundaries that all share" if len(bounds) > 1 else "boundaries"
        return f"the nearest {which}: {_written(nearest(limit, shared))}"
    each = "; ".join(f"{title}: {_written(nearest(limit, own))}" for title, own in bounds.items())
    return f"no boundary is shared, so write one objective for each engine (`engines:`). Nearest: {each}"


def _written(limits: Iterable[float]) -> str:
    return listed([format_duration(limit) for limit in limits], "and")


def nearest(limit: float, bounds: Iterable[float]) -> tuple[float, ...]:
    """The bound below and the bound above, or the one that there is."""
    ordered = sorted(bounds)
    below = [bound for bound in ordered if bound < limit]
    above = [bound for bound in ordered if bound > limit]
    return (*below[-1:], *above[:1])


def _objective(spec: Spec, slo: Slo, sources: Sources) -> Objective:
    matchers = (one_of(BACKEND, slo.backends),) if slo.backends else ()
    names = [name for model in slo.models for name in (model, *_aliases(spec, model))]
    return Objective(
        name=slo.name,
        signal=LATENCIES.get(slo.signal),
        target=slo.objective,
        limit=slo.threshold or 0.0,
        window=slo.window,
        min_events=slo.min_events,
        sources=sources,
        matchers=matchers,
        model="|".join(escaped(name) for name in names),
    )


def _aliases(spec: Spec, model: str) -> Sequence[str]:
    known = spec.models.get(model)
    return known.aliases if known else ()
