"""The official clients through the exporter, before an upstream that replays what real servers said."""

from __future__ import annotations
