"""A real Ollama, which has no metrics, watched through the exporter by the generated bundle: what is shown is true."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ollama
import pytest
import yaml

from inferometer.bundle import write
from inferometer.compile import compile_bundle
from inferometer.spec.load import loads
from tests.e2e.grafana import chosen, fill, panels, questions
from tests.exporter.support.process import Exporter
from tests.parts.ollama import Ollama
from tests.parts.process import free_port
from tests.parts.servers import Prometheus

pytestmark = [pytest.mark.real, pytest.mark.slow]

SCRAPE = 1
WINDOW = 60  # of the boards' rates: longer than the tests before the boards may take
SPEC = """
fleet: {{name: real, cluster: here}}
platform: host
backends:
  - name: box
    ollama: {ollama}
    listen: 127.0.0.1:{proxy}
    models: [tiny]
exporter: {{address: "127.0.0.1:{admin}"}}
storage: {{kind: prometheus, scrape_interval: {scrape}s, address: "127.0.0.1:9"}}
alerts: {{scale: 0.02}}
"""
# No request was answered by another model than the one asked for.
EMPTY_HERE = {"Fallbacks"}


@dataclass
class Fleet:
    """The servers of the watched fleet, and the folder of the bundle that watches them."""

    folder: Path
    ollama: Ollama
    exporter: Exporter
    storage: Prometheus

    def board(self, name: str) -> dict[str, Any]:
        board: dict[str, Any] = json.loads((self.folder / "dashboards" / f"{name}.json").read_text())
        return board

    def wait(self, expr: str, value: float, timeout: float = 30) -> None:
        """Until the expression has this one value."""
        self.storage.wait_for(lambda: [one.value for one in self.storage.query(expr)] == [value], timeout)

    def counted(self, title: str) -> dict[str, float]:
        """A rate panel of the fleet board asked for the counters themselves, by model or in all ("")."""
        board = self.board("fleet")
        panel = next(panel for panel in panels(board) if panel["title"] == title)
        expr = re.sub(r"rate\(([^()]*)\[\$__rate_interval\]\)", r"\1", panel["targets"][0]["expr"])
        assert "rate(" not in expr
        samples = self.storage.query(fill(expr, chosen(board, self.storage)))
        return {one.labels.get("model", ""): one.value for one in samples}

    def firing(self) -> set[str]:
        return {one["labels"]["alertname"] for one in self.storage.alerts() if one["state"] == "firing"}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The exporter runs by the generated exporter.yaml, and Prometheus by the generated prometheus.yml and rules."""
    folder: Path = tmp_path_factory.mktemp("recorded")
    with ExitStack() as stack:
        server = stack.enter_context(Ollama())
        ports = {"proxy": free_port(), "admin": free_port()}
        spec = SPEC.format(ollama=server.url, scrape=SCRAPE, **ports)
        write(compile_bundle(loads(spec), folder / "no-overlays"), folder)
        exporter = Exporter(server.url, config=here(folder / "stack/exporter/exporter.yaml"))
        exporter.proxy_port, exporter.port = ports["proxy"], ports["admin"]
        stack.enter_context(exporter)
        storage = stack.enter_context(Prometheus(folder / "stack/prometheus"))
        watched = Fleet(folder, server, exporter, storage)
        watched.wait('count(up{job="inferometer-exporter"} == 1)', 1)
        yield watched


def here(file: Path) -> str:
    """The generated configuration with its traces in the test's folder, looking at its backend each second."""
    config = yaml.safe_load(file.read_text())
    config |= {"store": "STORE", "poll": "1s"}
    written: str = yaml.safe_dump(config)
    return written.replace("{", "{{").replace("}", "}}").replace("STORE", "{store}")


@dataclass(frozen=True)
class Answered:
    """What Ollama said in its answers."""

    requests: int
    prompt_tokens: int
    completion_tokens: int


@pytest.fixture(scope="module")
def answered(fleet: Fleet) -> Answered:
    """Prompts of several lengths, with and without streaming, asked at the exporter's address, twice, and scraped.

    A rate sees what was added between two scrapes, so the second round is the one that it sees.
    """
    last = []
    with ollama.Client(f"http://127.0.0.1:{fleet.exporter.proxy_port}") as client:
        for completion_tokens in (82, 164):
            last += [client.generate("tiny", "the one", options={"num_predict": 12})]
            last += [*client.generate("tiny", "of the people", options={"num_predict": 30}, stream=True)][-1:]
            last += [client.generate("tiny", "who will be there", options={"num_predict": 40})]
            assert sum(one.eval_count or 0 for one in last) == completion_tokens, "Ollama was asked for that many"
            fleet.wait("sum(inferometer_completion_tokens_total)", completion_tokens)
    return Answered(len(last), sum(one.prompt_eval_count or 0 for one in last), completion_tokens)


def test_tokens_are_those_that_the_servers_answers_said(fleet: Fleet, answered: Answered) -> None:
    assert sum(fleet.counted("Tokens out").values()) == answered.completion_tokens
    assert sum(fleet.counted("Tokens in").values()) == answered.prompt_tokens


def test_series_say_the_backend_and_the_model_and_not_the_exporters_address(fleet: Fleet, answered: Answered) -> None:
    [sample] = fleet.storage.query('sum by (job, backend, runtime, model) (inferometer_requests_total{model="tiny"})')
    assert sample.labels == {"job": "inferometer-exporter", "backend": "box", "runtime": "ollama", "model": "tiny"}
    assert sample.value == answered.requests
    assert fleet.storage.query('{__name__=~".+", exported_backend!=""}') == []


def test_every_query_of_every_board_is_answered_and_none_is_an_error(fleet: Fleet, answered: Answered) -> None:
    silent, total = set(), 0
    for path in sorted((fleet.folder / "dashboards").glob("*.json")):
        board = fleet.board(path.stem)
        for question in questions(board, chosen(board, fleet.storage), WINDOW // 4, "2m"):
            total += 1
            if not fleet.storage.query(question.expr):
                silent.add(question.panel)
    assert total >= 20
    assert silent == EMPTY_HERE


def test_an_ollama_that_dies_is_told_of_while_the_exporter_lives_and_no_more_when_it_is_back(fleet: Fleet) -> None:
    fleet.storage.wait_for(lambda: "BackendUnreachable" not in fleet.firing())
    fleet.ollama.stop()
    fleet.storage.wait_for(lambda: "BackendUnreachable" in fleet.firing())
    [told] = [one for one in fleet.storage.alerts() if one["labels"]["alertname"] == "BackendUnreachable"]
    assert (told["labels"]["backend"], told["labels"]["runtime"]) == ("box", "ollama")
    assert [one.value for one in fleet.storage.query('up{job="inferometer-exporter"}')] == [1]
    fleet.ollama.start()
    fleet.storage.wait_for(lambda: "BackendUnreachable" not in fleet.firing())
