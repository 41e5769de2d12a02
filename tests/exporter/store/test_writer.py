"""What goes in comes out, and nothing that the store meets reaches the traffic."""

from __future__ import annotations

import json
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from inferometer_exporter.config.model import Store
from inferometer_exporter.errors import BadEnvironment, BadInput
from inferometer_exporter.store import schema
from inferometer_exporter.store.writer import PENDING, TraceStore
from tests.exporter.store.made import Kept, ask, fill, kept, trace, until


def test_every_value_of_a_trace_is_in_its_column(tmp_path: Path) -> None:
    full = trace(
        model="served", original_model="asked", node_id="node-a", status="failed", retry_count=2, fallback_used=True,
        score=120.5, client_ip="10.0.0.9", error_message="the server answered 503", tags=("a", 'b "c"'),
        finish_reason="length", http_status=503, load_ms=12.5, stream=False,
    )  # fmt: skip
    fill(tmp_path / "traces.db", full)

    columns = ", ".join(full._fields)
    (row,) = ask(tmp_path / "traces.db", f"SELECT {columns} FROM request_traces")

    expected = full._asdict() | {"tags": json.dumps(full.tags, separators=(",", ":"))}
    assert row == (*expected.values(),)


def test_what_is_not_known_is_null_and_not_zero(tmp_path: Path) -> None:
    fill(tmp_path / "traces.db", trace(prompt_tokens=None, completion_tokens=None, time_to_first_token_ms=None))

    columns = "prompt_tokens, completion_tokens, time_to_first_token_ms, tags, load_ms, scores_breakdown"
    assert ask(tmp_path / "traces.db", f"SELECT {columns} FROM request_traces") == [(None,) * 6]


@pytest.mark.parametrize("count", [1, 9, 10, 99, 100, 101, 1234])
def test_any_number_of_traces_is_written_in_order(tmp_path: Path, count: int) -> None:
    fill(tmp_path / "traces.db", *(trace(prompt_tokens=number) for number in range(count)))

    rows = ask(tmp_path / "traces.db", "SELECT prompt_tokens FROM request_traces ORDER BY id")
    assert [row[0] for row in rows] == list(range(count))


def test_traces_are_written_without_a_further_call(tmp_path: Path) -> None:
    with kept(tmp_path / "traces.db") as holder:
        holder.store.add(trace())
        until(lambda: holder.count() == 1)


