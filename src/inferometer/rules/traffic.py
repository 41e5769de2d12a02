"""Input for rule tests: what servers would expose under a given truth.

Series are written in promtool's notation with the names and labels of the source that counts for a signal. That these
names are the engine's own is proved elsewhere, on recordings of the real servers. Beside each server stands what must
not be counted: a router's copy of an engine's names, a recorder's series of a runtime that speaks for itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from inferometer.catalog import signals as s
from inferometer.catalog.signal import Kind, Metric, Ratio, Signal, Vantage
from inferometer.names import BACKEND, CLUSTER, INSTANCE, JOB, JOB_EXPORTER, MODEL, RUNTIME
from inferometer.plan import RULE_WINDOW, Plan
from inferometer.plan.sources import Branch
from inferometer.plan.view import spellings
from inferometer.rules.model import Series
from inferometer.rules.testfile import series

CLUSTER_NAME, MODEL_NAME = "c1", "m1"

# As many replicas as a metric has names at most: two through the versions, each in two spellings.
_REPLICAS = 4

# What the series that must not be counted say: enough to spoil any sum, ratio or quantile.
_MISLEADING = 1000.0


@dataclass(frozen=True, slots=True)
class Witness:
    """Servers of one backend, watched by the source that counts for a signal in this plan.

    `targets` are the labels that the scrape gives to each replica, `labels` those of a result about the backend,
    `own` the labels that the source itself gives. With `restart` counters begin again in the middle of the time told.
    Replicas take turns with a metric's names, the first beginning with number `spelling`.
    """

    branch: Branch
    interval: int
    targets: tuple[Mapping[str, str], ...]
    labels: Mapping[str, str]
    own: Mapping[str, str]
    restart: bool = False
    spelling: int = 0

    def tells(self, signal: Signal) -> bool:
        return signal.key in self.branch.profile.sources

    def sibling(self, signal: Signal) -> Witness:
        """The same servers telling another signal of the same profile."""
        return replace(self, branch=replace(self.branch, source=self.branch.profile.sources[signal.key]))

    def restarted(self) -> Witness:
        return replace(self, restart=True)

    def apart(self) -> tuple[Witness, ...]:
        """Each replica as a backend of its own, so that each name must be heard by itself."""
        names = [f"{self.labels[BACKEND]}-{number}" for number in range(len(self.targets))]
        return tuple(
            replace(self, targets=({**target, BACKEND: name},), labels={**self.labels, BACKEND: name}, spelling=number)
            for number, (target, name) in enumerate(zip(self.targets, names, strict=True))
        )

    @property
    def bounds(self) -> tuple[float, ...]:
        return self.branch.source.buckets

    # -- what a server says -------------------------------------------------------------------------------------------

    def gauge(self, value: float, seconds: int, fleet: str = "sum", **labels: str) -> Series:
        """`value` for the backend as a whole, each replica telling its part: a share of a sum, or one the extreme."""
        parts = _parts(value, len(self.targets), fleet)
        return self._told(
            self.branch.source.metrics[0],
            [self._held(part, seconds) for part in parts],
            self._held(0 if fleet == "min" else _MISLEADING, seconds),
            "",
            labels,
        )

    def counter(self, per_second: float, seconds: int, **labels: str) -> Series:
        """A counter that grows steadily, `per_second` over all replicas and over all metrics that are added up."""
        metrics = self.branch.source.metrics
        return merged(*(self._counted(metric, {0: per_second / len(metrics)}, seconds, **labels) for metric in metrics))

    def histogram(self, per_second: Mapping[float, float], seconds: int) -> Series:
        """Observations per second by the bucket that they fall into: `inf` for above every bound.

        Only buckets with observations of their own are told, each with the one below: no answer depends on the rest.
        """
        told = [bound for bound in per_second if bound != float("inf")]
        below = [max((b for b in self.bounds if b < bound), default=bound) for bound in told]
        metric, parts = (
            self.branch.source.metrics[0],
            [self._counted(self.branch.source.metrics[0], per_second, seconds, "_count")],
        )
        for bound in sorted({*told, *below, float("inf")}):
            reached = {upper: rate if upper <= bound else 0 for upper, rate in per_second.items()}
            parts.append(self._counted(metric, reached, seconds, "_bucket", le=_bound(bound)))
        return merged(*parts)

    def quantile(self, q: float, value: float, per_second: float, seconds: int) -> Series:
        """A histogram whose quantile `q` is `value`: the share below the value's bucket is chosen so.

        Prometheus takes a bucket's observations as spread evenly from its lower to its upper bound.
        """
        upper = min(bound for bound in self.bounds if bound >= value)
        lower = max((bound for bound in self.bounds if bound < value), default=0.0)
        way = (value - lower) / (upper - lower)
        if way >= q or not lower:  # the bucket must hold a share of q / way of all, the rest lies above
            inside = q / way
            return self.histogram({upper: per_second * inside, float("inf"): per_second * (1 - inside)}, seconds)
        below = (q - way) / (1 - way)
        return self.histogram({lower: per_second * below, upper: per_second * (1 - below)}, seconds)

    def can_show(self, q: float, value: float) -> bool:
        """Whether a quantile of this histogram can have this value: its bounds limit what can be seen."""
        return q * self.bounds[0] <= value <= self.bounds[-1]

    # -- from values to series ----------------------------------------------------------------------------------------

    def _counted(
        self, metric: Metric, per_second: Mapping[float, float], seconds: int, suffix: str = "", **labels: str
    ) -> Series:
        """A counter that grows by the sum of these parts: each replica tells one part, so that none can be spared."""
        rates = list(per_second.values())
        sharing = [len(self.targets[part :: len(rates)]) for part in range(len(rates))]
        if 0 in sharing:  # fewer replicas than parts
            rates, sharing = [sum(rates)], [len(self.targets)]
        each = [rates[number % len(rates)] / sharing[number % len(rates)] for number in range(len(self.targets))]
        steps = [self._grown(rate * self.interval / metric.factor, seconds) for rate in each]
        return self._told(metric, steps, self._grown(_MISLEADING * self.interval, seconds), suffix, labels)

    def _told(self, metric: Metric, values: Sequence[str], lie: str, suffix: str, labels: Mapping[str, str]) -> Series:
        """One series a replica, each by another of the metric's names; and one that must not be counted."""
        in_use = [name for name in metric.names if name.in_use(self.branch.versions)] or metric.names[:1]
        names = [spelled + suffix for name in in_use for spelled in spellings(name.name)]
        exact = {matcher.label: matcher.value for matcher in metric.where if matcher.op == "="}
        said = {**self.own, **exact, **metric.example, **labels}
        result = {
            series(names[(number + self.spelling) % len(names)], {**target, **said}): values[number]
            for number, target in enumerate(self.targets)
        }
        if self._uncounted:
            copies = {**self.targets[0], **said, **self._uncounted}
            result |= {series(name, copies): lie for name in names}
        return result

    @property
    def _uncounted(self) -> Mapping[str, str]:
        """Labels of series that the rules must leave out."""
        if self.branch.profile.vantage is Vantage.RECORDER:
            return {RUNTIME: "elsewhere"} if self.branch.source.per_runtime else {}
        return {matcher.label: "another" for matcher in self.branch.profile.own_copies_only}

    def _steps(self, seconds: int) -> int:
        return seconds // self.interval + 1

    def _held(self, value: float, seconds: int) -> str:
        steps = self._steps(seconds)
        if not self.restart:
            return constant(value, steps)
        return f"{constant(value, steps // 2)} stale {constant(value, steps - steps // 2)}"

    def _grown(self, step: float, seconds: int) -> str:
        steps = self._steps(seconds)
        if not self.restart:
            return growth(step, steps)
        # The first scrape after the restart already sees one interval's worth.
        return f"{growth(step, steps // 2)} {growth(step, steps - steps // 2, step)}"


