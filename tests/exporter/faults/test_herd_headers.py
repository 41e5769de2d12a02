"""Behind an Ollama Herd router, its headers tell which node and which model answered, and after how many tries.

Their names and values are those of ollama-herd 0.11.4 (`server/fleet_headers.py`).
"""

from __future__ import annotations

import pytest

from tests.exporter.support.process import Exporter
from tests.exporter.support.upstream import Upstream, answering
from tests.exporter.support.wire import request, response

DONE = b'{"model":"qwen3:8b","message":{"content":"x"},"done":true,"prompt_eval_count":5,"eval_count":9}'
ASKED = b'{"model":"llama3.3:70b","messages":[{"role":"user","content":"x"}],"stream":false}'
JSON = ("Content-Type", "application/json")
ROUTED = [
    JSON,
    ("X-Fleet-Node", "mac-studio"),
    ("X-Fleet-Served-Model", "qwen3:8b"),
    ("X-Fleet-Requested-Model", "llama3.3:70b"),
    ("X-Fleet-Fallback", "true"),
    ("X-Fleet-Backend", "ollama"),
    ("X-Fleet-Retries", "2"),
    ("X-Fleet-Score", "87"),
]


def test_a_fallback_is_told_with_its_node_its_tries_and_its_score(
    exporter: Exporter, upstream: Upstream, tag: str
) -> None:
    upstream.script = answering(response(DONE, headers=ROUTED))
    before = exporter.metrics().sum("inferometer_fallbacks_total", from_model="llama3.3:70b", to_model="qwen3:8b")
    reply = exporter.ask(request(body=ASKED, headers=[("X-Herd-Tags", tag)]))
    assert reply.head.get("X-Fleet-Node") == b"mac-studio", "the client sees them too"
    [row] = exporter.tagged(tag)
    assert (row["node_id"], row["model"], row["original_model"]) == ("mac-studio", "qwen3:8b", "llama3.3:70b")
    assert (row["fallback_used"], row["retry_count"], row["score"]) == (1, 2, 87.0)
    shown = exporter.metrics()
    assert shown.sum("inferometer_fallbacks_total", from_model="llama3.3:70b", to_model="qwen3:8b") == before + 1


def test_tokens_count_for_the_model_that_made_them(exporter: Exporter, upstream: Upstream, tag: str) -> None:
    upstream.script = answering(response(DONE, headers=ROUTED))
    before = exporter.metrics()
    exporter.ask(request(body=ASKED, headers=[("X-Herd-Tags", tag)]))
    exporter.tagged(tag)
    after = exporter.metrics()
    for model, tokens in (("qwen3:8b", 9), ("llama3.3:70b", 0)):
        name = "inferometer_completion_tokens_total"
        assert after.sum(name, model=model) - before.sum(name, model=model) == tokens


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("X-Fleet-Node", "n1"), ("X-Fleet-Fallback", "false"), ("X-Fleet-Retries", "0")], ("n1", 0, 0, None)),
        ([("X-Fleet-Node", "n1"), ("X-Fleet-Retries", "-3"), ("X-Fleet-Score", "nan")], ("n1", 0, 0, None)),
        ([("X-Fleet-Node", "n1"), ("X-Fleet-Retries", "9" * 400), ("X-Fleet-Score", "1e999")], ("n1", 0, 0, None)),
        ([], ("box", 0, 0, None)),
    ],
    ids=["no fallback", "odd numbers", "huge numbers", "no router"],
)
def test_what_a_router_does_not_say_is_not_made_up(
    exporter: Exporter,
    upstream: Upstream,
    tag: str,
    headers: list[tuple[str, str]],
    expected: tuple[str, int, int, float | None],
) -> None:
    upstream.script = answering(response(DONE, headers=[JSON, *headers]))
    exporter.ask(request(body=ASKED, headers=[("X-Herd-Tags", tag)]))
    [row] = exporter.tagged(tag)
    assert (row["node_id"], row["fallback_used"], row["retry_count"], row["score"]) == expected
