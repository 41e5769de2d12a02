"""All that this project promises of speed and memory, measured: `make bench`, or `python -m tests.bench exporter`.

The parts are the builder, the exporter's data path, and its trace store.
"""

from __future__ import annotations

import argparse

from tests.bench import builder, exporter, store

PARTS = {"builder": builder.main, "exporter": lambda: exporter.main([]), "store": store.main}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=f"of {', '.join(PARTS)}")
    for name in parser.parse_args().parts or PARTS:
        print(f"\n{name}")
        PARTS[name]()


if __name__ == "__main__":
    main()
