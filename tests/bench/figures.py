"""A figure beside its promise, and tables of them for a terminal and for a page."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass

HEAD = ("figure", "promise", "measured", "beside it", "ratio", "")


@dataclass(frozen=True, slots=True)
class Figure:
    """One line. `beside` is what was measured in the same rounds to compare with; `held` is None without a promise."""

    title: str
    promise: str
    measured: str
    beside: str = ""
    ratio: str = ""
    held: bool | None = None

    def cells(self) -> tuple[str, ...]:
        said = {None: "", True: "held", False: "not held"}[self.held]
        return (*astuple(self)[:-1], said)


def line(figure: Figure) -> str:
    """For a terminal."""
    title, promise, measured, beside, ratio, held = figure.cells()
    return f"{title:58} {promise:>20} {measured:>22} {beside:>26} {ratio:>7} {held}".rstrip()


def head_line() -> str:
    return line(Figure("", *HEAD[1:5]))


def markdown(figures: Iterable[Figure]) -> str:
    """For a page."""
    rows = [HEAD, ("---",) * len(HEAD), *(figure.cells() for figure in figures)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def span(values: Sequence[float], form: str = ".2f") -> str:
    """The median and, in brackets, the least and the most of all rounds."""
    return f"{median(values):{form}} ({min(values):{form}}–{max(values):{form}})"
