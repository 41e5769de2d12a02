"""Answers about traces, read from the file while the writer goes on: single traces from their table, all else from the
hourly sums, so that an answer takes milliseconds at a million traces."""

from __future__ import annotations

import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from inferometer_exporter.names import OTHER, Status
from inferometer_exporter.store import rollups, schema
from inferometer_exporter.store.buckets import quantile
from inferometer_exporter.store.rollups import HOUR, Kind, Sums

Row = dict[str, Any]

_WAIT_SECONDS = 0.5
_STEPS = 10_000  # of SQLite's machine between two looks at the clock, well below a millisecond

_TRACE = (
    "id", "request_id", "timestamp", "backend", "api", "model", "original_model", "node_id", "status", "http_status",
    "latency_ms", "time_to_first_token_ms", "load_ms", "prompt_tokens", "completion_tokens", "retry_count",
    "fallback_used", "score", "client_ip", "original_format", "error_message", "tags", "finish_reason", "stream",
)  # fmt: skip
_SELECT = f"SELECT {', '.join(_TRACE)} FROM request_traces"

# The slowest are found in the index alone; only those few rows are then read.
_SLOWEST = f"""
    {_SELECT} WHERE id IN (
        SELECT id FROM request_traces INDEXED BY traces_by_time
        WHERE timestamp >= ? AND latency_ms IS NOT NULL ORDER BY latency_ms DESC LIMIT ?
    ) ORDER BY latency_ms DESC
"""
_FAILURES = f"""
    {_SELECT} WHERE id IN (
        SELECT id FROM request_traces INDEXED BY traces_by_time
        WHERE timestamp >= 0 AND status NOT IN ('{Status.COMPLETED}', '{Status.NO_OUTPUT}') AND id < ?
        ORDER BY timestamp DESC LIMIT ?
    ) ORDER BY timestamp DESC
"""
_SUMS = f"SELECT name, hour, {rollups.COLUMNS} FROM rollups WHERE kind = ? AND hour >= ?"

_FALLBACKS = f"""
    SELECT name, sum(requests) FROM rollups WHERE kind = '{Kind.FALLBACK}' AND hour >= ?
    GROUP BY name ORDER BY sum(requests) DESC, name
"""


class QueryTooSlow(Exception):
    """The answer took longer than the reader allows; a narrower question may be answered."""


class StoreUnreadable(Exception):
    """The file cannot be read just now: it is broken, locked or no store. The writer mends what it can."""


