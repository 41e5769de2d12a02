"""`python -m inferometer_exporter.metrics PATH` writes METRICS.md there."""

from __future__ import annotations

import sys
from pathlib import Path

from inferometer_exporter.metrics.docs import document

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m inferometer_exporter.metrics PATH")
    Path(sys.argv[1]).write_text(document(), encoding="utf-8")
