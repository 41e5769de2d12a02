"""How quick the trace store is at a million rows: `python -m tests.bench.store`. Each figure stands beside its promise.

Seconds of the processor are shown beside those of the clock, since a busy machine stretches only the latter.
"""

from __future__ import annotations

import itertools
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from inferometer_exporter.config.model import Store
from inferometer_exporter.store.file import StoreFile
from inferometer_exporter.store.reader import TraceReader
from inferometer_exporter.store.rows import BATCH
from inferometer_exporter.store.writer import TraceStore
from inferometer_exporter.trace import Trace
from tests.exporter.store.herd_queries import HERD_QUERIES

ROWS = 1_000_000
WEEK = 7 * 24

_MODELS = [f"model-{number}:8b" for number in range(40)]
_TAGS = [(), *((f"app-{number}", f"user:{number % 7}") for number in range(20))]


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    title: str
    limit: str
    measured: str
    cpu: str = ""


def traces(rows: int) -> Iterator[Trace]:
    """A week of requests, oldest first: 40 models of unlike frequency, five nodes, 20 applications, some failing."""
    chance = random.Random(1)
    end = time.time()
    begin = end - WEEK * 3600 + 3600
    ends = ["completed"] * 95 + ["failed", "failed", "client_disconnected", "incomplete", "rejected"]
    for number in range(rows):
        model = _MODELS[min(39, int(chance.expovariate(0.2)))]
        status = chance.choice(ends)
        latency = chance.lognormvariate(7, 1)
        fell_back = chance.random() < 0.02
        yield Trace(
            timestamp=begin + (end - begin) * number / rows,
            backend="box",
            api="/api/chat",
            model=model,
            original_model=_MODELS[number % 3] if fell_back else model,
            node_id=f"node-{number % 5}",
            status=status,
            latency_ms=latency,
            time_to_first_token_ms=latency / 5,
            prompt_tokens=chance.randint(10, 2000),
            completion_tokens=chance.randint(1, 800),
            retry_count=int(chance.random() < 0.03),
            fallback_used=fell_back,
            client_ip="10.0.0.1",
            original_format="ollama",
            error_message=None if status == "completed" else "the server answered 503",
            tags=chance.choice(_TAGS),
            finish_reason="stop",
            http_status=200,
            stream=True,
        )


def _fill(path: Path) -> Figure:
    """Batches as the writer's thread writes them, its sums and pruning included; making the rows is left out."""
    file = StoreFile(Store(path, max_bytes=2**31), path)
    source, wall, cpu, cared = traces(ROWS), 0.0, 0.0, time.monotonic()
    while batch := list(itertools.islice(source, BATCH)):
        begin, busy = time.perf_counter(), time.process_time()
        file.write(batch)
        if time.monotonic() > cared + 1:
            file.care()
            cared = time.monotonic()
        wall += time.perf_counter() - begin
        cpu += time.process_time() - busy
    size = file.size() / 2**20
    file.close()
    return Figure(
        f"write {ROWS:,} rows ({size:.0f} MiB)", "≥ 20,000/s", f"{ROWS / wall:,.0f}/s", f"{ROWS / cpu:,.0f}/s"
    )


def _add(path: Path) -> Figure:
    """What the event loop pays for a trace, the least of several rounds."""
    store, some, best = TraceStore(Store(path), lambda *_: None), [*traces(2000)], float("inf")
    store.open()
    for _ in range(5):
        begin = time.thread_time()
        for trace in some:
            store.add(trace)
        best = min(best, (time.thread_time() - begin) / len(some))
    store.close(30)
    return Figure("hand over one trace", "≤ 1 µs", "", f"{best * 1e6:.2f} µs")


def _timed(title: str, limit: str, ask: Callable[[], Any]) -> Figure:
    begin, busy = time.perf_counter(), time.process_time()
    ask()
    wall, cpu = time.perf_counter() - begin, time.process_time() - busy
    return Figure(title, limit, f"{wall:.3f} s", f"{cpu:.3f} s")


def _rows(connection: sqlite3.Connection, statement: str) -> list[Any]:
    return connection.execute(statement).fetchall()


def figures(folder: Path) -> Iterator[Figure]:
    path = folder / "traces.db"
    yield _fill(path)
    yield _add(folder / "other.db")
    with closing(sqlite3.connect(path)) as connection:
        for title, statement in HERD_QUERIES.items():
            yield _timed(f"Herd: {title}", "≤ 3 s", partial(_rows, connection, statement))
    reader = TraceReader(path, limit_seconds=60)
    for title, ask in {
        "newest": lambda: reader.recent(100),
        "newest of a rare model": lambda: reader.recent(100, model=_MODELS[39]),
        "failures": lambda: reader.failures(100),
        "slowest of a week": lambda: reader.slowest(20, WEEK),
        "models of a week": lambda: reader.by_model(WEEK),
        "tags of a week": lambda: reader.by_tag(WEEK),
        "nodes of a week": lambda: reader.by_node(WEEK),
        "hours of a week": lambda: reader.by_hour(WEEK),
        "hours of the day": lambda: reader.by_hour_of_day(7),
        "days": lambda: reader.by_day(7),
        "retries by node": lambda: reader.retries_by_node(WEEK),
        "fallbacks of a week": lambda: reader.fallbacks(WEEK),
        "totals of a week": lambda: reader.totals(WEEK),
    }.items():
        yield _timed(f"API: {title}", "≤ 0.2 s", ask)


def main() -> None:
    print(f"{'':48} {'promise':>11} {'measured':>11} {'cpu':>11}")
    with tempfile.TemporaryDirectory() as folder:
        for figure in figures(Path(folder)):
            print(f"{figure.title:48} {figure.limit:>11} {figure.measured:>11} {figure.cpu:>11}", flush=True)


if __name__ == "__main__":
    main()
