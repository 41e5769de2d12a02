"""Grafana's provisioning: the datasource, and the folder of boards."""

from __future__ import annotations

from inferometer import names
from inferometer.plan import Plan
from inferometer.stack import places
from inferometer.units import format_duration

_PROVISIONING = f"{places.GRAFANA}/provisioning"

# The version of Prometheus whose API VictoriaMetrics offers, by its own documentation of Grafana datasources.
_VICTORIAMETRICS_SPEAKS = "2.24.0"


def write(plan: Plan) -> dict[str, object]:
    """The two provisioning files."""
    return {
        f"{_PROVISIONING}/datasources/{names.PRODUCT}.yaml": datasources(plan),
        f"{_PROVISIONING}/dashboards/{names.PRODUCT}.yaml": providers(),
    }


def datasources(plan: Plan) -> dict[str, object]:
    """One datasource of type prometheus, whatever the storage: the boards need no plugin."""
    storage = plan.spec.storage
    prometheus = storage.kind == "prometheus"
    version = storage.version if prometheus else _VICTORIAMETRICS_SPEAKS
    return {
        "apiVersion": 1,
        "datasources": [
            {
                "name": names.TITLE,
                "uid": names.PRODUCT,
                "type": "prometheus",
                "access": "proxy",
                "url": places.url(plan, names.JOB_PROMETHEUS if prometheus else names.JOB_VICTORIAMETRICS),
                "isDefault": True,
                "editable": False,
                "jsonData": {
                    "httpMethod": "POST",
                    # The base of $__rate_interval: four of these, or a rate sees one sample and shows nothing.
                    "timeInterval": format_duration(storage.scrape_interval),
                    "prometheusType": "Prometheus",
                    **({"prometheusVersion": version} if version else {}),
                },
            }
        ],
    }


def providers() -> dict[str, object]:
    """The folder of boards. Edits in the browser are refused, since the next build would overwrite them."""
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": names.PRODUCT,
                "folder": names.TITLE,
                "folderUid": names.PRODUCT,
                "type": "file",
                # A board that the spec no longer asks for goes away.
                "disableDeletion": False,
                "allowUiUpdates": False,
                "updateIntervalSeconds": 30,
                "options": {"path": f"{places.HOME}/{names.DASHBOARDS}", "foldersFromFilesStructure": False},
            }
        ],
    }
