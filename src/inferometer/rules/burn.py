"""How fast an error budget may burn before somebody is told: the windows and paces of an objective's alerts.

Source: Google, "The Site Reliability Workbook", chapter 5, "Alerting on SLOs", table 5-8 and the example below it
(https://sre.google/workbook/alerting-on-slos/): 2 % of a 30 days' budget in an hour, 5 % in six hours, 10 % in a day or
in three; each confirmed by a window a twelfth as long, so that the alert ends soon after its cause. Other SLO windows
keep these shares, so the pace grows with the window, as in Sloth (https://sloth.dev/usage/slo-period-windows/).
"""

from __future__ import annotations

from dataclasses import dataclass

MINUTE, HOUR, DAY = 60, 3600, 86400

# Above this share of bad events somebody is told whatever the budget: with a small objective (90 %) a pace of 14.4
# would ask for more than all of them.
CEILING = 0.9


@dataclass(frozen=True, slots=True)
class Pair:
    """Two windows in seconds, and the share of the budget that burns in the long one before somebody is told.

    `least` is a pace (1 uses up the budget exactly at the window's end) below which it is never worth it.
    """

    long: int
    short: int
    spent: float
    least: float

    def limit(self, window: int, budget: float) -> float:
        """The share of bad events above which the pair speaks, for an objective over `window` seconds."""
        pace = max(self.spent * window / self.long, self.least)
        return min(pace * budget, max(CEILING, budget))


FAST = (Pair(1 * HOUR, 5 * MINUTE, 0.02, least=2), Pair(6 * HOUR, 30 * MINUTE, 0.05, least=2))
SLOW = (Pair(1 * DAY, 2 * HOUR, 0.10, least=1), Pair(3 * DAY, 6 * HOUR, 0.10, least=1))


def pairs(all_pairs: tuple[Pair, ...], window: int) -> tuple[Pair, ...]:
    """Those whose long window fits into the objective's."""
    return tuple(pair for pair in all_pairs if pair.long <= window)
