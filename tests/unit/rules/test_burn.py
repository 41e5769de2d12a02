"""The windows and paces of burn alerts, against the published table."""

from __future__ import annotations

import pytest

from inferometer.rules.burn import DAY, FAST, HOUR, MINUTE, SLOW, Pair, pairs

# Google, The Site Reliability Workbook, chapter 5: pace, long and short window for an objective over 30 days.
WORKBOOK = [(14.4, HOUR, 5 * MINUTE), (6, 6 * HOUR, 30 * MINUTE), (3, DAY, 2 * HOUR), (1, 3 * DAY, 6 * HOUR)]


@pytest.mark.parametrize(("pair", "row"), [*zip((*FAST, *SLOW), WORKBOOK, strict=True)])
def test_thirty_days_give_the_workbooks_table(pair: Pair, row: tuple[float, int, int]) -> None:
    pace, long, short = row
    assert (pair.long, pair.short) == (long, short)
    assert pair.limit(30 * DAY, 0.001) == pytest.approx(pace * 0.001)


def test_other_windows_keep_the_share_of_the_budget() -> None:
    """Sloth's own table for 28 days: 13.44 and 5.6."""
    assert FAST[0].limit(28 * DAY, 0.01) == pytest.approx(0.1344)
    assert FAST[1].limit(28 * DAY, 0.01) == pytest.approx(0.056)


@pytest.mark.parametrize("days", [1, 7, 28, 30, 90])
@pytest.mark.parametrize("budget", [0.0001, 0.01, 0.1, 0.5, 0.95])
def test_every_limit_can_be_crossed_and_none_lies_within_the_budget(days: int, budget: float) -> None:
    for pair in (*FAST, *SLOW):
        assert budget <= pair.limit(days * DAY, budget) < 1


def test_windows_longer_than_the_objectives_are_left_out() -> None:
    assert pairs(SLOW, 1 * DAY) == SLOW[:1]
    assert pairs(FAST, 1 * DAY) == FAST