def sampling(plan: Plan) -> int:
    """Seconds between samples in a case: as scraped, or a tenth of the rules' window where that is longer.

    Nothing that is proved depends on more samples, and the cases of a fleet must run while one waits.
    """
    return max(1, round(plan.spec.storage.scrape_interval), plan.settings.window(RULE_WINDOW) // 10)


def servers(plan: Plan, signal: Signal | Ratio) -> tuple[Witness, ...]:
    """A backend of each runtime that tells the signal here: of several replicas where the server speaks for itself."""
    branches = plan.sources.branches(signal) if isinstance(signal, Signal) else plan.sources.pair(signal)[1]
    return tuple(server(plan, branch, runtime) for branch in branches for runtime in branch.runtimes)


def server(plan: Plan, branch: Branch, runtime: str, backend: str = "", model_name: str = MODEL_NAME) -> Witness:
    """A backend of this runtime as the branch tells of it, serving one model."""
    profile = branch.profile
    recorded = profile.vantage is Vantage.RECORDER
    given = {CLUSTER: CLUSTER_NAME}
    if branch.source.per_runtime:
        given |= {BACKEND: backend or f"{runtime}-1", RUNTIME: runtime}
    model = {profile.model_label or MODEL: model_name} if branch.source.per_model else {}
    instances = ["exporter:9464"] if recorded else [f"{runtime}-{number}:8000" for number in range(1, _REPLICAS + 1)]
    return Witness(
        branch,
        sampling(plan),
        targets=tuple(
            {JOB: JOB_EXPORTER if recorded else runtime, INSTANCE: instance, **given} for instance in instances
        ),
        labels={**given, **({MODEL: model_name} if model else {})},
        own=model,
    )


def requests(witness: Witness, *, good: float, failed: float, seconds: int, left: float = 0) -> Series:
    """A server's request counters under a truth in requests per second, told as the profile counts them."""
    whole = witness.sibling(s.REQUESTS)
    told = [
        witness.sibling(signal).counter(rate, seconds)
        for signal, rate in ((s.ERRORS, failed), (s.DISCONNECTS, left))
        if witness.tells(signal)
    ]
    if witness.branch.profile.vantage is Vantage.RECORDER:  # a total, and the failures beside it
        return merged(whole.counter(good + failed + left, seconds), *told)
    successes = replace(whole.branch.source, metrics=whole.branch.source.metrics[:1])
    split = replace(whole, branch=replace(whole.branch, source=successes))
    return merged(
        split.counter(good, seconds, finished_reason="stop"), *told
    )  # one counter split by the reason of the end


def level(signal: Signal, witness: Witness, value: float, seconds: int) -> Series:
    """A gauge at `value` or a counter that grows by `value` per second."""
    told = witness.sibling(signal)
    return told.gauge(value, seconds, signal.fleet) if signal.kind is Kind.GAUGE else told.counter(value, seconds)


def merged(*parts: Series) -> dict[str, str]:
    """Series of several sources in one case. Raises ValueError where two tell the same series."""
    result: dict[str, str] = {}
    for part in parts:
        twice = result.keys() & part.keys()
        if twice:
            raise ValueError(f"series told twice: {sorted(twice)}")
        result |= part
    return result


def joined(parts: Sequence[Series]) -> Series:
    """Counters told one time after the other: the same series in each part, none of them restarted."""
    return {name: _joined([part[name] for part in parts]) for name in parts[0]}


def _joined(told: Sequence[str]) -> str:
    words, position = [], 0.0
    for number, values in enumerate(told):
        _, step, times = values.replace("x", "+").split("+")
        first = bool(number)  # further parts begin one step after the last sample of the one before
        words.append(growth(float(step), int(times) - first, position + first * float(step)))
        position += float(step) * int(times)
    return " ".join(words)


def growth(step: float, steps: int, start: float = 0) -> str:
    """A counter in promtool's notation."""
    return f"{_written(start)}+{_written(step)}x{steps}"


def constant(value: float, steps: int) -> str:
    """A gauge in promtool's notation."""
    return f"{_written(value)}x{steps}"


def _written(value: float) -> str:
    """Without an exponent, which vmalert-tool before 1.120 does not read."""
    return f"{value:.9f}".rstrip("0").rstrip(".")


def _parts(value: float, replicas: int, fleet: str) -> list[float]:
    """What replicas hold so that together they make `value`: unequal amounts, or one the extreme."""
    if fleet == "sum":
        weights = range(replicas, 0, -1)
        return [value * weight / sum(weights) for weight in weights]
    return [value, *[value / 2 if fleet == "max" else value * 2] * (replicas - 1)]


def _bound(bound: float) -> str:
    """As prometheus_client writes it (`floatToGoString`): `1.0`, `0.05`, `+Inf`. vLLM and our exporter both use it."""
    return "+Inf" if bound == float("inf") else repr(float(bound))
