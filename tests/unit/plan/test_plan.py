"""A spec resolved: targets, objectives, knobs, and everything that the catalog shows to be wrong, all at once."""

from __future__ import annotations

import textwrap

import pytest

from inferometer.catalog.knobs import KNOBS
from inferometer.errors import SpecError
from inferometer.plan import Plan, Target, resolve
from inferometer.plan.objectives import nearest
from inferometer.spec.load import loads


def plan(text: str) -> Plan:
    return resolve(loads(textwrap.dedent(text)))


def target(text: str, job: str) -> Target:
    (found,) = [t for t in plan(text).targets if t.job == job]
    return found


def refused(text: str) -> str:
    with pytest.raises(SpecError) as error:
        plan(text)
    return str(error.value)


VLLM = "backends: [{name: a, vllm: 127.0.0.1, models: [m]}]\n"
LLAMA = "backends: [{name: a, llamacpp: 10.0.0.2}]\n"


# -- targets -----------------------------------------------------------------------------------------------------------


def test_loopback_means_the_host_and_a_container_knows_it_by_another_name() -> None:
    assert target(VLLM, "vllm").address == "host.docker.internal:8000"
    assert target("platform: host\n" + VLLM, "vllm").address == "127.0.0.1:8000"
    assert target(VLLM, "vllm").instance == "127.0.0.1:8000", "people read what they wrote"


def test_an_address_that_is_not_loopback_is_dialled_as_it_is() -> None:
    assert target(LLAMA, "llamacpp").address == "10.0.0.2:8080"


def test_a_server_without_metrics_is_no_target_and_the_exporter_before_it_is() -> None:
    jobs = [t.job for t in plan("backends: [{name: box, ollama: 'http://127.0.0.1:11434'}]").targets]
    assert jobs == ["inferometer-exporter", "prometheus", "alertmanager"]


def test_without_a_recorded_backend_there_is_no_exporter() -> None:
    assert "inferometer-exporter" not in [t.job for t in plan(VLLM).targets]


def test_a_model_that_the_server_cannot_name_is_named_by_the_scrape() -> None:
    named = target("backends: [{name: a, llamacpp: 10.0.0.2, models: [m]}]", "llamacpp")
    assert named.labels["model"] == "m"
    assert "model" not in target(VLLM, "vllm").labels, "vLLM names its models itself"


def test_a_llama_server_with_several_models_is_asked_once_for_each_and_loads_none() -> None:
    text = "backends: [{name: a, llamacpp: 10.0.0.2, models: [m, n], scrape: {params: {key: v}}}]"
    targets = [t for t in plan(text).targets if t.job == "llamacpp"]
    assert [(t.pool, t.labels["model"], dict(t.scrape.params)) for t in targets] == [
        ("llamacpp/a/m", "m", {"model": "m", "autoload": "false", "key": "v"}),
        ("llamacpp/a/n", "n", {"model": "n", "autoload": "false", "key": "v"}),
    ]


def test_a_backends_cluster_overrules_the_fleets() -> None:
    text = "fleet: {cluster: x}\nbackends: [{name: a, vllm: h1}, {name: b, vllm: h2, cluster: y}]"
    assert [t.labels["cluster"] for t in plan(text).targets if t.job == "vllm"] == ["x", "y"]


def test_a_scrapes_limit_grows_with_the_models_and_yields_to_the_spec() -> None:
    many = ", ".join(f"m{n}" for n in range(20))
    few, lots = target(VLLM, "vllm"), target(f"backends: [{{name: a, vllm: h, models: [{many}]}}]", "vllm")
    assert few.sample_limit >= 5 * few.series
    assert lots.sample_limit >= 5 * lots.series > few.sample_limit
    assert target("backends: [{name: a, vllm: h, scrape: {sample_limit: 99}}]", "vllm").sample_limit == 99


# -- objectives --------------------------------------------------------------------------------------------------------


def test_a_threshold_off_the_buckets_is_refused_with_the_nearest_legal_ones() -> None:
    text = VLLM + "slos: [{name: s, signal: time_to_first_token, objective: 95%, threshold: 800ms}]\n"
    told = refused(text)
    assert "fleet.yaml:2:" in told
    assert "800ms is no bucket boundary of time to first token on vLLM" in told
    assert "the nearest boundaries: 750ms and 1s" in told


def test_the_nearest_boundaries_are_those_that_all_engines_share() -> None:
    text = """
    backends: [{name: a, vllm: h1}, {name: b, ollama: h2}]
    slos: [{name: s, signal: time_to_first_token, objective: 95%, threshold: 300ms}]
    """
    told = refused(text)
    assert "on vLLM:" in told, "300ms is a boundary of the exporter, and none of vLLM"
    assert "the nearest boundaries that all share: 250ms and 500ms" in told


