"""Knobs and routes of a spec held against the catalog's alerts: what could never work is refused at its place."""

from __future__ import annotations

import pytest

from inferometer.catalog.knobs import KNOBS
from inferometer.errors import Problem, SpecError
from inferometer.plan import Settings, resolve
from inferometer.spec.load import loads
from inferometer.units import RATIO

VLLM = "backends: [{name: gpu, vllm: h}]\n"


def settings(text: str) -> Settings:
    return resolve(loads(text)).settings


def refused(text: str) -> Problem:
    with pytest.raises(SpecError) as error:
        resolve(loads(text))
    (problem,) = error.value.problems
    return problem


def place(problem: Problem) -> str:
    return str(problem.position).partition(":")[2]


RATIOS = [alert for alert, knob in KNOBS.items() if knob.unit is RATIO]


@pytest.mark.parametrize("alert", RATIOS)
@pytest.mark.parametrize("threshold", ["1", "100%", "5", "250%"])
def test_a_share_of_one_or_more_is_refused(alert: str, threshold: str) -> None:
    problem = refused(f"{VLLM}alerts:\n  {alert}:\n    threshold: {threshold}\n")
    assert (problem.code, place(problem)) == ("IM310", "4:16")
    assert ("did you mean 5%?" in str(problem.hint)) == (threshold == "5")


@pytest.mark.parametrize("alert", RATIOS)
@pytest.mark.parametrize("threshold", ["0.1%", "0.5", "99.9%"])
def test_orange_comes_before_red_or_not_at_all(alert: str, threshold: str) -> None:
    knob = settings(f"{VLLM}alerts: {{{alert}: {{threshold: {threshold}}}}}")[alert]
    assert knob.threshold is not None
    assert knob.soon is None or 0 < knob.soon < knob.threshold


def test_orange_goes_where_it_can_no_longer_be_told_from_red() -> None:
    knob = settings(f"{VLLM}alerts: {{QueueLong: {{threshold: 0.000000001}}}}")["QueueLong"]
    assert (knob.threshold, knob.soon) == (1e-9, None)


@pytest.mark.parametrize(
    ("text", "floor"),
    [
        ("storage: {scrape_interval: 100ms}\nbackends: [{name: a, vllm: h}]", 1),
        ("storage: {scrape_interval: 900ms}\nbackends: [{name: a, vllm: h}]", 4),
        ("storage: {scrape_interval: 10s}\nbackends: [{name: a, vllm: h}]", 40),
        ("storage: {scrape_interval: 1s}\nbackends: [{name: a, vllm: h, scrape: {interval: 30s}}]", 120),
        ("storage: {scrape_interval: 1s}\nhosts: [{name: a, address: h, scrape: {interval: 20s}}]", 80),
        ("storage: {scrape_interval: 1s}\nexporter: {scrape: {interval: 7s}}\nbackends: [{name: a, ollama: h}]", 28),
        ("storage: {scrape_interval: 1s}\nexporter: {scrape: {interval: 7s}}\nbackends: [{name: a, vllm: h}]", 4),
    ],
)
def test_no_window_is_shorter_than_four_scrapes_of_what_is_scraped_least_often(text: str, floor: int) -> None:
    assert settings(text).window(0) == floor


@pytest.mark.parametrize(
    ("interval", "scale", "fine"),
    [
        ("15s", "0.125", True),
        ("15s", "0.12", False),
        ("1s", "0.02", True),
        ("1s", "0.008", False),
        ("100ms", "0.008", False),
        ("2m", "1", True),
    ],
)
def test_a_scale_leaves_each_alert_the_patience_of_an_evaluation(interval: str, scale: str, fine: bool) -> None:
    text = f"{VLLM}storage: {{scrape_interval: 1s, evaluation_interval: {interval}}}\nalerts: {{scale: {scale}}}\n"
    if fine:
        assert all(settings(text).patience(knob.patience) >= 1 for knob in KNOBS.values() if knob.patience)
    else:
        problem = refused(text)
        assert (problem.code, place(problem)) == ("IM310", "3:17")


@pytest.mark.parametrize("interval", ["100ms", "7s", "15s"])
def test_the_scale_that_the_remedy_names_is_accepted(interval: str) -> None:
    text = f"{VLLM}storage: {{scrape_interval: {interval}}}\nalerts: {{scale: SCALE}}\n"
    hint = str(refused(text.replace("SCALE", "0.001")).hint)
    smallest = hint.partition("write ")[2].split()[0]
    assert settings(text.replace("SCALE", smallest)).scale == float(smallest)


@pytest.mark.parametrize("slip", ["scale:0.1", "NoTokens:false"])
def test_an_alert_without_a_space_after_the_colon_is_not_passed_over(slip: str) -> None:
    problem = refused(f"{VLLM}alerts: {{{slip}}}\n")
    assert (problem.code, problem.hint, place(problem)) == ("IM303", "put a space after the colon", "2:10")


def routed(match: str) -> str:
    receiver = "{name: ops, webhook: {url: 'http://x/'}}"
    rest = "hosts: [{name: box, address: h2}]\nslos: [{name: up, signal: availability, objective: 99%}]\n"
    return f"{VLLM}{rest}alerting:\n  receivers: [{receiver}]\n  routes: [{{match: {match}, receiver: ops}}]\n"


@pytest.mark.parametrize(
    ("match", "word"),
    [
        ("{severity: crit}", "critical"),
        ("{backend: gpux}", "gpu"),
        ("{alertname: BackendDwn}", "BackendDown"),
        ("{host: bx}", "box"),
        ("{slo: upp}", "up"),
    ],
)
def test_a_route_that_no_alert_can_take_is_refused_with_the_nearest_word(match: str, word: str) -> None:
    problem = refused(routed(match))
    assert (problem.code, problem.hint) == ("IM311", f'did you mean "{word}"?')
    assert place(problem) == f"6:{20 + match.index(':') + 2}"


@pytest.mark.parametrize(
    "match",
    [
        "{severity: info}",
        "{backend: gpu}",
        "{alertname: BackendDown}",
        "{backend: '~nobody.*'}",
        "{team: anything}",
        "{host: box, slo: up, severity: critical}",
    ],
)
def test_a_route_that_an_alert_can_take_and_any_pattern_pass(match: str) -> None:
    assert resolve(loads(routed(match))).spec.alerting.routes[0].receiver == "ops"
