"""The rule files and their cases, in the hands of promtool."""

from __future__ import annotations

from pathlib import Path

import pytest

from inferometer.plan import Plan
from inferometer.rules import groups
from tests.parts.binaries import find
from tests.unit.rules.plans import WHOLE, fixture, lay_out, plan, quick, run, with_

pytestmark = pytest.mark.real

SOME_HOURS, DAYS = 3 * 3600, 90 * 24 * 3600

SCALED = """
alerts: {scale: 0.05}
storage: {scrape_interval: 5s}
"""
SLOW_SCRAPES = """
storage: {kind: victoriametrics, scrape_interval: 1m}
"""
OTHER_OBJECTIVES = """
backends:
  - {name: gpu, vllm: "http://10.0.0.1:8000", models: [m1, m2.5]}
  - {name: spare, vllm: "http://10.0.0.2:8000"}
slos:
  - {name: easy, signal: availability, objective: 90%, window: 1d, min_events: 1}
  - {name: narrow, signal: request_duration, objective: 99.9%, threshold: 10s, window: 90d,
     backends: [gpu], models: [m2.5]}
storage: {retention: 90d}
"""

TWO_MODELS_OF_ONE_SERVER = """
backends:
  - {name: router, llamacpp: ["http://10.0.0.1:8080", "http://10.0.0.2:8080"], models: [m1, m2]}
  - {name: other, llamacpp: "http://10.0.0.3:8080", models: [m1, m2]}
"""
ONLY_HOSTS = "hosts: [{name: h1, address: 10.0.0.1}]"
GATEWAY = """
backends:
  - {name: door, openai: "http://10.0.0.9:8080", behind: [gpu]}
  - {name: gpu, vllm: "http://10.0.0.1:8000"}
slos:
  - {name: door, signal: availability, objective: 99%, backends: [door]}
"""

PLANS: dict[str, Plan] = {
    "first-light": fixture("first-light"),
    "shortest": fixture("shortest"),
    "host-llamacpp": fixture("host-llamacpp"),
    "scaled": with_(WHOLE, SCALED),
    "slow scrapes": with_(WHOLE, SLOW_SCRAPES),
    "other objectives": plan(OTHER_OBJECTIVES),
    "two models of one server": plan(TWO_MODELS_OF_ONE_SERVER),
    "only hosts": plan(ONLY_HOSTS),
    "gateway": plan(GATEWAY),
}


@pytest.mark.parametrize("name", PLANS)
def test_every_case_holds_in_promtool(name: str, tmp_path: Path) -> None:
    longest = DAYS if name == "first-light" else SOME_HOURS
    cases = lay_out(quick(groups(PLANS[name]), longest), tmp_path)
    promtool = find("promtool")
    assert run(promtool, "check", "rules", *tmp_path.glob("*.yaml")) == ""
    assert run(promtool, "test", "rules", *cases) == ""


def test_every_case_of_some_hours_holds_in_promtool_of_prometheus_2(tmp_path: Path) -> None:
    cases = lay_out(quick(groups(plan(WHOLE)), SOME_HOURS), tmp_path)
    promtool = find("promtool", "old")
    assert run(promtool, "check", "rules", *tmp_path.glob("*.yaml")) == ""
    assert run(promtool, "test", "rules", *cases) == ""
