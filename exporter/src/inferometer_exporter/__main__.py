"""`python -m inferometer_exporter` is the command `inferometer-exporter`."""

from __future__ import annotations

import sys

from inferometer_exporter.cli import main

if __name__ == "__main__":
    sys.exit(main())
