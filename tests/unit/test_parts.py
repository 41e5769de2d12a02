"""The real parts that tests use: engines behind `ask`, servers, and what happens where a part is missing."""

from __future__ import annotations

import datetime
import math
import os
import socket
import urllib.error
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.parts import http
from tests.parts.binaries import PARTS, Found, Missing, _locate, find, locate
from tests.parts.debian import Collection
from tests.parts.evaluation import Ask, Evaluator, On
from tests.parts.kept import FetchError
from tests.parts.observed import LlamaServer, NodeExporter, WebhookReceiver
from tests.parts.process import ServerFailed, free_port
from tests.parts.servers import Alertmanager, Prometheus, VictoriaMetrics, Vmagent, Vmalert

pytest_plugins = ("pytester",)
pytestmark = pytest.mark.real

ENGINES = get_args(On)
on_every_engine = pytest.mark.parametrize("on", ENGINES)
"""(two generations each of Prometheus and VictoriaMetrics)"""


def scalar(ask: Ask, series: Mapping[str, str], expr: str, on: On, at: str = "10m") -> float:
    [answer] = ask(series, expr, at=at, on=on)
    return answer.value


@on_every_engine
def test_a_rate_is_what_the_samples_say(ask: Ask, on: On) -> None:
    series = {'vllm:request_success_total{instance="a",finished_reason="stop"}': "0+60x40"}
    assert scalar(ask, series, "sum(rate(vllm:request_success_total[5m]))", on) == pytest.approx(4)


@on_every_engine
def test_labels_come_back_as_they_were_written(ask: Ask, on: On) -> None:
    [answer] = ask({'up{job="a b",text="é \\"x\\""}': "1x40"}, "up", on=on)
    assert answer.labels == {"__name__": "up", "job": "a b", "text": 'é "x"'}


@on_every_engine
def test_questions_do_not_see_each_others_samples(ask: Ask, on: On) -> None:
    ask({'seen{by="first"}': "0+1x400"}, "seen", on=on, at="100m")
    assert ask({"other": "1"}, "seen", on=on, at=0) == []
    assert ask({"other": "1"}, "count_over_time(seen[30d])", on=on, at=0) == []
    assert ask({"other": "1"}, "count_over_time(seen[1h] offset 60d)", on=on, at=0) == []
    assert scalar(ask, {'seen{by="second"}': "1"}, 'count(count_over_time({__name__="seen"}[1y]))', on, at="0s") == 1


@on_every_engine
def test_samples_asked_again_with_a_longer_window_or_later_are_still_alone(ask: Ask, on: On) -> None:
    first = ask.load({"again": "1x40"}, on=on)
    assert [one.value for one in first.ask("count_over_time(again[1h])")] == [41]
    second = ask.load({"again": "2x40"}, on=on)
    assert [one.value for one in second.ask("max_over_time(again[1h])")] == [2]
    assert [one.value for one in first.ask("max_over_time(again[90d])", at="20d")] == [1]
    assert [one.value for one in second.ask("min_over_time(again[90d])", at="20d")] == [2]


@settings(max_examples=25)
@given(
    counts=st.lists(st.integers(0, 1000), min_size=2, max_size=20),
    on=st.sampled_from(["prometheus", "victoriametrics"]),
)
def test_every_sample_arrives_unchanged(ask: Ask, counts: list[int], on: On) -> None:
    series = {"arrives": " ".join(map(str, counts))}
    asked = ask.load(series, on=on, interval="1m")
    for minute, count in enumerate(counts):
        assert [one.value for one in asked.ask("arrives", at=minute * 60)] == [count]


@on_every_engine
def test_a_stale_series_is_gone_at_once(ask: Ask, on: On) -> None:
    ended = ask.load({"ended": "1 1 stale", "goes_on": "1 1"}, on=on)
    assert [one.labels["__name__"] for one in ended.ask('{__name__=~"ended|goes_on"}', at="15s")] == [
        "ended",
        "goes_on",
    ]
    assert [one.labels["__name__"] for one in ended.ask('{__name__=~"ended|goes_on"}', at="30s")] == ["goes_on"]


