"""OpenAI's chat, completions and embeddings: SSE chunks with `choices` and `data: [DONE]` at the end, or one object.

Fields as in OpenAI's API reference, and those that vLLM, SGLang and llama-server add (`reasoning_content`, `timings`).
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Raw, Struct

from inferometer_exporter.observe.base import Answer, Form
from inferometer_exporter.observe.fields import NAME_LENGTH, Count, reader


class _Message(Struct, gc=False):
    """A delta of a stream, or a whole message."""

    content: str | list[Raw] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[Raw] | None = None
    function_call: dict[str, Raw] | None = None
    refusal: str | None = None

    def says(self) -> bool:
        return bool(
            self.content
            or self.reasoning_content
            or self.reasoning
            or self.tool_calls
            or self.function_call
            or self.refusal
        )


class _Choice(Struct, gc=False):
    delta: _Message | None = None
    message: _Message | None = None
    text: str | None = None
    finish_reason: str | None = None


class _Usage(Struct, gc=False):
    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None


class _Timings(Struct, gc=False):
    """llama-server's own counts. `prompt_n` leaves out the tokens that its cache gave, `cache_n`."""

    prompt_n: Count | None = None
    cache_n: Count | None = None
    predicted_n: Count | None = None


class _Chunk(Struct, gc=False):
    model: str | None = None
    choices: list[_Choice] | None = None
    data: list[Raw] | None = None
    usage: _Usage | None = None
    timings: _Timings | None = None
    error: str | dict[str, Raw] | None = None
    object: str | None = None


_read = reader(_Chunk)

_DONE = b"[DONE]"


class OpenAIAnswer(Answer):
    """An answer of `/v1/chat/completions`, `/v1/completions` or `/v1/embeddings`."""

    __slots__ = ("_has_usage",)

    def __init__(self, form: Form, between: Callable[[float], None]) -> None:
        super().__init__(form, between)
        self._has_usage = False

    def _event(self, data: bytes) -> None:
        if len(data) < 16 and data.strip() == _DONE:
            self.finished = True
        else:
            self._whole(data)

    def _whole(self, data: bytes) -> bool:
        chunk = _read(data)
        if chunk is None:
            return False
        if self.model is None and chunk.model:
            self.model = chunk.model[:NAME_LENGTH]
        if chunk.choices:
            self._choices(chunk.choices)
        elif chunk.data:
            self.output = True
        if chunk.usage is not None or chunk.timings is not None:
            self._count(chunk.usage, chunk.timings)
        if chunk.error is not None or chunk.object == "error":
            self.error = True
        return True

    def _choices(self, choices: list[_Choice]) -> None:
        """One token event at most: what a chunk holds for several choices was made in one step."""
        says = False
        for choice in choices:
            message = choice.delta or choice.message
            if choice.text or (message is not None and (message.content or message.says())):
                says = True
            if choice.finish_reason:
                self.finish_reason = self.finish_reason or choice.finish_reason
                self.closing = True
        if says:
            self._token()

    def _count(self, usage: _Usage | None, timings: _Timings | None) -> None:
        """The last usage holds; llama-server's timings only where it told no usage."""
        # Ollama fills the chunks of a completion's stream with zeros until the last one: they are no counts.
        if usage is not None and (not self.stream or usage.prompt_tokens or usage.completion_tokens):
            self.prompt_tokens = usage.prompt_tokens
            self.completion_tokens = usage.completion_tokens
            self._has_usage = True
        elif timings is not None and not self._has_usage:
            if timings.prompt_n is not None and timings.cache_n is not None:
                self.prompt_tokens = timings.prompt_n + timings.cache_n
            self.completion_tokens = timings.predicted_n