class TraceReader:
    """Read-only questions to the store, from any thread. Each opens the file anew, so it may be replaced at any time.

    A file that is not there has no traces. All methods raise QueryTooSlow and StoreUnreadable.

    Single traces are rows with the columns of `request_traces`, `tags` as a list, `fallback_used` and `stream` as
    booleans. Groups (`by_…`) are rows with a `name` (or `hour`, `day`, …), the numbers `requests, failures,
    client_errors, client_disconnects, retries, fallbacks, prompt_tokens, completion_tokens`, and the objects
    `latency_ms` and `first_token_ms` with `count, mean, p50, p75, p95, p99, max`: percentiles are estimates within
    12 %, and all but `count` are None where nothing was measured. `hours` reach back from now, in whole hours.
    """

    def __init__(self, path: Path, limit_seconds: float = 2.0) -> None:
        self._path = path
        self._limit_seconds = limit_seconds

    def recent(
        self,
        limit: int,
        before: int | None = None,
        model: str | None = None,
        status: str | None = None,
        tag: str | None = None,
        backend: str | None = None,
    ) -> list[Row]:
        """The newest traces first; `before` is the `id` of the last row of the page before."""
        wanted: list[tuple[str, Any]] = []
        if before is not None:
            wanted.append(("id < ?", before))
        if model is not None:
            wanted.append(("model = ?", model))
        if status is not None:
            wanted.append(("status = ?", status))
        if backend is not None:
            wanted.append(("backend = ?", backend))
        if tag is not None:
            # The first is quick and turns most rows away, the second is exact.
            wanted.append(("instr(tags, ?)", msgspec.json.encode(tag).decode()))
            wanted.append(("EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)", tag))
        where = f"WHERE {' AND '.join(condition for condition, _ in wanted)}" if wanted else ""
        order = "timestamp DESC, id DESC" if model is not None and before is None else "id DESC"
        return self._traces(f"{_SELECT} {where} ORDER BY {order} LIMIT ?", *(value for _, value in wanted), limit)

    def failures(self, limit: int, before: int | None = None) -> list[Row]:
        """The newest traces that did not complete, those whose client left among them."""
        return self._traces(_FAILURES, rollups.LARGEST if before is None else before, limit)

    def slowest(self, limit: int, hours: float) -> list[Row]:
        """The traces with the longest latency, whatever became of them."""
        return self._traces(_SLOWEST, time.time() - hours * HOUR, limit)

    def by_model(self, hours: float) -> list[Row]:
        """A group for each model that answered, the busiest first."""
        return self._named(Kind.MODEL, hours)

    def by_tag(self, hours: float) -> list[Row]:
        """A group for each tag; a request with two tags counts in both."""
        return self._named(Kind.TAG, hours)

    def by_node(self, hours: float) -> list[Row]:
        """A group for each node, the backend's name where there are no nodes."""
        return self._named(Kind.NODE, hours)

    def by_api(self, hours: float) -> list[Row]:
        """A group for each route's template."""
        return self._named(Kind.API, hours)

    def by_backend(self, hours: float) -> list[Row]:
        """A group for each backend."""
        return self._named(Kind.BACKEND, hours)

    def by_hour(self, hours: float) -> list[Row]:
        """A group for each hour that had requests, oldest first; `hour` is its begin in seconds since 1970."""
        groups = _grouped((hour, sums) for _, hour, sums in self._sums(Kind.TOTAL, hours))
        return [{"hour": hour, **_numbers(groups[hour])} for hour in sorted(groups)]

    def by_hour_of_day(self, days: float) -> list[Row]:
        """A group for each hour of the day that had requests, `hour_of_day` 0 to 23 in the exporter's time zone."""
        groups = _grouped((time.localtime(hour).tm_hour, sums) for _, hour, sums in self._sums(Kind.TOTAL, days * 24))
        return [{"hour_of_day": hour, **_numbers(groups[hour])} for hour in sorted(groups)]

    def by_day(self, days: float) -> list[Row]:
        """A group for each day that had requests, oldest first; `day` is its date in the exporter's time zone."""
        groups = _grouped(
            (time.strftime("%Y-%m-%d", time.localtime(hour)), sums)
            for _, hour, sums in self._sums(Kind.TOTAL, days * 24)
        )
        return [{"day": day, **_numbers(groups[day])} for day in sorted(groups)]

    def retries_by_node(self, hours: float) -> list[Row]:
        """`name, requests, retries, failures, failure_ratio` of each node, the worst first."""
        rows = [
            {
                "name": row["name"],
                "requests": row["requests"],
                "retries": row["retries"],
                "failures": row["failures"],
                "failure_ratio": row["failures"] / row["requests"],
            }
            for row in self._named(Kind.NODE, hours)
        ]
        return sorted(rows, key=lambda row: (row["failure_ratio"], row["retries"]), reverse=True)

    def fallbacks(self, hours: float) -> list[Row]:
        """`asked, served, requests`: which model stood in for which, the most frequent first."""
        rows = []
        for name, requests in self._ask(_FALLBACKS, _since(hours)):
            asked, served = (OTHER, OTHER) if name == OTHER else msgspec.json.decode(name)
            rows.append({"asked": asked, "served": served, "requests": requests})
        return rows

    def totals(self, hours: float) -> Row:
        """One group without a name."""
        total = Sums()
        for _, _, sums in self._sums(Kind.TOTAL, hours):
            total.merge(sums)
        return _numbers(total)

    def _named(self, kind: Kind, hours: float) -> list[Row]:
        groups = _grouped((name, sums) for name, _, sums in self._sums(kind, hours))
        rows = [{"name": name, **_numbers(sums)} for name, sums in groups.items()]
        return sorted(rows, key=lambda row: (-row["requests"], row["name"]))

    def _sums(self, kind: Kind, hours: float) -> Iterator[tuple[str, int, Sums]]:
        for name, hour, *values in self._ask(_SUMS, kind.value, _since(hours)):
            yield name, hour, Sums.of(values)

    def _traces(self, statement: str, *values: Any) -> list[Row]:
        rows = []
        for found in self._ask(statement, *values):
            row = dict(zip(_TRACE, found, strict=True))
            row["tags"] = msgspec.json.decode(row["tags"]) if row["tags"] else []
            row["fallback_used"] = bool(row["fallback_used"])
            row["stream"] = None if row["stream"] is None else bool(row["stream"])
            rows.append(row)
        return rows

    def _ask(self, statement: str, *values: Any) -> list[Any]:
        if not self._path.exists():
            return []
        try:
            with _connected(self._path, time.monotonic() + self._limit_seconds) as connection:
                return connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
                raise QueryTooSlow(f"no answer within {self._limit_seconds:g} s") from None
            if "no such table" in str(error) or not self._path.exists():  # made or removed at this moment
                return []
            name = getattr(error, "sqlite_errorname", type(error).__name__)
            raise StoreUnreadable(f"the store cannot be read ({name})") from None


@contextmanager
def _connected(path: Path, deadline: float) -> Iterator[sqlite3.Connection]:
    """A connection that interrupts what runs past the deadline (of time.monotonic)."""
    connection = schema.connect_to_read(path, _WAIT_SECONDS)
    try:
        connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
        yield connection
    finally:
        connection.close()


def _since(hours: float) -> float:
    """The begin of the hour that lies so far back."""
    return (time.time() - hours * HOUR) // HOUR * HOUR


def _grouped(pairs: Iterable[tuple[Any, Sums]]) -> dict[Any, Sums]:
    groups: dict[Any, Sums] = defaultdict(Sums)
    for name, sums in pairs:
        groups[name].merge(sums)
    return groups


def _numbers(sums: Sums) -> Row:
    return {
        "requests": sums.requests,
        "failures": sums.failures,
        "client_errors": sums.client_errors,
        "client_disconnects": sums.client_disconnects,
        "retries": sums.retries,
        "fallbacks": sums.fallbacks,
        "prompt_tokens": sums.prompt_tokens,
        "completion_tokens": sums.completion_tokens,
        "latency_ms": _spread(sums.latency_buckets, sums.latency_sum_ms, sums.latency_max_ms),
        "first_token_ms": _spread(sums.first_token_buckets, sums.first_token_sum_ms, sums.first_token_max_ms),
    }


def _spread(buckets: dict[int, int], total: float, highest: float) -> Row:
    count = sum(buckets.values())
    return {
        "count": count,
        "mean": total / count if count else None,
        **{f"p{share}": quantile(buckets, share / 100, highest) for share in (50, 75, 95, 99)},
        "max": highest if count else None,
    }
