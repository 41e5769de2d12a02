"""What the exporter must survive, fault by fault, on real sockets: an upstream that misbehaves, clients that do too."""

from __future__ import annotations
