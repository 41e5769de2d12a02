"""The simulated part of a fleet: servers that speak their engines' dialects, and clients with steady traffic.

`truth` says what really happens, `server` and its dialects (`ollama`, `openai`) do it, `traffic` asks for it, and
`stage` sets it up for a plan. Whoever shows its numbers says that they are simulated.
"""

from __future__ import annotations

from inferometer.demo.stage import Stage, simulated

__all__ = ["Stage", "simulated"]
