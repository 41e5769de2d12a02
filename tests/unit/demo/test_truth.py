"""What simulated servers and clients do is what the truth says, and the same each time."""

from __future__ import annotations

import asyncio
import http.client
import json
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferometer.demo.traffic import Asked, Door, draw, play
from inferometer.demo.truth import STEADY, drawn, drawn_count, models
from inferometer.demo.web import Answer, Request, Server
from tests.unit.demo.asking import CALM, MODELS, ask, with_server

DOOR = Door("127.0.0.1", 1, "ollama", MODELS)
CHAT = {"model": "tiny", "messages": [{"role": "user", "content": "x"}], "stream": False}


def chat(url: str, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(ask(url, "POST", "/api/chat", json.dumps(CHAT | more).encode()).body)
    return answer


def requests(count: int, engine: str = "ollama") -> list[Asked]:
    chance = random.Random(7)
    return [draw(replace(DOOR, engine=engine), STEADY, chance) for _ in range(count)]


def test_tokens_told_are_tokens_sent() -> None:
    body = json.dumps({"model": "tiny", "prompt": "x"}).encode()
    lines = with_server("ollama", lambda url: ask(url, "POST", "/api/generate", body)).body.splitlines()
    said = [json.loads(line) for line in lines]
    assert sum(bool(one["response"]) for one in said) == said[-1]["eval_count"]
    assert [one["done"] for one in said] == [False] * (len(said) - 1) + [True]


@pytest.mark.parametrize(("limit", "finish"), [(3, "length"), (100_000, "stop")])
def test_an_answer_ends_at_the_clients_limit_and_says_so(limit: int, finish: str) -> None:
    answer = with_server("ollama", lambda url: chat(url, options={"num_predict": limit}))
    assert answer["done_reason"] == finish
    assert (answer["eval_count"] == limit) == (finish == "length")


def test_a_model_is_loaded_by_its_first_request_and_again_when_it_was_long_unused() -> None:
    slow = tuple(replace(served, load=0.05) for served in MODELS)

    def loads(keep: float) -> list[int]:
        truth = replace(CALM, keep=keep)
        answers = with_server("ollama", lambda url: [chat(url) for _ in range(2)], truth, slow)
        return [answer["load_duration"] for answer in answers]

    first, second = loads(keep=60)
    assert first > 20_000_000 > second
    assert min(loads(keep=0)) > 20_000_000


def test_a_stream_that_breaks_has_no_end() -> None:
    body = json.dumps(CHAT | {"stream": True}).encode()
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        with_server("ollama", lambda url: ask(url, "POST", "/api/chat", body), replace(CALM, broken=1.0))


def test_the_same_seed_makes_the_same_answers() -> None:
    first, second = (with_server("ollama", lambda url: [chat(url) for _ in range(5)]) for _ in range(2))
    assert [one["eval_count"] for one in first] == [one["eval_count"] for one in second]
    assert len({one["eval_count"] for one in first}) > 1


@given(st.floats(1e-4, 1e4), st.integers(0, 2**32))
def test_drawn_values_are_positive_and_near_their_median(median: float, seed: int) -> None:
    chance = random.Random(seed)
    values = sorted(drawn(chance, median) for _ in range(201))
    assert values[0] > 0
    assert median / 1.5 < values[100] < median * 1.5
    assert drawn_count(chance, 1) >= 1


@pytest.mark.parametrize("engine", ["ollama", "llamacpp"])
def test_clients_speak_only_what_their_server_knows(engine: str) -> None:
    for asked in requests(500, engine):
        body = json.loads(asked.body)
        assert engine == "ollama" or asked.path.startswith("/v1/")
        assert body["model"] in {"tiny", "tinyembed", "mistaken"}
        assert ("embed" in asked.path) == ("input" in body)


def test_each_request_has_one_tag_of_the_truth() -> None:
    for asked in requests(200):
        by_header = [line.removeprefix("X-Herd-Tags: ") for line in asked.headers]
        by_body: list[str] = json.loads(asked.body).get("metadata", {}).get("tags", [])
        [tag] = [*by_header, *by_body]
        assert tag in STEADY.tags


def test_as_many_leave_and_err_as_the_truth_says() -> None:
    asked = requests(5000)
    assert sum(one.leaves is not None for one in asked) / 5000 == pytest.approx(STEADY.leaving, abs=0.01)
    mistaken = sum(json.loads(one.body)["model"] == "mistaken" for one in asked)
    assert mistaken / 5000 == pytest.approx(STEADY.mistaken, abs=0.01)


def test_models_of_the_spec_are_served_under_their_names_and_some_where_it_names_none() -> None:
    assert [one.name for one in models(("a", "b"), embedder=True)] == ["a", "b", "nomic-embed-text"]
    assert len(models((), embedder=False)) == 2


def test_traffic_that_is_hushed_lets_its_requests_end_and_sends_no_more() -> None:
    async def run() -> tuple[int, int, int]:
        began = ended = 0

        async def answer(_: Request, way: Answer) -> None:
            nonlocal began, ended
            began += 1
            await asyncio.sleep(0.2)
            await way.whole(200, "text/plain", b"")
            ended += 1

        server = Server(answer)
        await server.start()
        truth = replace(CALM, rate=200.0)
        client = asyncio.create_task(play(Door("127.0.0.1", server.port, "ollama", MODELS), truth, seed=1))
        while began < 3:
            await asyncio.sleep(0.01)
        client.cancel()
        await asyncio.gather(client, return_exceptions=True)
        after = began
        await asyncio.sleep(0.1)
        await server.stop()
        return after, began, ended

    after, began, ended = asyncio.run(run())
    assert after == began == ended >= 3
