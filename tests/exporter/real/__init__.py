"""The exporter before real servers: what clients get with it and without it, and what it says of them."""

from __future__ import annotations
