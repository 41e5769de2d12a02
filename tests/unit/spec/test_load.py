"""From a file to a spec: the shortest one, every field, and files that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from inferometer.errors import SpecError
from inferometer.spec import Address, Spec, load, loads
from inferometer.spec.engines import ENGINES
from inferometer.spec.load import MAX_BYTES

SPECS = Path(__file__).parents[2] / "fixtures" / "specs"


def first_light() -> Spec:
    return load(SPECS / "first-light.yaml").spec


def refusal(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        loads(text)
    return str(caught.value)


def test_three_lines_are_a_spec() -> None:
    text = (SPECS / "shortest.yaml").read_text(encoding="utf-8")
    assert len(text.splitlines()) == 3
    spec = loads(text).spec
    assert [(box.name, box.engine, box.targets, box.recorded) for box in spec.backends] == [
        ("box", "ollama", (Address("http", "127.0.0.1", 11434),), True)
    ]


def test_everything_left_out_has_its_default() -> None:
    spec = load(SPECS / "shortest.yaml").spec
    assert (spec.fleet.name, spec.fleet.environment, spec.fleet.cluster, spec.platform) == (
        "llm",
        "production",
        None,
        "compose",
    )
    assert (spec.storage.kind, spec.storage.retention, spec.storage.rule_interval) == ("prometheus", 31 * 86400, 15)
    assert str(spec.exporter.target) == "127.0.0.1:9464"
    assert spec.alerting.default_receiver is None
    assert (spec.alerts.scale, dict(spec.alerts.knobs)) == (1.0, {})


def test_hosts_alone_are_a_spec() -> None:
    spec = loads("hosts: [{name: a, address: 10.0.0.1}]").spec
    assert str(spec.hosts[0].target) == "10.0.0.1:9100"


def test_backends_are_read_with_all_their_fields() -> None:
    gpu, edge, box = first_light().backends
    assert (gpu.version, gpu.labels, [str(target) for target in gpu.targets]) == (
        "0.33",
        {"pool": "a100"},
        ["10.0.0.1:8000", "10.0.0.2:8000"],
    )
    assert gpu.scrape.auth is not None
    assert (gpu.scrape.interval, gpu.scrape.timeout, gpu.scrape.auth.bearer_file) == (10, 8, "secrets/vllm-token")
    assert gpu.scrape.tls is not None
    assert (gpu.scrape.tls.ca_file, gpu.scrape.tls.server_name) == ("secrets/ca.pem", "gpu.example.org")
    assert (edge.models, edge.scrape.params, edge.scrape.sample_limit) == (
        ("qwen2.5-7b",),
        {"model": "qwen2.5-7b"},
        2000,
    )
    assert {name: header.file for name, header in edge.scrape.headers.items()} == {"X-Tenant": "secrets/tenant"}
    assert [backend.recorded for backend in (gpu, edge, box)] == [False, False, True]
    assert [backend.name for backend in first_light().recorded] == ["box"]


def test_clusters_come_from_the_part_or_from_the_fleet() -> None:
    spec = first_light()
    assert [spec.cluster_of(backend) for backend in spec.backends] == ["berlin", "hamburg", "berlin"]
    assert [spec.cluster_of(host) for host in spec.hosts] == ["berlin", "hamburg"]


def test_models_are_found_by_their_aliases() -> None:
    spec = first_light()
    known = spec.models["llama3.3-70b"]
    assert known.price is not None
    assert (known.owner, known.price.currency, known.price.completion_per_million) == ("team-a", "EUR", 1.5)
    assert [spec.model_named(name) for name in ("llama-large", "qwen2.5-7b", "other")] == [
        "llama3.3-70b",
        "qwen2.5-7b",
        "other",
    ]


def test_objectives_are_shares_and_thresholds_seconds() -> None:
    found = [(slo.signal, slo.objective, slo.threshold, slo.window, slo.min_events) for slo in first_light().slos]
    assert found == [
        ("time_to_first_token", 0.99, 1, 30 * 86400, 10),
        ("request_duration", 0.95, 10, 7 * 86400, 10),
        ("availability", 0.999, None, 30 * 86400, 20),
    ]


def test_storage_is_read_with_all_its_fields() -> None:
    storage = first_light().storage
    assert (storage.retention, storage.retention_size, storage.rule_interval) == (30 * 86400, 50 * 1024**3, 30)
    (write,) = storage.remote_write
    assert write.auth is not None
    assert (write.url, write.auth.bearer_file) == (
        "https://metrics.example.org/api/v1/write",
        "secrets/remote-write-token",
    )
    assert write.headers["X-Scope-OrgID"].file == "secrets/org"


def test_receivers_take_one_mapping_or_a_list_of_them() -> None:
    ops, team = first_light().alerting.receivers
    assert [(slack.webhook_file, slack.channel) for slack in ops.slack] == [("secrets/slack", "#llm")]
    assert [duty.routing_key_file for duty in ops.pagerduty] == ["secrets/pagerduty"]
    assert [(mail.sender, mail.smarthost, mail.require_tls) for mail in team.email] == [
        ("alerts@example.org", "mail.example.org:587", True)
    ]
    assert [(hook.url, hook.url_file) for hook in team.webhook] == [
        ("http://10.0.0.9:8080/alerts", None),
        (None, "secrets/webhook"),
    ]


def test_routes_tell_exact_values_from_regexes() -> None:
    alerting = first_light().alerting
    assert [(route.matchers, route.receiver, route.continue_) for route in alerting.routes] == [
        ((("severity", "=", "critical"),), "ops", True),
        ((("backend", "=~", "gpu|edge"), ("severity", "=", "warning")), "team", False),
    ]
    assert alerting.default_receiver == "team"
    assert alerting.watchdog is not None
    assert alerting.watchdog.url_file == "secrets/watchdog"
    assert (alerting.repeat_interval, alerting.group_wait, alerting.group_interval) == (12 * 3600, 30, 300)


def test_the_first_receiver_is_the_default() -> None:
    spec = loads("backends: [{name: a, vllm: x}]\nalerting: {receivers: [{name: o, webhook: {url: 'http://x'}}]}").spec
    assert spec.alerting.default_receiver == "o"


@pytest.mark.parametrize(
    ("written", "read"), [("0.05", 0.05), ("5%", 0.05), ("500ms", 0.5), ("2m", 120), ("150%", 1.5)]
)
def test_a_threshold_is_a_number_a_percentage_or_a_duration(written: str, read: float) -> None:
    knobs = loads(f"backends: [{{name: a, vllm: x}}]\nalerts: {{X: {{threshold: {written}}}}}").spec.alerts.knobs
    assert knobs["X"].threshold == read


def test_an_alerts_knobs_are_none_where_the_catalog_decides() -> None:
    knob = first_light().alerts.knobs["ErrorRatioHigh"]
    assert (knob.threshold, knob.for_, knob.severity, knob.enabled) == (0.1, 600, "critical", None)


@pytest.mark.parametrize("version", ["0.10", '"0.10"'])
def test_a_version_keeps_its_zeros_without_quotes_too(version: str) -> None:
    assert loads(f"backends: [{{name: a, vllm: x, version: {version}}}]").spec.backends[0].version == "0.10"


def test_a_key_with_nothing_after_it_is_left_out() -> None:
    spec = loads(
        "fleet:\nbackends:\n- {name: a, vllm: x, labels: , models: ~, cluster: null}\nslos:\nmodels: {llama: }\n"
    ).spec
    assert spec.backends[0].labels == {}
    assert spec.models["llama"].aliases == ()


@pytest.mark.parametrize("engine", ENGINES)
def test_each_engine_has_a_short_form_for_one_address_or_several(engine: str) -> None:
    one = loads(f"backends: [{{name: a, {engine}: x}}]").spec
    several = loads(f"backends: [{{name: a, {engine}: [x]}}]").spec
    long = loads(f"backends: [{{name: a, engine: {engine}, addresses: [x]}}]").spec
    plain = loads(f"backends: [{{name: a, engine: {engine}, address: x}}]").spec
    assert one == several == long == plain


def test_recording_can_be_asked_for_and_not_refused_where_nothing_else_sees() -> None:
    assert loads("backends: [{name: a, vllm: x, record: true}]").spec.backends[0].recorded
    assert "no metrics of its own" in refusal("backends: [{name: a, openai: x, record: false}]")


def test_one_server_may_be_scraped_twice_with_other_parameters() -> None:
    for_model = "- {{name: {0}, llamacpp: x, scrape: {{params: {{model: {0}}}}}}}\n"
    assert len(loads("backends:\n" + for_model.format("m") + for_model.format("n")).spec.backends) == 2


def test_a_spec_cannot_be_changed() -> None:
    fleet = load(SPECS / "shortest.yaml").spec.fleet
    with pytest.raises(ValueError, match="frozen"):
        fleet.__setattr__("name", "other")


# -- files that are no specs -------------------------------------------------------------------------------------------


def test_a_missing_file_is_one_clear_problem(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"nowhere\.yaml: cannot be read: No such file.*\[IM101\]"):
        load(tmp_path / "nowhere.yaml")


def test_a_folder_is_one_clear_problem(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"cannot be read.*\[IM101\]"):
        load(tmp_path)


def test_a_path_that_cannot_be_is_one_clear_problem() -> None:
    with pytest.raises(SpecError, match=r"\[IM101\]"):
        load("a\0b")


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n", "null\n", "~"])
def test_an_empty_file_is_one_clear_problem(text: str) -> None:
    assert "the file is empty [IM105]" in refusal(text)


@pytest.mark.parametrize("text", ["[a]", "text", "5", "- a: b"])
def test_a_file_that_is_no_mapping_is_one_clear_problem(text: str) -> None:
    assert "a spec is a mapping" in refusal(text)


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "huge.yaml"
    file.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(SpecError, match=r"larger than 10 MB.*\[IM102\]"):
        load(file)


def test_bytes_that_are_no_utf_8_are_shown_at_their_place(tmp_path: Path) -> None:
    file = tmp_path / "latin.yaml"
    file.write_bytes("# ü\nfleet: {name: ".encode() + b"\xff}\n")
    with pytest.raises(SpecError, match=r"latin\.yaml:2:15: this is not UTF-8 \[IM103\]"):
        load(file)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "windows.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + (SPECS / "shortest.yaml").read_bytes().replace(b"\n", b"\r\n"))
    assert load(file).spec == load(SPECS / "shortest.yaml").spec


def test_the_problems_file_is_the_path_as_it_was_given(tmp_path: Path) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text("backends: 5\n", encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        load(file)
    assert {problem.position.file for problem in caught.value.problems if problem.position} == {str(file)}
