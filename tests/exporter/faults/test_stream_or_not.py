"""Fault 1: `stream` left out means true for Ollama's own routes and false for OpenAI's; what the answer is decides."""

from __future__ import annotations

import threading

import pytest

from tests.exporter.support.process import Exporter
from tests.exporter.support.upstream import Call, Script, Upstream, answering, ndjson, sse
from tests.exporter.support.wire import chunked, request, response

OLLAMA_LINES = [
    b'{"model":"m","message":{"role":"assistant","content":"a"},"done":false}\n',
    b'{"model":"m","message":{"role":"assistant","content":"b"},"done":false}\n',
    b'{"model":"m","done":true,"done_reason":"stop","load_duration":1000000,"prompt_eval_count":7,"eval_count":2}\n',
]
OPENAI_EVENTS = [
    b'data: {"model":"m","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}\n\n',
    b'data: {"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
    b'data: {"model":"m","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}\n\n',
    b"data: [DONE]\n\n",
]
OPENAI_WHOLE = (
    b'{"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"ab"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":7,"completion_tokens":2}}'
)


def half_then(release: threading.Event, media: str, first: bytes, *rest: bytes) -> Script:
    """Sends the head and the first line, and the rest only when it is told to."""

    def script(call: Call) -> None:
        call.read()
        whole = response([first, *rest], headers=[("Content-Type", media)])
        cut = len(whole) - len(chunked(*rest))
        call.send(whole[:cut])
        assert release.wait(10)
        call.send(whole[cut:])

    return script


@pytest.mark.parametrize(
    ("target", "media", "lines"),
    [
        ("/api/chat", "application/x-ndjson", OLLAMA_LINES),
        ("/api/generate", "application/x-ndjson", OLLAMA_LINES),
        ("/v1/chat/completions", "text/event-stream", OPENAI_EVENTS),
    ],
)
def test_the_first_line_arrives_before_the_second_is_made(
    exporter: Exporter, upstream: Upstream, tag: str, target: str, media: str, lines: list[bytes]
) -> None:
    release = threading.Event()
    upstream.script = half_then(release, media, *lines)
    with exporter.wire(timeout=5) as wire:
        wire.send(request(target, b'{"model":"m"}', headers=[("X-Herd-Tags", tag)]))
        try:
            head = wire.bytes.head()
            assert wire.bytes.line() == b"%x" % len(lines[0])
            assert wire.bytes.exactly(len(lines[0])) == lines[0]
        finally:
            release.set()
        assert wire.bytes.exactly(2) == b"\r\n"
        rest = bytearray()
        wire.bytes.chunks(rest)
    assert head.status == 200
    assert bytes(rest) == b"".join(lines[1:])
    [row] = exporter.tagged(tag)
    assert (row["prompt_tokens"], row["completion_tokens"], row["stream"]) == (7, 2, 1)
    assert row["time_to_first_token_ms"] is not None


@pytest.mark.parametrize("asked", [b'{"model":"m"}', b'{"model":"m","stream":false}', b'{"model":"m","stream":true}'])
@pytest.mark.parametrize(
    ("target", "answer", "stream"),
    [
        ("/api/chat", ndjson(OLLAMA_LINES), 1),
        ("/api/chat", response(OLLAMA_LINES[2].replace(b'"done":true', b'"message":{"content":"ab"},"done":true')), 0),
        ("/v1/chat/completions", sse(OPENAI_EVENTS), 1),
        ("/v1/chat/completions", response(OPENAI_WHOLE), 0),
    ],
    ids=["ollama-stream", "ollama-whole", "openai-stream", "openai-whole"],
)
def test_the_answer_says_whether_it_is_a_stream_whatever_was_asked(
    exporter: Exporter, upstream: Upstream, tag: str, asked: bytes, target: str, answer: bytes, stream: int
) -> None:
    upstream.script = answering(answer)
    reply = exporter.ask(request(target, asked, headers=[("X-Herd-Tags", tag)]))
    assert reply.whole
    [row] = exporter.tagged(tag)
    assert (row["prompt_tokens"], row["completion_tokens"], row["stream"]) == (7, 2, stream)
    assert (row["time_to_first_token_ms"] is not None) == bool(stream)
    assert (row["status"], row["finish_reason"]) == ("completed", "stop")
