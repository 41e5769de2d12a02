"""The routes that are metered, and how each speaks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Dialect(StrEnum):
    """How a route's answers are told: which fields hold the tokens, and which event is the last."""

    OLLAMA = "ollama"  # JSON lines; the one with `done: true` is the last
    OPENAI = "openai"  # SSE chunks with `choices`, `data: [DONE]` is the last
    RESPONSES = "responses"  # SSE events, `response.completed` is the last
    ANTHROPIC = "anthropic"  # SSE events, `message_stop` is the last


class Work(StrEnum):
    """What is asked for: tokens one after the other, or vectors."""

    GENERATE = "generate"
    EMBED = "embed"


@dataclass(frozen=True, slots=True)
class Api:
    """One metered route. `format` is the word that Ollama Herd stores as `original_format`."""

    template: str
    dialect: Dialect
    work: Work
    streams_by_default: bool
    format: str


METERED: dict[bytes, Api] = {
    api.template.encode(): api
    for api in (
        Api("/api/chat", Dialect.OLLAMA, Work.GENERATE, True, "ollama"),
        Api("/api/generate", Dialect.OLLAMA, Work.GENERATE, True, "ollama"),
        Api("/api/embed", Dialect.OLLAMA, Work.EMBED, False, "ollama"),
        Api("/api/embeddings", Dialect.OLLAMA, Work.EMBED, False, "ollama"),
        Api("/v1/chat/completions", Dialect.OPENAI, Work.GENERATE, False, "openai"),
        Api("/v1/completions", Dialect.OPENAI, Work.GENERATE, False, "openai"),
        Api("/v1/embeddings", Dialect.OPENAI, Work.EMBED, False, "openai"),
        Api("/v1/responses", Dialect.RESPONSES, Work.GENERATE, False, "openai"),
        Api("/v1/messages", Dialect.ANTHROPIC, Work.GENERATE, False, "anthropic"),
    )
}
