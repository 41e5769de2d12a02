"""The main job on real input: a real llama-server is watched by the generated bundle, and what is shown is true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.fleet import SCRAPE, Storage, Watched, watched
from tests.e2e.grafana import Question, chosen, fill, options, panels, questions

pytestmark = [pytest.mark.real, pytest.mark.slow]

# Speculative decoding is off, so there is nothing to take a share of.
EMPTY_HERE = {"Draft acceptance by model"}


@dataclass(frozen=True)
class Answered:
    """What the server said in its answers."""

    prompt_tokens: int
    completion_tokens: int


@pytest.fixture(scope="module", params=["prometheus3", "prometheus2", "victoriametrics"])
def fleet(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    kind: Storage = request.param
    folder: Path = tmp_path_factory.mktemp(kind)
    with watched(kind, folder) as servers:
        yield servers


@pytest.fixture(scope="module")
def answered(fleet: Watched) -> Answered:
    """Prompts of several lengths, with and without streaming, and the scrape that saw them all."""
    prompts = [("the one", 12, False), ("of the people", 30, True), ("who will be there when all is done", 40, False)]
    usages = [fleet.llama.chat(prompt, tokens, stream)["usage"] for prompt, tokens, stream in prompts]
    total = Answered(sum(u["prompt_tokens"] for u in usages), sum(u["completion_tokens"] for u in usages))
    assert total.completion_tokens == 82, "the server was asked for that many and told to ignore the end of text"
    fleet.wait("llamacpp:tokens_predicted_total", lambda value: value == total.completion_tokens)
    return total


def counted(fleet: Watched, title: str) -> float | None:
    """A rate panel of the fleet board asked for the counters themselves: what it adds up, without a rate's edges."""
    board = fleet.board("fleet")
    panel = next(panel for panel in panels(board) if panel["title"] == title)
    expr = re.sub(r"rate\(([^()]*)\[\$__rate_interval\]\)", r"\1", panel["targets"][0]["expr"])
    assert "rate(" not in expr
    return fleet.value(fill(expr, chosen(board, fleet.storage)))


def test_tokens_are_those_that_the_servers_answers_said(fleet: Watched, answered: Answered) -> None:
    assert counted(fleet, "Tokens out") == answered.completion_tokens
    assert counted(fleet, "Tokens in") == answered.prompt_tokens


def test_the_share_of_tokens_is_what_the_range_brought(fleet: Watched, answered: Answered) -> None:
    share = [q for q in asked(fleet, "fleet") if q.panel == "Share of tokens"]
    samples = fleet.storage.query(share[0].expr)
    assert [sample.labels for sample in samples] == [{"model": "tiny"}]
    # Prometheus extrapolates an increase to the edges of its range: by one scrape in the range at most.
    assert samples[0].value == pytest.approx(answered.completion_tokens, rel=0.15)


def asked(fleet: Watched, name: str) -> list[Question]:
    board = fleet.board(name)
    return list(questions(board, chosen(board, fleet.storage), SCRAPE, "2m"))


def test_every_query_of_every_board_is_answered_and_none_is_an_error(fleet: Watched, answered: Answered) -> None:
    silent = set()
    total = 0
    for name in fleet.boards:
        for question in asked(fleet, name):
            total += 1
            if not fleet.storage.query(question.expr):
                silent.add(question.panel)
    assert total >= 40
    assert silent == EMPTY_HERE


def test_the_variables_list_what_runs(fleet: Watched, answered: Answered) -> None:
    variables = fleet.board("fleet")["templating"]["list"]
    listed = {v["name"]: options(v, fleet.storage) for v in variables if v["type"] == "query"}
    assert listed == {"job": ["llamacpp"], "backend": ["box"], "instance": [fleet.llama.address], "model": ["tiny"]}


def test_all_rules_are_evaluated_and_none_fails(fleet: Watched, answered: Answered) -> None:
    fleet.wait("count(inferometer:tokens_out:rate5m)", lambda value: value == 1)
    names = {sample.labels["__name__"] for sample in fleet.storage.query('{__name__=~"inferometer:.+"}')}
    assert {"inferometer:tokens_out:rate5m", "inferometer:running:sum", "inferometer:target:expected"} <= names
    failures = "sum(prometheus_rule_evaluation_failures_total) or sum(vmalert_execution_errors_total)"
    assert fleet.value(failures) in (0, None)


def test_only_the_watchdog_fires_while_all_is_well(fleet: Watched, answered: Answered) -> None:
    fleet.wait('count(ALERTS{alertname="Watchdog",alertstate="firing"})', lambda value: value == 1)
    firing = fleet.storage.query('ALERTS{alertstate="firing",backend!=""}')
    assert firing == []


def test_a_stopped_server_is_down_on_the_board_and_its_alert_is_received(fleet: Watched, answered: Answered) -> None:
    board = fleet.board("fleet")
    serving = next(panel for panel in panels(board) if panel["title"] == "Serving")["targets"][0]["expr"]
    variables = chosen(board, fleet.storage)
    assert fleet.value(fill(serving, variables)) == 1
    fleet.llama.stop()
    fleet.wait(fill(serving, variables), lambda value: value == 0)
    told = fleet.webhook.wait(lambda n: is_about_the_backend(n, "firing"), 60)
    labels = told["alerts"][0]["labels"]
    assert (labels["backend"], labels["runtime"], labels["severity"]) == ("box", "llamacpp", "critical")
    fleet.llama.start()
    fleet.webhook.wait(lambda n: is_about_the_backend(n, "resolved"), 60)


def is_about_the_backend(notification: dict[str, Any], status: str) -> bool:
    return (notification["status"], notification["commonLabels"].get("alertname")) == (status, "BackendDown")
