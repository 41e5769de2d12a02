"""A real server's answers are the same bytes with the exporter and without it, but for moments and made-up names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.exporter.real.servers import Recorded, headers, request, settled
from tests.parts.observed import LlamaServer
from tests.parts.ollama import Ollama

pytestmark = pytest.mark.real

FIXED = {"seed": 1, "temperature": 0, "num_predict": 12}
SAID = [{"role": "user", "content": "who will be there"}]
OPENAI = {"model": "tiny", "messages": SAID, "seed": 1, "temperature": 0, "max_tokens": 12}
TEXT = {"model": "tiny", "prompt": "who will be", "seed": 1, "temperature": 0, "max_tokens": 12}

OLLAMA: dict[str, tuple[str, dict[str, Any]]] = {
    "chat, stream left out": ("/api/chat", {"model": "tiny", "messages": SAID, "options": FIXED}),
    "chat at once": ("/api/chat", {"model": "tiny", "messages": SAID, "options": FIXED, "stream": False}),
    "generate, stream left out": ("/api/generate", {"model": "tiny", "prompt": "how was it", "options": FIXED}),
    "generate at once": ("/api/generate", {"model": "tiny", "prompt": "how", "options": FIXED, "stream": False}),
    "embed": ("/api/embed", {"model": "tiny-embed", "input": ["one", "of the people"]}),
    "embeddings": ("/api/embeddings", {"model": "tiny-embed", "prompt": "one"}),
    "load only": ("/api/generate", {"model": "tiny"}),
    "show": ("/api/show", {"model": "tiny"}),
    "OpenAI chat": ("/v1/chat/completions", OPENAI),
    "OpenAI chat stream": ("/v1/chat/completions", {**OPENAI, "stream": True}),
    "OpenAI chat stream with usage": (
        "/v1/chat/completions",
        {**OPENAI, "stream": True, "stream_options": {"include_usage": True}},
    ),
    "OpenAI completion": ("/v1/completions", TEXT),
    "OpenAI completion stream": ("/v1/completions", {**TEXT, "stream": True}),
    "OpenAI embeddings": ("/v1/embeddings", {"model": "tiny-embed", "input": "one of the people"}),
    "OpenAI responses": ("/v1/responses", {"model": "tiny", "input": "who", "temperature": 0}),
    "OpenAI responses stream": ("/v1/responses", {"model": "tiny", "input": "who", "temperature": 0, "stream": True}),
    "Anthropic": ("/v1/messages", {"model": "tiny", "messages": SAID, "max_tokens": 12, "temperature": 0}),
    "Anthropic stream": (
        "/v1/messages",
        {"model": "tiny", "messages": SAID, "max_tokens": 12, "temperature": 0, "stream": True},
    ),
    "unknown model": ("/api/chat", {"model": "nobody", "messages": SAID}),
    "unknown model, OpenAI": ("/v1/chat/completions", {"model": "nobody", "messages": SAID}),
    "unknown model, Anthropic": ("/v1/messages", {"model": "nobody", "messages": SAID, "max_tokens": 2}),
    "unknown path": ("/api/nothing", {}),
    "an embedding of what says words": ("/api/chat", {"model": "tiny-embed", "messages": SAID}),
}
LLAMA: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/v1/chat/completions", OPENAI),
    "chat stream": ("/v1/chat/completions", {**OPENAI, "stream": True}),
    "chat stream with usage": (
        "/v1/chat/completions",
        {**OPENAI, "stream": True, "stream_options": {"include_usage": True}},
    ),
    "completion": ("/v1/completions", TEXT),
    "completion stream": ("/v1/completions", {**TEXT, "stream": True}),
    "its own completion": ("/completion", {"prompt": "how", "n_predict": 8, "seed": 1, "temperature": 0}),
    "no messages": ("/v1/chat/completions", {"model": "tiny"}),
    "no embeddings here": ("/v1/embeddings", {"input": "one"}),
}


def same(recorded: Recorded[Any], data: bytes, method: str = "POST") -> None:
    """Status, headers and body with the exporter are what they are without it."""
    bare, through = recorded.both(data, method)
    assert through.head.start == bare.head.start
    assert headers(through) == headers(bare)
    assert settled(through.body) == settled(bare.body)
    assert bare.whole
    assert through.whole
    assert through.framing == bare.framing


@pytest.mark.parametrize("name", OLLAMA)
def test_ollama_answers_the_same(ollama: Recorded[Ollama], name: str) -> None:
    path, asked = OLLAMA[name]
    same(ollama, request(path, json.dumps(asked).encode()))


@pytest.mark.parametrize("name", LLAMA)
def test_llama_server_answers_the_same(llama: Recorded[LlamaServer], name: str) -> None:
    path, asked = LLAMA[name]
    same(llama, request(path, json.dumps(asked).encode()))


@pytest.mark.parametrize("path", ["/", "/api/tags", "/api/version", "/v1/models", "/metrics"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_ollama_answers_what_asks_for_no_tokens_the_same(ollama: Recorded[Ollama], path: str, method: str) -> None:
    same(ollama, request(path, method=method), method)


@pytest.mark.parametrize("path", ["/health", "/v1/models", "/props", "/slots", "/nothing"])
def test_llama_server_answers_what_asks_for_no_tokens_the_same(llama: Recorded[LlamaServer], path: str) -> None:
    same(llama, request(path, method="GET"), "GET")


@pytest.mark.parametrize("body", [b"", b"{", b'{"model": 5}', b"[]", b"\xff\xfe", b'{"model":"tiny","model":"nobody"}'])
@pytest.mark.parametrize("path", ["/api/chat", "/v1/chat/completions"])
def test_what_is_no_proper_request_is_refused_by_the_server_itself(
    ollama: Recorded[Ollama], path: str, body: bytes
) -> None:
    same(ollama, request(path, body))


def test_a_compressed_answer_stays_compressed(llama: Recorded[LlamaServer]) -> None:
    same(llama, request("/", method="GET", headers=["Accept-Encoding: gzip"]), "GET")
