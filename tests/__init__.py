"""The tests; a package so that they can share their parts and helpers by name."""

from __future__ import annotations
