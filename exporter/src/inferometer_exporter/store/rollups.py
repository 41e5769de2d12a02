"""Sums by hour, kept far longer than traces: what the page and the API are answered from.

Written about once a second, not with each batch: that would cost more than the traces. The hours that are being filled
are held in memory and written whole: no read for each write.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from inferometer_exporter.names import OTHER, Status
from inferometer_exporter.store.buckets import bucket
from inferometer_exporter.store.rows import LONGEST
from inferometer_exporter.trace import Trace

HOUR = 3600

# Names of a kind in one hour; further ones are summed under OTHER. Users invent tags and model names.
MOST_NAMES = 500

# Entries held in memory, some 1.5 KB each.
_MOST_HELD = 2500
_MOST_ALIKE = 1000

_ENDLESS = float("inf")
LARGEST = 2**63 - 1  # what SQLite can hold: a server may lie about its tokens


class Kind(StrEnum):
    """What the sums are about."""

    TOTAL = "total"  # its only name is ""
    MODEL = "model"
    TAG = "tag"
    NODE = "node"
    API = "api"
    BACKEND = "backend"
    FALLBACK = "fallback"  # its names are JSON arrays: the model asked for, the model that answered


Key = tuple[str, int, str]  # kind, hour, name

NUMBERS = (
    "requests", "failures", "client_errors", "client_disconnects", "retries", "fallbacks", "prompt_tokens",
    "completion_tokens", "latency_sum_ms", "latency_max_ms", "first_token_sum_ms", "first_token_max_ms",
)  # fmt: skip
BUCKETS = ("latency_buckets", "first_token_buckets")

_decode = msgspec.json.Decoder(dict[int, int]).decode
_encode = msgspec.json.Encoder().encode


class Sums:
    """What is summed up of some traces. Times are milliseconds; tokens that are not known add nothing."""

    __slots__ = NUMBERS + BUCKETS

    def __init__(self) -> None:
        self.requests = self.failures = self.client_errors = self.client_disconnects = 0
        self.retries = self.fallbacks = self.prompt_tokens = self.completion_tokens = 0
        self.latency_sum_ms = self.latency_max_ms = self.first_token_sum_ms = self.first_token_max_ms = 0.0
        self.latency_buckets: dict[int, int] = {}
        self.first_token_buckets: dict[int, int] = {}

    def add(self, trace: Trace) -> None:
        self.requests += 1
        status = trace.status
        if status == Status.CLIENT_DISCONNECTED:
            self.client_disconnects += 1
        elif status not in _SERVED:
            if trace.http_status is not None and 400 <= trace.http_status < 500 and trace.http_status != 429:
                self.client_errors += 1
            else:
                self.failures += 1
        self.retries += trace.retry_count
        self.fallbacks += trace.fallback_used
        self.prompt_tokens += trace.prompt_tokens or 0
        self.completion_tokens += trace.completion_tokens or 0
        latency, first = trace.latency_ms, trace.time_to_first_token_ms
        if 0 <= latency < _ENDLESS:
            self.latency_sum_ms += latency
            if latency > self.latency_max_ms:
                self.latency_max_ms = latency
            number = bucket(latency)
            self.latency_buckets[number] = self.latency_buckets.get(number, 0) + 1
        if first is not None and 0 <= first < _ENDLESS:
            self.first_token_sum_ms += first
            if first > self.first_token_max_ms:
                self.first_token_max_ms = first
            number = bucket(first)
            self.first_token_buckets[number] = self.first_token_buckets.get(number, 0) + 1

    def merge(self, other: Sums) -> None:
        self.requests += other.requests
        self.failures += other.failures
        self.client_errors += other.client_errors
        self.client_disconnects += other.client_disconnects
        self.retries += other.retries
        self.fallbacks += other.fallbacks
        self.prompt_tokens += other.prompt_tokens
        self.completion_tokens += other.completion_tokens
        self.latency_sum_ms += other.latency_sum_ms
        self.first_token_sum_ms += other.first_token_sum_ms
        self.latency_max_ms = max(self.latency_max_ms, other.latency_max_ms)
        self.first_token_max_ms = max(self.first_token_max_ms, other.first_token_max_ms)
        for own, others in (
            (self.latency_buckets, other.latency_buckets),
            (self.first_token_buckets, other.first_token_buckets),
        ):
            for number, count in others.items():
                own[number] = own.get(number, 0) + count

    def row(self) -> list[Any]:
        """Its values in the order of NUMBERS and BUCKETS."""
        return [
            *(min(getattr(self, name), LARGEST) for name in NUMBERS),
            *(_encode(getattr(self, name)).decode() for name in BUCKETS),
        ]

    @classmethod
    def of(cls, row: Sequence[Any]) -> Sums:
        """From values in the order of NUMBERS and BUCKETS."""
        sums = cls()
        for name, value in zip(NUMBERS, row, strict=False):
            setattr(sums, name, value)
        sums.latency_buckets, sums.first_token_buckets = _decode(row[-2]), _decode(row[-1])
        return sums


# "no_output" is an answer without text, which is what some requests ask for.
_SERVED = frozenset({Status.COMPLETED, Status.NO_OUTPUT})

COLUMNS = ", ".join(NUMBERS + BUCKETS)
_WRITE = f"REPLACE INTO rollups (kind, hour, name, {COLUMNS}) VALUES ({', '.join('?' * (3 + len(NUMBERS + BUCKETS)))})"
_READ = f"SELECT {COLUMNS} FROM rollups WHERE kind = ? AND hour = ? AND name = ?"
_COUNT = "SELECT count(*) FROM rollups WHERE kind = ? AND hour = ?"


class Rollups:
    """Sums of what was written since the last flush, and the hours that are being filled.

    The table `rolled_up` tells up to which trace the file's sums go, so a killed exporter loses none: see `begin`.
    """

    def __init__(self) -> None:
        self._alike: dict[tuple[Any, ...], Sums] = {}
        self._held: dict[Key, Sums] = {}
        self._names: dict[tuple[str, int], int] = {}

    def begin(self, connection: sqlite3.Connection) -> None:
        """Start with a file: add the traces that its sums do not hold yet. Raises sqlite3.Error."""
        self._alike.clear()
        self._forget()
        mark = connection.execute("SELECT id FROM rolled_up").fetchone()[0]
        late = connection.execute(f"SELECT {', '.join(_LATE)} FROM request_traces WHERE id > ?", (mark,))
        while some := late.fetchmany(100):
            self.add(_trace(row) for row in some)
        if self._alike:
            self.flush(connection)

    def add(self, traces: Iterable[Trace]) -> None:
        """Note traces that have been committed. Those alike in all names are summed up at once, for speed."""
        alike = self._alike
        for trace in traces:
            asked = trace.original_model if trace.fallback_used else None
            names = (
                int(trace.timestamp // HOUR) * HOUR, trace.model, trace.node_id, trace.api, trace.backend, asked,
                trace.tags,
            )  # fmt: skip
            sums = alike.get(names)
            if sums is None:
                sums = alike[names] = Sums()
            sums.add(trace)

    @property
    def full(self) -> bool:
        """Whether memory asks for a flush."""
        return len(self._alike) > _MOST_ALIKE

    def flush(self, connection: sqlite3.Connection) -> None:
        """Write all that was added, in a transaction. Raises sqlite3.Error, and then has kept everything for later."""
        if not self._alike:
            return
        if len(self._held) > _MOST_HELD:
            self._forget()
        connection.execute("BEGIN IMMEDIATE")
        try:
            touched: dict[Key, Sums] = {}
            for names, sums in self._alike.items():
                for key in _keys(*names):
                    own = touched.get(key)
                    if own is None:
                        held_key, own = self._hold(connection, key)
                        touched[held_key] = own
                    own.merge(sums)
            connection.executemany(_WRITE, [(*key, *sums.row()) for key, sums in touched.items()])
            connection.execute("UPDATE rolled_up SET id = (SELECT coalesce(max(id), id) FROM request_traces)")
            connection.execute("COMMIT")
        except BaseException:
            self._forget()
            if connection.in_transaction:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
            raise
        self._alike.clear()

    def _forget(self) -> None:
        """Drop what may differ from the file; it is read again where it is needed."""
        self._held.clear()
        self._names.clear()

    def _hold(self, connection: sqlite3.Connection, key: Key) -> tuple[Key, Sums]:
        """The sums of the key so far, under OTHER where its hour has too many names."""
        held = self._held.get(key)
        if held is not None:
            return key, held
        row = connection.execute(_READ, key).fetchone()
        if row is None:
            kind, hour, name = key
            count = self._names.get((kind, hour))
            if count is None:
                count = connection.execute(_COUNT, (kind, hour)).fetchone()[0]
            if count >= MOST_NAMES and name != OTHER:
                return self._hold(connection, (kind, hour, OTHER))
            self._names[kind, hour] = count + 1
        held = self._held[key] = Sums() if row is None else Sums.of(row)
        return key, held


def _keys(
    hour: int, model: str, node: str, api: str, backend: str, asked: str | None, tags: tuple[str, ...]
) -> list[Key]:
    """Where the sums of traces with these names belong."""
    keys: list[Key] = [
        (Kind.TOTAL, hour, ""),
        (Kind.MODEL, hour, model[:LONGEST]),
        (Kind.NODE, hour, node[:LONGEST]),
        (Kind.API, hour, api),
        (Kind.BACKEND, hour, backend),
        *((Kind.TAG, hour, tag) for tag in dict.fromkeys(tag[:LONGEST] for tag in tags)),
    ]
    if asked is not None:
        keys.append((Kind.FALLBACK, hour, _encode([asked[:LONGEST], model[:LONGEST]]).decode()))
    return keys


# What sums need of a trace.
_LATE = (
    "timestamp", "backend", "api", "model", "original_model", "node_id", "status", "latency_ms",
    "time_to_first_token_ms", "prompt_tokens", "completion_tokens", "retry_count", "fallback_used", "tags",
    "http_status",
)  # fmt: skip


def _trace(row: Sequence[Any]) -> Trace:
    values = dict(zip(_LATE, row, strict=True))
    values["tags"] = tuple(msgspec.json.decode(values["tags"], type=list[str])) if values["tags"] else ()
    values["latency_ms"] = _ENDLESS if values["latency_ms"] is None else values["latency_ms"]
    return Trace(**values)
