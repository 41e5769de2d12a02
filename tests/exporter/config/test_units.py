"""Durations and sizes as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferometer_exporter.config.units import NotAUnit, seconds, size

UNITS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}


@given(st.lists(st.integers(0, 999), min_size=5, max_size=5), st.sets(st.sampled_from(list(UNITS)), min_size=1))
def test_a_duration_is_the_sum_of_its_parts(numbers: list[int], chosen: set[str]) -> None:
    parts = [(number, unit) for number, unit in zip(numbers, UNITS, strict=True) if unit in chosen]
    text = "".join(f"{number}{unit}" for number, unit in parts)
    assert seconds(text) == sum(number * UNITS[unit] for number, unit in parts)


@pytest.mark.parametrize(("text", "expected"), [("90", 90), ("1.5", 1.5), ("500ms", 0.5), ("1.5h", 5400), ("0", 0)])
def test_durations(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "-1", "1x", "5m1h", "1h1h", "1 h", "h", "1e3", ".5s", "inf", "nan", "1h30", "٣s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(NotAUnit):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("512MiB", 536870912), ("1024", 1024), ("2 GiB", 2147483648), ("7B", 7), ("1TiB", 1024**4)]
)
def test_sizes(text: str, expected: int) -> None:
    assert size(text) == expected


@pytest.mark.parametrize(("text", "meant"), [("512MB", "512MiB"), ("2g", "2GiB"), ("10 kb", "10KiB")])
def test_a_size_in_powers_of_1000_is_refused_with_what_to_write(text: str, meant: str) -> None:
    with pytest.raises(NotAUnit) as refused:
        size(text)
    assert refused.value.remedy == f"write {meant}"


@pytest.mark.parametrize("text", ["", "-1MiB", "1.5MiB", "MiB", "1PiB", "٣MiB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(NotAUnit):
        size(text)
