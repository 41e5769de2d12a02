"""The official `ollama` and `openai` clients get through the exporter what they get from the server itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import ollama as ollama_client
import openai
import pytest

from tests.exporter.real.servers import Recorded, without_volatile
from tests.parts.observed import LlamaServer
from tests.parts.ollama import Ollama

pytestmark = pytest.mark.real

FIXED: dict[str, Any] = {"seed": 1, "temperature": 0, "num_predict": 12}
SAID: Any = [{"role": "user", "content": "who will be there"}]
SAMPLED: dict[str, Any] = {"model": "tiny", "seed": 1, "temperature": 0, "max_tokens": 12}

NATIVE: dict[str, Callable[[ollama_client.Client], Any]] = {
    "chat": lambda client: client.chat("tiny", SAID, options=FIXED),
    "chat stream": lambda client: client.chat("tiny", SAID, options=FIXED, stream=True),
    "generate": lambda client: client.generate("tiny", "how was it", options=FIXED),
    "generate stream": lambda client: client.generate("tiny", "how was it", options=FIXED, stream=True),
    "embed": lambda client: client.embed("tiny-embed", ["one", "of the people"]),
    "embeddings": lambda client: client.embeddings("tiny-embed", "one"),
    "list": lambda client: client.list(),
    "show": lambda client: client.show("tiny"),
    "unknown model": lambda client: client.chat("nobody", SAID),
    "unknown model stream": lambda client: client.chat("nobody", SAID, stream=True),
    "no chat model": lambda client: client.chat("tiny-embed", SAID),
}
OPENAI: dict[str, Callable[[openai.OpenAI], Any]] = {
    "chat": lambda client: client.chat.completions.create(messages=SAID, **SAMPLED),
    "chat stream": lambda client: client.chat.completions.create(messages=SAID, stream=True, **SAMPLED),
    "chat stream with usage": lambda client: client.chat.completions.create(
        messages=SAID, stream=True, stream_options={"include_usage": True}, **SAMPLED
    ),
    "completion": lambda client: client.completions.create(prompt="who will be", **SAMPLED),
    "completion stream": lambda client: client.completions.create(prompt="who will be", stream=True, **SAMPLED),
    "embeddings": lambda client: client.embeddings.create(model="tiny-embed", input=["one", "of the people"]),
    "responses": lambda client: client.responses.create(model="tiny", input="who", temperature=0),
    "responses stream": lambda client: client.responses.create(model="tiny", input="who", temperature=0, stream=True),
    "models": lambda client: client.models.list(),
    "unknown model": lambda client: client.chat.completions.create(messages=SAID, model="nobody"),
    "unknown model stream": lambda client: client.chat.completions.create(messages=SAID, model="nobody", stream=True),
    "bad request": lambda client: client.chat.completions.create(messages=[], model="tiny", n=-1),
}
ON_LLAMA = ("chat", "chat stream", "chat stream with usage", "completion", "completion stream", "models")


def as_data(answer: Any) -> Any:
    """An answer of a client, whole or an iterator over pieces, without what differs each time."""
    if hasattr(answer, "model_dump"):
        return without_volatile(answer.model_dump())
    if isinstance(answer, Iterable):
        return [as_data(piece) for piece in answer]
    return without_volatile(answer)


def outcome(ask: Callable[[Any], Any], client: Any) -> Any:
    """What the client gets: data, or the error that it raises."""
    try:
        return as_data(ask(client))
    except ollama_client.ResponseError as error:
        return type(error), error.status_code, error.error
    except openai.APIStatusError as error:
        return type(error), error.status_code, error.body, error.message


def openai_client(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key="not-used", max_retries=0)


@pytest.mark.parametrize("name", NATIVE)
def test_ollamas_client_gets_the_same(ollama: Recorded[Ollama], name: str) -> None:
    found = []
    for url in ollama.urls:
        with ollama_client.Client(url) as client:
            found.append(outcome(NATIVE[name], client))
    assert found[1] == found[0]
    assert found[0]


@pytest.mark.parametrize("name", OPENAI)
def test_openais_client_gets_the_same_from_ollama(ollama: Recorded[Ollama], name: str) -> None:
    found = []
    for url in ollama.urls:
        with openai_client(url) as client:
            found.append(outcome(OPENAI[name], client))
    assert found[1] == found[0]
    assert found[0]


@pytest.mark.parametrize("name", ON_LLAMA)
def test_openais_client_gets_the_same_from_llama_server(llama: Recorded[LlamaServer], name: str) -> None:
    found = []
    for url in llama.urls:
        with openai_client(url) as client:
            found.append(outcome(OPENAI[name], client))
    assert found[1] == found[0]
    assert found[0]


def test_many_at_once_each_get_their_own_answer_from_the_asynchronous_clients(ollama: Recorded[Ollama]) -> None:
    prompts = [f"{word} and {other}" for word in ("who", "what", "when") for other in ("how", "all", "one")]

    async def native(client: ollama_client.AsyncClient, prompt: str) -> str:
        pieces = await client.generate("tiny", prompt, options=FIXED, stream=True)
        return "".join([piece.response or "" async for piece in pieces])

    async def by_openai(client: openai.AsyncOpenAI, prompt: str) -> str:
        said: Any = [{"role": "user", "content": prompt}]
        pieces = await client.chat.completions.create(messages=said, stream=True, **SAMPLED)
        return "".join([piece.choices[0].delta.content or "" async for piece in pieces])

    async def ask(url: str) -> list[str]:
        async with (
            ollama_client.AsyncClient(url) as first,
            openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="not-used") as second,
        ):
            return await asyncio.gather(
                *(native(first, prompt) for prompt in prompts), *(by_openai(second, prompt) for prompt in prompts)
            )

    bare, through = (asyncio.run(ask(url)) for url in ollama.urls)
    assert through == bare
    assert all(bare)
