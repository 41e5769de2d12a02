"""A board imported alone, into a Grafana whose Prometheus we did not configure.

Its jobs have other names, it scrapes every 60 seconds, it has none of our rules and none of our labels, and it adds
labels that we never heard of.
"""

from __future__ import annotations

from typing import Any

import pytest

from inferometer import dashboards
from inferometer.plan import resolve
from inferometer.spec.load import loads
from tests.e2e.grafana import chosen, options, questions
from tests.parts.evaluation import Ask, Loaded, On
from tests.parts.query_api import Sample

pytestmark = pytest.mark.real

STEP = 60
AT = "60m"

SPEC = """
backends:
  - {name: ours, vllm: 10.0.0.1}
  - {name: ours-too, llamacpp: 10.0.0.2, record: true}
"""

POD = 'namespace="llm",pod="vllm-{n}",job="inference/vllm",instance="10.1.0.{n}:8000",engine="0",model_name="m"'
LLAMA = 'job="edge",instance="edge-1:8080",site="attic"'
NODE = 'job="machines",instance="10.1.0.1:9100"'

# Per second, by pod: requests that end well, that fail, and tokens generated; and what is in the batch.
PODS = {1: (2.0, 0.5, 40.0, 7), 2: (3.0, 0.0, 60.0, 5)}
LLAMA_TOKENS = 10.0


def grows(per_second: float) -> str:
    return f"0+{per_second * STEP}x70"


def foreign() -> dict[str, str]:
    series = {
        f"up{{{NODE}}}": "1x70",
        f"up{{{LLAMA}}}": "1x70",
        f"llamacpp:tokens_predicted_total{{{LLAMA}}}": grows(LLAMA_TOKENS),
        f"llamacpp:requests_processing{{{LLAMA}}}": "1x70",
    }
    for number, (good, failed, tokens, running) in PODS.items():
        pod = POD.format(n=number)
        series |= {
            f'up{{namespace="llm",pod="vllm-{number}",job="inference/vllm",instance="10.1.0.{number}:8000"}}': "1x70",
            f'vllm:request_success_total{{{pod},finished_reason="stop"}}': grows(good),
            f'vllm:request_success_total{{{pod},finished_reason="error"}}': grows(failed),
            f"vllm:generation_tokens_total{{{pod}}}": grows(tokens),
            f"vllm:num_requests_running{{{pod}}}": f"{running}x70",
            # Every first token between 0.25 and 0.5 seconds.
            f'vllm:time_to_first_token_seconds_bucket{{{pod},le="0.25"}}': grows(0),
            f'vllm:time_to_first_token_seconds_bucket{{{pod},le="0.5"}}': grows(good),
            f'vllm:time_to_first_token_seconds_bucket{{{pod},le="+Inf"}}': grows(good),
        }
    return series


class Grafana:
    """One board opened over the foreign samples, with all variables at "All"."""

    def __init__(self, board: dict[str, Any], loaded: Loaded) -> None:
        self.board, self._loaded = board, loaded
        self.variables = chosen(board, self)

    def query(self, expr: str) -> list[Sample]:
        return self._loaded.ask(expr, at=AT)

    def panel(self, title: str) -> list[Sample]:
        question = next(q for q in questions(self.board, self.variables, STEP, "30m") if q.panel == title)
        return self.query(question.expr)

    def number(self, title: str) -> float:
        (sample,) = self.panel(title)
        return sample.value

    def by(self, title: str, label: str) -> dict[str, float]:
        return {sample.labels.get(label, ""): sample.value for sample in self.panel(title)}


@pytest.fixture(params=["prometheus", "prometheus2", "victoriametrics"])
def fleet(request: pytest.FixtureRequest, ask: Ask) -> Grafana:
    on: On = request.param
    board = dashboards.write(resolve(loads(SPEC)))["dashboards/fleet.json"]
    assert isinstance(board, dict)
    return Grafana(board, ask.load(foreign(), interval=f"{STEP}s", on=on))


def test_the_numbers_are_those_of_the_fleet(fleet: Grafana) -> None:
    good, failed = (sum(pod[part] for pod in PODS.values()) for part in (0, 1))
    assert fleet.number("Requests") == pytest.approx(good + failed)
    assert fleet.number("Errors") == pytest.approx(failed / (good + failed))
    assert fleet.number("Tokens out") == pytest.approx(sum(pod[2] for pod in PODS.values()) + LLAMA_TOKENS)
    assert fleet.number("First token") == pytest.approx(0.25 + 0.25 * 0.95)
    assert fleet.number("Serving") == 1


def test_backends_are_called_by_their_instance(fleet: Grafana) -> None:
    expected = {f"10.1.0.{number}:8000": 0.4875 for number in PODS}
    assert fleet.by("First token p95 by backend", "backend") == pytest.approx(expected)


def test_a_machine_that_serves_no_model_is_no_backend(fleet: Grafana) -> None:
    assert set(fleet.by("Backends", "backend")) == {"10.1.0.1:8000", "10.1.0.2:8000", "edge-1:8080"}


def test_the_variables_list_the_foreign_jobs(fleet: Grafana) -> None:
    listed = {v["name"]: options(v, fleet) for v in fleet.board["templating"]["list"] if v["type"] == "query"}
    assert listed["job"] == ["edge", "inference/vllm"]
    assert listed["backend"] == []
    assert listed["instance"] == ["10.1.0.1:8000", "10.1.0.2:8000", "edge-1:8080"]
    assert listed["model"] == ["m"]


def test_what_nobody_tells_there_says_so_and_no_query_fails(fleet: Grafana) -> None:
    for question in questions(fleet.board, fleet.variables, STEP, "30m"):
        fleet.query(question.expr)
    assert fleet.number("KV cache max") == -2, "no telemetry, in words by the value mapping"


@pytest.mark.parametrize("on", ["prometheus", "victoriametrics"])
def test_a_server_of_ours_that_never_answered_is_down_and_not_forgotten(ask: Ask, on: On) -> None:
    ours = 'job="llamacpp",instance="10.0.0.2:8080",backend="ours-too",runtime="llamacpp"'
    board = dashboards.write(resolve(loads(SPEC)))["dashboards/fleet.json"]
    assert isinstance(board, dict)
    grafana = Grafana(board, ask.load({**foreign(), f"up{{{ours}}}": "0x70"}, interval=f"{STEP}s", on=on))
    assert grafana.by("Backends", "backend")["ours-too"] == 0
    assert grafana.number("Serving") == pytest.approx(3 / 4)