@pytest.mark.parametrize("on", ["prometheus", "prometheus2"])
def test_nan_is_reported_as_nan(ask: Ask, on: On) -> None:
    assert math.isnan(scalar(ask, {"odd": "1 NaN"}, "odd", on, at="15s"))
    assert math.isnan(scalar(ask, {"zero": "0x40"}, "zero / zero", on))


@on_every_engine
def test_infinity_and_plain_numbers_are_reported(ask: Ask, on: On) -> None:
    assert scalar(ask, {"one": "1x40"}, "one / 0", on) == math.inf
    assert scalar(ask, {"one": "1x40"}, "scalar(one) * 2", on) == 2


@on_every_engine
def test_a_date_is_that_of_the_first_sample(ask: Ask, on: On) -> None:
    leap = datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.UTC)
    [answer] = ask({"x": "1x40"}, "day_of_month(vector(time()))", start=leap, on=on)
    assert answer.value == 29
    assert ask({"y": "1"}, "x", start=leap, on=on, at=0) == []


@on_every_engine
def test_a_range_is_answered_with_times_from_the_first_sample_on(ask: Ask, on: On) -> None:
    [track] = ask.load({"x": "0+1x40"}, on=on).ask_range("x", "1m", "2m", "30s")
    assert track.points == ((60, 4), (90, 6), (120, 8))


@on_every_engine
def test_what_is_no_promql_is_an_error_that_says_so(ask: Ask, on: On) -> None:
    with pytest.raises(http.HttpError, match="parse"):
        ask({"x": "1"}, "sum(x", on=on)


def test_an_evaluator_goes_on_with_an_empty_server_when_its_years_are_used_up() -> None:
    with Evaluator("prometheus") as evaluator:
        for turn in range(3):
            asked = evaluator.load({f'long{{turn="{turn}"}}': "1"})
            assert [one.labels for one in asked.ask("last_over_time(long[10y])", at=0)] == [
                {"__name__": "long", "turn": str(turn)}
            ]
        assert evaluator.renewals > 1


@pytest.mark.parametrize("version", ["3", "2"])
def test_prometheus_scrapes_and_fires(version: str) -> None:
    config = "global: {scrape_interval: 100ms, evaluation_interval: 100ms}\nrule_files: [rules/*.yaml]\n"
    rule = "groups: [{name: g, rules: [{alert: NothingThere, expr: absent(nothing)}]}]"
    with (
        NodeExporter() as node,
        Prometheus(config, {"rules/a.yaml": rule}, version="2" if version == "2" else "3") as server,
    ):
        assert server.targets() == []
        (server.folder / "prometheus.yml").write_text(
            f"{config}scrape_configs: [{{job_name: node, static_configs: [{{targets: ['{node.address}']}}]}}]"
        )
        server.reload()
        server.wait_for(lambda: server.query('up{job="node"} == 1'))
        server.wait_for(lambda: [one for one in server.alerts() if one["state"] == "firing"])
        assert [one["health"] for one in server.targets()] == ["up"]


def test_vmagent_vmalert_alertmanager_and_webhook_work_together() -> None:
    scrape = "global: {scrape_interval: 1s}\nscrape_configs: [{job_name: node, static_configs: [{targets: ['%s']}]}]"
    rule = "groups: [{name: g, rules: [{alert: NodeIsUp, expr: up == 1, labels: {severity: info}}]}]"
    routing = (
        "route: {receiver: hook, group_wait: 0s, group_by: [alertname]}\n"
        "receivers: [{name: hook, webhook_configs: [{url: '%s'}]}]"
    )
    with (
        NodeExporter() as node,
        VictoriaMetrics() as store,
        Vmagent(scrape % node.address, f"{store.url}/api/v1/write") as agent,
        WebhookReceiver() as hook,
        Alertmanager(routing % hook.url) as manager,
        Vmalert({"rules.yaml": rule}, store.url, manager.url, store.url) as alerts,
    ):
        store.wait_for(lambda: store.query("up == 1"))
        told = hook.wait(lambda one: one["commonLabels"].get("alertname") == "NodeIsUp")
        assert told["status"] == "firing"
        assert [one["health"] for one in agent.targets()] == ["up"]
        assert [one["labels"]["alertname"] for one in manager.alerts()] == ["NodeIsUp"]
        assert [one["state"] for one in alerts.alerts()] == ["firing"]
        assert [one["health"] for group in alerts.groups() for one in group["rules"]] == ["ok"]
        with pytest.raises(TimeoutError, match="NodeIsUp"):
            hook.wait(lambda one: one["status"] == "resolved", timeout=0.05)


