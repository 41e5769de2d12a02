"""Every alert's knobs: threshold, patience and severity, with their defaults. The spec may turn each of them.

They stand below boards and rules because both read them: a colour on a board and its alert never disagree.
"""

from __future__ import annotations

from dataclasses import dataclass

from inferometer import units as u
from inferometer.catalog import signals as s
from inferometer.catalog.signal import Signal

MINUTE, HOUR = 60, 3600


@dataclass(frozen=True, slots=True)
class Knob:
    """One alert as the spec sees it.

    `threshold` is in the base unit `unit` (both None: the alert has none). `patience` is the `for`, `keep` the
    `keep_firing_for` (0: none), both in seconds. `soon` is where a board turns orange before the alert's red. `signal` is the histogram whose 95th percentile it watches.
    """

    alert: str
    patience: int
    severity: str
    meaning: str
    threshold: float | None = None
    unit: u.Unit | None = None
    soon: float | None = None
    keep: int = 0
    enabled: bool = True
    signal: Signal | None = None


def _table(*knobs: Knob) -> dict[str, Knob]:
    return {knob.alert: knob for knob in knobs}


KNOBS: dict[str, Knob] = _table(
    # Is it serving?
    Knob("BackendDown", 2 * MINUTE, "critical", "a server does not answer its scrapes"),
    Knob("BackendUnreachable", 2 * MINUTE, "critical", "the exporter does not reach the server behind it"),
    Knob("ExporterDown", 2 * MINUTE, "critical", "our exporter, which requests pass through, does not answer"),
    Knob("TargetDown", 5 * MINUTE, "warning", "a host or a part of the monitoring does not answer"),
    Knob("TargetMissing", 5 * MINUTE, "critical", "a server of the spec is not scraped at all"),
    Knob("BackendFlapping", 0, "warning", "a server went up and down again and again", 4, u.COUNT, keep=15 * MINUTE),
    Knob("QueueStuck", 2 * MINUTE, "critical", "requests wait and none is computed"),
    Knob("NoProgress", 5 * MINUTE, "critical", "requests are in the batch and no batch is computed"),
    Knob("ErrorRatioHigh", 5 * MINUTE, "critical", "the share of failed requests", 0.05, u.RATIO, soon=0.01, keep=5 * MINUTE),
    Knob("RequestsRefused", 5 * MINUTE, "warning", "requests refused for a full queue", 0.1, u.REQUESTS_PER_SECOND, keep=5 * MINUTE),
    Knob("ClientsLeaving", 10 * MINUTE, "warning", "the share of requests whose client left", 0.2, u.RATIO, soon=0.1, keep=5 * MINUTE),
    # Is it fast?
    Knob("FirstTokenSlow", 10 * MINUTE, "warning", "95 of 100 first tokens", 2.5, u.SECONDS, soon=1, keep=5 * MINUTE, signal=s.TIME_TO_FIRST_TOKEN),
    Knob("TokensSlow", 10 * MINUTE, "warning", "95 of 100 gaps between tokens", 0.2, u.SECONDS, soon=0.1, keep=5 * MINUTE, signal=s.TIME_PER_OUTPUT_TOKEN),
    Knob("QueueTimeLong", 10 * MINUTE, "warning", "95 of 100 waits in the queue", 5, u.SECONDS, soon=1, keep=5 * MINUTE, signal=s.QUEUE_TIME),
    # Is it full?
    Knob("QueueLong", 10 * MINUTE, "warning", "requests in one backend's queue", 50, u.COUNT, soon=10, keep=5 * MINUTE),
    Knob("KvCacheSaturated", 10 * MINUTE, "warning", "the fullest KV cache of a backend", 0.95, u.RATIO, soon=0.85, keep=5 * MINUTE),
    Knob("Preemptions", 10 * MINUTE, "warning", "requests thrown out of the batch", 0.5, u.EVENTS_PER_SECOND, soon=0.1, keep=5 * MINUTE),
    # Objectives
    Knob("SloBurnFast", 2 * MINUTE, "critical", "the error budget burns at a pace that ends it within days", keep=5 * MINUTE),
    Knob("SloBurnSlow", 15 * MINUTE, "warning", "the error budget burns faster than it may", keep=15 * MINUTE),
    Knob("SloQuietFailure", 15 * MINUTE, "warning", "few requests, and most of them bad", 0.5, u.RATIO),
    # Hosts
    Knob("HostCpuBusy", 15 * MINUTE, "warning", "the share of CPU time in use", 0.95, u.RATIO, soon=0.85, keep=5 * MINUTE),
    Knob("HostMemoryLow", 10 * MINUTE, "warning", "the share of memory in use", 0.95, u.RATIO, soon=0.9, keep=5 * MINUTE),
    Knob("HostDiskFull", 5 * MINUTE, "critical", "the share of a file system in use", 0.95, u.RATIO, soon=0.85, keep=5 * MINUTE),
    Knob("HostDiskWillFill", 1 * HOUR, "warning", "a file system is full within a day at this pace"),
    # Is the monitoring itself true?
    Knob("Watchdog", 0, "info", "always fires: its absence is the alarm"),
    Knob("TelemetryDead", 5 * MINUTE, "warning", "a server answers its scrapes and its metrics are gone"),
    Knob("ScrapeNearLimit", 10 * MINUTE, "warning", "samples of a scrape as a share of its limit", 0.8, u.RATIO),
    Knob("ConfigReloadFailed", 5 * MINUTE, "warning", "a configuration was refused; the old one still runs"),
    Knob("RuleEvaluationFailing", 5 * MINUTE, "critical", "rules cannot be evaluated", keep=5 * MINUTE),
    Knob("NotificationsFailing", 5 * MINUTE, "critical", "alerts do not reach their receivers", keep=5 * MINUTE),
    Knob("TracesDropped", 5 * MINUTE, "warning", "the exporter loses trace rows", keep=10 * MINUTE),
    Knob("LabelValuesRejected", 15 * MINUTE, "info", "the exporter folds names into `other`", keep=15 * MINUTE),
)  # fmt: skip
