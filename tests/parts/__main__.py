"""`python -m tests.parts` fetches every part and prints a table of what is there.

Exit code 1 where the environment says CI and a part is missing.
"""

from __future__ import annotations

import os
import sys

from tests.parts.binaries import PARTS, Generation, Missing, locate


def main() -> int:
    reasons: list[str] = []
    rows = [
        ("part", "version", "where"),
        *(_row(name, generation, reasons) for name, part in PARTS.items() for generation in part.collections),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for row in rows:
        print(f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}")
    for reason in dict.fromkeys(reasons):
        print(f"LEFT OUT: {reason}", file=sys.stderr)
    return 1 if reasons and os.environ.get("CI") else 0


def _row(name: str, generation: Generation, reasons: list[str]) -> tuple[str, str, str]:
    try:
        found = locate(name, generation)
    except Missing as missing:
        reasons.append(str(missing))
        return name, "missing", "-"
    return name, found.version, os.path.relpath(found.path)


if __name__ == "__main__":
    sys.exit(main())
