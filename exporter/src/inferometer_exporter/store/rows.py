"""Traces as parameters of one INSERT: a batch goes to SQLite in one call, which needs the interpreter's lock once."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec

from inferometer_exporter.trace import Trace

# At most so many rows are written in one transaction. Each transaction takes the interpreter's lock from the event loop
# some dozen times: under load, batches of 100 cost 40 µs a row more than batches of 500, on both sides together.
BATCH = 500

COLUMNS = (
    "request_id", "model", "original_model", "node_id", "score", "status", "latency_ms", "time_to_first_token_ms",
    "prompt_tokens", "completion_tokens", "retry_count", "fallback_used", "client_ip", "original_format",
    "error_message", "timestamp", "tags", "finish_reason", "backend", "api", "http_status", "load_ms", "stream",
)  # fmt: skip

LONGEST = 256  # characters of any text that a client or server chose
_MOST_TAGS = 64
_LARGEST = 2**63 - 1


@lru_cache(maxsize=8)
def insert(rows: int) -> str:
    """The statement that inserts so many rows. Few sizes are asked for, so that SQLite compiles each once."""
    row = f"({', '.join('?' * len(COLUMNS))})"
    return f"INSERT INTO request_traces ({', '.join(COLUMNS)}) VALUES {', '.join([row] * rows)}"


def sizes(rows: int) -> list[int]:
    """The sizes of statements that insert so many rows: only 1, 10, 100 and 500."""
    parts = []
    for size in (500, 100, 10, 1):
        count, rows = divmod(rows, size)
        parts += [size] * count
    return parts


@lru_cache(maxsize=1024)
def tags_json(tags: tuple[str, ...]) -> str | None:
    """Herd keeps no empty lists: its queries ask for `tags IS NOT NULL`."""
    return msgspec.json.encode([tag[:LONGEST] for tag in tags[:_MOST_TAGS]]).decode() if tags else None


def parameters(traces: Sequence[Trace]) -> list[Any]:
    """The values of all rows, one after another, in the order of COLUMNS."""
    values: list[Any] = []
    now = f"{time.time_ns() // 1_000_000:012x}"
    noise = os.urandom(10 * len(traces)).hex()
    head = f"{now[:8]}-{now[8:]}-7"
    for place, trace in enumerate(traces):
        (
            timestamp, backend, api, model, original, node, status, latency, first, prompt, completion, retries,
            fallback, score, client, dialect, error, tags, finish, http_status, load, stream,
        ) = trace  # fmt: skip
        own = noise[20 * place : 20 * place + 20]
        values += (
            # A UUID of version 7 (RFC 9562): by time, so that it sorts like the rows.
            f"{head}{own[:3]}-8{own[3:6]}-{own[6:18]}",
            model[:LONGEST], original[:LONGEST], node[:LONGEST], score, status, latency, first,
            prompt, completion, retries, fallback, client, dialect,
            error, timestamp, tags_json(tags), finish[:LONGEST] if finish else None, backend, api, http_status, load,
            stream,
        )  # fmt: skip
    return values


def mended(trace: Trace) -> Trace:
    """The same with values that SQLite can hold: no integer beyond 64 bits, no half of a character."""
    return Trace(*(_mended(value) for value in trace))


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, tuple):
        return tuple(_mended(item) for item in value)
    if isinstance(value, int) and abs(value) > _LARGEST:
        return None
    return value
