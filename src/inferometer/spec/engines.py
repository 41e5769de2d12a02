"""The kinds of server that a spec can name, and what the spec itself must know of each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Engine:
    """`port` is where the server listens by default (None: the scheme's port).

    `measured` is False for a server without metrics of its own: our exporter stands before it.
    """

    name: str
    title: str
    port: int | None
    measured: bool


# Ports: vllm serve, llama-server and ollama serve, each by its own documentation.
ENGINES = {
    engine.name: engine
    for engine in (
        Engine("vllm", "vLLM", 8000, measured=True),
        Engine("llamacpp", "llama.cpp", 8080, measured=True),
        Engine("ollama", "Ollama", 11434, measured=False),
        Engine("openai", "an OpenAI-compatible API", None, measured=False),
    )
}

# Engines of the design that later versions bring.
LATER_ENGINES = ("sglang", "tgi", "litellm", "herd", "custom")
