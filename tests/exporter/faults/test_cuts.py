"""Fault 2: a recorded answer cut by TCP anywhere reaches the client unchanged, and its tokens are counted exactly.

A sample of the cuts goes through the real exporter here; the readers' own tests try each of them.
"""

from __future__ import annotations

import re

import pytest

from tests.exporter.recorded import Recorded, recorded, request_body
from tests.exporter.support.process import Exporter
from tests.exporter.support.upstream import Upstream, answering
from tests.exporter.support.wire import request, response

OLLAMA = "ollama/0.32.15"
CUTS = 24
ANSWERS = {
    "chat_stream": "/api/chat",
    "chat_nostream": "/api/chat",
    "generate_stream": "/api/generate",
    "generate_nostream": "/api/generate",
    "embed_ok": "/api/embed",
    "v1_chat_stream_usage": "/v1/chat/completions",
    "v1_chat_nostream": "/v1/chat/completions",
    "v1_completions_stream_usage": "/v1/completions",
    "v1_completions_nostream": "/v1/completions",
    "v1_embeddings_ok": "/v1/embeddings",
    "v1_messages_stream": "/v1/messages",
    "v1_messages_nostream": "/v1/messages",
    "v1_responses_stream": "/v1/responses",
    "v1_responses_nostream": "/v1/responses",
}
PULL = b"".join(
    b'{"status":"pulling 6a0746a1ec1a","digest":"sha256:6a0746a1ec1a","total":4661211424,"completed":%d}\n' % done
    for done in range(0, 4661211424, 466121142)
)


def last(names: str, body: bytes) -> int | None:
    """The last number under one of these names: what the server counted in the end."""
    found = re.findall(rf'"(?:{names})":(\d+)'.encode(), body)
    return int(found[-1]) if found else None


def told(body: bytes) -> tuple[int | None, int | None]:
    prompt = last("prompt_eval_count|prompt_tokens|input_tokens", body)
    return prompt, last("eval_count|completion_tokens|output_tokens", body)


def on_the_wire(answer: Recorded) -> bytes:
    """The answer as the server framed it: streams in a chunk for each line or event, others with their length."""
    headers = [(name, value) for name, value in answer.headers if name not in ("Transfer-Encoding", "Content-Length")]
    if not answer.header("Transfer-Encoding"):
        return response(answer.body, headers=headers)
    separator = b"\n\n" if "event-stream" in answer.header("Content-Type") else b"\n"
    return response([part + separator for part in answer.body.split(separator) if part], headers=headers)


def cuts_of(data: bytes) -> list[int]:
    """Every so many bytes, in steps that meet all columns of a line, with the framing's own ends."""
    step = max(1, len(data) // CUTS)
    return sorted({*range(1, len(data), step), len(data) - 1, len(data) - 3, data.index(b"\r\n\r\n") + 4})


@pytest.mark.parametrize("name", ANSWERS)
def test_tokens_are_exact_and_bytes_unchanged_for_a_cut_anywhere(
    exporter: Exporter, upstream: Upstream, tag: str, name: str
) -> None:
    answer = recorded(f"{OLLAMA}/{name}")
    data = on_the_wire(answer)
    asked = request(ANSWERS[name], request_body(f"{OLLAMA}/{name}"), headers=[("X-Herd-Tags", tag)])
    cuts = cuts_of(data)
    with exporter.wire() as wire:
        for cut in cuts:
            upstream.script = answering(data[:cut], data[cut:], pause=0.002)
            reply = wire.send(asked).reply()
            assert reply.whole
            assert reply.body == answer.body
    rows = exporter.tagged(tag, len(cuts))
    assert len(rows) == len(cuts)
    assert {(row["prompt_tokens"], row["completion_tokens"]) for row in rows} == {told(answer.body)}
    assert {row["status"] for row in rows} == {"completed"}
    assert {row["stream"] for row in rows} == {int("_stream" in name)}


@pytest.mark.parametrize("name", ["chat_stream", "v1_chat_stream_usage", "v1_messages_stream", "v1_responses_stream"])
@pytest.mark.parametrize("size", [1, 3])
def test_tokens_are_exact_for_an_answer_in_crumbs(
    exporter: Exporter, upstream: Upstream, tag: str, name: str, size: int
) -> None:
    answer = recorded(f"{OLLAMA}/{name}")
    data = on_the_wire(answer)
    upstream.script = answering(*(data[at : at + size] for at in range(0, len(data), size)))
    asked = request(ANSWERS[name], request_body(f"{OLLAMA}/{name}"), headers=[("X-Herd-Tags", tag)])
    assert exporter.ask(asked).body == answer.body
    [row] = exporter.tagged(tag)
    assert (row["prompt_tokens"], row["completion_tokens"]) == told(answer.body)


def test_progress_of_a_pull_passes_and_is_no_request_to_a_model(
    exporter: Exporter, upstream: Upstream, tag: str
) -> None:
    data = response(PULL.splitlines(keepends=True), headers=[("Content-Type", "application/x-ndjson")])
    before = exporter.metrics().sum("inferometer_requests_total")
    asked = request("/api/pull", b'{"model":"m"}', headers=[("X-Herd-Tags", tag)])
    with exporter.wire() as wire:
        for cut in cuts_of(data):
            upstream.script = answering(data[:cut], data[cut:], pause=0.001)
            assert wire.send(asked).reply().body == PULL
    assert exporter.metrics().sum("inferometer_requests_total") == before
    assert exporter.rows("tags LIKE ?", f"%{tag}%") == []
