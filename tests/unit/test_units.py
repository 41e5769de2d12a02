"""Durations, shares, sizes and currencies: read and written as Prometheus and Grafana do."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferometer import units

# Recorded: scrape_interval as written, and as Prometheus 2.53.3 gives it back at /api/v1/status/config.
PRINTED_BY_PROMETHEUS = {
    "90s": "1m30s",
    "1h30m": "1h30m",
    "500ms": "500ms",
    "30d": "30d",
    "14d": "2w",
    "7d": "1w",
    "365d": "1y",
    "366d": "366d",
    "1500ms": "1s500ms",
    "90m": "1h30m",
    "1y": "1y",
    "12w6d": "90d",
    "86400s": "1d",
    "1w1d": "8d",
    "52w": "52w",
    "3661001ms": "1h1m1s1ms",
    "2y": "2y",
}
# Recorded: what promtool 2.53.3 (check config --syntax-only) refuses and takes as a scrape_interval.
REFUSED_BY_PROMTOOL = ["1m90", "1.5s", "5", "-5s", "1s1m", "1 m", "", "300y", "1µs"]
TAKEN_BY_PROMTOOL = ["0", "0s", "00s", "1m0s"]

milliseconds = st.integers(0, 9_223_372_036_854)


@pytest.mark.parametrize(("written", "printed"), PRINTED_BY_PROMETHEUS.items())
def test_a_duration_is_printed_as_prometheus_prints_it(written: str, printed: str) -> None:
    assert units.format_duration(units.parse_duration(written)) == printed


@pytest.mark.parametrize("text", REFUSED_BY_PROMTOOL)
def test_a_duration_that_promtool_refuses_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|longer"):
        units.parse_duration(text)


@pytest.mark.parametrize("text", TAKEN_BY_PROMTOOL)
def test_a_duration_that_promtool_takes_is_taken(text: str) -> None:
    assert units.parse_duration(text) in (0, 60)


@given(milliseconds)
def test_a_duration_survives_being_written_and_read(count: int) -> None:
    assert round(units.parse_duration(units.format_duration(count / 1000)) * 1000) == count


@given(milliseconds)
def test_whole_seconds_are_ints_and_never_print_a_point(count: int) -> None:
    seconds = units.parse_duration(f"{count}ms")
    assert isinstance(seconds, int) == (count % 1000 == 0)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("0.5s", "500ms"), ("5", "5s"), ("1 m", "1m"), ("30sec", "30s"), ("1.5h", "1h30m"), ("2 days", "2d")],
)
def test_a_duration_that_is_meant_plainly_is_spelled_out(wrong: str, right: str) -> None:
    with pytest.raises(ValueError, match=f"write {right}$"):
        units.parse_duration(wrong)


@pytest.mark.parametrize("seconds", [-1, math.inf, math.nan, 0.0005, 1e300])
def test_what_is_no_duration_is_not_written_as_one(seconds: float) -> None:
    with pytest.raises(ValueError, match="seconds"):
        units.format_duration(seconds)


@given(st.text())
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert units.parse_duration(text) >= 0


@given(st.integers(0, 100_000))
def test_a_percentage_and_its_number_are_the_same_share(thousandths: int) -> None:
    percent = f"{thousandths / 1000:.3f}%"
    assert units.parse_share(percent) == float(f"{thousandths}e-5")
    assert units.parse_share(float(f"{thousandths}e-5")) == float(f"{thousandths}e-5")


@pytest.mark.parametrize(
    "wrong", ["", "%", "x", "-1%", "101%", "1.5", "nan", "inf", "NaN%", 99, -0.1, math.nan, math.inf]
)
def test_what_lies_outside_0_and_100_percent_is_no_share(wrong: str | float) -> None:
    with pytest.raises(ValueError, match="is not a share"):
        units.parse_share(wrong)


def test_99_is_taken_for_a_forgotten_percent_sign() -> None:
    with pytest.raises(ValueError, match="did you mean 99%"):
        units.parse_share(99)


@given(st.integers(0, 2**63 - 1))
def test_a_size_survives_being_written_and_read(size: int) -> None:
    assert units.parse_size(units.format_size(size)) == size


def test_sizes_count_in_powers_of_1024_like_prometheus() -> None:
    assert units.parse_size("1KB") == 1024
    assert units.parse_size("50GB") == 50 * 1024**3
    assert units.format_size(1024**3) == "1GB"


@pytest.mark.parametrize("wrong", ["", "50", "GB", "1.5GB", "50gb", "50 GB", "50GiB", "-1GB", "9EB"])
def test_what_prometheus_does_not_read_is_no_size(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"is not a size|larger"):
        units.parse_size(wrong)


def test_a_negative_size_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="is not a size"):
        units.format_size(-1)


def test_an_amount_of_money_shows_its_currency() -> None:
    assert units.currency("EUR") == units.Unit("EUR", "currency:EUR ", "eur")
