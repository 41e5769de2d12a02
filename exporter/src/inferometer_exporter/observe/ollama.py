"""Ollama's own answers: JSON lines of which the one with `done: true` is the last, or one such object.

Fields are those of `api.ChatResponse`, `GenerateResponse`, `EmbedResponse` and `EmbeddingResponse` of Ollama 0.32.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Raw, Struct

from inferometer_exporter.observe.base import Answer
from inferometer_exporter.observe.fields import NAME_LENGTH, Count, reader

# Nanoseconds, a day at most: no model takes longer to load.
_Nanoseconds = Annotated[int, Meta(ge=0, le=86_400 * 10**9)]

# `done_reason` of an answer to a request without a prompt, which only loads or unloads the model.
_LOADS = ("load", "unload")

# What is no vector.
_EMPTY = (Raw(), Raw(b"null"), Raw(b"[]"))


class _Message(Struct, gc=False):
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[Raw] | None = None

    def says(self) -> bool:
        return bool(self.content or self.thinking or self.tool_calls)


class _Line(Struct, gc=False):
    model: str | None = None
    message: _Message | None = None
    response: str | None = None
    thinking: str | None = None
    tool_calls: list[Raw] | None = None
    embeddings: list[Raw] | None = None
    embedding: Raw = Raw()
    error: str | dict[str, Raw] | None = None
    done: bool | None = None
    done_reason: str | None = None
    prompt_eval_count: Count | None = None
    eval_count: Count | None = None
    load_duration: _Nanoseconds | None = None


_read = reader(_Line)


class OllamaAnswer(Answer):
    """An answer of `/api/chat`, `/api/generate`, `/api/embed` or `/api/embeddings`."""

    __slots__ = ()

    def _event(self, data: bytes) -> None:
        self._whole(data)

    def _whole(self, data: bytes) -> bool:
        line = _read(data)
        if line is None:
            return False
        if self.model is None and line.model:
            self.model = line.model[:NAME_LENGTH]
        message = line.message
        if line.response or line.thinking or line.tool_calls or (message is not None and message.says()):
            self._token()
        if line.error is not None:
            self.error = True
        if line.done or not self.stream:
            self._last(line)
        return True

    def _last(self, line: _Line) -> None:
        if line.embeddings or line.embedding not in _EMPTY:
            self.output = True
        self.finished = True
        self.finish_reason = line.done_reason or None
        self.prompt_tokens = line.prompt_eval_count
        self.completion_tokens = line.eval_count
        if line.load_duration is not None:
            self.load_seconds = line.load_duration / 1e9
        counted = line.prompt_eval_count is not None or line.eval_count is not None
        self.load_only = line.done_reason in _LOADS and not counted and not self.output
