"""Real servers on the generated files: labels are as planned, logins work, what leaves carries the fleet's labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import pytest

from tests.parts import http, servers
from tests.parts.binaries import Generation
from tests.parts.query_api import Sample
from tests.unit.stack.running import Alertmanager, Metrics, Prometheus, Tree, Vmagent, Vmalert

pytestmark = pytest.mark.real

Store: TypeAlias = servers.Prometheus | servers.VictoriaMetrics

SCRAPED = """\
platform: host
fleet: {{cluster: eu}}
backends:
  - name: gpu
    vllm: {guarded}
    labels: {{rack: r1}}
    scrape: {{path: /m, params: {{a: "1 2"}}, auth: {{bearer_file: secrets/token}}{headers}}}
  - name: far
    vllm: {open}
    cluster: us
    scrape: {{auth: {{basic: {{username: me, password_file: secrets/token}}}}}}
  - {{name: desk, ollama: 127.0.0.1:1}}
exporter: {{address: {exporter}}}
storage: {{kind: {kind}, scrape_interval: 1s{store}}}
"""


def guarded(path: str, headers: Mapping[str, str]) -> str:
    """A vLLM whose names came out with underscores, behind a token."""
    known = path == "/m?a=1+2" and headers.get("Authorization") == "Bearer s3cret"
    key = headers.get("X-Key", "none")
    return f'vllm_num_requests_running{{model_name="m",engine="0",key="{key}"}} 3\n' if known else ""


def open_to_me(path: str, headers: Mapping[str, str]) -> str:
    """A vLLM with colons, behind a password (the header is base64 of me:s3cret)."""
    known = path == "/metrics" and headers.get("Authorization") == "Basic bWU6czNjcmV0"
    return 'vllm:num_requests_running{model_name="m",engine="0"} 4\n' if known else ""


def recorded(path: str, headers: Mapping[str, str]) -> str:
    """The exporter: it says itself that this backend is in another cluster than it is."""
    return 'inferometer_requests_total{backend="desk",model="m",runtime="ollama",cluster="us"} 5\n'


@contextmanager
def scraping(kind: str, generation: Generation) -> Iterator[Store]:
    """The storage that keeps what the generated configuration scrapes from the three targets above."""
    with Metrics(guarded) as first, Metrics(open_to_me) as second, Metrics(recorded) as exporter:
        where = {"guarded": first.address, "open": second.address, "exporter": exporter.address, "kind": kind}
        secrets = {"token": "s3cret", "key": "k3y"}
        if kind == "prometheus":
            spec = SCRAPED.format(**where, store="", headers=", headers: {X-Key: {file: secrets/key}}")
            with Prometheus(Tree(spec, secrets), generation) as prometheus:
                yield prometheus
        else:
            with servers.VictoriaMetrics(generation) as store:
                spec = SCRAPED.format(**where, store=f", address: {store.address}", headers="")
                with Vmagent(Tree(spec, secrets), generation):
                    yield store


def labels(samples: list[Sample]) -> list[Mapping[str, str]]:
    return [sample.labels for sample in samples]


@pytest.mark.parametrize(
    ("kind", "generation"),
    [("prometheus", "new"), ("prometheus", "old"), ("victoriametrics", "new"), ("victoriametrics", "old")],
)
def test_scraped_series_carry_the_labels_of_the_plan(kind: str, generation: Generation) -> None:
    with scraping(kind, generation) as store:
        store.wait_for(lambda: len(store.query('up{job=~"vllm|inferometer-exporter"} == 1')) == 3)
        far, gpu = store.query("vllm:num_requests_running")
        [desk] = store.query("inferometer_requests_total")
        up = store.query('up{job="vllm",backend="gpu"}')
    gpu_target = {"job": "vllm", "backend": "gpu", "runtime": "vllm", "cluster": "eu", "rack": "r1"}
    instance = gpu.labels["instance"]
    key = {"key": "k3y" if kind == "prometheus" else "none"}
    name = {"__name__": "vllm:num_requests_running", "model_name": "m", "engine": "0"}
    assert gpu.labels == {**name, **gpu_target, **key, "instance": instance}
    assert gpu.value == 3
    assert {**far.labels, "instance": ""} == {
        **name,
        "job": "vllm",
        "backend": "far",
        "runtime": "vllm",
        "cluster": "us",
        "instance": "",
    }
    assert labels(up) == [{"__name__": "up", **gpu_target, "instance": instance}]
    assert {**desk.labels, "instance": ""} == {
        "__name__": "inferometer_requests_total",
        "job": "inferometer-exporter",
        "cluster": "us",
        "backend": "desk",
        "model": "m",
        "runtime": "ollama",
        "instance": "",
    }


LEAVING = """\
platform: host
fleet: {{name: llm, environment: staging, cluster: eu, labels: {{team: ml}}}}
backends: [{{name: gpu, vllm: {target}, cluster: us, labels: {{team: other}}}}]
storage: {{kind: {kind}, scrape_interval: 1s{store}, remote_write: [{{url: "{remote}"}}]}}
alerting: {{address: {manager}}}
"""

RULES = """\
groups:
- name: g
  rules:
  - {record: 'a:b', expr: 'sum by (backend) (vllm:num_requests_running)'}
  - {alert: Watchdog, expr: vector(1)}
  - {alert: Raw, expr: 'vllm:num_requests_running == 4'}
