"""What the exporter costs, beside bare nginx: `python -m tests.bench.exporter`, with `--write` docs/performance.md too.

Nothing here passes or fails: machines differ, and a table is for reading.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path

from tests.bench import ends, machine, memory, pace, streams
from tests.bench.figures import Figure, head_line, line, markdown
from tests.bench.pages import performance
from tests.parts.binaries import Missing

PAGE = Path(__file__).parents[2] / "docs/performance.md"


def parts(folder: Path, quick: bool, long: bool) -> dict[str, Callable[[], Iterator[Figure]]]:
    """What is measured, by a word for each."""
    rounds = 2 if quick else 7
    seconds = 5 if quick else 10
    return {
        "pace": lambda: pace.figures(folder, rounds, 2 if quick else 4, 5_000),
        "many": lambda: streams.many(folder, rounds, seconds),
        "some": lambda: streams.some(folder, rounds, seconds),
        "ends": lambda: ends.figures(40 if quick else 200),
        "memory": lambda: memory.figures(folder, 1_000_000 if long else 300_000),
    }
