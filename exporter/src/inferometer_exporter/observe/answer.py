"""Opens the reader that fits an answer: its content type says whether it is a stream, its route in which dialect."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from inferometer_exporter.observe.anthropic import AnthropicAnswer
from inferometer_exporter.observe.apis import Api, Dialect
from inferometer_exporter.observe.base import Answer, Form
from inferometer_exporter.observe.encoding import Inflater, Unreadable
from inferometer_exporter.observe.framing import Body, Events, Framing, Lines
from inferometer_exporter.observe.ollama import OllamaAnswer
from inferometer_exporter.observe.openai import OpenAIAnswer
from inferometer_exporter.observe.responses import ResponsesAnswer

_DIALECTS: dict[Dialect, type[Answer]] = {
    Dialect.OLLAMA: OllamaAnswer,
    Dialect.OPENAI: OpenAIAnswer,
    Dialect.RESPONSES: ResponsesAnswer,
    Dialect.ANTHROPIC: AnthropicAnswer,
}

_STREAMS: dict[bytes, Callable[[], Framing]] = {
    b"application/x-ndjson": Lines,
    b"application/ndjson": Lines,
    b"application/jsonl": Lines,
    b"text/event-stream": Events,
}


def open_answer(api: Api, content_type: bytes, content_encoding: bytes, between: Callable[[float], None]) -> Answer:
    """A reader for one answer, from the values of its headers Content-Type and Content-Encoding (b"" where absent).

    `between` gets the seconds from each token event of a stream to the next. Call `feed` with the body as it comes,
    without its chunked framing, and `end` once; then read the facts.
    """
    dialect, framing, is_json, inflated = _way(api.dialect, content_type, content_encoding)
    if inflated is None:
        return dialect(Form(framing(), None, is_json), between)
    try:
        return dialect(Form(framing(), Inflater(inflated), is_json), between)
    except Unreadable:
        answer = dialect(Form(framing(), None, is_json), between)
        answer.unreadable()
        return answer


@lru_cache(maxsize=256)
def _way(
    dialect: Dialect, content_type: bytes, content_encoding: bytes
) -> tuple[type[Answer], Callable[[], Framing], bool, bytes | None]:
    """The reader's class, its framing, whether JSON is promised, and the encoding if there is one."""
    kind = content_type.partition(b";")[0].strip().lower()
    is_json = kind == b"application/json" or kind.endswith(b"+json")
    encoding = content_encoding.strip().lower()
    return _DIALECTS[dialect], _STREAMS.get(kind, Body), is_json, None if encoding in (b"", b"identity") else encoding
