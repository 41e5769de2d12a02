"""Makes `python -m inferometer` the same as the command `inferometer`."""

from __future__ import annotations

from inferometer.cli import main

if __name__ == "__main__":
    main()
