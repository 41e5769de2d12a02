"""What the exporter says of a real Ollama: models in memory, load times, a full queue, clients that leave."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest

from tests.exporter.real.conftest import config
from tests.exporter.real.servers import Recorded, ask, request
from tests.exporter.support.process import Exporter, eventually
from tests.parts.ollama import MODEL, SLOW_MODEL, Ollama

pytestmark = pytest.mark.real

ENDLESS = {"num_predict": 1_000_000, "seed": 1}
"""A generation that goes on for longer than any test waits."""


@pytest.fixture(scope="module")
def busy() -> Iterator[Recorded[Ollama]]:
    """An Ollama of its own that keeps one model in memory, works on one request, and lets one more wait."""
    narrow = {"OLLAMA_MAX_QUEUE": "1", "OLLAMA_MAX_LOADED_MODELS": "1", "OLLAMA_NUM_PARALLEL": "1"}
    with Ollama(narrow) as server, Exporter(server.url, config=config("ollama", MODEL, SLOW_MODEL)) as exporter:
        yield Recorded(server, exporter)


def generate(model: str, tag: str = "", **more: object) -> bytes:
    body = json.dumps({"model": model, "prompt": "who will be there", **more}).encode()
    return request("/api/generate", body, headers=[f"X-Herd-Tags: {tag}"] if tag else [])


def in_memory(recorded: Recorded[Ollama]) -> dict[str, tuple[float, float]]:
    """The models that the exporter says are in memory, with their bytes in all and on a GPU."""
    samples = recorded.exporter.metrics()
    found = {}
    for name, labels, value in samples.series:
        if name == "inferometer_model_loaded" and value == 1:
            model = labels["model"]
            [size] = samples.all("inferometer_model_size_bytes", model=model)
            [vram] = samples.all("inferometer_model_vram_bytes", model=model)
            found[model] = (size, vram)
    return found


def own_word(recorded: Recorded[Ollama]) -> dict[str, tuple[float, float]]:
    models = recorded.server.get("/api/ps")["models"]
    return {one["name"].removesuffix(":latest"): (one["size"], one["size_vram"]) for one in models}


def test_models_in_memory_are_those_of_its_own_list_and_are_gone_when_unloaded(ollama: Recorded[Ollama]) -> None:
    ask(ollama.exporter.proxy_port, generate(MODEL, stream=False))
    assert MODEL in own_word(ollama)
    eventually(lambda: in_memory(ollama) == own_word(ollama), what="the models in memory")
    ollama.server.unload(MODEL)
    eventually(lambda: MODEL not in in_memory(ollama), what="the model is gone")
    assert in_memory(ollama) == own_word(ollama)


def test_the_time_to_load_a_model_is_what_its_answer_said(ollama: Recorded[Ollama]) -> None:
    ollama.server.unload(MODEL)
    before = ollama.exporter.metrics().sum("inferometer_model_load_seconds_sum", model=MODEL)
    answer = json.loads(ask(ollama.exporter.proxy_port, generate(MODEL, "loads", stream=False)).body)
    [row] = ollama.exporter.tagged("loads")
    told = answer["load_duration"] / 1e9
    assert told > 0.01
    after = ollama.exporter.metrics().sum("inferometer_model_load_seconds_sum", model=MODEL)
    assert after - before == pytest.approx(told, rel=0.01)
    assert (row["prompt_tokens"], row["completion_tokens"]) == (answer["prompt_eval_count"], answer["eval_count"])
    assert (row["status"], row["finish_reason"]) == ("completed", answer["done_reason"])


def test_an_answer_that_ollama_gives_up_on_is_incomplete(ollama: Recorded[Ollama]) -> None:
    """It ends answers that repeat one token 30 times: a clean end, without `done` and counts."""
    repeats = {"temperature": 0, "repeat_penalty": 1.0, "num_predict": 2000, "seed": 1}
    reply = ask(ollama.exporter.proxy_port, generate(MODEL, "given-up", options=repeats))
    assert json.loads(reply.body.splitlines()[-1])["done"] is False
    [row] = ollama.exporter.tagged("given-up")
    assert (row["status"], row["prompt_tokens"], row["completion_tokens"]) == ("incomplete", None, None)


def test_a_full_queue_is_passed_on_and_recorded_as_rejected(busy: Recorded[Ollama]) -> None:
    port = busy.exporter.proxy_port
    few = generate(MODEL, "burst", options={"num_predict": 4})
    with busy.exporter.wire(timeout=60) as works, ThreadPoolExecutor(6) as pool:
        # One works for as long as it is read. It must end before another model can be loaded, for which one waits, and
        # behind that one waits one more.
        works.send(generate(SLOW_MODEL, options=ENDLESS))
        assert works.bytes.head().status == 200
        others = [pool.submit(ask, port, few) for _ in range(6)]
        first = next(as_completed(others)).result()
        works.leave("fin")
        replies = [one.result() for one in others]
    assert first.status == 503
    refused = [reply for reply in replies if reply.status == 503]
    assert [reply.status for reply in replies if reply not in refused] == [200] * (6 - len(refused))
    assert {json.loads(reply.body)["error"].split(",")[0] for reply in refused} == {"server busy"}
    statuses = [row["status"] for row in busy.exporter.tagged("burst", 6)]
    assert statuses.count("rejected") == len(refused)
    assert statuses.count("completed") == 6 - len(refused)
    failures = busy.exporter.metrics().sum("inferometer_request_failures_total", reason="rejected")
    assert failures == len(refused)


@pytest.mark.parametrize("stream", [True, False])
def test_ollama_stops_generating_when_the_client_leaves(busy: Recorded[Ollama], stream: bool) -> None:
    tag = f"leaves-{stream}".lower()
    one_token = generate(SLOW_MODEL, stream=False, options={"num_predict": 1})
    ask(busy.server.port, one_token)
    with busy.exporter.wire(timeout=60) as wire:
        wire.send(generate(SLOW_MODEL, tag, stream=stream, options=ENDLESS))
        if stream:
            wire.bytes.head()
        time.sleep(0.5)
        wire.leave("fin")
    # It works on one request at a time: this one is answered only once the other is given up.
    assert ask(busy.server.port, one_token).status == 200
    [row] = busy.exporter.tagged(tag)
    assert row["status"] == "client_disconnected"


def test_ollamas_own_command_line_works(ollama: Recorded[Ollama]) -> None:
    bare, through = ollama.urls
    said = ollama.server.cli("run", MODEL, "who will be there", host=through)
    assert (said.returncode, said.stderr.count("rror")) == (0, 0)
    assert len(said.stdout.split()) > 20
    for words in (["show", MODEL], ["--version"]):
        with_it, without = (ollama.server.cli(*words, host=url) for url in (through, bare))
        assert (with_it.returncode, with_it.stdout) == (without.returncode, without.stdout) != (0, "")
    for words in (["ps"], ["list"]):
        assert MODEL in ollama.server.cli(*words, host=through).stdout
    assert ollama.server.cli("stop", MODEL, host=through).returncode == 0
    assert ollama.server.cli("run", "nobody", "hi", host=through).returncode != 0
