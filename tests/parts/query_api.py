"""The query API that Prometheus and VictoriaMetrics share, and the samples it answers with."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.parts import http, remote_write
from tests.parts.notation import Series


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer: labels as the server gave them (with `__name__` where it kept the name) and the value, maybe NaN."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Track:
    """One series of an answer over a range: points as (seconds since the epoch, value)."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


class QueryApi:
    """Mix into a server that has a `url`."""

    url: str

    def query(self, expr: str, time: float | None = None) -> list[Sample]:
        """Ask at one moment (seconds since the epoch, default now), ordered by labels. Raises HttpError on an error."""
        data = self._ask("query", {"query": expr, "time": time, "nocache": 1})
        if data["resultType"] == "scalar":
            return [Sample({}, float(data["result"][1]))]
        return [Sample(one["metric"], float(one["value"][1])) for one in _ordered(data["result"])]

    def query_range(self, expr: str, start: float, end: float, step: float) -> list[Track]:
        """Ask over a range, all in seconds. Ordered by labels. Raises HttpError on bad PromQL."""
        data = self._ask("query_range", {"query": expr, "start": start, "end": end, "step": step, "nocache": 1})
        return [
            Track(one["metric"], tuple((float(at), float(value)) for at, value in one["values"]))
            for one in _ordered(data["result"])
        ]

    def alerts(self) -> list[dict[str, Any]]:
        """What `/api/v1/alerts` lists: labels, annotations, state."""
        found: list[dict[str, Any]] = http.get_json(f"{self.url}/api/v1/alerts")["data"]["alerts"]
        return found

    def targets(self) -> list[dict[str, Any]]:
        """The active targets: labels, scrapeUrl, health, lastError."""
        found: list[dict[str, Any]] = http.get_json(f"{self.url}/api/v1/targets?state=active")["data"]["activeTargets"]
        return found

    def write(self, series: Iterable[Series], start: float) -> None:
        """Store samples whose times count from `start` (seconds since the epoch) through remote write."""
        http.request(f"{self.url}/api/v1/write", remote_write.body(series, start), remote_write.HEADERS)

    def _ask(self, path: str, parameters: Mapping[str, Any]) -> Any:
        form = urllib.parse.urlencode({key: value for key, value in parameters.items() if value is not None})
        return http.get_json(f"{self.url}/api/v1/{path}", form.encode())["data"]


def _ordered(result: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(result, key=lambda one: sorted(one["metric"].items()))
