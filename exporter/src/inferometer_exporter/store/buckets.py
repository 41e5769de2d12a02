"""Durations in fine logarithmic buckets, for percentiles over any number of hours: an estimate within 12 %."""

from __future__ import annotations

import math
from collections.abc import Mapping

# Bucket n holds durations above RATIO**(n-1) and up to RATIO**n milliseconds; bucket 0 all up to 1 ms, LAST the rest
# (beyond some 25 hours).
RATIO = 1.25
LAST = 82
_PER_STEP = 1 / math.log(RATIO)


def bucket(milliseconds: float) -> int:
    """The number of the bucket, 0 to LAST, for any float but NaN."""
    if milliseconds <= 1.0:
        return 0
    if milliseconds > 9e7:
        return LAST
    return min(LAST, math.ceil(math.log(milliseconds) * _PER_STEP - 1e-9))


def quantile(buckets: Mapping[int, int], share: float, highest: float) -> float | None:
    """The duration (ms) that this share of them did not exceed, as well as buckets tell; None where there are none.

    `highest` is the largest of them, which no estimate exceeds.
    """
    rank = share * sum(buckets.values())
    seen = 0
    for number in sorted(buckets):
        count = buckets[number]
        if count and seen + count >= rank:
            low = RATIO ** (number - 1) if number else 0.0
            high = highest if number == LAST else RATIO**number
            return min(highest, low + (high - low) * max(0.0, rank - seen) / count)
        seen += count
    return None
