"""A simulated server answers as the recorded one did: status, content type, keys, kinds of values, order of lines."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.demo.asking import CALM, Reply, ask, with_server

RECORDINGS = Path(__file__).resolve().parents[2] / "fixtures/recordings"
OLLAMA = RECORDINGS / "ollama/0.32.15"
LLAMA = RECORDINGS / "llama-server"

POSTED = [
    "chat_nostream",
    "chat_stream",
    "generate_nostream",
    "generate_stream",
    "embed_ok",
    "embeddings_old_ok",
    "v1_chat_nostream",
    "v1_chat_stream",
    "v1_chat_stream_usage",
    "v1_completions_nostream",
    "v1_completions_stream",
    "v1_completions_stream_usage",
    "v1_embeddings_ok",
    "err_unknown_model_chat",
    "err_unknown_model_v1",
    "err_bad_json_generate",
    "err_bad_json_v1",
]
ASKED = ["ps_empty", "version", "v1_models", "tags", "root", "err_wrong_method", "err_unknown_path"]


def recorded_request(name: str) -> tuple[str, str, bytes | None]:
    first, *rest = (OLLAMA / f"{name}.request.txt").read_text().strip().splitlines()
    method, path = first.removeprefix("> ").split(" ")
    return method, path, rest[-1].removeprefix("> ").encode() if rest else None


def recorded_answer(name: str) -> Reply:
    head, _, body = (OLLAMA / f"{name}.response.txt").read_bytes().replace(b"\r\n", b"\n").partition(b"\n\n")
    status, *lines = head.decode().splitlines()
    headers = dict(line.split(": ", 1) for line in lines)
    return Reply(int(status.split(" ")[1]), headers["Content-Type"], body, "Transfer-Encoding" in headers)


def shape(value: Any) -> Any:
    """Keys and kinds: numbers are one kind, and a list is what its first item is."""
    if isinstance(value, dict):
        return {key: shape(part) for key, part in value.items()}
    if isinstance(value, list):
        return [shape(part) for part in value[:1]]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def kinds(body: bytes) -> list[Any]:
    """The shapes of a body's parts in their order, a run of the same as one."""
    parts: list[Any] = []
    for line in body.decode().splitlines():
        framed, text = line.startswith("data: "), line.removeprefix("data: ")
        part = (framed, text if text in ("", "[DONE]") else shape(json.loads(text)))
        if part[1] != "" and part not in parts[-1:]:
            parts.append(part)
    return parts


def compared(reply: Reply) -> tuple[int, str, bool]:
    return reply.status, reply.kind, reply.chunked


@pytest.mark.parametrize("name", POSTED + ASKED)
def test_simulated_ollama_answers_in_the_shape_of_the_recorded_one(name: str) -> None:
    method, path, body = recorded_request(name)
    answer = with_server("ollama", lambda url: ask(url, method, path, body))
    real = recorded_answer(name)
    assert compared(answer) == compared(real)
    if real.kind.startswith("text/plain"):
        assert answer.body == real.body
    else:
        assert kinds(answer.body) == kinds(real.body)


def test_a_model_that_was_asked_is_in_memory_in_the_shape_of_the_recorded_one() -> None:
    method, path, body = recorded_request("chat_nostream")

    def use(url: str) -> Reply:
        ask(url, method, path, body)
        return ask(url, "GET", "/api/ps")

    answer, real = with_server("ollama", use), recorded_answer("ps_loaded")
    assert compared(answer) == compared(real)
    assert kinds(answer.body) == kinds(real.body)
    assert [one["name"] for one in json.loads(answer.body)["models"]] == ["tiny:latest"]


@pytest.mark.parametrize(("route", "name"), [("chat_nostream", "chat"), ("v1_chat_nostream", "v1")])
def test_a_full_server_refuses_as_the_recorded_one(route: str, name: str) -> None:
    method, path, body = recorded_request(route)
    full = replace(CALM, busy=1.0)
    answer = with_server("ollama", lambda url: ask(url, method, path, body), full)
    real = recorded_answer(f"err_queue_full_{name}")
    assert compared(answer) == compared(real)
    assert json.loads(answer.body) == json.loads(real.body)


MESSAGES = [{"role": "user", "content": "who was there"}]


def test_simulated_llama_server_answers_in_the_shape_of_the_recorded_one() -> None:
    body = json.dumps({"model": "tiny", "messages": MESSAGES}).encode()
    answer = with_server("llamacpp", lambda url: ask(url, "POST", "/v1/chat/completions", body))
    assert (answer.status, answer.chunked) == (200, False)
    assert kinds(answer.body) == kinds((LLAMA / "chat.json").read_bytes())


def test_simulated_llama_server_streams_in_the_shape_of_the_recorded_one() -> None:
    asked = {"model": "tiny", "messages": MESSAGES, "stream": True, "stream_options": {"include_usage": True}}
    body = json.dumps(asked).encode()
    answer = with_server("llamacpp", lambda url: ask(url, "POST", "/v1/chat/completions", body))
    assert (answer.status, answer.kind, answer.chunked) == (200, "text/event-stream", True)
    assert kinds(answer.body) == kinds((LLAMA / "chat_stream.txt").read_bytes())


def test_simulated_llama_server_is_healthy_and_has_no_routes_of_ollama() -> None:
    def use(url: str) -> list[int]:
        paths = ("/health", "/v1/models", "/api/tags", "/api/version")
        return [*(ask(url, "GET", path).status for path in paths), ask(url, "POST", "/api/chat", b"{}").status]

    assert with_server("llamacpp", use) == [200, 200, 404, 404, 404]
