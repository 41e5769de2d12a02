"""Specs with the places of their problems drawn in: «…» around what a problem must point at."""

from __future__ import annotations

import re
from dataclasses import dataclass

from inferometer.errors import Problem, SpecError
from inferometer.spec import loads

OPEN, CLOSE = "«", "»"


@dataclass(frozen=True, slots=True)
class Spot:
    """Line and column from 1, and how many characters are marked."""

    line: int
    column: int
    length: int


def unmarked(text: str) -> tuple[str, list[Spot]]:
    """The text without its marks, and where they stood."""
    spots = []
    lines = []
    for number, line in enumerate(text.split("\n"), 1):
        while found := re.search(f"{OPEN}(.*?){CLOSE}", line):
            spots.append(Spot(number, found.start() + 1, len(found[1])))
            line = line[: found.start()] + found[1] + line[found.end() :]
        lines.append(line)
    return "\n".join(lines), spots


def problems_of(text: str) -> tuple[Problem, ...]:
    """The problems of a text, none if it is a spec."""
    try:
        loads(text)
    except SpecError as error:
        return error.problems
    return ()


def spots_of(problems: tuple[Problem, ...]) -> list[Spot]:
    return [Spot(p.position.line, p.position.column, p.length) for p in problems if p.position]
