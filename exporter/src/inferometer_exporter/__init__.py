"""An invisible recorder before LLM servers: every request becomes metrics and a trace row, and no byte is changed."""

from __future__ import annotations

__version__ = "0.1.0"
