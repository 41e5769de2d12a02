"""OpenAI's `/v1/responses`: SSE events of which `response.completed` is the last, or one response object.

Fields as in OpenAI's API reference; Ollama, vLLM and llama-server speak the same.
"""

from __future__ import annotations

from msgspec import Raw, Struct

from inferometer_exporter.observe.base import Answer
from inferometer_exporter.observe.fields import NAME_LENGTH, Count, reader


class _Usage(Struct, gc=False):
    input_tokens: Count | None = None
    output_tokens: Count | None = None


class _Details(Struct, gc=False):
    reason: str | None = None


class _Part(Struct, gc=False):
    text: str | None = None
    refusal: str | None = None


class _Item(Struct, gc=False):
    """A message, a tool call, or a piece of reasoning."""

    type: str | None = None
    content: list[_Part] | None = None

    def says(self) -> bool:
        return self.is_call() or any(part.text or part.refusal for part in self.content or ())

    def is_call(self) -> bool:
        return bool(self.type) and str(self.type).endswith("_call")


class _Response(Struct, gc=False):
    model: str | None = None
    status: str | None = None
    usage: _Usage | None = None
    error: str | dict[str, Raw] | None = None
    output: list[_Item] | None = None
    incomplete_details: _Details | None = None


class _Event(Struct, gc=False):
    type: str | None = None
    delta: str | dict[str, Raw] | None = None
    item: _Item | None = None
    response: _Response | None = None
    error: str | dict[str, Raw] | None = None


_read_event = reader(_Event)
_read_response = reader(_Response)


class ResponsesAnswer(Answer):
    """An answer of `/v1/responses`."""

    __slots__ = ()

    def _event(self, data: bytes) -> None:
        event = _read_event(data)
        if event is None:
            return
        kind = event.type
        if event.delta:
            self._token()
        elif kind == "response.output_item.added":
            if event.item is not None and event.item.is_call():
                self._token()
        elif kind in ("response.completed", "response.incomplete"):
            self.finished = True
        if kind in ("error", "response.failed") or event.error is not None:
            self.error = True
        if event.response is not None:
            self._tell(event.response)

    def _whole(self, data: bytes) -> bool:
        response = _read_response(data)
        if response is None:
            return False
        self._tell(response)
        return True

    def _tell(self, response: _Response) -> None:
        """The response so far: in a stream it stands in the first events and, with its counts, in the last one."""
        if self.model is None and response.model:
            self.model = response.model[:NAME_LENGTH]
        if any(item.says() for item in response.output or ()):
            self.output = True
        if response.error is not None:
            self.error = True
        if response.usage is not None:
            self.prompt_tokens = response.usage.input_tokens
            self.completion_tokens = response.usage.output_tokens
        details = response.incomplete_details
        if response.status in ("completed", "incomplete", "failed"):
            self.finish_reason = (details.reason if details is not None else None) or response.status
