"""What is scraped and how, as both scrapers read it."""

from __future__ import annotations

import pytest

from inferometer import names
from tests.unit.stack import trees

FULL = trees.full()
VM = trees.full("victoriametrics")
VMAGENT = "stack/victoriametrics/vmagent.yml"


def test_a_job_is_named_after_its_target_and_labelled_after_its_engine() -> None:
    job = trees.jobs(FULL)["vllm/gpu"]
    assert job["static_configs"] == [
        {
            "targets": ["10.0.0.1:8000"],
            "labels": {
                "job": "vllm",
                "instance": "10.0.0.1:8000",
                "backend": "gpu",
                "runtime": "vllm",
                "rack": "r1",
                "cluster": "eu",
            },
        }
    ]


def test_every_address_has_a_job_of_its_own() -> None:
    assert list(trees.jobs(FULL)) == [
        "vllm/gpu",
        "vllm/gpu/1",
        "llamacpp/box",
        "inferometer-exporter",
        "node/gpu-host-1",
        "prometheus",
        "alertmanager",
    ]


def test_a_container_dials_the_host_and_people_read_the_address_of_the_spec() -> None:
    [static] = trees.jobs(FULL)["llamacpp/box"]["static_configs"]
    assert static["targets"] == ["host.docker.internal:8080"]
    assert static["labels"]["instance"] == "127.0.0.1:8080"


def test_on_a_host_loopback_stays_loopback() -> None:
    jobs = trees.jobs(trees.full(platform="host"))
    assert jobs["llamacpp/box"]["static_configs"][0]["targets"] == ["127.0.0.1:8080"]
    assert jobs["alertmanager"]["static_configs"][0]["targets"] == ["127.0.0.1:9093"]


def test_a_server_without_model_names_gets_its_only_model_as_a_label() -> None:
    assert trees.jobs(FULL)["llamacpp/box"]["static_configs"][0]["labels"]["model"] == "tiny"


def test_how_to_fetch_a_target_is_told_with_files_for_secrets() -> None:
    job = trees.jobs(FULL)["vllm/gpu"]
    told = {key: value for key, value in job.items() if key not in ("static_configs", "metric_relabel_configs")}
    assert told == {
        "job_name": "vllm/gpu",
        "scrape_interval": "5s",
        "scrape_timeout": "5s",
        "scheme": "https",
        "params": {"name": ["a"]},
        "sample_limit": 12345,
        "authorization": {"credentials_file": "../secrets/vllm"},
        "tls_config": {
            "ca_file": "../secrets/ca.pem",
            "cert_file": "../secrets/cert.pem",
            "key_file": "../secrets/key.pem",
            "server_name": "gpu.local",
        },
        "http_headers": {"X-Key": {"files": ["../secrets/x-key"]}},
    }


def test_an_absolute_path_stays_and_a_timeout_keeps_the_fleets_interval() -> None:
    job = trees.jobs(FULL)["llamacpp/box"]
    assert job["basic_auth"] == {"username": "me", "password_file": "/run/secrets/box"}
    assert (job["metrics_path"], job["scrape_interval"], job["scrape_timeout"]) == ("/deep/metrics", "20s", "3s")


def test_only_the_exporter_tells_its_own_backend_model_and_runtime() -> None:
    honest = [name for name, job in trees.jobs(FULL).items() if job.get("honor_labels")]
    assert honest == [names.JOB_EXPORTER]


def test_only_engines_with_colon_names_are_renamed() -> None:
    renamed = {
        name: job["metric_relabel_configs"] for name, job in trees.jobs(FULL).items() if "metric_relabel_configs" in job
    }
    assert renamed.keys() == {"vllm/gpu", "vllm/gpu/1", "llamacpp/box"}
    [rule] = renamed["llamacpp/box"]
    assert (rule["regex"], rule["replacement"]) == ("llamacpp_(.+)", "llamacpp:$1")


def test_every_scrape_has_a_limit() -> None:
    limits = {name: job["sample_limit"] for name, job in trees.jobs(FULL).items()}
    assert min(limits.values()) >= 5_000
    # A node_exporter gives some 1,500 series, and a scrape over its limit is lost whole.
    assert limits["node/gpu-host-1"] >= 3 * 1_500


@pytest.mark.parametrize(("interval", "timeout"), [("5s", "5s"), ("10s", "10s"), ("1m", "10s")])
def test_a_scrape_never_lasts_longer_than_its_interval(interval: str, timeout: str) -> None:
    spec = trees.SHORTEST + f"storage: {{scrape_interval: {interval}}}\n"
    assert trees.data(spec, "stack/prometheus/prometheus.yml")["global"]["scrape_timeout"] == timeout


def test_vmagent_scrapes_what_prometheus_scrapes() -> None:
    ours = ("prometheus", "victoriametrics", "vmagent", "vmalert")
    prometheus, vmagent = trees.jobs(FULL), trees.jobs(VM, VMAGENT)
    for name in ("vllm/gpu", "vllm/gpu/1"):
        del prometheus[name]["http_headers"]  # vmagent has none, and the plan refuses them there
    assert {k: v for k, v in vmagent.items() if k not in ours} == {k: v for k, v in prometheus.items() if k not in ours}
    assert [name for name in vmagent if name in ours] == ["victoriametrics", "vmagent", "vmalert"]


@pytest.mark.parametrize(("spec", "path"), [(FULL, "stack/prometheus/prometheus.yml"), (VM, VMAGENT)])
def test_a_new_backend_adds_its_own_lines_and_moves_no_other(spec: str, path: str) -> None:
    marker = "  - name: box\n"
    more = spec.replace(marker, "  - {name: new, vllm: 10.9.9.9}\n" + marker)
    before, after = trees.lines(spec, path), trees.lines(more, path)
    start = next(number for number, line in enumerate(after) if "vllm/new" in line)
    length = len(after) - len(before)
    assert after[:start] + after[start + length :] == before
    assert sum("job_name" in line for line in after[start : start + length]) == 1


@pytest.mark.parametrize("kind", ["prometheus", "victoriametrics"])
def test_a_new_backend_with_replicas_only_adds_lines_anywhere(kind: str) -> None:
    spec = trees.full(kind)
    more = spec.replace("  - name: box\n", "  - {name: new, vllm: [10.9.9.8, 10.9.9.9]}\n  - name: box\n")
    assert trees.files(spec).keys() == trees.files(more).keys()
    for path in trees.files(spec):
        rest = iter(trees.lines(more, path))
        assert [line for line in trees.lines(spec, path) if line not in rest] == [], path
