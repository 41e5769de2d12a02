"""Tests of what the exporter counts and shows."""

from __future__ import annotations
