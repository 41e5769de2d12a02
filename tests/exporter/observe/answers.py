"""Recorded answers with what is true of them, and a listener that takes an answer in given pieces."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from inferometer_exporter.observe.answer import open_answer
from inferometer_exporter.observe.apis import METERED
from inferometer_exporter.observe.base import Answer
from tests.exporter.recorded import RECORDINGS, recorded

OLLAMA = "ollama/0.32.15/"
NDJSON = "application/x-ndjson"
SSE = "text/event-stream"
JSON = "application/json"


@dataclass(frozen=True)
class Case:
    """An answer of a real server. The figures were read in the recording by a person; tokens: its events that say
    something."""

    api: str
    name: str
    model: str
    prompt: int | None
    completion: int | None
    finish: str | None = None
    tokens: int = 0

    def __str__(self) -> str:
        return self.name

    @cached_property
    def content_type(self) -> str:
        return SSE if self.name == LLAMA_STREAM else recorded(OLLAMA + self.name).header("content-type")

    @cached_property
    def body(self) -> bytes:
        if self.name == LLAMA_STREAM:
            return (RECORDINGS / "llama-server/chat_stream.txt").read_bytes()
        return recorded(OLLAMA + self.name).body


LLAMA_STREAM = "llama-server chat_stream"

STREAMS = (
    Case("/api/chat", "chat_stream", "tiny", 32, 12, "length", 12),
    Case("/api/chat", "chat_stream_gguf_template", "tinyj", 65, 12, "length", 12),
    Case("/api/generate", "generate_stream", "tiny", 34, 12, "length", 12),
    Case("/v1/chat/completions", "v1_chat_stream", "tiny", None, None, "length", 12),
    Case("/v1/chat/completions", "v1_chat_stream_usage", "tiny", 32, 12, "length", 12),
    Case("/v1/chat/completions", LLAMA_STREAM, "/models/tiny.gguf", 32, 8, "length", 8),
    Case("/v1/completions", "v1_completions_stream", "tiny", None, None, "length", 12),
    Case("/v1/completions", "v1_completions_stream_usage", "tiny", 26, 12, "length", 12),
    Case("/v1/responses", "v1_responses_stream", "tiny", 32, 12, "completed", 12),
    Case("/v1/messages", "v1_messages_stream", "tiny", 32, 12, "max_tokens", 12),
)

WHOLE = (
    Case("/api/chat", "chat_nostream", "tiny", 32, 12, "length"),
    Case("/api/generate", "generate_nostream", "tiny", 34, 12, "length"),
    Case("/api/embed", "embed_ok", "tinyembed", 24, None),
    Case("/v1/chat/completions", "v1_chat_nostream", "tiny", 32, 12, "length"),
    Case("/v1/completions", "v1_completions_nostream", "tiny", 26, 12, "length"),
    Case("/v1/embeddings", "v1_embeddings_ok", "tinyembed", 9, None),
    Case("/v1/responses", "v1_responses_nostream", "tiny", 32, 12, "completed"),
    Case("/v1/responses", "v1_responses_input_list", "tiny", 32, 12, "completed"),
    Case("/v1/messages", "v1_messages_nostream", "tiny", 32, 12, "max_tokens"),
    Case("/v1/messages", "v1_messages_system", "tiny", 49, 12, "max_tokens"),
)


@dataclass
class Heard:
    """An answer that was read to its end, with the times between its token events."""

    answer: Answer
    gaps: list[float] = field(default_factory=list)

    @property
    def counts(self) -> tuple[int | None, int | None]:
        return self.answer.prompt_tokens, self.answer.completion_tokens


def opened(api: str, content_type: str = JSON, encoding: str = "") -> Heard:
    gaps: list[float] = []
    answer = open_answer(METERED[api.encode()], content_type.encode(), encoding.encode(), gaps.append)
    return Heard(answer, gaps)


def heard(api: str, pieces: Iterable[bytes], content_type: str = JSON, encoding: str = "") -> Heard:
    """The pieces arrive one second apart, the first at 1.0."""
    listener = opened(api, content_type, encoding)
    now = 0.0
    for now, piece in enumerate(pieces, 1):
        listener.answer.feed(piece, float(now))
    listener.answer.end(now + 1.0)
    return listener


def told(case: Case, heard: Heard) -> None:
    """Asserts that everything the recording tells was heard."""
    answer = heard.answer
    assert (answer.model, *heard.counts) == (case.model, case.prompt, case.completion)
    assert answer.finish_reason == case.finish
    assert (answer.finished, answer.error, answer.output, answer.readable) == (True, False, True, True)
    assert answer.stream == (case in STREAMS)
    assert len(heard.gaps) == max(0, case.tokens - 1)
    assert (answer.first_token_at is not None) == (case in STREAMS)
