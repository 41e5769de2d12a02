"""Tests of the exporter: its parts, and the whole of it on real sockets."""

from __future__ import annotations
