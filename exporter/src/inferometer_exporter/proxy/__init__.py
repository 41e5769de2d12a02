"""The data path: from the client to the server and back, byte for byte."""

from __future__ import annotations
