"""Counters as plain objects, and how they are shown to Prometheus."""

from __future__ import annotations
