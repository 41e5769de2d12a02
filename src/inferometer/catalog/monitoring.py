"""The monitoring's own parts: what each says of itself (names recorded from Prometheus 3.5, Alertmanager 0.33 and
VictoriaMetrics 1.145)."""

from __future__ import annotations

from inferometer import names
from inferometer.catalog import signals as s
from inferometer.catalog.signal import Profile, Source, Vantage, added, metric, source


def _part(job: str, title: str, sources: dict[str, Source]) -> Profile:
    return Profile(engine=job, title=title, vantage=Vantage.ENGINE, sources=sources)


PROMETHEUS = _part(names.JOB_PROMETHEUS, "Prometheus", {
    s.CONFIG_LOADED.key: source("prometheus_config_last_reload_successful"),
    s.RULE_FAILURES.key: source("prometheus_rule_evaluation_failures_total"),
    s.NOTIFICATION_FAILURES.key: added(
        metric("prometheus_notifications_errors_total"), metric("prometheus_notifications_dropped_total"),
        note="Dropped also counts alerts that found the queue full.",
    ),
})  # fmt: skip

ALERTMANAGER = _part(names.JOB_ALERTMANAGER, "Alertmanager", {
    s.CONFIG_LOADED.key: source("alertmanager_config_last_reload_successful"),
    s.NOTIFICATION_FAILURES.key: source("alertmanager_notifications_failed_total"),
})  # fmt: skip

VMAGENT = _part(names.JOB_VMAGENT, "vmagent", {
    s.CONFIG_LOADED.key: source("vm_promscrape_config_last_reload_successful"),
})  # fmt: skip

VMALERT = _part(names.JOB_VMALERT, "vmalert", {
    s.CONFIG_LOADED.key: source("vmalert_config_last_reload_successful"),
    s.RULE_FAILURES.key: added(
        metric("vmalert_execution_errors_total"), metric("vmalert_remotewrite_dropped_rows_total"),
        note="A result that could not be stored is as good as not evaluated.",
    ),
    s.NOTIFICATION_FAILURES.key: source("vmalert_alerts_send_errors_total"),
})  # fmt: skip

# The parts by what keeps the samples.
MONITORING: dict[str, tuple[Profile, ...]] = {
    "prometheus": (PROMETHEUS, ALERTMANAGER),
    "victoriametrics": (VMAGENT, VMALERT, ALERTMANAGER),
}
