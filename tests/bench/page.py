"""docs/performance.md: the last table, what it means, and how to measure again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.bench.figures import Figure, markdown

FILE = Path(__file__).parents[2] / "docs/performance.md"
BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"


def write(machine: str, figures: Sequence[Figure]) -> None:
    """Put a new table in the place of the last one; the words around it are written by hand."""
    before, begin, rest = FILE.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{FILE} has no place for a table: {BEGIN.strip()} and {END.strip()}")
    missed = [figure.title for figure in figures if figure.held is False]
    summary = f"Not held on this machine: {'; '.join(missed)}." if missed else "Every promise was held."
    FILE.write_text(f"{before}{begin}\nOn {machine}.\n\n{markdown(figures)}\n{summary}\n\n{end}{after}")
