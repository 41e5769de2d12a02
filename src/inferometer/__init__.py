"""Inferometer turns one file that describes an LLM fleet into everything needed to watch it."""

from __future__ import annotations
