"""The words that appear in more than one generated file, each told once."""

from __future__ import annotations

PRODUCT = "inferometer"
TITLE = "Inferometer"

# Labels. `runtime` is the kind of server: vLLM has a label `engine` of its own (the number of a replica).
CLUSTER = "cluster"
JOB = "job"
INSTANCE = "instance"
RUNTIME = "runtime"
BACKEND = "backend"
MODEL = "model"
HOST = "host"
SLO = "slo"
SEVERITY = "severity"
REASON = "reason"

# Labels with a meaning of their own here: given by the configuration or by servers, asked for or written by queries.
# A spec's label of such a name would take their place, and queries would find nothing or the wrong thing.
RESERVED_LABELS = (
    *(JOB, INSTANCE, RUNTIME, BACKEND, MODEL, HOST, SLO, SEVERITY, "alertname", "le", "quantile"),
    *("server", "model_name", "finished_reason", REASON, "part", "engine"),
    *("mode", "device", "fstype", "mountpoint"),
)

# Labels of the exporter's own series: a recorded backend's label of such a name would take their place.
RECORDER_LABELS = (
    *("api", "kind", "tag", "from_model", "to_model", "label", "address", "node", "status", "check_id"),
    *("pressure", "vital", "version", "python", "loop"),
)

# What a model is called on a server that says no name (llama.cpp has no labels at all).
UNNAMED = "unnamed"

# Jobs that the generated scrape configurations give to what is not an engine. An engine's job is its own name.
JOB_EXPORTER = "inferometer-exporter"
JOB_NODE = "node"
JOB_PROMETHEUS = "prometheus"
JOB_ALERTMANAGER = "alertmanager"
JOB_VICTORIAMETRICS = "victoriametrics"
JOB_VMAGENT = "vmagent"
JOB_VMALERT = "vmalert"

# Recorded series: `inferometer:<signal>:<operation><window>`.
RULE_PREFIX = "inferometer"

SPEC = "stack/fleet.yaml"
DASHBOARDS = "dashboards"
ALERTS = "alerts"
ALERT_TESTS = "alerts/tests"
RUNBOOKS = "alerts/runbooks"


def recorded(signal: str, operation: str) -> str:
    """The name of a recorded series, such as `inferometer:requests:rate5m`."""
    return f"{RULE_PREFIX}:{signal}:{operation}"


def board_uid(board: str) -> str:
    """The uid of a board, stable for ever: links and bookmarks hold it."""
    return f"{PRODUCT}-{board}"
