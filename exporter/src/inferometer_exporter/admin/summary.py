"""What the page shows of this moment, as one JSON object made from memory: no file and no backend is asked."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Protocol

from inferometer_exporter import __version__
from inferometer_exporter.admin.window import STEP_SECONDS, Tally, Window
from inferometer_exporter.config.model import Backend, Config
from inferometer_exporter.metrics.meters import BackendMeters, Meters, ModelMeter
from inferometer_exporter.metrics.state import HerdState

Json = dict[str, Any]


class Health(Protocol):
    """What the app knows of itself."""

    def problems(self) -> list[str]:
        """What keeps it from being ready, a line each."""


class Summary:
    """Puts together `/api/v1/summary`. Seconds that end in `_ago` and `_for` are ages."""

    def __init__(self, config: Config, meters: Meters, window: Window, health: Health) -> None:
        self._config = config
        self._meters = meters
        self._window = window
        self._health = health

    def all(self) -> Json:
        seconds, growth = self._window.recent()
        return {
            "version": __version__,
            "time": time.time(),
            "notice": self._config.notice,
            "problems": self.problems(),
            "window_seconds": seconds,
            "now": {
                **asdict(self._window.numbers(list(growth.values()), seconds)),
                "in_flight": self._window.in_flight(),
                "models_loaded": self._window.models_loaded(),
            },
            "history": {"step_seconds": STEP_SECONDS, **self._history()},
            "backends": self.backends(),
            "models": self._models(growth, seconds),
            "store": {
                "kept": self._config.store.path is not None,
                "rows": self._meters.store.rows,
                "bytes": self._meters.store.bytes,
                "writable": self._meters.store.writable,
                "max_bytes": self._config.store.max_bytes,
                "retention_seconds": self._config.store.retention,
            },
            "dropped": dict(self._meters.traces_dropped),
        }

    def problems(self) -> list[str]:
        """Why the exporter is not ready, in the words of `/readyz`."""
        return self._health.problems()

    def backends(self) -> list[Json]:
        """Each backend of the configuration with its state."""
        return [self._backend(backend, self._meters.backends[backend.name]) for backend in self._config.backends]

    def _history(self) -> Mapping[str, list[float | None]]:
        moments = list(self._window.history)
        by_rate = ("requests_per_second", "failure_share", "first_token_p50", "first_token_p95", "tokens_per_second")
        return {
            **{name: [getattr(moment.numbers, name) for moment in moments] for name in by_rate},
            "in_flight": [moment.in_flight for moment in moments],
            "models_loaded": [moment.models_loaded for moment in moments],
        }

    def _backend(self, backend: Backend, meters: BackendMeters) -> Json:
        state = meters.state
        return {
            "name": backend.name,
            "engine": backend.engine,
            "listen": str(backend.listen),
            "state": {None: "unknown", True: "up", False: "down"}[state.up],
            "state_for": self._window.unchanged_for(backend.name),
            "checked_ago": _ago(state.checked_at),
            "version": state.version,
            "addresses": [
                {"address": address.netloc, "up": state.addresses.get(url)}
                for address, url in zip(backend.addresses, backend.urls, strict=True)
            ],
            "in_flight": sum(meter.in_flight for meter in meters.models.values()),
            "unmetered": meters.unmetered,
            "loaded": state.loaded,
            "known": len(state.known),
            "herd": None if state.herd is None else _herd(state.herd),
        }

    def _models(self, growth: Mapping[tuple[str, str], Tally], seconds: float) -> list[Json]:
        rows = []
        for name, backend in self._meters.backends.items():
            loaded = {one.model for one in backend.state.loaded}
            for model, meter in list(backend.models.items()):
                grown = growth.get((name, model), Tally())
                rows.append(
                    {
                        "backend": name,
                        "model": model,
                        **asdict(self._window.numbers([grown], seconds)),
                        **_since_start(meter),
                        "in_flight": meter.in_flight,
                        "loaded": model in loaded,
                    }
                )
        return rows


def _since_start(meter: ModelMeter) -> Json:
    apis = list(meter.apis.values())
    return {
        "requests_total": sum(api.requests for api in apis),
        "failures_total": {
            reason: count
            for reason in sorted({reason for api in apis for reason in api.failures})
            if (count := sum(api.failures.get(reason, 0) for api in apis))
        },
    }


def _herd(herd: HerdState) -> Json:
    return {
        "nodes": herd.nodes,
        "nodes_ago": _ago(herd.nodes_at),
        "queues": herd.queues,
        "queues_ago": _ago(herd.queues_at),
        "checks": herd.checks,
        "checks_ago": _ago(herd.checks_at),
        "vitals": dict(herd.vitals),
    }


def _ago(moment: float | None) -> float | None:
    return None if moment is None else max(0.0, time.monotonic() - moment)
