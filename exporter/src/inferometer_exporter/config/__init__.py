"""The configuration: its model, and how it is read from a file or from flags."""

from __future__ import annotations
