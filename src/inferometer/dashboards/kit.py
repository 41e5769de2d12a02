"""From a signal to a panel: the query, the unit, the threshold, and a description that names what is read.

A panel method answers None where nobody in this fleet tells the signal, and notes the gap; `Kit.gaps()` then says on
the board what it cannot show, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from inferometer import promql as p
from inferometer.catalog.signal import Kind, Ratio, Signal
from inferometer.dashboards import look, panels, prose
from inferometer.dashboards.grafana import Query, Viz
from inferometer.dashboards.look import Json, Thresholds
from inferometer.dashboards.tables import Measure
from inferometer.names import BACKEND, MODEL, RUNTIME
from inferometer.plan import Plan, View
from inferometer.plan.view import Silent
from inferometer.promql import Expr, Number

PERCENTILES = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
NAMED_BY = {(MODEL,): "{{model}}", (BACKEND,): "{{backend}}", (MODEL, BACKEND): "{{model}} on {{backend}}"}


@dataclass
class Kit:
    """Panels of one plan, asked through one view. It remembers which signals were wanted."""

    plan: Plan
    view: View
    wanted: dict[str, Signal | Ratio] = field(default_factory=dict)

    # -- one number ---------------------------------------------------------------------------------------------------

    def number(
        self,
        title: str,
        signal: Signal | Ratio,
        about: str,
        *,
        alert: str = "",
        colour: str = look.NEUTRAL,
        status: bool = False,
        decimals: int | None = None,
        q: float = 0.95,
    ) -> Viz | None:
        """A signal as one number for all that the board's variables choose; `q` is the quantile of a histogram."""
        expr = self._told(signal, partial(self._one, signal, q))
        if expr is None:
            return None
        return panels.stat(
            title,
            self.about(signal, about, alert),
            self._or_silence(expr, sparkline=not status),
            signal.unit.grafana,
            thresholds=self.thresholds(alert),
            colour=colour,
            status=status,
            decimals=decimals,
        )

    def _one(self, signal: Signal | Ratio, q: float) -> Expr:
        if isinstance(signal, Ratio):
            return self.view.ratio_or_idle(signal)
        match signal.kind:
            case Kind.HISTOGRAM:
                return self.view.worst_quantile_or_idle(signal, q)
            case Kind.GAUGE:
                return self.view.level(signal)
            case Kind.COUNTER:
                return self.view.rate(signal)

    def _or_silence(self, expr: Expr, sparkline: bool) -> str:
        # A number with a sparkline keeps its last value when the series ends: a dead reporter must say so itself.
        return (
            p.union([expr, p.call("vector", Number(look.NO_TELEMETRY_VALUE))]).pretty() if sparkline else expr.pretty()
        )

    # -- over time ----------------------------------------------------------------------------------------------------

    def by(
        self,
        title: str,
        signal: Signal | Ratio,
        about: str,
        *by: str,
        alert: str = "",
        stacked: bool = False,
        q: float = 0.95,
        width: int = 8,
        maximum: float | None = None,
    ) -> Viz | None:
        """A signal over time, one line for each value of the labels in `by`; a histogram shows its quantile `q`."""
        expr = self._told(signal, partial(self._lines, signal, by, q))
        if expr is None:
            return None
        several = (
            isinstance(signal, Signal) and signal.kind is Kind.HISTOGRAM and len(self.view.bucket_sets(signal)) > 1
        )
        legend = self._legend(by) + (" ({{runtime}})" if several and RUNTIME not in by else "")
        return panels.lines(
            title,
            self.about(signal, about, alert),
            [Query(expr.pretty(), legend)],
            signal.unit.grafana,
            stacked=stacked,
            limit=self._limit(alert),
            maximum=maximum,
            overrides=self._colours(by, plain=not several),
            width=width,
        )

    def _lines(self, signal: Signal | Ratio, by: Sequence[str], q: float) -> Expr:
        if isinstance(signal, Ratio):
            return self.view.ratio(signal, *by)
        match signal.kind:
            case Kind.HISTOGRAM:
                return self.view.quantile(signal, q, *by)
            case Kind.GAUGE:
                return self.view.level(signal, *by)
            case Kind.COUNTER:
                return self.view.rate(signal, *by)

    def together(
        self,
        title: str,
        about: str,
        series: Iterable[tuple[str, str, Signal | Ratio]],
        *,
        width: int = 8,
    ) -> Viz | None:
        """Several signals on one panel, `(name, colour, signal)` each, as totals of what the variables choose."""
        told: list[tuple[str, str, Signal | Ratio, Expr]] = []
        for name, colour, signal in series:
            expr = self._told(signal, partial(self._lines, signal, (), 0.95))
            if expr is not None:
                told.append((name, colour, signal, expr))
        if not told:
            return None
        text = "\n".join([about, *(prose.reads(self.view.sources, signal) for _, _, signal, _ in told)])
        return panels.lines(
            title,
            text,
            [Query(expr.pretty(), name) for name, _, _, expr in told],
            told[0][2].unit.grafana,
            width=width,
            overrides=look.coloured({name: colour for name, colour, _, _ in told}),
        )

    def percentiles(self, title: str, signal: Signal, about: str, *, alert: str = "", width: int = 12) -> Viz | None:
        """p50, p95 and p99, of the slowest runtime where there are several."""
        if self._told(signal, partial(self.view.quantile, signal, 0.5)) is None:
            return None
        queries = [Query(self.view.worst_quantile(signal, q).pretty(), name) for q, name in PERCENTILES]
        return panels.lines(
            title,
            self.about(signal, about, alert),
            queries,
            signal.unit.grafana,
            limit=self._limit(alert),
            overrides=look.percentile_lines(*(name for _, name in PERCENTILES)),
            width=width,
        )

    def distributions(self, title: str, signal: Signal, about: str, width: int = 12) -> list[Viz]:
        """Every request as a heatmap, one for each set of buckets: mixed buckets would lie."""
        self.wanted[signal.key] = signal
        sets = self.view.bucket_sets(signal)
        heats = []
        for runtimes in sets:
            view = self.view.only(*runtimes)
            named = title if len(sets) == 1 else f"{title}: {' and '.join(self._titles(runtimes))}"
            text = f"{about}\n\n{prose.reads(view.sources, signal)}"
            heats.append(
                panels.heat(
                    named, text, view.buckets(signal).pretty(), signal.unit.grafana, width=max(6, width // len(sets))
                )
            )
        return heats

    def share(self, title: str, signal: Signal, about: str, *by: str, width: int = 6) -> Viz | None:
        """Each part's share of a counter over the chosen time."""
        expr = self._told(signal, lambda: self.view.over("$__range").increase(signal, *by))
        if expr is None:
            return None
        return panels.share(
            title,
            self.about(signal, about),
            expr.pretty(),
            self._legend(by),
            "short",
            overrides=self._colours(by),
            width=width,
        )

    def ranking(
        self, title: str, signal: Signal | Ratio, about: str, *by: str, alert: str = "", width: int = 6
    ) -> Viz | None:
        """Who has most, longest bar first."""
        expr = self._told(signal, lambda: p.call("sort_desc", self._lines(signal, by, 0.95)))
        if expr is None:
            return None
        limits = self.thresholds(alert)
        return panels.ranking(
            title,
            self.about(signal, about, alert),
            expr.pretty(),
            self._legend(by),
            signal.unit.grafana,
            thresholds=limits,
            width=width,
        )

    def column(
        self,
        title: str,
        signal: Signal | Ratio,
        *by: str,
        alert: str = "",
        decimals: int | None = None,
        gauge: bool = False,
        q: float = 0.95,
    ) -> Measure | None:
        """A table's column: a signal by the labels of its rows, in the colours of its alert."""
        expr = self._told(signal, partial(self._cells, signal, by, q))
        if expr is None:
            return None
        limits = self.thresholds(alert)
        return Measure(
            title,
            expr.pretty(),
            signal.unit.grafana,
            cell="gauge" if gauge else "text" if limits else "plain",
            thresholds=limits,
            decimals=decimals,
            maximum=1 if gauge else None,
        )

    def _cells(self, signal: Signal | Ratio, by: Sequence[str], q: float) -> Expr:
        if isinstance(signal, Ratio):
            return self.view.ratio_or_idle(signal, *by)
        if signal.kind is Kind.HISTOGRAM:
            return self.view.quantile_or_idle(signal, q, *by)
        return self._lines(signal, by, q)

    # -- words --------------------------------------------------------------------------------------------------------

    def about(self, signal: Signal | Ratio, text: str, alert: str = "") -> str:
        return prose.about(self.view.sources, signal, text, self.plan.settings[alert] if alert else None)

    def gaps(self) -> Viz | None:
        """What this board cannot show of which engine, from the profiles; None where there is no gap."""
        lines = prose.gaps(self.view.sources, self.wanted.values())
        if not lines:
            return None
        about = "Signals that an engine of this fleet does not expose, and what would bring them."
        return panels.text("What is not told", about, "\n".join(lines), height=2 + len(lines))

    # -- inside -------------------------------------------------------------------------------------------------------

    def thresholds(self, alert: str) -> Thresholds | None:
        """The colours of an alert's threshold: a board and its alert never disagree."""
        knob = self.plan.settings[alert] if alert else None
        return look.high_is_bad(knob.soon, knob.threshold) if knob and knob.threshold is not None else None

    def _limit(self, alert: str) -> float | None:
        return self.plan.settings[alert].threshold if alert and self.plan.settings[alert].enabled else None

    def _told(self, signal: Signal | Ratio, ask: Callable[[], Expr]) -> Expr | None:
        self.wanted[signal.key] = signal
        try:
            return ask()
        except Silent:
            return None

    def _legend(self, by: Sequence[str]) -> str:
        return NAMED_BY.get(tuple(by)) or " ".join(f"{{{{{label}}}}}" for label in by)

    def _colours(self, by: Sequence[str], plain: bool = True) -> list[Json]:
        if not plain:
            return []
        names: dict[tuple[str, ...], Sequence[str]] = {
            (MODEL,): self.plan.models,
            (BACKEND,): [backend.name for backend in self.plan.spec.backends],
        }
        return look.pinned(names.get(tuple(by), ()))

    def _titles(self, runtimes: Sequence[str]) -> list[str]:
        return [profile.title for profile in self.view.sources.engines if profile.engine in runtimes]
