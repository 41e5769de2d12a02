"""Fault 14: prompts, answers, keys and error bodies are in no file, no log line, no metric and no page."""

from __future__ import annotations

import itertools
import json
import signal
from pathlib import Path

import pytest

from tests.exporter.support.process import Exporter, eventually
from tests.exporter.support.upstream import Upstream, answering, ndjson, sse
from tests.exporter.support.wire import chunked, request, response

CANARY = "xyzzy"
_number = itertools.count()


def canary(kind: str) -> str:
    """A word that nothing but a leak can bring anywhere."""
    return f"{CANARY}-{kind}-{next(_number)}"


def asked(target: str, secret: str) -> bytes:
    body = {
        "model": "m",
        "prompt": canary("prompt"),
        "input": canary("input"),
        "system": canary("system"),
        "messages": [{"role": "user", "content": canary("prompt"), "images": [canary("image")]}],
    }
    headers = [
        *(
            ("Authorization", f"Bearer {canary(secret)}"),
            ("x-api-key", canary("key")),
            ("Cookie", f"s={canary('cookie')}"),
        ),
        *(("X-Anything", canary("header")), ("Proxy-Authorization", f"Basic {canary('proxy')}")),
    ]
    return request(f"{target}?key={canary('query')}", json.dumps(body).encode(), headers=headers)


def told(kind: str) -> bytes:
    text = canary(kind)
    if kind == "ollama":
        line = {"model": "m", "message": {"content": text, "thinking": canary("thought")}, "done": False}
        last = {"model": "m", "done": True, "prompt_eval_count": 1, "eval_count": 1, "context": [1], "response": text}
        return ndjson([json.dumps(one).encode() + b"\n" for one in (line, last)])
    if kind == "openai":
        event = {"model": "m", "choices": [{"delta": {"content": text}, "finish_reason": "stop"}]}
        return sse([b"data: " + json.dumps(event).encode() + b"\n\n", b"data: [DONE]\n\n"])
    if kind == "stream error":
        return ndjson([json.dumps({"error": text}).encode() + b"\n"])
    if kind == "broken":
        return ndjson([json.dumps({"message": {"content": text}}).encode() + b"\n"])[:-5]
    if kind == "invalid":
        return ndjson([f'{{"model":"m","message":{{"content":"{text}"'.encode() + b"\n"])
    if kind == "no HTTP":
        return f"{text}\r\n\r\n".encode()
    status = f"{kind} {canary('phrase')}"
    return response(json.dumps({"error": {"message": text}}).encode(), status, [("X-Told", canary("header"))])


KINDS = ["ollama", "openai", "stream error", "broken", "invalid", "no HTTP", "400", "401", "404", "429", "500", "503"]
TARGETS = ["/api/chat", "/api/generate", "/v1/chat/completions", "/v1/messages", "/v1/responses", "/api/pull", "/"]
MALFORMED = [
    f"POST /{CANARY} HTTP/1.1\r\nHost: localhost\r\n{CANARY} : {CANARY}\r\n\r\n{CANARY}".encode(),
    f"{CANARY} / HTTP/1.1\r\n\r\n".encode(),
    f"POST /api/chat HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{CANARY}\r\n{CANARY}".encode(),
]
PAGES = ["/metrics", "/readyz", "/", "/api/v1/summary", "/api/v1/recent", "/api/v1/failures", "/api/v1/slowest"]


def leaks(folder: Path) -> list[str]:
    return [file.name for file in folder.rglob("*") if file.is_file() and CANARY.encode() in file.read_bytes()]


@pytest.mark.parametrize("level", ["info", "debug"])
@pytest.mark.parametrize("log_format", ["json", "text"])
def test_no_canary_is_found_anywhere(upstream: Upstream, log_format: str, level: str) -> None:
    with Exporter(upstream.url, "--log-format", log_format, "--log-level", level) as exporter:
        for kind, target in itertools.product(KINDS, TARGETS):
            upstream.script = answering(told(kind), keep=False)
            with exporter.wire() as wire:
                wire.send(asked(target, "key")).closed(0.2) if kind == "no HTTP" else wire.send(
                    asked(target, "key")
                ).reply()
        for data in MALFORMED:
            with exporter.wire() as wire:
                wire.send(data)
                wire.closed(0.3)
        metered = len(TARGETS) - 2
        eventually(lambda: exporter.metrics().sum("inferometer_requests_total") >= len(KINDS) * metered)
        eventually(lambda: len(exporter.rows()) >= len(KINDS) * metered)
        assert [path for path in PAGES if CANARY in exporter.status(path)[1]] == []
        assert upstream.calls
        assert all(CANARY in str(call.head) for call in upstream.calls)
        exporter.signal(signal.SIGTERM)
        assert exporter.exit_code() == 0
        assert leaks(exporter.folder) == []


def test_an_upstream_that_is_away_or_breaks_brings_no_key_into_the_log(upstream: Upstream) -> None:
    with Exporter(upstream.url) as exporter:
        upstream.script = lambda call: call.reset()
        for _ in range(3):
            assert exporter.ask(asked("/api/chat", "key")).status == 502
        with exporter.wire() as wire:
            wire.send(asked("/api/chat", "key")[:-10] + chunked(CANARY.encode()))
        exporter.signal(signal.SIGTERM)
        exporter.exit_code()
        assert leaks(exporter.folder) == []


def test_the_environment_can_not_make_it_talk(upstream: Upstream) -> None:
    """Python's own switches for more words: asyncio's debug mode logs callbacks with their arguments."""
    upstream.script = answering(told("ollama"))
    loud = "export PYTHONASYNCIODEBUG=1 PYTHONDEVMODE=1 PYTHONVERBOSE= LOG_LEVEL=DEBUG DEBUG=1;"
    with Exporter(upstream.url, shell=loud) as exporter:
        for _ in range(5):
            assert exporter.ask(asked("/api/chat", "key")).status == 200
        exporter.signal(signal.SIGTERM)
        assert exporter.exit_code() == 0
        assert leaks(exporter.folder) == []
