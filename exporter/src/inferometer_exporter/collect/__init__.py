"""The state of servers, asked in the background and only by GET."""

from __future__ import annotations
