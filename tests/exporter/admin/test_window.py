"""The numbers of the last minute: rates, shares and quantiles from differences of counters."""

from __future__ import annotations

import bisect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferometer_exporter.admin.window import Window, quantile
from inferometer_exporter.metrics.meters import Meters
from inferometer_exporter.metrics.table import FIRST_TOKEN_BOUNDS
from tests.exporter.admin.site import configured


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Fleet:
    """Meters with a window on them; `pass_time` lets whole steps of 5 s go by."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.meters = Meters(configured())
        self.window = Window(self.meters, self.clock)

    def pass_time(self, steps: int) -> None:
        for _ in range(steps):
            self.clock.now += 5
            self.window.step()

    def serve(
        self, requests: int, model: str = "tiny", first_token: float | None = None, tokens: int = 0, **failures: int
    ) -> None:
        meter = self.meters.backends["box"].settled(model, answered=True)
        api = meter.api("/api/chat")
        api.requests += requests
        api.completion_tokens += tokens
        for reason, number in failures.items():
            api.failures[reason] += number
        for _ in range(requests if first_token is not None else 0):
            meter.first_token.observe(first_token or 0.0)


def test_without_traffic_there_is_no_share_and_no_quantile() -> None:
    fleet = Fleet()
    fleet.pass_time(20)
    seconds, growth = fleet.window.recent()
    now = fleet.window.numbers(list(growth.values()), seconds)
    assert (now.requests_per_second, now.failure_share, now.first_token_p50) == (0, None, None)
    assert {moment.numbers.failure_share for moment in fleet.window.history} == {None}


def test_the_last_minute_is_told_and_not_what_was_before() -> None:
    fleet = Fleet()
    fleet.serve(1000, tokens=10**6)
    fleet.pass_time(13)
    fleet.serve(120, tokens=600, first_token=0.18, upstream_error=6)
    fleet.pass_time(1)
    seconds, growth = fleet.window.recent()
    now = fleet.window.numbers(list(growth.values()), seconds)
    assert seconds == 60
    assert (now.requests_per_second, now.tokens_per_second, now.failure_share) == (2, 10, 0.05)
    assert now.first_token_p50 is not None
    assert 0.1 < now.first_token_p50 <= 0.2
    assert fleet.window.history[-1].numbers.requests_per_second == 120 / 5
    assert fleet.window.history[-2].numbers.requests_per_second == 0


def test_right_after_the_start_rates_are_over_the_time_that_was() -> None:
    fleet = Fleet()
    fleet.serve(20)
    fleet.clock.now += 10
    seconds, growth = fleet.window.recent()
    assert fleet.window.numbers(list(growth.values()), seconds).requests_per_second == 2


def test_clients_that_left_and_wrong_requests_are_no_failures() -> None:
    fleet = Fleet()
    fleet.serve(100, client_disconnected=30, client_error=20, upstream_reset=5)
    fleet.clock.now += 5
    seconds, growth = fleet.window.recent()
    now = fleet.window.numbers(list(growth.values()), seconds)
    assert (now.failure_share, now.failures, now.left) == (0.05, 5, 30)


def test_a_model_that_is_new_counts_from_nothing() -> None:
    fleet = Fleet()
    fleet.pass_time(5)
    fleet.serve(50, model="new")
    fleet.clock.now += 5
    _, growth = fleet.window.recent()
    assert growth["box", "new"].requests == 50


def test_a_process_that_slept_tells_no_absurd_rate() -> None:
    fleet = Fleet()
    fleet.pass_time(12)
    fleet.clock.now += 36_000
    fleet.serve(3600)
    seconds, growth = fleet.window.recent()
    assert fleet.window.numbers(list(growth.values()), seconds).requests_per_second == pytest.approx(0.1, rel=0.01)


def test_memory_is_bounded_however_long_it_runs() -> None:
    fleet = Fleet()
    fleet.pass_time(500)
    assert len(fleet.window.history) == 60
    assert len(fleet.window._readings) == 13


def test_a_change_of_state_is_dated_from_when_it_was_seen() -> None:
    fleet = Fleet()
    fleet.pass_time(4)
    assert fleet.window.unchanged_for("box") == 20
    fleet.meters.backends["box"].state.up = False
    fleet.pass_time(1)
    fleet.clock.now += 7
    assert fleet.window.unchanged_for("box") == 7


@given(st.lists(st.floats(0, 700), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_quantile_lies_in_the_bucket_of_the_true_one(samples: list[float], q: float) -> None:
    counts = [0] * (len(FIRST_TOKEN_BOUNDS) + 1)
    for sample in samples:
        counts[bisect.bisect_left(FIRST_TOKEN_BOUNDS, sample)] += 1
    rank = q * len(samples)
    true = sorted(samples)[max(0, -int(-rank // 1) - 1)]
    place = bisect.bisect_left(FIRST_TOKEN_BOUNDS, true)
    edges = (0.0, *FIRST_TOKEN_BOUNDS)
    found = quantile(q, FIRST_TOKEN_BOUNDS, counts)
    assert found is not None
    assert edges[place] <= found <= edges[min(place + 1, len(edges) - 1)]


def test_a_quantile_of_nothing_is_none() -> None:
    assert quantile(0.5, FIRST_TOKEN_BOUNDS, [0] * 21) is None
    assert quantile(0.5, (), ()) is None
