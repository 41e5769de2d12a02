"""Faults of the file while the store runs, each brought about on a real file."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from inferometer_exporter.store import recovery
from tests.exporter.store.made import Kept, ask, fill, kept, trace, until


def _asides(path: Path) -> list[Path]:
    return sorted(
        file for file in path.parent.glob(f"{path.name}.corrupt-*") if not file.name.endswith(("-wal", "-shm"))
    )


def _whole(path: Path) -> bool:
    return ask(path, "PRAGMA integrity_check") == [("ok",)]


def _ruin(path: Path, begin: int = 0) -> None:
    with path.open("r+b") as file:
        file.seek(begin)
        file.write(b"\xa5" * max(0, path.stat().st_size - begin))


def test_a_file_that_breaks_while_open_is_set_aside_and_a_new_one_begun(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    fill(path, *(trace(prompt_tokens=number) for number in range(3000)))
    with kept(path) as holder:
        _ruin(path)
        holder.store.add(trace(model="after"))
        until(lambda: _asides(path) and holder.store.written == 1)
        assert holder.store.problem is None
    assert ask(path, "SELECT model FROM request_traces") == [("after",)]
    assert _whole(path)
    assert not holder.dropped


def test_a_file_that_is_broken_at_the_start_is_set_aside_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    path.write_bytes(b"no database at all, " * 1000)
    fill(path, trace())

    (aside,) = _asides(path)
    assert aside.read_bytes() == b"no database at all, " * 1000
    assert ask(path, "SELECT count(*) FROM request_traces") == [(1,)]


def test_a_page_that_is_broken_deep_in_the_file_costs_no_new_trace(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    fill(path, *(trace(model=f"m{number % 50}") for number in range(3000)))
    _ruin(path, begin=4096)
    with kept(path) as holder:
        for number in range(200):
            holder.store.add(trace(model=f"m{number % 50}"))
    assert ask(path, "SELECT count(*) FROM request_traces") == [(200,)]
    assert len(_asides(path)) == 1


def test_only_the_newest_broken_files_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "traces.db"
    for number in range(4):
        path.write_bytes(f"broken {number} ".encode() * 100)
        then = time.struct_time((2026, 1, 9 + number, *[0] * 6))
        monkeypatch.setattr(time, "gmtime", lambda then=then: then)
        recovery.set_aside(path)
    assert [file.read_bytes()[:8] for file in _asides(path)] == [b"broken 2", b"broken 3"]


@pytest.mark.parametrize("log_too", [True, False])
def test_a_file_that_is_removed_is_noticed_and_made_anew(tmp_path: Path, log_too: bool) -> None:
    path = tmp_path / "traces.db"
    with kept(path) as holder:
        holder.store.add(trace(model="before"))
        until(lambda: holder.store.written == 1)
        for suffix in ("", "-wal", "-shm") if log_too else ("",):
            path.with_name(path.name + suffix).unlink()
        until(path.exists)
        holder.store.add(trace(model="after"))
        until(lambda: holder.store.written == 2)
        until(lambda: holder.ask("SELECT model FROM request_traces") == [("after",)])
        assert holder.store.problem is None
    assert _whole(path)
    assert ask(path, "SELECT sum(requests) FROM rollups WHERE kind = 'total'") == [(1,)]


def test_a_file_that_is_replaced_by_another_store_is_written_on(tmp_path: Path) -> None:
    path, other = tmp_path / "traces.db", tmp_path / "other.db"
    fill(other, trace(model="other"))
    with kept(path) as holder:
        holder.store.add(trace(model="before"))
        until(lambda: holder.store.written == 1)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink()
        other.replace(path)
        holder.store.add(trace(model="after"))
        until(lambda: holder.store.written == 2)
    assert ask(path, "SELECT model FROM request_traces ORDER BY id") == [("other",), ("after",)]
    assert _whole(path)


def test_a_folder_in_the_files_place_is_told_and_overcome(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    with kept(path) as holder:
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        with suppress(FileExistsError):  # the store may have been quicker
            path.mkdir()
        if path.is_file():
            path.unlink()
            path.mkdir()
        holder.store.add(trace())
        until(lambda: holder.store.problem)
        assert str(path) in str(holder.store.problem)
        path.rmdir()
        until(lambda: holder.store.written == 1)
        until(lambda: holder.store.problem is None)
    assert not holder.dropped


def test_a_lock_of_another_process_is_told_waited_for_and_loses_nothing(tmp_path: Path) -> None:
    with kept(tmp_path / "traces.db") as holder:
        with closing(sqlite3.connect(holder.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            holder.store.add(trace())
            until(lambda: holder.store.problem)
            assert "locked" in str(holder.store.problem)
            other.execute("ROLLBACK")
        until(lambda: holder.store.problem is None)
        until(lambda: holder.count() == 1)
    assert not holder.dropped


def test_a_store_that_is_locked_until_the_end_closes_in_time_and_counts_what_it_lost(tmp_path: Path) -> None:
    holder = Kept(tmp_path / "traces.db")
    holder.store.open()
    with closing(sqlite3.connect(holder.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(250):
            holder.store.add(trace())
        assert not holder.store.close(0.1)
        assert holder.dropped.total() == 250
        other.execute("ROLLBACK")


# Runs in a process of its own: the limit on the size of files holds for all that it writes.
_FULL = """
import resource, sys, time
from collections import Counter
from pathlib import Path
from inferometer_exporter.config.model import Store
from inferometer_exporter.store.writer import TraceStore
from tests.exporter.store.made import trace
dropped = Counter()
store = TraceStore(Store(Path(sys.argv[1])), lambda reason, count: dropped.update({reason: count}))
store.open()
for _ in range(2000):
    store.add(trace())
while store.written < 2000:
    time.sleep(0.01)
resource.setrlimit(resource.RLIMIT_FSIZE, (512 * 1024, resource.RLIM_INFINITY))
end, problem = time.monotonic() + 20, None
while not problem and time.monotonic() < end:
    store.add(trace())
    time.sleep(0.0005)
    problem = store.problem
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
end = time.monotonic() + 20
while store.problem and time.monotonic() < end:
    time.sleep(0.01)
store.add(trace(model="after"))
print(bool(problem), store.close(20), store.problem, dropped.total())
"""


def test_a_disk_without_room_is_told_and_writing_resumes_when_there_is_room(tmp_path: Path) -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    path = tmp_path / "traces.db"
    run = subprocess.run(
        [sys.executable, "-c", _FULL, str(path)],
        capture_output=True, text=True, timeout=100, check=True, env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert run.stdout.split() == ["True", "True", "None", "0"], run.stderr
    assert _whole(path)
    assert ask(path, "SELECT count(*) FROM request_traces WHERE model = 'after'") == [(1,)]
    assert ask(path, "SELECT (SELECT count(*) FROM request_traces) = (SELECT sum(requests) FROM rollups"
                     " WHERE kind = 'total')") == [(1,)]  # fmt: skip
