"""What the rules of a plan are: complete, in the spec's hands, and each fleet's own."""

from __future__ import annotations

import re

import promql_parser
import pytest

from inferometer.catalog.knobs import KNOBS
from inferometer.plan import Plan
from inferometer.rules import Alert, groups, write
from tests.unit.rules.plans import WHOLE, fixture, group_named, plan, with_

FIXTURES = ("shortest", "first-light", "host-llamacpp")
FLEETS: dict[str, Plan] = {name: fixture(name) for name in FIXTURES} | {"whole": plan(WHOLE)}


def alerts(source: Plan) -> dict[str, Alert]:
    return {alert.name: alert for group in groups(source) for alert in group.alerts}


@pytest.mark.parametrize("fleet", FLEETS)
def test_every_alert_and_every_record_has_cases(fleet: str) -> None:
    for group in groups(FLEETS[fleet]):
        with_cases = {rule.name for rule in group.rules if rule.cases}
        assert with_cases == {rule.name for rule in group.rules}


@pytest.mark.parametrize("fleet", FLEETS)
def test_every_alert_has_a_case_that_fires_and_one_that_is_silent(fleet: str) -> None:
    for name, alert in alerts(FLEETS[fleet]).items():
        fires = {bool(case.expected) for case in alert.cases}
        assert fires == ({True} if name == "Watchdog" else {True, False}), name


def test_every_alert_that_waits_has_a_case_that_shows_it() -> None:
    for name, alert in alerts(FLEETS["whole"]).items():
        if alert.patience:
            assert "waits its time" in [case.name for case in alert.cases], name


def test_every_alert_is_silent_without_data_but_those_on_absence() -> None:
    for name, alert in alerts(FLEETS["whole"]).items():
        if name not in ("Watchdog", "TargetMissing"):
            assert "is silent without data" in [case.name for case in alert.cases], name


def test_every_knob_turns_an_alert_of_some_fleet() -> None:
    every = {name for fleet in FLEETS.values() for name in alerts(fleet)}
    assert every == set(KNOBS)


def test_a_fleet_with_everything_has_more_than_fifteen_alerts() -> None:
    assert len(alerts(FLEETS["whole"])) > 15


@pytest.mark.parametrize("name", KNOBS)
def test_an_alert_that_is_off_is_left_out_and_no_other(name: str) -> None:
    off = with_(WHOLE, f"alerts: {{{name}: {{enabled: false}}}}")
    assert alerts(FLEETS["whole"]).keys() - alerts(off).keys() == {name}


@pytest.mark.parametrize("name", [name for name, knob in KNOBS.items() if knob.threshold is not None])
def test_a_threshold_of_the_spec_stands_in_the_rule(name: str) -> None:
    turned = alerts(with_(WHOLE, f"alerts: {{{name}: {{threshold: 0.7125, for: 7m, severity: info}}}}"))[name]
    rule = turned.to_rule()
    assert "> 0.7125" in str(rule["expr"])
    assert rule["for"] == "7m"
    assert rule["labels"] == {**dict(turned.labels), "severity": "info"}


def test_a_scale_shortens_windows_and_patience() -> None:
    scaled = alerts(with_(WHOLE, "alerts: {scale: 0.1}\nstorage: {scrape_interval: 1s}"))
    assert scaled["ErrorRatioHigh"].patience == 30
    assert "[3m]" in scaled["BackendFlapping"].expr.text()


def test_what_nobody_in_the_fleet_tells_has_neither_record_nor_alert() -> None:
    """llama.cpp alone counts no requests: no share of them can be bad."""
    told = group_named(FLEETS["host-llamacpp"], "serving")
    assert not {"ErrorRatioHigh", "FirstTokenSlow", "KvCacheSaturated"} & {alert.name for alert in told.alerts}
    assert {"QueueStuck", "NoProgress"} <= {alert.name for alert in told.alerts}
    assert {record.name for record in told.records} == {
        "inferometer:steps:rate5m",
        "inferometer:tokens_out:rate5m",
        "inferometer:running:sum",
        "inferometer:waiting:sum",
    }


def test_hosts_have_rules_only_where_the_spec_names_some() -> None:
    assert "hosts" not in [group.name for group in groups(FLEETS["shortest"])]


def test_one_backend_more_adds_its_own_rules_and_changes_no_other() -> None:
    one = "backends:\n  - {name: gpu, vllm: 'http://10.0.0.1:8000'}\n"
    before, after = plan(one), plan(one + "  - {name: late, vllm: 'http://10.0.0.77:8000'}\n")
    added: list[dict[str, object]] = []
    for old, new in zip(groups(before), groups(after), strict=True):
        told = [rule.to_rule() for rule in new.rules]
        kept = [rule.to_rule() for rule in old.rules]
        assert [rule for rule in told if rule in kept] == kept
        added += [rule for rule in told if rule not in kept]
    assert [rule["labels"] for rule in added] == [
        {"job": "vllm", "instance": "10.0.0.77:8000", "backend": "late", "runtime": "vllm"}
    ] * 2


def test_groups_and_files_have_distinct_names() -> None:
    names = [group.name for group in groups(FLEETS["first-light"])]
    assert len(names) == len(set(names))
    assert {f"alerts/{name}.yaml" for name in names} <= write(FLEETS["first-light"]).keys()
    assert {f"alerts/tests/{name}.yaml" for name in names} <= write(FLEETS["first-light"]).keys()


@pytest.mark.parametrize("fleet", FLEETS)
def test_every_expression_is_promql(fleet: str) -> None:
    for group in groups(FLEETS[fleet]):
        for rule in group.rules:
            promql_parser.parse(rule.expr.pretty())


@pytest.mark.parametrize("fleet", FLEETS)
def test_a_rule_reads_only_what_stands_before_it_in_its_group(fleet: str) -> None:
    """Prometheus evaluates a group in order and groups side by side."""
    for group in groups(FLEETS[fleet]):
        recorded: set[str] = set()
        for rule in group.rules:
            asked = set(re.findall(r"inferometer:[a-z_:0-9]+", rule.expr.text()))
            assert asked <= recorded, f"{rule.name} of {group.name} reads {asked - recorded}"
            if not isinstance(rule, Alert):
                recorded.add(rule.name)


def test_the_same_plan_gives_the_same_files() -> None:
    assert write(plan(WHOLE)) == write(plan(WHOLE))
    assert list(write(plan(WHOLE))) == list(write(plan(WHOLE)))
