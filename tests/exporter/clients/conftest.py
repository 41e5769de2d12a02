"""An upstream that replays what a real Ollama said, and an exporter before it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.exporter.recorded import Recorded, recorded
from tests.exporter.support.process import Exporter
from tests.exporter.support.upstream import Call, Upstream
from tests.exporter.support.wire import response

# (path, stream, usage asked for) → the recording of that answer.
REPLAYED = {
    ("/api/chat", True, False): "chat_stream",
    ("/api/chat", False, False): "chat_nostream",
    ("/api/generate", True, False): "generate_stream",
    ("/api/generate", False, False): "generate_nostream",
    ("/api/embed", False, False): "embed_ok",
    ("/api/embeddings", False, False): "embeddings_old_ok",
    ("/api/tags", False, False): "tags",
    ("/api/ps", False, False): "ps_loaded",
    ("/api/show", False, False): "show",
    ("/v1/chat/completions", True, False): "v1_chat_stream",
    ("/v1/chat/completions", True, True): "v1_chat_stream_usage",
    ("/v1/chat/completions", False, False): "v1_chat_nostream",
    ("/v1/completions", True, False): "v1_completions_stream",
    ("/v1/completions", False, False): "v1_completions_nostream",
    ("/v1/embeddings", False, False): "v1_embeddings_ok",
    ("/v1/responses", True, False): "v1_responses_stream",
    ("/v1/responses", False, False): "v1_responses_nostream",
    ("/v1/models", False, False): "v1_models",
}
UNKNOWN = {"/api/chat": "err_unknown_model_chat", "/api/generate": "err_unknown_model_generate"}
FULL = {"/api/chat": "err_queue_full_chat"}
REASONS = {200: "200 OK", 404: "404 Not Found", 503: "503 Service Unavailable"}


def framed(answer: Recorded) -> bytes:
    """The recorded answer as it lay on the wire."""
    headers = [pair for pair in answer.headers if pair[0] not in ("Transfer-Encoding", "Content-Length")]
    lines = answer.body.splitlines(keepends=True) if answer.header("Transfer-Encoding") else None
    return response(answer.body if lines is None else lines, REASONS[answer.status], headers)


def replay(call: Call) -> None:
    """Answers like the server that was recorded: model `nosuch` is unknown to it, and for `busy` its queue is full."""
    path = call.head.target.decode()
    asked = json.loads(call.read() or b"{}")
    if asked.get("model") == "nosuch":
        name = UNKNOWN.get(path, "err_unknown_model_v1")
    elif asked.get("model") == "busy":
        name = FULL.get(path, "err_queue_full_v1")
    else:
        usage = bool((asked.get("stream_options") or {}).get("include_usage"))
        name = REPLAYED[path, bool(asked.get("stream")), usage]
    data = framed(recorded(f"ollama/0.32.15/{name}"))
    call.send(*(data[at : at + 100] for at in range(0, len(data), 100)))


@pytest.fixture(scope="package")
def replayed() -> Iterator[Upstream]:
    with Upstream(replay) as started:
        yield started


@pytest.fixture(scope="package")
def recorder(replayed: Upstream) -> Iterator[Exporter]:
    with Exporter(replayed.url) as started:
        yield started
