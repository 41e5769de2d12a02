"""Real servers and tools for the tests: found on PATH, else fetched from Debian, started on loopback, asked, stopped.

`python -m tests.parts` fetches everything and prints what is there. Why real parts, and how they are had:
docs/decisions/0002-real-parts-in-tests.md.
"""

from __future__ import annotations
