"""What the exporter costs, beside bare nginx: `python -m tests.bench.exporter`, with `--write` docs/performance.md too.

Nothing here passes or fails: machines differ, and a table is for reading.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.bench import ends, machine, memory, pace, page, streams
from tests.bench.figures import Figure, head_line, line
from tests.parts.binaries import Missing

Measure = Callable[[Path, bool], Iterator[Figure]]

# What is measured, by a word for each. The flag asks for few and short rounds.
PARTS: dict[str, Measure] = {
    "pace": lambda folder, quick: pace.figures(folder, 2 if quick else 5, 2 if quick else 4, 2_000 if quick else 5_000),
    "many": lambda folder, quick: streams.many(folder, 1 if quick else 3, 5 if quick else 10),
    "some": lambda folder, quick: streams.some(folder, 1 if quick else 3, 5 if quick else 10),
    "ends": lambda folder, quick: ends.figures(20 if quick else 200),
    "memory": lambda folder, quick: memory.figures(folder, 200_000 if quick else 300_000),
    "million": lambda folder, quick: memory.growing(folder, 1_000_000),
}
USUAL = ("pace", "many", "some", "ends", "memory")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.exporter", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; million takes minutes")
    parser.add_argument("--quick", action="store_true", help="few and short rounds: a look, not a measurement")
    parser.add_argument("--write", action="store_true", help=f"write {page.FILE.name} too")
    given = parser.parse_args(arguments)
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    measured: list[Figure] = []
    try:
        print(machine.described())
        print(head_line())
        with tempfile.TemporaryDirectory() as folder:
            for part in given.parts or USUAL:
                for figure in PARTS[part](Path(folder), given.quick):
                    measured.append(figure)
                    print(line(figure), flush=True)
    except Missing as missing:
        print(f"not measured: {missing}")
        return
    if given.write:
        page.write(machine.described(), measured)


if __name__ == "__main__":
    main()
