"""No token counted twice, none lost: asked of real Prometheus and VictoriaMetrics servers."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from inferometer.catalog import ENGINES
from inferometer.catalog import signals as s
from inferometer.catalog.signal import Name, metric, source
from inferometer.names import BACKEND, MODEL, RUNTIME
from inferometer.plan.sources import Router, Sources
from inferometer.plan.view import Silent, View
from inferometer.promql import Expr, Matcher
from tests.parts.evaluation import Ask, On
from tests.unit.plan.layered import FAILED, REQUESTS, SOURCES, TOKENS, fleet, grows

SERVERS: tuple[On, ...] = ("prometheus", "prometheus2", "victoriametrics")
VIEW = View(SOURCES, "5m")
VLLM = 'job="vllm",instance="10.0.0.1:8000",model_name="a"'

pytestmark = [pytest.mark.real, pytest.mark.parametrize("on", SERVERS)]


def values(ask: Ask, series: dict[str, str], expr: Expr, on: On, *labels: str) -> dict[tuple[str, ...], float]:
    """The answer by the values of `labels`; each combination once."""
    samples = ask(series, expr.text(), at="10m", on=on)
    answer = {tuple(sample.labels.get(label, "") for label in labels): sample.value for sample in samples}
    assert len(answer) == len(samples), f"labels {labels} do not tell the samples apart: {samples}"
    return answer


def test_a_token_that_passes_gateway_recorder_and_engine_is_counted_once(ask: Ask, on: On) -> None:
    answer = values(ask, fleet(), VIEW.rate(s.TOKENS_OUT, MODEL), on, MODEL)
    assert answer == pytest.approx({(model,): value for model, value in TOKENS.items()})


def test_the_fleets_total_is_the_sum_of_what_was_generated(ask: Ask, on: On) -> None:
    assert values(ask, fleet(), VIEW.rate(s.TOKENS_OUT), on) == pytest.approx({(): sum(TOKENS.values())})


def test_each_runtime_counts_its_own_requests(ask: Ask, on: On) -> None:
    expected = {("vllm",): REQUESTS["a"], ("ollama",): REQUESTS["b"], ("litellm",): REQUESTS["c"]}
    assert values(ask, fleet(), VIEW.rate(s.REQUESTS, RUNTIME), on, RUNTIME) == pytest.approx(expected)


def test_the_error_ratio_is_that_of_the_requests_counted(ask: Ask, on: On) -> None:
    expected = sum(FAILED.values()) / sum(REQUESTS.values())
    assert values(ask, fleet(), VIEW.ratio(s.ERROR_RATIO), on) == pytest.approx({(): expected})


def test_a_routers_copy_of_an_engines_metric_is_not_counted(ask: Ask, on: On) -> None:
    assert values(ask, fleet(), VIEW.level(s.RUNNING, RUNTIME), on, RUNTIME)[("vllm",)] == 6


def test_a_gateway_without_providers_of_its_own_counts_nothing(ask: Ask, on: On) -> None:
    view = View(replace(SOURCES, gateways=()), "5m")
    assert values(ask, fleet(), view.rate(s.TOKENS_OUT), on) == pytest.approx({(): TOKENS["a"] + TOKENS["b"]})


def test_two_engines_that_serve_one_model_are_added(ask: Ask, on: On) -> None:
    series = {
        f"vllm:generation_tokens_total{{{VLLM}}}": grows(1000),
        'llamacpp:tokens_predicted_total{job="llamacpp",instance="10.0.0.2:8080",model="a"}': grows(500),
    }
    assert values(ask, series, VIEW.rate(s.TOKENS_OUT, MODEL), on, MODEL) == pytest.approx({("a",): 1500})


def test_engines_behind_one_address_with_equal_labels_are_both_counted(ask: Ask, on: On) -> None:
    labels = 'job="federate",instance="hub:9090",model="a"'
    series = {
        f"llamacpp:tokens_predicted_total{{{labels}}}": grows(3),
        f"vllm:generation_tokens_total{{{labels}}}": grows(4),
    }
    assert values(ask, series, VIEW.rate(s.TOKENS_OUT), on) == pytest.approx({(): 7})


def test_metrics_that_are_added_up_are_not_taken_for_one_another(ask: Ask, on: On) -> None:
    labels = 'job="llamacpp",instance="10.0.0.2:8080"'
    series = {
        f"llamacpp:prompt_tokens_total{{{labels}}}": grows(20),
        f"llamacpp:prompt_tokens_cached_total{{{labels}}}": grows(5),
    }
    assert values(ask, series, VIEW.rate(s.TOKENS_IN), on) == pytest.approx({(): 25})


def test_both_spellings_of_a_colon_name_are_read_and_neither_twice(ask: Ask, on: On) -> None:
    series = {
        f"vllm:generation_tokens_total{{{VLLM}}}": grows(8),
        f"vllm_generation_tokens_total{{{VLLM.replace('.1:', '.2:')}}}": grows(2),
    }
    assert values(ask, series, VIEW.rate(s.TOKENS_OUT), on) == pytest.approx({(): 10})
    twice = {f"vllm:generation_tokens_total{{{VLLM}}}": grows(8), f"vllm_generation_tokens_total{{{VLLM}}}": grows(8)}
    assert values(ask, twice, VIEW.rate(s.TOKENS_OUT), on) == pytest.approx({(): 8})


def test_an_upgrade_that_renames_a_metric_inside_the_window_loses_nothing(ask: Ask, on: On) -> None:
    series = {
        f"vllm:gpu_cache_usage_perc{{{VLLM}}}": "0.4x20 stale",
        f"vllm:kv_cache_usage_perc{{{VLLM}}}": "_x21 0.6x30",
    }
    view = View(Sources((ENGINES["vllm"],)), "5m")
    assert values(ask, series, view.level(s.KV_CACHE_USAGE), on) == pytest.approx({(): 0.6})
    assert ask(series, view.level(s.KV_CACHE_USAGE).text(), at="4m", on=on)[0].value == pytest.approx(0.4)


def test_part_and_whole_of_a_ratio_come_from_the_same_vantage(ask: Ask, on: On) -> None:
    # An engine counts requests and no failures: the recorder saw half of the traffic, and must judge that half.
    half = replace(ENGINES["llamacpp"], sources={s.REQUESTS.key: source("made_up_requests_total")})
    recorder = SOURCES.recorder
    assert recorder is not None
    view = View(Sources((half,), recorder), "5m")
    labels = 'job="exporter",instance="exporter:9464",backend="b",runtime="llamacpp",model="a"'
    series = {
        'made_up_requests_total{job="llamacpp",instance="10.0.0.2:8080"}': grows(10),
        f"inferometer_requests_total{{{labels}}}": grows(5),
        f'inferometer_request_failures_total{{{labels},reason="upstream_error"}}': grows(1),
    }
    assert values(ask, series, view.ratio(s.ERROR_RATIO), on) == pytest.approx({(): 0.2})
    assert values(ask, series, view.rate(s.REQUESTS), on) == pytest.approx({(): 10})


def test_a_client_that_left_is_no_error(ask: Ask, on: On) -> None:
    labels = 'job="exporter",instance="exporter:9464",backend="b",runtime="ollama",model="b"'
    series = {
        f"inferometer_requests_total{{{labels}}}": grows(10),
        f'inferometer_request_failures_total{{{labels},reason="client_disconnected"}}': grows(9),
    }
    assert values(ask, series, VIEW.ratio(s.ERROR_RATIO), on) == pytest.approx({(): 0})
    assert values(ask, series, VIEW.ratio(s.DISCONNECT_RATIO), on) == pytest.approx({(): 0.9})


def test_refused_requests_are_requests_and_errors(ask: Ask, on: On) -> None:
    series = {
        f'vllm:request_success_total{{{VLLM},engine="0",finished_reason="stop"}}': grows(6),
        f'vllm:admission_rejections_total{{{VLLM},reason="max_num_queued_reqs"}}': grows(2),
    }
    assert values(ask, series, VIEW.rate(s.REQUESTS), on) == pytest.approx({(): 8})
    assert values(ask, series, VIEW.ratio(s.ERROR_RATIO), on) == pytest.approx({(): 0.25})


def test_no_failure_yet_reads_zero_and_no_traffic_reads_minus_one_and_no_telemetry_reads_nothing(
    ask: Ask, on: On
) -> None:
    expr = VIEW.ratio_or_idle(s.ERROR_RATIO)
    ok = f'vllm:request_success_total{{{VLLM},finished_reason="stop"}}'
    assert values(ask, {ok: grows(6)}, expr, on) == {(): 0}
    assert values(ask, {ok: "50x60"}, expr, on) == {(): -1}
    assert values(ask, {'up{job="vllm"}': "0x60"}, expr, on) == {}


def test_every_request_failing_reads_a_hundred_percent(ask: Ask, on: On) -> None:
    failed = f'vllm:request_success_total{{{VLLM},finished_reason="error"}}'
    assert values(ask, {failed: grows(6)}, VIEW.ratio_or_idle(s.ERROR_RATIO), on) == pytest.approx({(): 1})


def test_a_backend_is_called_by_its_own_label_or_else_by_its_instance(ask: Ask, on: On) -> None:
    series = {
        'llamacpp:tokens_predicted_total{job="x",instance="10.0.0.2:8080",backend="box"}': grows(1),
        'llamacpp:tokens_predicted_total{job="x",instance="10.0.0.3:8080"}': grows(2),
    }
    assert values(ask, series, VIEW.rate(s.TOKENS_OUT, BACKEND), on, BACKEND) == pytest.approx(
        {("box",): 1, ("10.0.0.3:8080",): 2}
    )


def test_a_model_that_the_server_does_not_name_is_unnamed_not_empty(ask: Ask, on: On) -> None:
    series = {'llamacpp:tokens_predicted_total{job="x",instance="10.0.0.2:8080"}': grows(1)}
    assert values(ask, series, VIEW.rate(s.TOKENS_OUT, MODEL), on, MODEL) == pytest.approx({("unnamed",): 1})


def test_a_chosen_model_leaves_out_the_others_on_every_engine(ask: Ask, on: On) -> None:
    view = replace(VIEW, model="b|c")
    assert values(ask, fleet(), view.rate(s.TOKENS_OUT, MODEL), on, MODEL) == pytest.approx({("b",): 5, ("c",): 3})


def test_matchers_stand_on_every_branch(ask: Ask, on: On) -> None:
    view = VIEW.where(Matcher("job", "=~", "exporter|litellm"))
    assert values(ask, fleet(), view.rate(s.TOKENS_OUT, MODEL), on, MODEL) == pytest.approx({("b",): 5, ("c",): 3})


def test_requests_within_a_limit_are_found_however_the_bound_is_written(ask: Ask, on: On) -> None:
    for bound in ("1", "1.0"):
        series = {
            f'vllm:time_to_first_token_seconds_bucket{{{VLLM},le="{bound}"}}': grows(3),
            f'vllm:time_to_first_token_seconds_bucket{{{VLLM},le="+Inf"}}': grows(4),
            f"vllm:time_to_first_token_seconds_count{{{VLLM}}}": grows(4),
        }
        view = View(Sources((ENGINES["vllm"],)), "5m")
        assert values(ask, series, view.within(s.TIME_TO_FIRST_TOKEN, 1), on) == pytest.approx({(): 3})
        assert values(ask, series, view.count(s.TIME_TO_FIRST_TOKEN), on) == pytest.approx({(): 4})


def test_an_unknown_signal_is_silent_and_not_an_empty_query(ask: Ask, on: On) -> None:
    with pytest.raises(Silent):
        View(Sources((ENGINES["llamacpp"],)), "5m").rate(s.REQUESTS)


def test_names_follow_the_versions_of_the_fleet(ask: Ask, on: On) -> None:
    old, new = Name("gone_total", until=(2, 0)), metric("here_total", since=(2, 0))
    profile = replace(ENGINES["llamacpp"], sources={s.TOKENS_OUT.key: source("here_total", since=(2, 0), was=(old,))})
    series = {'gone_total{job="a",instance="b"}': grows(1), 'here_total{job="a",instance="c"}': grows(2)}
    expected = {frozenset({(1, 9)}): 1, frozenset({(2, 0)}): 2, frozenset(): 3}
    for versions, value in expected.items():
        view = View(Sources((profile,), versions={"llamacpp": versions}), "5m")
        assert values(ask, series, view.rate(s.TOKENS_OUT), on) == pytest.approx({(): value})
    assert new.names[0].in_use(frozenset({(2, 1)}))


def test_a_recorded_router_is_counted_only_for_what_nothing_behind_it_tells(ask: Ask, on: On) -> None:
    def seen(name: str, backend: str, runtime: str, rest: str = "") -> str:
        labels = f'job="exporter",instance="e:9464",backend="{backend}",runtime="{runtime}",model="a"{rest}'
        return f"{name}{{{labels}}}"

    series = {
        seen("inferometer_completion_tokens_total", "door", "openai"): grows(10),
        seen("inferometer_fallbacks_total", "door", "openai"): grows(2),
        f"vllm:generation_tokens_total{{{VLLM}}}": grows(10),
    }
    engines = (ENGINES["vllm"], ENGINES["openai"])
    door = Router("door", ((ENGINES["vllm"], False),))
    view = View(Sources(engines, SOURCES.recorder, routers=(door,)), "5m")
    assert values(ask, series, view.rate(s.TOKENS_OUT), on) == pytest.approx({(): 10})
    assert values(ask, series, view.rate(s.FALLBACKS), on) == pytest.approx({(): 2})
    # Backend by backend it stands for itself: what fails at the door must be seen.
    by_backend = {("door",): 10, ("10.0.0.1:8000",): 10}
    assert values(ask, series, view.rate(s.TOKENS_OUT, BACKEND), on, BACKEND) == pytest.approx(by_backend)
    assert values(ask, series, view.only("openai").rate(s.TOKENS_OUT), on) == pytest.approx({(): 10})


def test_an_idle_quantile_says_no_traffic_and_a_dead_one_says_nothing(ask: Ask, on: On) -> None:
    def seen(value: str) -> dict[str, str]:
        bounds = [f'vllm:time_to_first_token_seconds_bucket{{{VLLM},le="{le}"}}' for le in ("0.5", "+Inf")]
        return dict.fromkeys([*bounds, f"vllm:time_to_first_token_seconds_count{{{VLLM}}}"], value)

    view = View(Sources((ENGINES["vllm"],)), "5m")
    for expr in (
        view.worst_quantile_or_idle(s.TIME_TO_FIRST_TOKEN, 0.5),
        view.quantile_or_idle(s.TIME_TO_FIRST_TOKEN, 0.5),
    ):
        (idle,) = ask(seen("7x60"), expr.text(), at="10m", on=on)
        assert idle.value == -1 or math.isnan(idle.value)
        (busy,) = ask(seen(grows(2)), expr.text(), at="10m", on=on)
        assert busy.value == pytest.approx(0.25)
        assert ask(seen("7x10 stale"), expr.text(), at="10m", on=on) == []
