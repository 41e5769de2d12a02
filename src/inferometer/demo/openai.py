"""OpenAI's dialect as Ollama and llama-server speak it (shapes recorded from Ollama 0.32.15 and llama.cpp 0.7.0)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from inferometer.demo.ollama import compact, full_name, vector
from inferometer.demo.truth import Served, Spent

_DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Speaker:
    """How one server speaks it: where the two differ."""

    whole_kind: str
    end: bytes  # after a whole answer
    fingerprint: str
    owner: str
    llama: bool  # llama-server begins with an empty piece, and tells its own timings


OLLAMA = Speaker("application/json", b"\n", "fp_ollama", "library", llama=False)
LLAMA_SERVER = Speaker("application/json; charset=utf-8", b"", "b11669-Debian", "llamacpp", llama=True)

# Kinds of error by status.
_ERRORS = {400: "invalid_request_error", 404: "not_found_error", 503: "api_error"}


class Writing:
    """One answer of `/v1/chat/completions` or `/v1/completions`. `usage`: tell a stream's tokens in a last chunk."""

    stream_kind = "text/event-stream"

    def __init__(self, speaker: Speaker, path: str, model: str, number: int, usage: bool) -> None:
        self.whole_kind = speaker.whole_kind
        self._speaker = speaker
        self._chat = path == "/v1/chat/completions"
        self._model = model
        self._usage = usage
        self._id = f"{'chatcmpl' if self._chat else 'cmpl'}-{number}"
        self._created = int(time.time())

    def piece(self, text: str, first: bool) -> bytes:
        if not self._chat:
            return self._event([{"text": text, "index": 0, "finish_reason": None}])
        if first and self._speaker.llama:
            return self._delta({"role": "assistant", "content": None}) + self._delta({"content": text})
        return self._delta(({"role": "assistant"} if first else {}) | {"content": text})

    def closing(self, spent: Spent) -> Iterator[bytes]:
        last: dict[str, Any] = {"delta": {}} if self._chat else {"text": ""}
        yield self._event([{**last, "index": 0, "finish_reason": spent.finish}])
        if self._usage:
            yield self._event([], self._told(spent))
        yield _DONE

    def whole(self, text: str, spent: Spent) -> bytes:
        said = {"message": {"role": "assistant", "content": text}} if self._chat else {"text": text}
        kind = "chat.completion" if self._chat else "text_completion"
        choices = [{"index": 0, **said, "finish_reason": spent.finish}]
        return compact(self._frame(kind, choices) | self._told(spent)) + self._speaker.end

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return self._event([{"index": 0, "delta": delta, "finish_reason": None}])

    def _event(self, choices: list[dict[str, Any]], more: dict[str, Any] | None = None) -> bytes:
        kind = "chat.completion.chunk" if self._chat else "text_completion"
        if more is None:
            # Ollama tells a usage of nothing beside each piece of a completion, and the true one in the last chunk.
            more = {"usage": _usage(0, 0)} if self._usage and not self._chat and not self._speaker.llama else {}
        return b"data: " + compact(self._frame(kind, choices) | more) + b"\n\n"

    def _frame(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": kind,
            "created": self._created,
            "model": self._model,
            "system_fingerprint": self._speaker.fingerprint,
            "choices": choices,
        }

    def _told(self, spent: Spent) -> dict[str, Any]:
        usage = _usage(spent.prompt_tokens, spent.completion_tokens)
        if not self._speaker.llama:
            return {"usage": usage}
        return {"usage": usage | {"prompt_tokens_details": {"cached_tokens": 0}}, "timings": _timings(spent)}


def _usage(prompt: int, completion: int) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _timings(spent: Spent) -> dict[str, Any]:
    """llama-server's own figures, in milliseconds."""
    read, written = max(spent.prompt, 1e-6), max(spent.writing, 1e-6)
    return {
        "cache_n": 0,
        "prompt_n": spent.prompt_tokens,
        "prompt_ms": read * 1000,
        "prompt_per_token_ms": read * 1000 / spent.prompt_tokens,
        "prompt_per_second": spent.prompt_tokens / read,
        "predicted_n": spent.completion_tokens,
        "predicted_ms": written * 1000,
        "predicted_per_token_ms": written * 1000 / spent.completion_tokens,
        "predicted_per_second": spent.completion_tokens / written,
    }


def embeddings(model: str, inputs: int, spent: Spent) -> bytes:
    """The answer of `/v1/embeddings`."""
    rows = [{"object": "embedding", "embedding": vector(number), "index": number} for number in range(inputs)]
    usage = {"prompt_tokens": spent.prompt_tokens, "total_tokens": spent.prompt_tokens}
    return compact({"object": "list", "data": rows, "model": model, "usage": usage}) + b"\n"


def known(speaker: Speaker, models: Iterable[Served]) -> bytes:
    """`/v1/models`."""
    rows = [
        {
            "id": served.name if speaker.llama else full_name(served.name),
            "object": "model",
            "created": 1_795_221_866,
            "owned_by": speaker.owner,
        }
        for served in models
    ]
    return compact({"object": "list", "data": rows}) + speaker.end


def error(status: int, message: str) -> bytes:
    told = {"message": message, "type": _ERRORS[status], "param": None, "code": None}
    return compact({"error": told}) + (b"" if status == 400 else b"\n")
