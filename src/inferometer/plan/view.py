"""How a signal is asked: with which window, on which part of the fleet.

A `View` turns signals into PromQL. A board's view holds Grafana's variables, a rule's view a fixed window. Branches
stay data until here, are united first and aggregated after: aggregating first would lose one engine wherever two serve
the same model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from inferometer import promql as p
from inferometer.catalog.signal import Kind, Metric, Ratio, Signal, Vantage
from inferometer.names import BACKEND, INSTANCE, MODEL, RUNTIME, UNNAMED
from inferometer.plan.sources import Branch, Sources
from inferometer.promql import Binary, Expr, Matcher, Number, Selector

# Set on the second and further metrics of a source, so that adding them up loses none whose labels are the same.
PART = "part"


class Silent(LookupError):
    """Nobody in this fleet tells the signal: the caller shows the gap, or leaves the rule out."""


@dataclass(frozen=True, slots=True)
class View:
    """`matchers` stand on every selector; `model` is a pattern for the model, put on each engine's own label."""

    sources: Sources
    window: str
    matchers: tuple[Matcher, ...] = ()
    model: str = ""

    def over(self, window: str) -> View:
        return replace(self, window=window)

    def only(self, *runtimes: str) -> View:
        return replace(self, sources=self.sources.only(runtimes))

    def where(self, *matchers: Matcher) -> View:
        return replace(self, matchers=(*self.matchers, *matchers))

    # -- counters and gauges ------------------------------------------------------------------------------------------

    def rate(self, signal: Signal, *by: str) -> Expr:
        """Per second. Raises Silent where nobody tells the signal."""
        return p.total(self._united(signal, by, self._rate), *by)

    def increase(self, signal: Signal, *by: str) -> Expr:
        """How many in the window."""
        return p.total(self._united(signal, by, lambda selector: p.increase(selector, self.window)), *by)

    def level(self, signal: Signal, *by: str, fleet: str = "") -> Expr:
        """A gauge, many servers made one by the signal's own rule (`sum`, `max`, `min`) or by `fleet`."""
        return p.Aggregate(fleet or signal.fleet, self._united(signal, by, _now), by)

    def forecast(self, signal: Signal, ahead: int, *by: str) -> Expr:
        """A gauge in `ahead` seconds, by the straight line through the window."""
        return p.total(
            self._united(signal, by, lambda now: p.call("predict_linear", now.over(self.window), Number(ahead))), *by
        )

    def names(self, signal: Signal, label: str) -> Expr:
        """One sample for each value of a label on the signal's series, as their own labels say it: for a variable.

        A name that is only made up for a missing label is left out: choosing it would match no series.
        """
        return p.Aggregate("group", self._united(signal, (label, RUNTIME), self._present, named=False), (label,))

    # -- ratios -------------------------------------------------------------------------------------------------------

    def ratio(self, ratio: Ratio, *by: str) -> Expr:
        """Part over whole, empty where the whole is zero. No part at all reads as 0, not as nothing."""
        return _share(ratio, *self._pair(ratio, by))

    def amounts(self, ratio: Ratio, *by: str) -> tuple[Expr, Expr]:
        """Part and whole by themselves. No part at all reads as 0, not as nothing."""
        part, whole = self._pair(ratio, by)
        return _or_zero(part, whole), whole

    def ratio_or_idle(self, ratio: Ratio, *by: str) -> Expr:
        """The same, with -1 where there is no traffic. For numbers and tables only: it spoils a mean or a maximum."""
        part, whole = self._pair(ratio, by)
        return Binary("or", _share(ratio, part, whole), _idle(whole))

    def _pair(self, ratio: Ratio, by: Sequence[str]) -> tuple[Expr, Expr]:
        parts, wholes = self.sources.pair(ratio, BACKEND not in by)
        wrap = self._rate if ratio.whole.kind is Kind.COUNTER else _now
        return (
            p.total(self._unite(ratio.part.key, parts, by, wrap), *by),
            p.total(self._unite(ratio.whole.key, wholes, by, wrap), *by),
        )

    # -- histograms ---------------------------------------------------------------------------------------------------

    def quantile(self, signal: Signal, q: float, *by: str) -> Expr:
        """A quantile by runtime and `by`: never across engines, whose buckets differ."""
        labels = ("le", *_with_runtime(by))
        return p.quantile(q, p.total(self._united(signal, labels, self._rate, "_bucket"), *labels))

    def quantile_or_idle(self, signal: Signal, q: float, *by: str) -> Expr:
        """The same, idle said as `ratio_or_idle` says it: Prometheus answers NaN there, VictoriaMetrics nothing."""
        return Binary("or", self.quantile(signal, q, *by), _idle(self.count(signal, *_with_runtime(by))))

    def worst_quantile(self, signal: Signal, q: float, *by: str) -> Expr:
        """One number: the worst runtime's quantile."""
        return p.Aggregate("max", self.quantile(signal, q, *by), by)

    def worst_quantile_or_idle(self, signal: Signal, q: float, *by: str) -> Expr:
        """The same, -1 where no runtime has traffic."""
        return Binary("or", self.worst_quantile(signal, q, *by), _idle(self.count(signal, *by)))

    def buckets(self, signal: Signal, *by: str) -> Expr:
        """Observations per second by upper bound, for a heatmap; ask it of one bucket set at a time."""
        return p.total(self._united(signal, ("le", *by), self._rate, "_bucket"), "le", *by)

    def count(self, signal: Signal, *by: str) -> Expr:
        """Observations per second of a histogram."""
        return p.total(self._united(signal, by, self._rate, "_count"), *by)

    def within(self, signal: Signal, limit: float, *by: str) -> Expr:
        """Observations per second that took at most `limit`, which must be a bucket's upper bound."""
        at_limit = Matcher("le", "=~", _bound(limit))
        return p.total(self.where(at_limit)._united(signal, by, self._rate, "_bucket"), *by)

    def bucket_sets(self, signal: Signal) -> tuple[tuple[str, ...], ...]:
        """The runtimes whose histograms of this signal share their bounds, one tuple for each set."""
        sets: dict[tuple[float, ...], list[str]] = {}
        for branch in self.sources.branches(signal):
            sets.setdefault(branch.source.buckets, []).extend(branch.runtimes)
        return tuple(tuple(runtimes) for runtimes in sets.values())

    # -- from branches to one expression ------------------------------------------------------------------------------

    def _rate(self, selector: Selector) -> Expr:
        return p.rate(selector, self.window)

    def _united(
        self, signal: Signal, by: Sequence[str], wrap: Callable[[Selector], Expr], suffix: str = "", named: bool = True
    ) -> Expr:
        return self._unite(signal.key, self.sources.branches(signal, BACKEND not in by), by, wrap, suffix, named)

    def _unite(
        self,
        key: str,
        branches: Sequence[Branch],
        by: Sequence[str],
        wrap: Callable[[Selector], Expr],
        suffix: str = "",
        named: bool = True,
    ) -> Expr:
        """The branches in one expression with the labels of `by`; `named` gives a name to a model that has none."""
        if not branches:
            raise Silent(key)
        needed = {*by, RUNTIME} if len(branches) > 1 else set(by)
        united = p.union(self._branch(branch, needed, wrap, suffix) for branch in branches)
        if BACKEND in needed:
            united = p.first_label(united, BACKEND, (BACKEND, INSTANCE))
        if named and MODEL in needed and any(branch.profile.model_label is None for branch in branches):
            united = p.fill_label(united, MODEL, UNNAMED)
        return united

    def _present(self, selector: Selector) -> Expr:
        return p.call("present_over_time", selector.over(self.window))

    def _branch(self, branch: Branch, needed: set[str], wrap: Callable[[Selector], Expr], suffix: str) -> Expr:
        profile = branch.profile
        parts = []
        for number, metric in enumerate(branch.source.metrics):
            part = p.union(wrap(selector) for selector in self._selectors(branch, metric, suffix))
            if metric.factor != 1:
                part = Binary("*", part, Number(metric.factor))
            parts.append(p.set_label(part, PART, str(number)) if number else part)
        expr = p.union(parts)
        if MODEL in needed and profile.model_label not in (None, MODEL) and branch.source.per_model:
            expr = p.copy_label(expr, str(profile.model_label), MODEL)
        if RUNTIME in needed and profile.vantage is not Vantage.RECORDER:
            expr = p.set_label(expr, RUNTIME, profile.engine)
        return expr

    def _selectors(self, branch: Branch, metric: Metric, suffix: str) -> list[Selector]:
        matchers = [*branch.matchers, *metric.where, *branch.profile.own_copies_only, *self.matchers]
        if self.model and branch.source.per_model:
            matchers.append(Matcher(branch.profile.model_label or MODEL, "=~", self.model))
        in_use = [name for name in metric.names if name.in_use(branch.versions)] or metric.names[:1]
        names = [name.name for name in in_use]
        return [Selector(spelled + suffix, tuple(matchers)) for name in names for spelled in spellings(name)]


