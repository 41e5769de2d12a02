"""Label values that others choose: cut to safe characters, and admitted only while the budget of series lasts."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_LENGTH = 128
_UNSAFE = re.compile(r"[^A-Za-z0-9._:/@+-]")


def clean(value: str) -> str:
    """The value with each character but letters, digits and `._:/@+-` replaced by `_`, at most 128 characters.

    Two values that become equal share a series.
    """
    return _UNSAFE.sub("_", value[:MAX_LENGTH])


@dataclass(slots=True)
class Budget:
    """Series of the whole exporter. `planned` are those that the configuration asks for: they are there whatever is
    sent. What is sent takes from the rest.
    """

    limit: int
    planned: int = 0
    taken: int = 0

    def plan(self, series: int) -> None:
        """Set room aside for what the configuration asks for, even beyond the limit."""
        self.planned += series

    def take(self, series: int) -> bool:
        """Room for so many more series, or False where there is none left."""
        if self.planned + self.taken + series > self.limit:
            return False
        self.taken += series
        return True
