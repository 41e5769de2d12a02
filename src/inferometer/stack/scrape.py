"""Scrape jobs, in the dialect that Prometheus (2.45 and later) and vmagent both read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from inferometer import names
from inferometer.catalog import ENGINES
from inferometer.plan import Plan, Target
from inferometer.spec.part import Auth, Header, Tls
from inferometer.stack import places
from inferometer.units import format_duration

# Prometheus's own default; a timeout may not exceed the interval.
DEFAULT_TIMEOUT = 10


class Client(Protocol):
    """What the spec says of requests to one server, whether it is scraped or written to."""

    @property
    def auth(self) -> Auth | None: ...
    @property
    def tls(self) -> Tls | None: ...
    @property
    def headers(self) -> Mapping[str, Header]: ...


def timeout(interval: float, wanted: float | None = None) -> str:
    return format_duration(wanted if wanted is not None else min(DEFAULT_TIMEOUT, interval))


def external_labels(plan: Plan) -> dict[str, str]:
    """Labels of everything that leaves this monitoring: alerts, and samples written elsewhere."""
    fleet = plan.spec.fleet
    known = {"fleet": fleet.name, "environment": fleet.environment, names.CLUSTER: fleet.cluster}
    return {label: value for label, value in known.items() if value} | dict(fleet.labels)


def jobs(plan: Plan) -> list[dict[str, object]]:
    """One scrape job for each target, so that a change to one backend moves no line of another."""
    return [job(target, plan.spec.storage.scrape_interval) for target in plan.targets]


def job(target: Target, interval: float) -> dict[str, object]:
    """The scrape job of one target; `interval` is the fleet's, in seconds.

    `job` and `instance` are static labels: Prometheus and vmagent give their own only where there is none.
    """
    scrape = target.scrape
    result: dict[str, object] = {"job_name": target.pool}
    if target.job == names.JOB_EXPORTER:
        # Its series say themselves which backend, model and runtime they tell of.
        result["honor_labels"] = True
    if scrape.interval is not None or scrape.timeout is not None:
        result["scrape_interval"] = format_duration(scrape.interval or interval)
        result["scrape_timeout"] = timeout(scrape.interval or interval, scrape.timeout)
    if target.path != "/metrics":
        result["metrics_path"] = target.path
    if target.scheme != "http":
        result["scheme"] = target.scheme
    if scrape.params:
        result["params"] = {key: [value] for key, value in scrape.params.items()}
    result["sample_limit"] = target.sample_limit
    result |= client(scrape)
    labels = {names.JOB: target.job, names.INSTANCE: target.instance, **target.labels}
    result["static_configs"] = [{"targets": [target.address], "labels": labels}]
    prefix = colon_prefix(target)
    if prefix:
        # Scrapers that negotiate legacy names store sglang_foo for sglang:foo (prometheus_client 0.23 and later).
        name = "__name__"
        rename = {
            "source_labels": [name],
            "regex": f"{prefix}_(.+)",
            "target_label": name,
            "replacement": f"{prefix}:$1",
        }
        result["metric_relabel_configs"] = [rename]
    return result


def colon_prefix(target: Target) -> str:
    """What stands before the colon in the metric names of the target's engine, "" where they have none."""
    profile = ENGINES.get(target.labels.get(names.RUNTIME, ""))
    heartbeat = profile.heartbeat.names[0].name if profile and profile.heartbeat else ""
    return heartbeat.partition(":")[0] if ":" in heartbeat else ""


def client(wish: Client) -> dict[str, object]:
    """Authorization, TLS and headers of a scrape or of a remote write; each secret is a file."""
    result: dict[str, object] = {}
    if wish.auth and wish.auth.bearer_file:
        result["authorization"] = {"credentials_file": places.file(wish.auth.bearer_file)}
    if wish.auth and wish.auth.basic:
        basic = wish.auth.basic
        result["basic_auth"] = {"username": basic.username, "password_file": places.file(basic.password_file)}
    if wish.tls and (tls := tls_config(wish.tls)):
        result["tls_config"] = tls
    if wish.headers:
        # Only Prometheus has it (2.55 and later); the plan refuses headers elsewhere.
        result["http_headers"] = {name: {"files": [places.file(header.file)]} for name, header in wish.headers.items()}
    return result


def tls_config(tls: Tls) -> dict[str, object]:
    files = {"ca_file": tls.ca_file, "cert_file": tls.cert_file, "key_file": tls.key_file}
    result: dict[str, object] = {key: places.file(path) for key, path in files.items() if path}
    if tls.server_name:
        result["server_name"] = tls.server_name
    if tls.insecure_skip_verify:
        result["insecure_skip_verify"] = True
    return result
