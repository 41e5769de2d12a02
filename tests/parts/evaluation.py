"""Asks a real PromQL engine what an expression gives over samples written in promtool's notation. Takes milliseconds.

One server serves many evaluations. Each gets a stretch of time of its own, far enough after the one before that no
window reaches back to it: so no expression is rewritten and no label added, and the answer is what the same samples
would give alone. The price: `time()` counts from somewhere in the past. Where the calendar matters, say `start`.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

from tests.parts import notation
from tests.parts.query_api import Sample, Track
from tests.parts.servers import Prometheus, VictoriaMetrics

On = Literal["prometheus", "prometheus2", "victoriametrics", "victoriametrics-old"]

_HOUR, _DAY = 3600, 86400
_EPOCH = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC).timestamp()
_NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC).timestamp()
_IN_MEMORY = ("--storage.tsdb.min-block-duration=20000d", "--storage.tsdb.max-block-duration=20000d")
"""One block spans all the years, so that Prometheus takes any time and never compacts."""


def _server(on: On) -> Prometheus | VictoriaMetrics:
    match on:
        case "prometheus":
            return Prometheus(version="3", flags=_IN_MEMORY)
        case "prometheus2":
            return Prometheus(version="2", flags=_IN_MEMORY)
        case "victoriametrics":
            return VictoriaMetrics("new")
        case "victoriametrics-old":
            return VictoriaMetrics("old")


class Evaluator:
    """One server of one kind, and the time that is not used yet. Starts the server with the first question."""

    def __init__(self, on: On) -> None:
        self._on: On = on
        self._server: Prometheus | VictoriaMetrics | None = None
        self._stack = ExitStack()
        self._free = _EPOCH
        self.renewals = 0
        """How often the server was replaced by an empty one: what was stored before is gone."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def load(
        self, written: Mapping[str, str], interval: str | float = "15s", start: datetime.datetime | None = None
    ) -> Loaded:
        """Samples to ask about. With `start` their first sample has that date, on a server that holds nothing else."""
        return Loaded(self, notation.series(written, notation.seconds(interval)), start)

    def store(self, series: tuple[notation.Series, ...], reach: float) -> float:
        """Write the samples where no window of `reach` seconds meets other samples; return the time of their start."""
        length = max((offset for one in series for offset, _ in one.points), default=0.0)
        base = _next_noon(self._free + reach)
        if self._server is None or base + length + reach > _NOW:
            self.renew()
            base = _next_noon(self._free + reach)
        self.server.write(series, base)
        self._free = base + length + reach
        return base

    def store_at(self, series: tuple[notation.Series, ...], start: float) -> None:
        """Write the samples from `start` on into a server that holds nothing else; the next question gets a new one."""
        self.renew()
        self.server.write(series, start)
        self._free = _NOW

    def renew(self) -> None:
        """Start with an empty server."""
        self._stack.close()
        server = _server(self._on)
        server.log_matters = False
        self._stack.enter_context(server)
        self._server = server
        self._free = _EPOCH
        self.renewals += 1

    @property
    def server(self) -> Prometheus | VictoriaMetrics:
        if self._server is None:
            raise RuntimeError("nothing was stored yet")
        return self._server


class Loaded:
    """Samples in an engine, to be asked several times."""

    def __init__(
        self, evaluator: Evaluator, series: tuple[notation.Series, ...], start: datetime.datetime | None
    ) -> None:
        self._evaluator = evaluator
        self._series = series
        self._start = start
        self._stored: _Stored | None = None

    def ask(self, expr: str, at: str | float = "10m") -> list[Sample]:
        """The answer `at` after the first sample, ordered by labels. Raises HttpError for what is no PromQL."""
        base = self._base(expr, notation.seconds(at))
        return self._evaluator.server.query(expr, base + notation.seconds(at))

    def ask_range(self, expr: str, start: str | float, end: str | float, step: str | float) -> list[Track]:
        """The answers from `start` to `end`; the points' times count from the first sample."""
        first, last = notation.seconds(start), notation.seconds(end)
        base = self._base(expr, last)
        tracks = self._evaluator.server.query_range(expr, base + first, base + last, notation.seconds(step))
        return [Track(one.labels, tuple((time - base, value) for time, value in one.points)) for one in tracks]

    def _base(self, expr: str, at: float) -> float:
        """Where the samples start; they are stored (again) where the expression may reach further than is kept free."""
        reach = notation.reach(expr) + at + _HOUR
        if self._stored is None or self._stored.renewal != self._evaluator.renewals or self._stored.reach < reach:
            if self._start is None:
                base = self._evaluator.store(self._series, reach)
            else:
                base = self._start.timestamp()
                self._evaluator.store_at(self._series, base)
            self._stored = _Stored(self._evaluator.renewals, base, reach)
        return self._stored.base


@dataclass(frozen=True, slots=True)
class _Stored:
    """Where samples lie: in which of the evaluator's servers, from when on, and how far around them is free."""

    renewal: int
    base: float
    reach: float


class Ask:
    """What the fixture `ask` is: `ask(series, expr, at="10m")` → samples. Servers are started when first asked."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._evaluators: dict[On, Evaluator] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def __call__(
        self,
        series: Mapping[str, str],
        expr: str,
        *,
        at: str | float = "10m",
        interval: str | float = "15s",
        on: On = "prometheus",
        start: datetime.datetime | None = None,
    ) -> list[Sample]:
        """What `expr` gives `at` after the first sample, with a sample every `interval`.

        `start` dates the first sample, for expressions about the calendar (on an empty server: a tenth of a second).
        VictoriaMetrics takes no NaN samples: it leaves them out.
        """
        return self.load(series, interval=interval, on=on, start=start).ask(expr, at)

    def load(
        self,
        series: Mapping[str, str],
        *,
        interval: str | float = "15s",
        on: On = "prometheus",
        start: datetime.datetime | None = None,
    ) -> Loaded:
        """The same samples for several questions: `.ask(expr, at)` and `.ask_range(expr, start, end, step)`."""
        if on not in self._evaluators:
            self._evaluators[on] = self._stack.enter_context(Evaluator(on))
        return self._evaluators[on].load(series, interval, start)


def _next_noon(time: float) -> float:
    """The noon after the next midnight. Subqueries and rollups align to absolute times: so they always fall alike.

    Not midnight: VictoriaMetrics 1.112 does not see a sample of exactly midnight when asked at exactly midnight.
    """
    return (time // _DAY + 1.5) * _DAY