"""


@contextmanager
def evaluating(kind: str, target: str, remote: str, manager: str) -> Iterator[Store]:
    where = {"target": target, "kind": kind, "remote": remote, "manager": manager}
    if kind == "prometheus":
        with Prometheus(Tree(LEAVING.format(**where, store=""), rules=RULES)) as prometheus:
            yield prometheus
    else:
        with servers.VictoriaMetrics() as store:
            spec = LEAVING.format(**where, store=f", address: {store.address}")
            with (
                Vmagent(Tree(spec)) as agent,
                Vmalert(Tree(spec, rules=RULES, replaced={"127.0.0.1:8429": agent.address})),
            ):
                yield store


@pytest.mark.parametrize("kind", ["prometheus", "victoriametrics"])
def test_what_leaves_has_the_labels_of_the_fleet_and_what_stays_has_not(kind: str) -> None:
    def shown(path: str, headers: Mapping[str, str]) -> str:
        return 'vllm:num_requests_running{model_name="m",engine="0"} 4\n'

    alone = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
    with (
        Metrics(shown) as target,
        servers.Alertmanager(alone) as manager,
        servers.VictoriaMetrics() as remote,
        evaluating(kind, target.address, f"{remote.url}/api/v1/write", manager.address) as store,
    ):
        series = "vllm:num_requests_running or a:b"
        store.wait_for(lambda: len(store.query(series)) == 2)
        remote.wait_for(lambda: len(remote.query(series)) == 2)
        manager.wait_for(lambda: len(manager.alerts()) == 2)
        here = {sample.labels["__name__"]: sample.labels for sample in store.query(series)}
        there = {sample.labels["__name__"]: sample.labels for sample in remote.query(series)}
        alerts = {alert["labels"]["alertname"]: alert["labels"] for alert in manager.alerts()}
    scraped = {
        "model_name": "m",
        "engine": "0",
        "job": "vllm",
        "instance": target.address,
        "backend": "gpu",
        "runtime": "vllm",
        "cluster": "us",
        "team": "other",
    }
    assert here["vllm:num_requests_running"] == {"__name__": "vllm:num_requests_running", **scraped}
    assert here["a:b"] == {"__name__": "a:b", "backend": "gpu"}
    # The backend's own cluster and team stay; only what is absent comes from the fleet.
    outside = {"fleet": "llm", "environment": "staging"}
    assert there["vllm:num_requests_running"] == {**here["vllm:num_requests_running"], **outside}
    assert there["a:b"] == {**here["a:b"], **outside, "cluster": "eu", "team": "ml"}
    assert alerts == {
        "Raw": {"alertname": "Raw", **scraped, **outside},
        "Watchdog": {"alertname": "Watchdog", **outside, "cluster": "eu", "team": "ml"},
    }


def test_a_started_alertmanager_is_no_member_of_a_cluster() -> None:
    """Without peers it opens one port, on loopback."""
    with Alertmanager(Tree("platform: host\nbackends: [{name: a, vllm: 10.0.0.1}]\n")) as manager:
        status: dict[str, Any] = http.get_json(f"{manager.url}/api/v2/status")
    assert status["cluster"]["status"] == "disabled"