def test_victoriametrics_imports_the_text_format() -> None:
    with VictoriaMetrics() as store:
        store.import_prometheus('x{a="1"} 5 1600000000000\n')
        assert [one.value for one in store.query("x", 1600000000)] == [5]


@pytest.mark.parametrize("stream", [False, True])
def test_llama_server_counts_the_tokens_that_it_answers(stream: bool) -> None:
    with LlamaServer() as server:
        usage = server.chat("how was the other day", max_tokens=12, stream=stream)["usage"]
        lines = dict(line.rsplit(" ", 1) for line in server.metrics().splitlines() if line[0] != "#")
        assert usage["completion_tokens"] == 12
        assert float(lines["llamacpp:prompt_tokens_total"]) == usage["prompt_tokens"]
        assert float(lines["llamacpp:tokens_predicted_total"]) == 12


def test_a_stopped_server_answers_no_more_and_starts_again() -> None:
    with NodeExporter() as node:
        node.stop()
        with pytest.raises((OSError, urllib.error.URLError)):
            node.metrics()
        node.start()
        assert "node_cpu_seconds_total" in node.metrics()
        folder = node.folder
    assert not folder.exists()


def test_a_server_that_does_not_start_says_what_it_wrote() -> None:
    with pytest.raises(ServerFailed, match="no_such_key"), Prometheus("no_such_key: 1"):
        pass


def test_a_taken_port_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken, free = other.getsockname()[1], free_port()
        ports = iter([taken, free])
        monkeypatch.setattr("tests.parts.process.free_port", lambda: next(ports))
        with NodeExporter() as node:
            assert node.port == free


uncached = _locate.__wrapped__
"""Looks anew, and gives the reason where a part is missing."""


@pytest.mark.parametrize("name", PARTS)
def test_every_part_is_found(name: str) -> None:
    for generation in PARTS[name].collections:
        assert os.access(find(name, generation), os.X_OK)


def test_a_part_on_path_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, version in {"promtool": "3.99.0", "amtool": "0.27.0"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\necho {name}, version {version}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert uncached("promtool", "new") == Found(tmp_path / "promtool", "3.99.0")
    assert uncached("amtool", "new") == Found(tmp_path / "amtool", "0.27.0")
    assert uncached("promtool", "old") == locate("promtool", "old")


def fails(_: Collection) -> Path:
    raise FetchError("there is no network")


def test_a_missing_part_names_the_reason_and_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.parts.binaries.unpacked", fails)
    monkeypatch.setenv("PATH", "")
    assert uncached("prometheus", "old") == (
        "prometheus 2.x is not on PATH, and its Debian package cannot be had: there is no network. "
        "Remedy: put prometheus 2.x on PATH"
    )


TEST_THAT_MISSES = """
from __future__ import annotations
import pytest
from tests.parts.binaries import Missing

@pytest.fixture
def server():
    raise Missing("thing is not on PATH")

def test_by_fixture(server): pass
def test_by_itself(): raise Missing("thing is not on PATH")
def test_without(): pass
"""


@pytest.mark.parametrize(
    ("ci", "outcome"), [("", {"passed": 1, "skipped": 2}), ("true", {"passed": 1, "failed": 1, "errors": 1})]
)
def test_a_missing_part_is_said_loudly_and_fails_in_ci(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, ci: str, outcome: dict[str, int]
) -> None:
    root = Path(__file__).resolve().parents[2]
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("PYTHONPATH", str(root))
    pytester.makepyfile(TEST_THAT_MISSES)
    pytester.makeconftest((root / "tests/conftest.py").read_text())
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(**outcome)
    if not ci:
        result.stdout.fnmatch_lines(["*LEFT OUT: real parts are missing*", "2 tests: thing is not on PATH"])


def test_missing_is_what_find_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.parts.binaries._locate", lambda name, generation: "because")
    with pytest.raises(Missing, match="because"):
        find("promtool")
