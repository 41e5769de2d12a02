"""Histograms count what is observed in the bucket that holds it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferometer_exporter.metrics.histogram import Histogram, SampledHistogram

SECONDS = st.floats(0, 1e6)
BOUNDS = st.lists(st.floats(0.001, 1e3), min_size=1, max_size=20, unique=True).map(lambda some: tuple(sorted(some)))


@given(BOUNDS, st.lists(SECONDS))
def test_each_bucket_holds_the_observations_up_to_its_bound(bounds: tuple[float, ...], seen: list[float]) -> None:
    histogram = Histogram(bounds)
    for seconds in seen:
        histogram.observe(seconds)
    below = 0
    for bound, count in zip((*bounds, math.inf), histogram.counts, strict=True):
        below += count
        assert below == sum(1 for seconds in seen if seconds <= bound)
    assert histogram.count == len(seen)
    assert histogram.total == pytest.approx(math.fsum(seen))


@given(BOUNDS)
def test_a_bound_is_inclusive(bounds: tuple[float, ...]) -> None:
    histogram = Histogram(bounds)
    for bound in bounds:
        histogram.observe(bound)
    assert histogram.counts == [1] * len(bounds) + [0]


@given(st.integers(0, 2 * SampledHistogram.KEPT + 5))
def test_a_sampled_histogram_keeps_the_last_thousand(count: int) -> None:
    histogram = SampledHistogram((1.0,))
    for number in range(count):
        histogram.observe(float(number))
    assert sorted(histogram.samples()) == [float(n) for n in range(count)][-1000:]
    assert histogram.count == count
