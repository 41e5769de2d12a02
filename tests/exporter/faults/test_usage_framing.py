"""Fault 16, for unusual framing: a body that is made anew, and a stream without its extra chunk, are framed once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest

from tests.exporter.support.process import Exporter
from tests.exporter.support.upstream import Call, Upstream
from tests.exporter.support.wire import chunked, request, response

TARGET = "/v1/chat/completions"
CHUNK = b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}\n\n'
USAGE = b'data: {"id":"c","model":"m","choices":[],"usage":{"prompt_tokens":26,"completion_tokens":12}}\n\n'
LAST = b"data: [DONE]\n\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
BODY = b'{"model":"m","stream":true,"messages":[]}'
CHUNKED = request(TARGET, headers=[("Transfer-Encoding", "chunked")]).replace(b"Content-Length: 0\r\n", b"")


@pytest.fixture(scope="module")
def asking(shared_upstream: Upstream) -> Iterator[Exporter]:
    with Exporter(shared_upstream.url, "--inject-usage", engine="openai") as started:
        yield started


def obliging(call: Call) -> None:
    """Tells usage where it was asked to; `GET` is answered at once."""
    if call.head.method == "GET":
        call.read()
        call.send(response(b"got"))
        return
    asked = b'"include_usage":true' in call.read()
    call.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(CHUNK, *([USAGE] if asked else []), LAST))


def test_a_chunked_body_that_is_made_anew_is_framed_by_its_length(asking: Exporter, upstream: Upstream) -> None:
    upstream.script = obliging
    with asking.wire() as wire:
        for _ in range(2):
            assert wire.send(CHUNKED + chunked(BODY[:9], BODY[9:])).reply().body == CHUNK + LAST
    assert upstream.torn == []
    call = upstream.call(1)
    assert call.head.framing() == "length"
    assert json.loads(call.body or b"") == {**json.loads(BODY), "stream_options": {"include_usage": True}}


def test_an_empty_chunked_body_ends_once(asking: Exporter, upstream: Upstream) -> None:
    upstream.script = obliging
    with asking.wire() as wire:
        for _ in range(2):
            assert wire.send(CHUNKED + chunked()).reply().whole
    assert upstream.torn == []
    assert [call.body for call in upstream.calls] == [b"", b""]


def test_a_request_that_waits_for_its_turn_leaves_with_its_own_length(asking: Exporter, upstream: Upstream) -> None:
    go = threading.Event()

    def script(call: Call) -> None:
        if call.head.method == "GET":
            go.wait(10)
        obliging(call)

    upstream.script = script
    sent = request(TARGET, BODY)
    with asking.wire() as wire:
        wire.send(request("/slow", method="GET") + sent[:-20])
        upstream.call()
        go.set()
        assert wire.reply("GET").body == b"got"
        assert wire.send(sent[-20:]).reply().body == CHUNK + LAST
        assert wire.send(request("/after", method="GET")).reply("GET").body == b"got"
    assert upstream.torn == []


def test_the_extra_chunk_is_hidden_where_the_answer_ends_with_the_connection(
    asking: Exporter, upstream: Upstream, tag: str
) -> None:
    def script(call: Call) -> None:
        call.read()
        call.send(HEAD + b"\r\n" + CHUNK, USAGE[:30], USAGE[30:] + LAST, pause=0.02)
        call.close()

    upstream.script = script
    reply = asking.ask(request(TARGET, BODY, headers=[("X-Herd-Tags", tag)]))
    assert (reply.body, reply.whole) == (CHUNK + LAST, True)
    assert asking.tagged(tag)[0]["completion_tokens"] == 12


def test_the_extra_chunk_is_hidden_from_an_old_client(asking: Exporter, upstream: Upstream) -> None:
    upstream.script = obliging
    reply = asking.ask(request(TARGET, BODY).replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert (reply.body, reply.framing) == (CHUNK + LAST, "close")
