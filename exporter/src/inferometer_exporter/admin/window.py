"""The last minutes in numbers: counters are read every 5 s, and rates and quantiles are made from their differences."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inferometer_exporter.metrics.meters import Meters, ModelMeter
from inferometer_exporter.names import Reason

STEP_SECONDS = 5.0
WINDOW_SECONDS = 60.0  # that "now" looks back
HISTORY_SECONDS = 300.0

_NOT_THE_SERVERS = frozenset({Reason.CLIENT_DISCONNECTED, Reason.CLIENT_ERROR})

Key = tuple[str, str]
"""Backend and model."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What counters hold, or by how much they grew. `first_token` has one count per bucket, the last is +Inf."""

    requests: int = 0
    failures: int = 0  # without clients that left and requests that were wrong
    left: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    first_token: tuple[int, ...] = ()

    def since(self, before: Tally) -> Tally:
        """The growth from `before` to here."""
        return Tally(
            self.requests - before.requests,
            self.failures - before.failures,
            self.left - before.left,
            self.prompt_tokens - before.prompt_tokens,
            self.completion_tokens - before.completion_tokens,
            tuple(a - b for a, b in zip(self.first_token, before.first_token or (0,) * 99, strict=False)),
        )


@dataclass(frozen=True, slots=True)
class Numbers:
    """Rates per second and seconds. A share or quantile of nothing is None."""

    requests_per_second: float
    failure_share: float | None
    first_token_p50: float | None
    first_token_p95: float | None
    tokens_per_second: float
    prompt_tokens_per_second: float
    requests: int
    failures: int
    left: int


@dataclass(frozen=True, slots=True)
class Moment:
    """The fleet's numbers in one step of the history."""

    numbers: Numbers
    in_flight: int
    models_loaded: int


@dataclass(frozen=True, slots=True)
class Reading:
    """All counters at one monotonic second."""

    at: float
    tallies: dict[Key, Tally]


def tally(meter: ModelMeter) -> Tally:
    """One model's counters over all its APIs."""
    apis = tuple(meter.apis.values())
    return Tally(
        sum(api.requests for api in apis),
        sum(n for api in apis for reason, n in api.failures.items() if reason not in _NOT_THE_SERVERS),
        sum(api.failures[Reason.CLIENT_DISCONNECTED] for api in apis),
        sum(api.prompt_tokens for api in apis),
        sum(api.completion_tokens for api in apis),
        tuple(meter.first_token.counts),
    )


def quantile(q: float, bounds: Sequence[float], counts: Sequence[int]) -> float | None:
    """As Prometheus' histogram_quantile: linear within a bucket; in the last one its lower bound. None of nothing."""
    total = sum(counts)
    if total <= 0:
        return None
    rank, seen, lower = q * total, 0, 0.0
    for bound, count in zip(bounds, counts, strict=False):
        if count and seen + count >= rank:
            return min(bound, lower + (bound - lower) * (rank - seen) / count)
        seen, lower = seen + count, bound
    return lower


def numbers(growth: Sequence[Tally], bounds: Sequence[float], seconds: float) -> Numbers:
    """The sum of what grew in `seconds`."""
    requests = sum(one.requests for one in growth)
    failures = sum(one.failures for one in growth)
    first = [sum(column) for column in zip(*(one.first_token for one in growth), strict=False)]
    return Numbers(
        requests_per_second=requests / seconds,
        failure_share=failures / requests if requests else None,
        first_token_p50=quantile(0.5, bounds, first),
        first_token_p95=quantile(0.95, bounds, first),
        tokens_per_second=sum(one.completion_tokens for one in growth) / seconds,
        prompt_tokens_per_second=sum(one.prompt_tokens for one in growth) / seconds,
        requests=requests,
        failures=failures,
        left=sum(one.left for one in growth),
    )


class Window:
    """Keeps a minute of readings and five minutes of numbers. `step()` is called every 5 s; memory is bounded."""

    def __init__(self, meters: Meters, clock: Callable[[], float] = time.monotonic) -> None:
        self._meters = meters
        self._clock = clock
        self._readings: deque[Reading] = deque([self._read()], maxlen=round(WINDOW_SECONDS / STEP_SECONDS) + 1)
        self.history: deque[Moment] = deque(maxlen=round(HISTORY_SECONDS / STEP_SECONDS))
        self._since: dict[str, tuple[bool | None, float]] = {}
        self.look()

    def step(self) -> None:
        """Adds one reading, and the numbers since the one before."""
        reading, before = self._read(), self._readings[-1]
        growth = [now.since(before.tallies.get(key, Tally())) for key, now in reading.tallies.items()]
        moment = numbers(growth, self._bounds(), max(reading.at - before.at, 1e-3))
        self.history.append(Moment(moment, self.in_flight(), self.models_loaded()))
        self._readings.append(reading)
        self.look()

    def recent(self) -> tuple[float, dict[Key, Tally]]:
        """The seconds looked back, at most about a minute, and how much each model's counters grew in them."""
        reading = self._read()
        young = [one for one in self._readings if reading.at - one.at <= WINDOW_SECONDS + 1]
        before = young[0] if young else self._readings[-1]
        growth = {key: now.since(before.tallies.get(key, Tally())) for key, now in reading.tallies.items()}
        return max(reading.at - before.at, 1.0), growth

    def numbers(self, growth: Sequence[Tally], seconds: float) -> Numbers:
        return numbers(growth, self._bounds(), seconds)

    def look(self) -> None:
        """Notes which backends have changed between up, down and not yet known."""
        now = self._clock()
        for name, backend in self._meters.backends.items():
            if name not in self._since or self._since[name][0] is not backend.state.up:
                self._since[name] = (backend.state.up, now)

    def unchanged_for(self, backend: str) -> float:
        """Seconds since the backend was first seen in its present state."""
        self.look()
        return self._clock() - self._since[backend][1]

    def in_flight(self) -> int:
        return sum(meter.in_flight for backend in self._meters.backends.values() for meter in backend.models.values())

    def models_loaded(self) -> int:
        return sum(len(backend.state.loaded) for backend in self._meters.backends.values())

    def _read(self) -> Reading:
        tallies = {
            (name, model): tally(meter)
            for name, backend in self._meters.backends.items()
            for model, meter in backend.models.items()
        }
        return Reading(self._clock(), tallies)

    def _bounds(self) -> Sequence[float]:
        for backend in self._meters.backends.values():
            for meter in backend.models.values():
                return meter.first_token.bounds
        return ()
