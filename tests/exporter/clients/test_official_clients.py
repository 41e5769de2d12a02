"""The official `ollama` and `openai` clients cannot tell the exporter from the server behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import ollama
import openai
import pytest

from tests.exporter.support.process import Exporter, eventually
from tests.exporter.support.upstream import Upstream
from tests.exporter.support.wire import HOST
from tests.parts.process import free_port

SAID: Any = [{"role": "user", "content": "who was there"}]

NATIVE: dict[str, Callable[[ollama.Client], Any]] = {
    "chat": lambda client: client.chat("tiny", SAID),
    "chat stream": lambda client: client.chat("tiny", SAID, stream=True),
    "generate": lambda client: client.generate("tiny", "the one"),
    "generate stream": lambda client: client.generate("tiny", "the one", stream=True),
    "embed": lambda client: client.embed("tinyembed", ["the one", "who was there"]),
    "embeddings": lambda client: client.embeddings("tinyembed", "the one"),
    "list": lambda client: client.list(),
    "ps": lambda client: client.ps(),
    "show": lambda client: client.show("tiny"),
    "unknown model": lambda client: client.chat("nosuch", SAID),
    "unknown model, stream": lambda client: client.chat("nosuch", SAID, stream=True),
    "full queue": lambda client: client.chat("busy", SAID),
}
COMPATIBLE: dict[str, Callable[[openai.OpenAI], Any]] = {
    "chat": lambda client: client.chat.completions.create(model="tiny", messages=SAID),
    "chat stream": lambda client: client.chat.completions.create(model="tiny", messages=SAID, stream=True),
    "chat stream with usage": lambda client: client.chat.completions.create(
        model="tiny", messages=SAID, stream=True, stream_options={"include_usage": True}
    ),
    "completion": lambda client: client.completions.create(model="tiny", prompt="the one"),
    "completion stream": lambda client: client.completions.create(model="tiny", prompt="the one", stream=True),
    "embeddings": lambda client: client.embeddings.create(model="tinyembed", input="the one"),
    "response": lambda client: client.responses.create(model="tiny", input="the one"),
    "response stream": lambda client: client.responses.create(model="tiny", input="the one", stream=True),
    "models": lambda client: client.models.list(),
    "unknown model": lambda client: client.chat.completions.create(model="nosuch", messages=SAID),
    "unknown model, stream": lambda client: client.chat.completions.create(model="nosuch", messages=SAID, stream=True),
    "full queue": lambda client: client.chat.completions.create(model="busy", messages=SAID),
}


def told(call: Callable[[], Any]) -> Any:
    """What a client makes of an answer, as plain data: a whole one, the pieces of a stream, or the error it raises."""
    try:
        answer = call()
        if hasattr(answer, "model_dump"):
            return answer.model_dump()
        return [piece.model_dump() for piece in answer] if isinstance(answer, Iterable) else answer
    except ollama.ResponseError as error:
        return type(error), error.status_code, error.error
    except openai.APIStatusError as error:
        return type(error), error.status_code, error.body


def native(port: int) -> ollama.Client:
    return ollama.Client(f"http://{HOST}:{port}", trust_env=False)


def compatible(port: int) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"http://{HOST}:{port}/v1", api_key="none", max_retries=0)


@pytest.mark.parametrize("name", NATIVE)
def test_the_ollama_client_gets_the_same_through_the_exporter(
    recorder: Exporter, replayed: Upstream, name: str
) -> None:
    with native(replayed.port) as straight, native(recorder.proxy_port) as through:
        assert told(lambda: NATIVE[name](through)) == told(lambda: NATIVE[name](straight))


@pytest.mark.parametrize("name", COMPATIBLE)
def test_the_openai_client_gets_the_same_through_the_exporter(
    recorder: Exporter, replayed: Upstream, name: str
) -> None:
    with compatible(replayed.port) as straight, compatible(recorder.proxy_port) as through:
        assert told(lambda: COMPATIBLE[name](through)) == told(lambda: COMPATIBLE[name](straight))


def test_the_asynchronous_clients_stream_through_the_exporter(recorder: Exporter) -> None:
    async def pieces() -> tuple[list[str], list[str]]:
        async with (
            ollama.AsyncClient(f"http://{HOST}:{recorder.proxy_port}", trust_env=False) as one,
            openai.AsyncOpenAI(base_url=f"http://{HOST}:{recorder.proxy_port}/v1", api_key="none") as other,
        ):
            stream = await one.chat("tiny", SAID, stream=True)
            first = [piece.message.content or "" async for piece in stream]
            chunks = await other.chat.completions.create(model="tiny", messages=SAID, stream=True)
            return first, [chunk.choices[0].delta.content or "" async for chunk in chunks]

    first, second = asyncio.run(pieces())
    assert "".join(first) == "".join(second) == " all can or all can or all can or all can or"


def test_what_the_clients_did_is_counted(recorder: Exporter) -> None:
    before = recorder.metrics()
    with native(recorder.proxy_port) as one, compatible(recorder.proxy_port) as other:
        chat = one.chat("tiny", SAID)
        completion = other.completions.create(model="tiny", prompt="the one")
    assert completion.usage is not None
    name = "inferometer_completion_tokens_total"
    counted = (chat.eval_count or 0) + completion.usage.completion_tokens
    assert counted > 0
    eventually(lambda: recorder.metrics().sum(name) - before.sum(name) == counted)


def test_a_client_that_stops_reading_ends_its_stream(recorder: Exporter) -> None:
    """What `break` in a user's loop does."""
    with compatible(recorder.proxy_port) as client:
        stream = client.chat.completions.create(model="tiny", messages=SAID, stream=True)
        assert next(iter(stream)).choices
        stream.close()
    eventually(lambda: recorder.metrics().sum("inferometer_requests_in_flight") == 0)


def test_the_clients_understand_our_own_errors() -> None:
    """A server that is away is a 502 with words, in the shape that each client reads."""
    with Exporter(f"http://{HOST}:{free_port()}") as exporter:
        with native(exporter.proxy_port) as one, pytest.raises(ollama.ResponseError) as away:
            one.chat("tiny", SAID)
        assert away.value.status_code == 502
        assert "inferometer" in away.value.error
        with compatible(exporter.proxy_port) as other, pytest.raises(openai.InternalServerError) as gone:
            other.chat.completions.create(model="tiny", messages=SAID)
        assert gone.value.status_code == 502
        assert "inferometer" in gone.value.message
