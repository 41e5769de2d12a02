"""Servers without metrics of their own: all that is known of them comes from our exporter before them."""

from __future__ import annotations

from inferometer.catalog.signal import Profile, Vantage
from inferometer.spec.engines import ENGINES as KNOWN

OLLAMA, OPENAI = (
    Profile(engine=engine, title=KNOWN[engine].title, vantage=Vantage.ENGINE, sources={}) for engine in ("ollama", "openai")
)
