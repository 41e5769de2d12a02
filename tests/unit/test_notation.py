"""Series in promtool's notation, as tests write them, and how far back an expression may look."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.parts import notation
from tests.parts.notation import STALE, labels, points, reach, seconds


def values(text: str) -> list[tuple[float, float]]:
    return list(points(text, 1))


def test_a_step_has_one_value_more_than_it_has_steps() -> None:
    assert values("1+2x3") == [(0, 1), (1, 3), (2, 5), (3, 7)]
    assert values("10-5x2") == [(0, 10), (1, 5), (2, 0)]
    assert values("4x2") == [(0, 4), (1, 4), (2, 4)]
    assert values("-1.5e1") == [(0, -15)]


def test_a_gap_takes_time_and_has_no_sample() -> None:
    assert values("1 _ 2 _x3 3") == [(0, 1), (2, 2), (6, 3)]


def test_a_stale_marker_keeps_its_bits() -> None:
    [(_, first), (_, second)] = values("1 stale")
    assert first == 1
    assert struct.pack(">d", second) == struct.pack(">d", STALE) == bytes.fromhex("7ff0000000000002")


def test_special_numbers_are_read() -> None:
    assert values("Inf -Inf +Inf")[0:3] == [(0, math.inf), (1, -math.inf), (2, math.inf)]
    assert math.isnan(values("NaN")[0][1])


@given(st.integers(-100, 100), st.integers(-100, 100), st.integers(0, 50), st.sampled_from([1, 15, 60]))
def test_steps_grow_evenly(start: int, grow: int, times: int, interval: int) -> None:
    read = points(f"{start}{grow:+d}x{times}", interval)
    assert read == tuple((turn * interval, start + grow * turn) for turn in range(times + 1))


@pytest.mark.parametrize("text", ["1+", "x3", "1+1", "_+1x3", "stale+1x3", "{{schema:1}}", "1,2"])
def test_what_is_no_value_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a value"):
        points(text, 1)


def test_labels_are_read_with_their_name() -> None:
    assert labels('vllm:x_total{a="1", b="say \\"hi\\", {x}",}') == {
        "__name__": "vllm:x_total",
        "a": "1",
        "b": 'say "hi", {x}',
    }
    assert labels('{__name__="up"}') == {"__name__": "up"}
    assert labels("up") == {"__name__": "up"}


@pytest.mark.parametrize("text", ["", 'up{a="1"', "up{a=1}", 'up{a="1" b="2"}', 'up{a="1",a="2"}', "1up", 'up{a=~"x"}'])
def test_what_is_no_series_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        labels(text)


def test_one_series_written_in_two_ways_is_refused() -> None:
    with pytest.raises(ValueError, match="written twice"):
        notation.series({'up{a="1",b="2"}': "1", 'up{b="2",a="1"}': "2"}, 15)


@pytest.mark.parametrize(("text", "expected"), [("90s", 90), ("1h30m", 5400), ("500ms", 0.5), ("2w", 1209600), (7, 7)])
def test_durations_are_seconds(text: str | float, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "5", "5 m", "m", "-5m", "5m!"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        seconds(text)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("up", 0),
        ("rate(x[5m])", 300),
        ("max_over_time(rate(x[5m])[1h30m:1m] offset 1d)", 300 + 5400 + 60 + 86400),
        ("rate(job:x:rate5m[1m] offset -2m)", 180),
        ("x{a=\"[9w]\"} or x{b='[9w]'} or rate(x5m{c=`'9w`}[1s])", 1),
        ("rate(x[300]) + x[600:60]", 900),
    ],
)
def test_an_expression_reaches_as_far_as_its_durations_together(expression: str, expected: float) -> None:
    assert reach(expression) >= expected
    assert reach(expression) <= expected + 60