def test_an_objective_on_a_signal_that_an_engine_does_not_tell_says_what_would_help() -> None:
    told = refused(LLAMA + "slos: [{name: s, signal: availability, objective: 99%}]\n")
    assert "llama.cpp does not tell availability" in told
    assert "record: true" in told
    recorded = (
        "backends: [{name: a, llamacpp: h, record: true}]\nslos: [{name: s, signal: availability, objective: 99%}]"
    )
    assert [o.name for o in plan(recorded).objectives] == ["s"]


def test_an_objective_narrowed_to_an_engine_that_tells_is_accepted() -> None:
    text = """
    backends: [{name: a, vllm: h1}, {name: b, llamacpp: h2}]
    slos: [{name: s, signal: time_to_first_token, objective: 95%, threshold: 1s, engines: [vllm]}]
    """
    (objective,) = plan(text).objectives
    assert [profile.engine for profile in objective.sources.engines] == ["vllm"]
    assert objective.budget == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("limit", "expected"),
    [(0.1, (0.5,)), (0.5, (1,)), (0.7, (0.5, 1)), (3, (1,))],
    ids=["below", "on", "between", "above"],
)
def test_the_nearest_are_one_below_and_one_above(limit: float, expected: tuple[float, ...]) -> None:
    assert nearest(limit, (1, 0.5)) == expected


def test_an_objective_that_looks_further_back_than_samples_are_kept_is_refused() -> None:
    objective = "slos: [{name: s, signal: availability, objective: 99%, window: 60d}]\n"
    assert "s looks back 60d, and samples are kept for 31d" in refused(VLLM + objective)
    assert plan(VLLM + objective + "storage: {retention: 60d}\n").objectives


# -- knobs -------------------------------------------------------------------------------------------------------------


def test_the_spec_turns_a_knob_and_orange_keeps_its_distance_from_red() -> None:
    settings = plan(VLLM + "alerts: {ErrorRatioHigh: {threshold: 10%, for: 1m, severity: warning}}\n").settings
    knob = settings["ErrorRatioHigh"]
    assert (knob.threshold, knob.patience, knob.severity) == (0.1, 60, "warning")
    assert (KNOBS["ErrorRatioHigh"].threshold, KNOBS["ErrorRatioHigh"].soon) == (0.05, 0.01)
    assert knob.soon == pytest.approx(0.02)
    assert settings["QueueLong"] == KNOBS["QueueLong"]


def test_a_scale_shortens_patience_and_windows_but_no_window_below_four_scrapes() -> None:
    settings = plan(VLLM + "alerts: {scale: 0.1}\nstorage: {scrape_interval: 10s}\n").settings
    assert (settings.patience(300), settings.window(3600), settings.window(300)) == (30, 360, 40)


def test_unknown_alerts_and_thresholds_where_there_are_none_are_told_together() -> None:
    told = refused(VLLM + "alerts:\n  ErorRatioHigh: {for: 1m}\n  Watchdog: {threshold: 1}\n")
    assert 'fleet.yaml:3:3: there is no alert "ErorRatioHigh"' in told
    assert 'did you mean "ErrorRatioHigh"?' in told
    assert "fleet.yaml:4:" in told
    assert "Watchdog has no threshold" in told


def test_a_threshold_that_no_server_could_show_to_be_passed_is_refused() -> None:
    told = refused(VLLM + "alerts: {TokensSlow: {threshold: 80s}}\n")
    assert "TokensSlow could never fire: no server tells of more than 1m20s" in told
    assert plan(VLLM + "alerts: {TokensSlow: {threshold: 79s}}\n").settings.limit("TokensSlow") == 79


def test_a_version_that_is_none_is_refused() -> None:
    assert '"newest" is no version' in refused("backends: [{name: a, vllm: h, version: newest}]")


# -- routers -----------------------------------------------------------------------------------------------------------


def test_a_router_before_servers_of_which_only_some_count_is_refused_with_the_remedy() -> None:
    text = """
    backends:
      - {name: door, openai: h0, behind: [a, b]}
      - {name: a, vllm: h1}
      - {name: b, llamacpp: h2}
    """
    told = refused(text)
    assert "behind door some servers count their requests and b does not" in told
    assert "put the exporter before b too" in told
    assert plan(text.replace("llamacpp: h2", "llamacpp: h2, record: true")).sources.routers[0].backend == "door"
