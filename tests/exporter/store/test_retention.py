"""Traces end by age and by size, sums by age alone; the file keeps within its bytes while it is written."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from inferometer_exporter.config.model import Store
from inferometer_exporter.store import retention
from inferometer_exporter.store.file import StoreFile
from tests.exporter.store.made import Kept, ask, fill, kept, trace, until

DAY = 86400.0
MIB = 2**20


def test_traces_older_than_the_retention_are_pruned_and_their_sums_stay(tmp_path: Path) -> None:
    path, now = tmp_path / "traces.db", time.time()
    with kept(path, retention=DAY) as holder:
        for number in range(2500):
            holder.store.add(trace(timestamp=now - 2 * DAY, prompt_tokens=number))
        for _ in range(10):
            holder.store.add(trace(timestamp=now - DAY / 2))
        until(lambda: holder.store.written == 2510)
        until(lambda: holder.count() == 10)
    assert ask(path, "SELECT sum(requests) FROM rollups WHERE kind = 'model'") == [(2510,)]


def test_sums_end_after_400_days(tmp_path: Path) -> None:
    path, now = tmp_path / "traces.db", time.time()
    fill(path, trace(timestamp=now - 399 * DAY), trace(timestamp=now - 402 * DAY), retention=1000 * DAY)
    with kept(path, retention=1000 * DAY):
        until(lambda: ask(path, "SELECT count(*) FROM rollups WHERE kind = 'total'") == [(1,)])


def test_the_file_and_its_log_keep_within_their_bytes_and_hold_the_newest_traces(tmp_path: Path) -> None:
    path, limit, largest, written = tmp_path / "traces.db", 4 * MIB, 0, 0
    file = StoreFile(Store(path, max_bytes=limit), path)
    for _ in range(400):
        file.write([trace(prompt_tokens=written + number) for number in range(100)])
        written += 100
        largest = max(largest, file.size())
        while file.care():
            pass
    file.close()

    assert MIB < largest <= limit
    count, oldest, newest = ask(path, "SELECT count(*), min(prompt_tokens), max(prompt_tokens) FROM request_traces")[0]
    assert (newest, oldest) == (written - 1, written - count)
    assert count > 5000
    assert ask(path, "SELECT sum(requests) FROM rollups WHERE kind = 'total'") == [(written,)]


def _written(holder: Kept, count: int) -> bool:
    return holder.store.written >= count


def test_a_store_that_fills_faster_than_it_is_pruned_loses_old_traces_and_no_new_ones(tmp_path: Path) -> None:
    path, limit = tmp_path / "traces.db", 2 * MIB
    with kept(path, max_bytes=limit) as holder:
        for _ in range(4):
            before = holder.store.written
            for _ in range(9000):
                holder.store.add(trace())
            until(partial(_written, holder, before + 9000), 60)
    assert not holder.dropped
    assert path.stat().st_size <= limit


def test_a_smaller_limit_shrinks_the_file(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    fill(path, *(trace() for _ in range(9000)))
    before = path.stat().st_size
    with kept(path, max_bytes=MIB):
        until(lambda: path.stat().st_size < before / 2)


def test_pages_freed_by_pruning_are_given_back_when_they_are_many(tmp_path: Path) -> None:
    path, now = tmp_path / "traces.db", time.time()
    file = StoreFile(Store(path, retention=1e9), path)
    for _ in range(150):
        file.write([trace(timestamp=now - 3 * DAY) for _ in range(100)])
    file.close()
    before = path.stat().st_size
    file = StoreFile(Store(path, retention=DAY), path)
    while file.care():
        pass
    file.close()

    assert ask(path, "SELECT count(*) FROM request_traces") == [(0,)]
    assert path.stat().st_size < before / 2


def test_little_space_on_the_disk_makes_the_store_prune_some_of_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "traces.db"
    fill(path, *(trace() for _ in range(9000)))
    file = StoreFile(Store(path), path)
    monkeypatch.setattr(retention, "_RESERVE", 2**62)  # no disk has so much
    monkeypatch.setattr(retention.Retention, "_reserve", 2**62)
    while file.care():
        pass
    file.close()

    (left,) = ask(path, "SELECT count(*) FROM request_traces")[0]
    assert 5000 < left < 9000
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA freelist_count").fetchone()[0] > 0