def spellings(name: str) -> tuple[str, ...]:
    """A name with a colon reaches some servers with an underscore in its place.

    prometheus_client (0.23 and later) escapes colons when the scraper negotiates OpenMetrics without UTF-8 names, as
    Prometheus 2 and Prometheus 3 in legacy mode do.
    """
    return (name, name.replace(":", "_")) if ":" in name else (name,)


def _now(selector: Selector) -> Expr:
    return selector


def _with_runtime(by: Sequence[str]) -> tuple[str, ...]:
    return (RUNTIME, *(label for label in by if label != RUNTIME))


def _idle(traffic: Expr) -> Expr:
    """-1 where there is no traffic, nothing elsewhere."""
    return Binary("-", Binary("==", traffic, Number(0)), Number(1))


def _share(ratio: Ratio, part: Expr, whole: Expr) -> Expr:
    share = p.over(part if ratio.complement else _or_zero(part, whole), whole)
    return Binary("-", Number(1), share) if ratio.complement else share


def _or_zero(part: Expr, whole: Expr) -> Expr:
    return Binary("or", part, Binary("*", whole, Number(0)))


def _bound(limit: float) -> str:
    """A pattern for a bucket's bound: `1` and `1.0` are different strings, and both are in use."""
    text = p.number(limit)
    return text.replace(".", "\\.") if "." in text else f"{text}(\\.0+)?"