def test_traces_beyond_the_bound_are_dropped_and_counted_once(tmp_path: Path) -> None:
    holder = Kept(tmp_path / "traces.db")
    holder.store.open()
    with closing(sqlite3.connect(holder.path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        until(lambda: _add(holder, 100) and holder.store.problem)
        for _ in range(PENDING + 50):
            holder.store.add(trace())
        until(lambda: holder.dropped["locked"] >= 50)
        dropped = holder.dropped.total()
        other.execute("ROLLBACK")
    assert holder.store.close(30)
    assert holder.dropped == {"locked": dropped}
    assert PENDING <= holder.count() <= PENDING + 100


def _add(holder: Kept, count: int) -> bool:
    if not holder.store.problem and holder.store._queue.empty():
        for _ in range(count):
            holder.store.add(trace(model="early"))
    return True


@pytest.mark.parametrize(
    "odd",
    [
        {"prompt_tokens": 2**70},
        {"model": "half \ud800 a character"},
        {"tags": ("\udfff",)},
        {"latency_ms": float("nan")},
        {"latency_ms": float("inf")},
        {"completion_tokens": -5},
        {"model": "m" * 100_000},
    ],
    ids=lambda odd: str(odd)[:40],
)
def test_an_odd_value_costs_neither_its_row_nor_its_neighbours(tmp_path: Path, odd: dict[str, Any]) -> None:
    fill(tmp_path / "traces.db", trace(), trace(**odd), trace())

    assert ask(tmp_path / "traces.db", "SELECT count(*), sum(length(model)) < 1000 FROM request_traces") == [(3, 1)]
    assert ask(tmp_path / "traces.db", "SELECT requests FROM rollups WHERE kind = 'total'") == [(3,)]


@pytest.mark.parametrize(
    "odd", [{"timestamp": float("nan")}, {"model": None}, {"score": object()}], ids=lambda odd: str(*odd)
)
def test_a_row_that_cannot_be_held_is_dropped_alone(tmp_path: Path, odd: dict[str, Any]) -> None:
    with kept(tmp_path / "traces.db") as holder:
        for one in (trace(), trace(**odd), trace()):
            holder.store.add(one)
    assert (holder.count(), holder.dropped) == (2, {"write_error": 1})


def test_sums_hold_when_a_server_tells_of_absurdly_many_tokens(tmp_path: Path) -> None:
    fill(tmp_path / "traces.db", *(trace(prompt_tokens=2**62) for _ in range(4)))

    assert ask(tmp_path / "traces.db", "SELECT prompt_tokens FROM rollups WHERE kind = 'total'") == [(2**63 - 1,)]


def test_a_store_without_a_path_takes_traces_and_keeps_none() -> None:
    dropped: list[Any] = []
    store = TraceStore(Store(path=None), lambda *what: dropped.append(what))
    store.open()
    store.add(trace())
    assert (store.close(1), store.problem, dropped) == (True, None, [])


def test_a_store_that_was_never_opened_closes_at_once(tmp_path: Path) -> None:
    before = threading.active_count()
    assert TraceStore(Store(tmp_path / "traces.db"), lambda *_: None).close(1)
    assert (threading.active_count(), [*tmp_path.iterdir()]) == (before, [])


def test_a_closed_store_leaves_one_file_without_a_log_that_only_its_owner_reads(tmp_path: Path) -> None:
    fill(tmp_path / "traces.db", trace())

    assert sorted(file.name for file in tmp_path.iterdir()) == ["traces.db", "traces.db.lock"]
    assert stat.S_IMODE((tmp_path / "traces.db").stat().st_mode) == 0o600


def test_a_store_goes_on_where_the_last_run_ended(tmp_path: Path) -> None:
    fill(tmp_path / "traces.db", trace(), trace())
    fill(tmp_path / "traces.db", trace())

    assert ask(tmp_path / "traces.db", "SELECT max(id) FROM request_traces") == [(3,)]
    assert ask(tmp_path / "traces.db", "SELECT sum(requests) FROM rollups WHERE kind = 'total'") == [(3,)]


def _refused(path: Path, kind: type[Exception]) -> str:
    with pytest.raises(kind) as caught:
        TraceStore(Store(path), lambda *_: None).open()
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text
    return text


def test_a_second_exporter_on_the_same_file_is_refused(tmp_path: Path) -> None:
    with kept(tmp_path / "traces.db"):
        code = (
            "import sys; from pathlib import Path; from inferometer_exporter.config.model import Store\n"
            "from inferometer_exporter.store.writer import TraceStore\n"
            "TraceStore(Store(Path(sys.argv[1])), lambda *_: None).open()"
        )
        run = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "traces.db")],
            capture_output=True, text=True, check=False, env={"PYTHONPATH": ":".join(sys.path)},
        )  # fmt: skip
    assert "BadEnvironment" in run.stderr
    assert "another exporter" in run.stderr
    fill(tmp_path / "traces.db", trace())  # and after its end it is free again


def test_a_file_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    fill(path, trace())
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    content = path.read_bytes()

    assert "version" in _refused(path, BadInput)
    assert path.read_bytes() == content


def test_another_programs_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "latency.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE request_traces (id INTEGER PRIMARY KEY)")
    content = path.read_bytes()

    assert "another program" in _refused(path, BadInput)
    assert path.read_bytes() == content


def test_a_folder_as_the_file_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    _refused(tmp_path, BadInput)
    _refused(tmp_path / "nowhere" / "traces.db", BadEnvironment)


def test_an_older_file_is_brought_up_to_date_with_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "traces.db"
    fill(path, trace(model="old"))
    later = (*schema.STEPS, "ALTER TABLE request_traces ADD COLUMN colour TEXT DEFAULT 'red';")
    monkeypatch.setattr(schema, "STEPS", later)
    monkeypatch.setattr(schema, "VERSION", len(later))
    fill(path, trace(model="new"))

    assert ask(path, "SELECT model, colour FROM request_traces ORDER BY id") == [("old", "red"), ("new", "red")]
    assert ask(path, "PRAGMA user_version") == [(len(later),)]
