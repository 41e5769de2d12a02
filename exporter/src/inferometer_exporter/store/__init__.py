"""The traces: one SQLite file, one thread that writes it."""

from __future__ import annotations
