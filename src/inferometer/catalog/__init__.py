"""The catalog: all signals, and for each engine the table of where they come from.

To add an engine: one file under `engines/` with a `Profile`, and one line here.
"""

from __future__ import annotations

from inferometer.catalog.engines.llamacpp import LLAMACPP
from inferometer.catalog.engines.recorded import OLLAMA, OPENAI
from inferometer.catalog.engines.vllm import VLLM
from inferometer.catalog.exporter import RECORDER
from inferometer.catalog.host import HOST
from inferometer.catalog.monitoring import MONITORING
from inferometer.catalog.signal import Profile

# The order is that of branches in queries, of boards and of colours.
ENGINES: dict[str, Profile] = {profile.engine: profile for profile in (VLLM, LLAMACPP, OLLAMA, OPENAI)}

__all__ = ["ENGINES", "HOST", "MONITORING", "RECORDER", "Profile"]
