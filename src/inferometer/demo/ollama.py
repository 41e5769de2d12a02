"""Ollama's own dialect: JSON lines for streams, durations in nanoseconds (shapes recorded from 0.32.15)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from typing import Any

from inferometer.demo.truth import Served, Spent

VERSION = "0.32.15"
WHOLE = "application/json; charset=utf-8"
STREAM = "application/x-ndjson"
PLAIN = "text/plain; charset=utf-8"

BUSY = "server busy, please try again.  maximum pending requests exceeded"

_NANO = 1_000_000_000
_DIMENSIONS = 64


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def error(message: str) -> bytes:
    return compact({"error": message})


def moment(offset: float = 0.0) -> str:
    """The time now, or so many seconds later, with nanoseconds."""
    now = time.time_ns() + int(offset * _NANO)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now // _NANO))}.{now % _NANO:09d}Z"


class Writing:
    """One answer of `/api/chat` or `/api/generate`."""

    whole_kind = WHOLE
    stream_kind = STREAM

    def __init__(self, path: str, model: str) -> None:
        self._chat = path == "/api/chat"
        self._model = model

    def piece(self, text: str, first: bool) -> bytes:
        return compact(self._line(text) | {"done": False}) + b"\n"

    def closing(self, spent: Spent) -> Iterator[bytes]:
        yield self.whole("", spent) + b"\n"

    def whole(self, text: str, spent: Spent) -> bytes:
        context = {} if self._chat else {"context": list(range(259, 259 + spent.prompt_tokens))}
        last = {"done": True, "done_reason": spent.finish, **context, **durations(spent)}
        return compact(self._line(text) | last)

    def _line(self, text: str) -> dict[str, Any]:
        said = {"message": {"role": "assistant", "content": text}} if self._chat else {"response": text}
        return {"model": self._model, "created_at": moment(), **said}


def durations(spent: Spent) -> dict[str, int]:
    return {
        "total_duration": int(spent.total * _NANO),
        "load_duration": int(spent.load * _NANO),
        "prompt_eval_count": spent.prompt_tokens,
        "prompt_eval_duration": int(spent.prompt * _NANO),
        "eval_count": spent.completion_tokens,
        "eval_duration": int(spent.writing * _NANO),
    }


def vector(number: int) -> list[float]:
    """A vector without meaning, of the usual shape."""
    return [((number * 31 + place * 17) % 199 - 99) / 997 for place in range(_DIMENSIONS)]


def embeddings(path: str, model: str, inputs: int, spent: Spent) -> bytes:
    """The answer of `/api/embed`, or of the older `/api/embeddings` with its one vector."""
    if path == "/api/embeddings":
        return compact({"embedding": vector(0)})
    told = durations(spent)
    kept = {key: told[key] for key in ("total_duration", "load_duration", "prompt_eval_count")}
    return compact({"model": model, "embeddings": [vector(number) for number in range(inputs)], **kept})


def loaded(models: Iterable[tuple[Served, float]]) -> bytes:
    """`/api/ps`: each loaded model with the seconds that it stays so."""
    rows = [
        {
            "name": full_name(served.name),
            "model": full_name(served.name),
            "size": served.size,
            "digest": _digest(served),
            "details": _details(served),
            "expires_at": moment(rest),
            "size_vram": served.size,
            "context_length": 8192,
        }
        for served, rest in models
    ]
    return compact({"models": rows})


def known(models: Iterable[Served]) -> bytes:
    """`/api/tags`: the models on the disk."""
    rows = [
        {
            "name": full_name(served.name),
            "model": full_name(served.name),
            "modified_at": "2026-11-21T00:44:26.648426397Z",
            "size": served.size * 4 // 5,
            "digest": _digest(served),
            "details": _details(served) | {"context_length": 8192, "embedding_length": _DIMENSIONS},
            "capabilities": ["embedding" if served.embeds else "completion"],
        }
        for served in models
    ]
    return compact({"models": rows})


def full_name(name: str) -> str:
    """A model without a tag has the tag `latest`."""
    return name if ":" in name else f"{name}:latest"


def _details(served: Served) -> dict[str, Any]:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": "simulated",
        "families": ["simulated"],
        "parameter_size": f"{served.size // 2**30 or 1}B",
        "quantization_level": "Q8_0",
    }


def _digest(served: Served) -> str:
    return served.name.encode().hex().ljust(64, "0")[:64]
