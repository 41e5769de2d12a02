"""What the tests of the whole exporter stand on: an upstream that does as told, the exporter itself, a raw client."""

from __future__ import annotations
