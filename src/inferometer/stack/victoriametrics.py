"""VictoriaMetrics: the single node's flags, vmagent's scrape configuration, vmalert's flags and notifier.

Labels of the fleet are put on what leaves (alerts, samples written elsewhere) where they are absent, as Prometheus does
with `external_labels`. vmagent's own would overrule a backend's label and store that as `exported_cluster`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

from inferometer import names
from inferometer.plan import Plan
from inferometer.spec.part import RemoteWrite
from inferometer.stack import places, scrape
from inferometer.units import format_duration

RELABEL = "external-labels.yml"
NOTIFIER = "notifier.yml"

# What waits for a storage that does not answer may take this much of the disk, for each storage.
_QUEUE = "1GB"


def write(plan: Plan) -> dict[str, object]:
    """Files of a fleet whose storage is VictoriaMetrics; none for another storage."""
    if plan.spec.storage.kind != "victoriametrics":
        return {}
    files: dict[str, object] = {
        "vmagent.yml": agent(plan),
        "vmagent.flags": places.flags_text(agent_flags(plan)),
        "victoriametrics.flags": places.flags_text(storage_flags(plan)),
        "vmalert.flags": places.flags_text(alert_flags(plan)),
        NOTIFIER: notifier(plan),
    }
    if plan.spec.storage.remote_write:
        files[RELABEL] = fill_in(scrape.external_labels(plan))
    return {f"{places.VICTORIAMETRICS}/{name}": file for name, file in files.items()}


def agent(plan: Plan) -> dict[str, object]:
    """vmagent.yml: read strictly, so it holds nothing but scrapes."""
    interval = plan.spec.storage.scrape_interval
    return {
        "global": {"scrape_interval": format_duration(interval), "scrape_timeout": scrape.timeout(interval)},
        "scrape_configs": scrape.jobs(plan),
    }


def notifier(plan: Plan) -> dict[str, object]:
    """Where vmalert sends alerts, with the fleet's labels where an alert has none of that name."""
    return {
        "static_configs": [{"targets": [places.url(plan, names.JOB_ALERTMANAGER)]}],
        "alert_relabel_configs": fill_in(scrape.external_labels(plan)),
    }


def fill_in(labels: dict[str, str]) -> list[dict[str, object]]:
    """Relabelling that gives each label where it is absent."""
    return [
        {"source_labels": [label], "regex": "", "target_label": label, "replacement": value.replace("$", "$$")}
        for label, value in labels.items()
    ]


def storage_flags(plan: Plan) -> tuple[str, ...]:
    """Flags for the single node. Where its data lies is left to who starts it."""
    return (
        f"-retentionPeriod={format_duration(plan.spec.storage.retention)}",
        *places.listen(plan, names.JOB_VICTORIAMETRICS, "-httpListenAddr"),
    )


def agent_flags(plan: Plan) -> tuple[str, ...]:
    """Flags for vmagent, started in its folder: it writes to the single node, and to each storage of `remote_write`."""
    remotes = plan.spec.storage.remote_write
    result = ["-promscrape.config=vmagent.yml", f"-remoteWrite.maxDiskUsagePerURL={_QUEUE}"]
    result += places.listen(plan, names.JOB_VMAGENT, "-httpListenAddr")
    result.append(f"-remoteWrite.url={places.url(plan, names.JOB_VICTORIAMETRICS)}/api/v1/write")
    result += [f"-remoteWrite.url={_item(remote.url)}" for remote in remotes]
    if remotes:
        result += _each("urlRelabelConfig", remotes, lambda remote: RELABEL)
    for flag, value in _CLIENT.items():
        result += _each(flag, remotes, value)
    return tuple(result)


def alert_flags(plan: Plan) -> tuple[str, ...]:
    """Flags for vmalert, started in its folder.

    It writes through vmagent, so that recorded series and alerts reach the storages of `remote_write` too. Its flags
    for writing take an address and add the path.
    """
    storage = plan.spec.storage
    return (
        f"-rule={places.RULE_FILES}",
        f"-datasource.url={places.url(plan, names.JOB_VICTORIAMETRICS)}",
        f"-remoteRead.url={places.url(plan, names.JOB_VICTORIAMETRICS)}",
        f"-remoteWrite.url={places.url(plan, names.JOB_VMAGENT)}",
        f"-notifier.config={NOTIFIER}",
        f"-evaluationInterval={format_duration(storage.rule_interval)}",
        # Prometheus gives alerts no such label, and the rules' tests know none.
        "-disableAlertgroupLabel",
        *places.listen(plan, names.JOB_VMALERT, "-httpListenAddr"),
    )


_CLIENT: dict[str, Callable[[RemoteWrite], str | None]] = {
    "bearerTokenFile": lambda r: places.file(r.auth.bearer_file) if r.auth and r.auth.bearer_file else None,
    "basicAuth.username": lambda r: r.auth.basic.username if r.auth and r.auth.basic else None,
    "basicAuth.passwordFile": lambda r: places.file(r.auth.basic.password_file) if r.auth and r.auth.basic else None,
    "tlsCAFile": lambda r: places.file(r.tls.ca_file) if r.tls and r.tls.ca_file else None,
    "tlsCertFile": lambda r: places.file(r.tls.cert_file) if r.tls and r.tls.cert_file else None,
    "tlsKeyFile": lambda r: places.file(r.tls.key_file) if r.tls and r.tls.key_file else None,
    "tlsServerName": lambda r: r.tls.server_name if r.tls else None,
    "tlsInsecureSkipVerify": lambda r: "true" if r.tls and r.tls.insecure_skip_verify else None,
}


def _each(flag: str, remotes: Sequence[RemoteWrite], value: Callable[[RemoteWrite], str | None]) -> list[str]:
    """A flag once for each address that is written to, the single node's first; nothing where none needs it.

    vmagent takes the n-th flag for the n-th address, and a single one for all.
    """
    values = [value(remote) for remote in remotes]
    if not any(values):
        return []
    absent = "false" if flag == "tlsInsecureSkipVerify" else '""'
    return [f"-remoteWrite.{flag}={absent if one is None else _item(one)}" for one in (None, *values)]


def _item(value: str) -> str:
    """One value of a flag that takes several: quoted where a sign in it would part it."""
    return json.dumps(value, ensure_ascii=False) if re.search(r"[,'\"{}\[\]()]", value) else value
