"""Writers for the programs around the fleet: storage, Alertmanager, Grafana, our exporter."""

from __future__ import annotations

from inferometer.plan import Plan
from inferometer.spec import schema
from inferometer.stack import alertmanager, exporter, grafana, prometheus, readme, victoriametrics

SCHEMA = "stack/fleet.schema.json"

_WRITERS = (prometheus.write, victoriametrics.write, alertmanager.write, grafana.write, exporter.write, readme.write)


def write(plan: Plan) -> dict[str, object]:
    """All files below `stack/`: path to text, or to a value that becomes YAML or JSON by the path's suffix."""
    files = {path: file for writer in _WRITERS for path, file in writer(plan).items()}
    return files | {SCHEMA: schema()}


__all__ = ["write"]
