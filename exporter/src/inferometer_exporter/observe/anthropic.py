"""Anthropic's `/v1/messages`: SSE events of which `message_stop` is the last, or one message object.

Fields as in Anthropic's API reference; Ollama, vLLM and llama-server speak the same.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Raw, Struct

from inferometer_exporter.observe.base import Answer, Form
from inferometer_exporter.observe.fields import NAME_LENGTH, Count, reader


class _Usage(Struct, gc=False):
    """`input_tokens` leaves out the tokens that were read from the cache or written to it: the prompt is the sum."""

    input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    output_tokens: Count | None = None

    def prompt(self) -> int | None:
        if self.input_tokens is None:
            return None
        return self.input_tokens + (self.cache_creation_input_tokens or 0) + (self.cache_read_input_tokens or 0)


class _Block(Struct, gc=False):
    type: str | None = None
    text: str | None = None
    thinking: str | None = None

    def says(self) -> bool:
        return bool(self.text or self.thinking) or self.type not in (None, "text", "thinking")


class _Message(Struct, gc=False):
    type: str | None = None
    model: str | None = None
    content: list[_Block] | None = None
    stop_reason: str | None = None
    usage: _Usage | None = None
    error: str | dict[str, Raw] | None = None


class _Delta(Struct, gc=False):
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None


class _Event(Struct, gc=False):
    type: str | None = None
    message: _Message | None = None
    delta: _Delta | None = None
    content_block: _Block | None = None
    usage: _Usage | None = None
    error: str | dict[str, Raw] | None = None


_read_event = reader(_Event)
_read_message = reader(_Message)


class AnthropicAnswer(Answer):
    """An answer of `/v1/messages`.

    A stream's counts are those of `message_delta`, near its end. What `message_start` says of the prompt is an estimate
    on some servers (Ollama 0.32), so it counts only where `message_delta` leaves the prompt out.
    """

    __slots__ = ("_estimate",)

    def __init__(self, form: Form, between: Callable[[float], None]) -> None:
        super().__init__(form, between)
        self._estimate: int | None = None

    def _event(self, data: bytes) -> None:
        event = _read_event(data)
        if event is None:
            return
        delta, block = event.delta, event.content_block
        if delta is not None:
            if delta.text or delta.thinking or delta.partial_json:
                self._token()
            elif delta.stop_reason:
                self.finish_reason = delta.stop_reason
        elif block is not None and block.says():
            self._token()
        if event.usage is not None:
            prompt = event.usage.prompt()
            self.prompt_tokens = self._estimate if prompt is None else prompt
            self.completion_tokens = event.usage.output_tokens
        if event.message is not None:
            self._start(event.message)
        if event.type == "message_stop":
            self.finished = True
        elif event.type == "error" or event.error is not None:
            self.error = True

    def _start(self, message: _Message) -> None:
        if self.model is None and message.model:
            self.model = message.model[:NAME_LENGTH]
        if message.usage is not None:
            self._estimate = message.usage.prompt()

    def _whole(self, data: bytes) -> bool:
        message = _read_message(data)
        if message is None:
            return False
        self._start(message)
        self.prompt_tokens = self._estimate
        self.completion_tokens = message.usage.output_tokens if message.usage is not None else None
        self.finish_reason = message.stop_reason or None
        self.output = any(block.says() for block in message.content or ())
        self.error = message.type == "error" or message.error is not None
        return True
