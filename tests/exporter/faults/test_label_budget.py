"""Fault 10: names that clients invent never become more series than the budget allows; the rest is counted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.exporter.support.process import Exporter, eventually
from tests.exporter.support.upstream import Call, Upstream, answering
from tests.exporter.support.wire import request, response

INVENTED = 2000
BUDGET = 5000
REQUESTS = "inferometer_requests_total"
REJECTED = "inferometer_label_values_rejected_total"


def named(call: Call) -> None:
    """Answers for whatever model was asked for, as a server that takes any name does."""
    asked = json.loads(call.read())
    counts = {"done": True, "message": {"content": "x"}, "prompt_eval_count": 1, "eval_count": 1}
    call.send(response(json.dumps({"model": asked["model"], **counts}).encode()))


def unknown(call: Call) -> None:
    call.read()
    call.send(response(b'{"error":"model not found"}', "404 Not Found"))


def ask_for(exporter: Exporter, names: list[str], target: str = "/api/chat", tags: str = "") -> None:
    headers = [("X-Herd-Tags", tags)] if tags else []
    with exporter.wire() as wire:
        for name in names:
            wire.send(request(target, json.dumps({"model": name}).encode(), headers=headers)).reply()


@pytest.fixture(scope="module")
def bombed(shared_upstream: Upstream) -> Iterator[Exporter]:
    """An exporter after 2,000 invented names that the server answered, on three routes, with as many tags."""
    shared_upstream.fresh(named)
    with Exporter(shared_upstream.url, "--model", "listed", "--tag", "team-a") as started:
        for number, target in enumerate(("/api/chat", "/api/generate", "/api/embed")):
            names = [f"bomb-{one}" for one in range(number * INVENTED // 3, (number + 1) * INVENTED // 3)]
            ask_for(started, names, target)
        for one in range(300):
            ask_for(started, ["listed"], tags=f"tag-{one},team-a")
        ask_for(started, [f"bomb-{one}" for one in range(200)], "/api/embeddings")
        yield started


def test_series_stay_within_the_budget(bombed: Exporter) -> None:
    metrics = bombed.metrics()
    assert len(metrics.series) <= BUDGET
    models = metrics.values("model")
    assert {"listed", "other"} <= models
    assert 20 <= len([name for name in models if name.startswith("bomb-")]) <= 100


def test_nothing_is_lost_in_other(bombed: Exporter) -> None:
    metrics = bombed.metrics()
    assert metrics.sum(REQUESTS) == INVENTED + 300 + 200
    assert metrics.sum(REQUESTS, model="other") > INVENTED / 2
    assert metrics.sum(REJECTED, label="model") > INVENTED / 2
    assert metrics.sum(REQUESTS, model="listed") == 300


def test_only_the_tags_that_the_user_allows_are_labels(bombed: Exporter) -> None:
    metrics = bombed.metrics()
    assert metrics.values("tag") <= {"team-a", "other"}
    assert metrics.sum("inferometer_tag_requests_total", tag="team-a") == 300


def test_all_names_and_tags_are_in_the_store(bombed: Exporter) -> None:
    eventually(lambda: len(bombed.rows("model = 'bomb-1999' OR model = 'bomb-1997'")) >= 1, timeout=10)
    assert [row["model"] for row in bombed.rows("tags LIKE '%tag-299%'")] == ["listed"]


def test_a_scrape_of_the_full_budget_is_quick_and_small(bombed: Exporter) -> None:
    assert len(bombed.page("/metrics")) < 2 * 2**20


def test_names_that_the_server_refused_are_no_labels(exporter: Exporter, upstream: Upstream) -> None:
    upstream.script = unknown
    ask_for(exporter, [f"refused-{one}" for one in range(50)])
    upstream.script = answering(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n")
    ask_for(exporter, [f"refused-{one}" for one in range(50, 100)])
    eventually(lambda: exporter.metrics().sum("inferometer_request_failures_total", model="other") == 100)
    assert not [name for name in exporter.metrics().values("model") if name.startswith("refused")]


def test_a_listed_model_has_each_reason_before_it_ever_failed(bombed: Exporter) -> None:
    shown = bombed.metrics()
    for api in ("/api/chat", "/api/generate", "/v1/chat/completions"):
        labels = {"model": "listed", "reason": "upstream_reset", "api": api}
        assert shown.all("inferometer_request_failures_total", **labels) == [0.0]


@pytest.mark.parametrize("name", ['a"b\\c\nd', "é" * 40, "x" * 10_000, "a b\tc", "<script>", "\u202e", ""])
def test_names_are_cut_to_safe_letters(exporter: Exporter, upstream: Upstream, name: str) -> None:
    upstream.script = named
    ask_for(exporter, [name])
    eventually(lambda: upstream.calls)
    for value in eventually(lambda: exporter.metrics().values("model")):
        assert re.fullmatch(r"[A-Za-z0-9 ._:/@+-]{1,128}", value), value


def test_latest_is_no_model_of_its_own(exporter: Exporter, upstream: Upstream) -> None:
    upstream.script = named
    ask_for(exporter, ["twin", "twin:latest"])
    eventually(lambda: exporter.metrics().sum(REQUESTS, model="twin") == 2)
    assert "twin:latest" not in exporter.metrics().values("model")


def test_paths_are_no_labels(exporter: Exporter, upstream: Upstream) -> None:
    upstream.script = answering(response(b"{}"))
    with exporter.wire() as wire:
        for one in range(50):
            wire.send(request(f"/path-{one}/api/chat?x={one}", b"{}")).reply()
    assert all(re.fullmatch(r"/(api|v1)/[a-z/]+|unmetered", api) for api in exporter.metrics().values("api"))
    assert exporter.metrics().sum("inferometer_unmetered_requests_total") >= 50
