"""Fault 16: tokens that are not told are not 0; asking for them is an option that its clients cannot see."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.exporter.support.process import Exporter, eventually
from tests.exporter.support.upstream import Call, Upstream, answering, ndjson, sse
from tests.exporter.support.wire import Reply, request, response

CHUNK = b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}\n\n'
STOP = b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
USAGE = b'data: {"id":"c","model":"m","choices":[],"usage":{"prompt_tokens":26,"completion_tokens":12}}\n\n'
LAST = b"data: [DONE]\n\n"
COUNTERS = ("inferometer_prompt_tokens_total", "inferometer_completion_tokens_total")

UNTOLD = {
    "a stream without usage": ("/v1/chat/completions", sse([CHUNK, STOP, LAST])),
    "usage null": ("/v1/chat/completions", sse([CHUNK, STOP.replace(b'"choices"', b'"usage":null,"choices"'), LAST])),
    "a whole answer without usage": (
        "/v1/chat/completions",
        response(b'{"model":"m","choices":[{"finish_reason":"stop"}]}'),
    ),
    "counts of the wrong type": (
        "/api/chat",
        ndjson([b'{"model":"m","message":{"content":"a"},"done":true,"eval_count":"12","prompt_eval_count":-3}\n']),
    ),
    "counts beyond all measure": (
        "/api/chat",
        ndjson([b'{"model":"m","message":{"content":"a"},"done":true,"eval_count":1e400,"prompt_eval_count":true}\n']),
    ),
    "a load without a prompt": (
        "/api/generate",
        response(b'{"model":"m","response":"","done":true,"done_reason":"load"}'),
    ),
}


def counted(exporter: Exporter) -> list[float]:
    metrics = exporter.metrics()
    return [metrics.sum(name) for name in COUNTERS]


@pytest.mark.parametrize("name", UNTOLD)
def test_tokens_that_are_not_told_are_unknown_and_not_0(
    exporter: Exporter, upstream: Upstream, tag: str, name: str
) -> None:
    target, answer = UNTOLD[name]
    upstream.script = answering(answer)
    before = counted(exporter)
    assert exporter.ask(request(target, b'{"model":"m","stream":true}', headers=[("X-Herd-Tags", tag)])).whole
    [row] = exporter.tagged(tag)
    assert (row["prompt_tokens"], row["completion_tokens"]) == (None, None)
    assert counted(exporter) == before


def test_tokens_that_are_told_as_0_are_0(exporter: Exporter, upstream: Upstream, tag: str) -> None:
    upstream.script = answering(sse([STOP, USAGE.replace(b":12}", b":0}"), LAST]))
    exporter.ask(request("/v1/chat/completions", b'{"model":"m"}', headers=[("X-Herd-Tags", tag)]))
    [row] = exporter.tagged(tag)
    assert (row["prompt_tokens"], row["completion_tokens"]) == (26, 0)


def test_usage_is_not_asked_for_by_default(exporter: Exporter, upstream: Upstream) -> None:
    body = b'{"model":"m","stream":true}'
    upstream.script = answering(sse([CHUNK, STOP, LAST]))
    exporter.ask(request("/v1/chat/completions", body))
    assert [call.body for call in upstream.calls] == [body]


def obliging(call: Call) -> None:
    """Tells usage on a stream where it was asked to, as OpenAI-compatible servers do."""
    options = json.loads(call.read()).get("stream_options") or {}
    call.send(sse([CHUNK, STOP, *([USAGE] if options.get("include_usage") else []), LAST]))


@pytest.fixture(scope="module")
def asking(shared_upstream: Upstream) -> Iterator[Exporter]:
    """An exporter that asks for usage on its own."""
    with Exporter(shared_upstream.url, "--inject-usage", engine="openai") as started:
        yield started


def ask(exporter: Exporter, body: dict[str, Any], tag: str, target: str = "/v1/chat/completions") -> Reply:
    reply = exporter.ask(request(target, json.dumps(body).encode(), headers=[("X-Herd-Tags", tag)]))
    assert isinstance(reply, Reply)
    return reply


PLAIN = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "h\u00e9"}], "seed": 2**70}


@pytest.mark.parametrize("target", ["/v1/chat/completions", "/v1/completions"])
def test_usage_is_counted_and_hidden_from_a_client_that_did_not_ask(
    asking: Exporter, upstream: Upstream, tag: str, target: str
) -> None:
    upstream.script = obliging
    reply = ask(asking, PLAIN, tag, target)
    assert (reply.body, reply.whole) == (CHUNK + STOP + LAST, True)
    [row] = asking.tagged(tag)
    assert (row["prompt_tokens"], row["completion_tokens"]) == (26, 12)
    forwarded = json.loads(upstream.call().body or b"")
    assert forwarded.pop("stream_options")["include_usage"] is True
    assert forwarded == PLAIN


@pytest.mark.parametrize("cut", range(10, 420, 23))
def test_the_extra_chunk_is_hidden_wherever_it_is_cut(asking: Exporter, upstream: Upstream, cut: int, tag: str) -> None:
    whole = sse([CHUNK, STOP, USAGE, LAST])

    def script(call: Call) -> None:
        call.read()
        call.send(whole[: len(whole) - cut], whole[len(whole) - cut :], pause=0.01)

    upstream.script = script
    assert ask(asking, PLAIN, tag).body == CHUNK + STOP + LAST
    [row] = asking.tagged(tag)
    assert row["completion_tokens"] == 12


def test_usage_reaches_a_client_that_asked(asking: Exporter, upstream: Upstream, tag: str) -> None:
    upstream.script = obliging
    body = {**PLAIN, "stream_options": {"include_usage": True}}
    assert ask(asking, body, tag).body == CHUNK + STOP + USAGE + LAST
    assert json.loads(upstream.call().body or b"") == body


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m"}',
        b'{"model":"m","stream":false}',
        b'{"stream":true,',
        b"[]",
        b"",
        b'{"stream":true,"stream":false}',
    ],
)
def test_what_is_no_stream_is_left_byte_for_byte(asking: Exporter, upstream: Upstream, body: bytes) -> None:
    upstream.script = answering(response(b"{}"))
    asking.ask(request("/v1/chat/completions", body))
    assert [call.body for call in upstream.calls] == [body]


def test_other_routes_are_left_alone(asking: Exporter, upstream: Upstream) -> None:
    upstream.script = answering(response(b"{}"))
    body = b'{"model":"m","stream":true}'
    for target in ("/api/chat", "/v1/messages", "/v1/responses", "/v1/embeddings", "/v1/chat/completions/x"):
        asking.ask(request(target, body))
    eventually(lambda: len(upstream.calls) == 5)
    assert {call.body for call in upstream.calls} == {body}
