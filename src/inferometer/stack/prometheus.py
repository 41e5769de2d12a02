"""Prometheus: its configuration and the flags that the spec decides."""

from __future__ import annotations

from inferometer import names
from inferometer.plan import Plan, Target
from inferometer.stack import places, scrape
from inferometer.units import format_duration, format_size


def write(plan: Plan) -> dict[str, object]:
    """Files of a fleet whose storage is Prometheus; none for another storage."""
    if plan.spec.storage.kind != "prometheus":
        return {}
    return {
        f"{places.PROMETHEUS}/prometheus.yml": config(plan),
        f"{places.PROMETHEUS}/flags": places.flags_text(flags(plan)),
    }


def config(plan: Plan) -> dict[str, object]:
    """prometheus.yml, for Prometheus 2.45 and later and 3.x."""
    storage = plan.spec.storage
    result: dict[str, object] = {
        "global": {
            "scrape_interval": format_duration(storage.scrape_interval),
            "scrape_timeout": scrape.timeout(storage.scrape_interval),
            "evaluation_interval": format_duration(storage.rule_interval),
            "external_labels": scrape.external_labels(plan),
        },
        "rule_files": [places.RULE_FILES],
        "alerting": {"alertmanagers": [_alertmanager(places.target(plan, names.JOB_ALERTMANAGER))]},
        "scrape_configs": scrape.jobs(plan),
    }
    if storage.remote_write:
        result["remote_write"] = [{"url": remote.url, **scrape.client(remote)} for remote in storage.remote_write]
    return result


def _alertmanager(target: Target) -> dict[str, object]:
    scheme = {"scheme": target.scheme} if target.scheme != "http" else {}
    return {**scheme, "static_configs": [{"targets": [target.address]}]}


def flags(plan: Plan) -> tuple[str, ...]:
    """Flags for Prometheus, started in its folder. Where its data lies is left to who starts it."""
    storage = plan.spec.storage
    size = (f"--storage.tsdb.retention.size={format_size(storage.retention_size)}",) if storage.retention_size else ()
    return (
        "--config.file=prometheus.yml",
        f"--storage.tsdb.retention.time={format_duration(storage.retention)}",
        *size,
        *places.listen(plan, names.JOB_PROMETHEUS, "--web.listen-address"),
    )
