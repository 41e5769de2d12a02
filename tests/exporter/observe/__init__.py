"""Tests of what requests and answers tell."""

from __future__ import annotations
