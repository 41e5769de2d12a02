"""Traces for tests, and a store that notes what it dropped."""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from inferometer_exporter.config.model import Store
from inferometer_exporter.store.writer import TraceStore
from inferometer_exporter.trace import Trace

RECORDINGS = Path(__file__).parents[2] / "fixtures/recordings/herd"


def trace(**changes: Any) -> Trace:
    """A completed request of this moment."""
    plain = Trace(
        timestamp=time.time(),
        backend="box",
        api="/api/chat",
        model="tiny",
        original_model="tiny",
        node_id="box",
        status="completed",
        latency_ms=120.0,
        time_to_first_token_ms=30.0,
        prompt_tokens=26,
        completion_tokens=16,
        original_format="ollama",
        http_status=200,
        stream=True,
    )
    return plain._replace(**changes)


class Kept:
    """An open store, its file, and the traces that it dropped by reason."""

    def __init__(self, path: Path, **settings: Any) -> None:
        self.path = path
        self.dropped: Counter[str] = Counter()
        self.store = TraceStore(Store(path, **settings), self._count)

    def _count(self, reason: str, count: int) -> None:
        self.dropped[reason] += count

    def ask(self, statement: str, *values: Any) -> list[Any]:
        return ask(self.path, statement, *values)

    def count(self) -> int:
        return int(self.ask("SELECT count(*) FROM request_traces")[0][0])


def ask(path: Path, statement: str, *values: Any) -> list[Any]:
    """Rows of a database, read by a connection of its own."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as connection:
        return connection.execute(statement, values).fetchall()


@contextmanager
def kept(path: Path, **settings: Any) -> Iterator[Kept]:
    """A store that is open within the block and closed after it."""
    holder = Kept(path, **settings)
    holder.store.open()
    try:
        yield holder
    finally:
        holder.store.close(10)


def fill(path: Path, *traces: Trace, **settings: Any) -> None:
    """A store with these traces, closed."""
    holder = Kept(path, **settings)
    holder.store.open()
    for one in traces:
        holder.store.add(one)
    assert holder.store.close(30)
    assert not holder.dropped


def until(true: Callable[[], Any], seconds: float = 15) -> None:
    """Wait for what another thread does; fails loudly when it never does."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not true within {seconds} s"
        time.sleep(0.02)


def herd_rows() -> list[dict[str, Any]]:
    """Rows of a real Herd's `request_traces`, as it showed them."""
    rows: list[dict[str, Any]] = json.loads((RECORDINGS / "request_traces_rows.json").read_text())
    return rows
