"""Answers of the reader beside plain sums over the same traces."""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inferometer_exporter.names import Status
from inferometer_exporter.store.buckets import LAST, RATIO, bucket, quantile
from inferometer_exporter.store.reader import QueryTooSlow, StoreUnreadable, TraceReader
from inferometer_exporter.store.rollups import MOST_NAMES
from inferometer_exporter.trace import Trace
from tests.exporter.store.made import ask, fill, kept, trace, until

HOUR = 3600.0

TRACES = st.builds(
    trace,
    timestamp=st.integers(0, 40).map(lambda hours: time.time() - hours * HOUR),
    model=st.sampled_from(["a", "b", ""]),
    original_model=st.sampled_from(["a", "c"]),
    node_id=st.sampled_from(["n1", "n2"]),
    status=st.sampled_from([*Status]).map(str),
    latency_ms=st.floats(0, 1e6),
    time_to_first_token_ms=st.none() | st.floats(0, 1e5),
    prompt_tokens=st.none() | st.integers(0, 5000),
    completion_tokens=st.none() | st.integers(0, 5000),
    retry_count=st.integers(0, 2),
    fallback_used=st.booleans(),
    tags=st.lists(st.sampled_from(["x", "y", 'q"']), max_size=3).map(tuple),
    http_status=st.sampled_from([None, 200, 404, 429, 503]),
)


def _plain(traces: list[Trace]) -> dict[str, Any]:
    """The numbers of a group, each by the shortest way."""
    bad = [t for t in traces if t.status not in {"completed", "no_output", "client_disconnected"}]
    return {
        "requests": len(traces),
        "failures": sum(t.http_status != 404 for t in bad),
        "client_errors": sum(t.http_status == 404 for t in bad),
        "client_disconnects": sum(t.status == "client_disconnected" for t in traces),
        "retries": sum(t.retry_count for t in traces),
        "fallbacks": sum(t.fallback_used for t in traces),
        "prompt_tokens": sum(t.prompt_tokens or 0 for t in traces),
        "completion_tokens": sum(t.completion_tokens or 0 for t in traces),
    }


def _numbers(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if isinstance(value, int)}


@given(st.lists(TRACES, min_size=1, max_size=150))
@settings(max_examples=25, deadline=None)
def test_groups_are_the_sums_of_their_traces(traces: list[Trace]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "traces.db"
        fill(path, *traces)
        reader = TraceReader(path)

        assert _numbers(reader.totals(48)) == _plain(traces)
        assert {row["name"]: _numbers(row) for row in reader.by_model(48)} == {
            name: _plain([t for t in traces if t.model == name]) for name in {t.model for t in traces}
        }
        assert {row["name"]: _numbers(row) for row in reader.by_tag(48)} == {
            name: _plain([t for t in traces if name in t.tags]) for name in {tag for t in traces for tag in t.tags}
        }
        assert {row["name"]: row["retries"] for row in reader.retries_by_node(48)} == {
            name: sum(t.retry_count for t in traces if t.node_id == name) for name in {t.node_id for t in traces}
        }
        assert {(row["asked"], row["served"]): row["requests"] for row in reader.fallbacks(48)} == Counter(
            (t.original_model, t.model) for t in traces if t.fallback_used
        )
        assert {row["hour"]: row["requests"] for row in reader.by_hour(48)} == Counter(
            int(t.timestamp // HOUR * HOUR) for t in traces
        )
        assert {row["hour_of_day"]: row["requests"] for row in reader.by_hour_of_day(2)} == Counter(
            time.localtime(t.timestamp).tm_hour for t in traces
        )
        assert {row["day"]: row["requests"] for row in reader.by_day(2)} == Counter(
            time.strftime("%Y-%m-%d", time.localtime(t.timestamp)) for t in traces
        )
        latency = reader.totals(48)["latency_ms"]
        assert latency["max"] == max(t.latency_ms for t in traces)
        assert latency["mean"] == pytest.approx(statistics.fmean(t.latency_ms for t in traces))


@given(st.lists(st.floats(1.01, 8e7), min_size=1, max_size=200), st.sampled_from([0.5, 0.75, 0.95, 0.99]))
def test_a_percentile_is_within_a_bucket_of_the_true_one(durations: list[float], share: float) -> None:
    counts = Counter(map(bucket, durations))
    true = sorted(durations)[max(0, -int(-share * len(durations) // 1) - 1)]
    estimate = quantile(counts, share, max(durations))

    assert estimate is not None
    assert true / RATIO * 0.999 <= estimate <= true * RATIO * 1.001


@given(st.floats(allow_nan=False))
def test_every_duration_is_in_the_bucket_whose_bounds_hold_it(milliseconds: float) -> None:
    number = bucket(milliseconds)

    assert 0 <= number <= LAST
    assert number == LAST or milliseconds <= RATIO**number * (1 + 1e-6)
    assert number == 0 or milliseconds > RATIO ** (number - 1) * (1 - 1e-6)


def test_names_beyond_the_bound_of_an_hour_are_summed_under_other(tmp_path: Path) -> None:
    path, now = tmp_path / "traces.db", time.time() // HOUR * HOUR
    begin = [trace(timestamp=now, tags=(f"user:{number}",)) for number in range(MOST_NAMES - 10)]
    fill(path, *begin)
    fill(path, *(trace(timestamp=now, tags=(f"later:{number}",)) for number in range(100)))
    names = {row["name"]: row["requests"] for row in TraceReader(path).by_tag(2)}

    assert names.pop("other") == 90
    assert len(names) == MOST_NAMES
    assert set(names.values()) == {1}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> TraceReader:
    """200 traces: each tenth failed, each fourth is of model b, tags take turns; the 77th is the slowest."""
    path = tmp_path_factory.mktemp("mixed") / "traces.db"
    now = time.time()
    fill(
        path,
        *(
            trace(
                timestamp=now - 200 + number,
                prompt_tokens=number,
                status="failed" if number % 10 == 0 else "completed",
                model="b" if number % 4 == 0 else "a",
                tags=(('x"y', "z")[number % 2],),
                backend=("one", "two")[number % 2],
                latency_ms=9000.0 if number == 77 else 100.0 + number,
                stream=(None, True, False)[number % 3],
            )
            for number in range(200)
        ),
    )
    return TraceReader(path)


def _order(rows: list[dict[str, Any]]) -> list[int]:
    return [row["prompt_tokens"] for row in rows]


def test_recent_traces_come_newest_first_page_by_page(mixed: TraceReader) -> None:
    first = mixed.recent(30)
    second = mixed.recent(30, before=first[-1]["id"])

    assert _order(first) + _order(second) == [*range(199, 139, -1)]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"model": "b"}, [*range(196, -1, -4)]),
        ({"status": "failed"}, [*range(190, -1, -10)]),
        ({"tag": 'x"y'}, [*range(198, -1, -2)]),
        ({"tag": "y"}, []),
        ({"backend": "two", "tag": "z"}, [*range(199, -1, -2)]),
        ({"model": "b", "status": "failed"}, [*range(180, -1, -20)]),
        ({"model": "' OR 1=1 --"}, []),
    ],
    ids=str,
)
def test_recent_traces_are_those_that_were_asked_for(
    mixed: TraceReader, wanted: dict[str, str], expected: list[int]
) -> None:
    assert _order(mixed.recent(500, **wanted)) == expected  # type: ignore[arg-type]
    assert _order(mixed.recent(500, 10**9, **wanted)) == expected


def test_failures_come_newest_first_page_by_page(mixed: TraceReader) -> None:
    first = mixed.failures(5)

    assert _order(first) + _order(mixed.failures(3, before=first[-1]["id"])) == [*range(190, 110, -10)]


def test_the_slowest_come_first(mixed: TraceReader) -> None:
    assert _order(mixed.slowest(3, 1)) == [77, 199, 198]


def test_a_trace_is_told_with_its_own_kinds_of_values(mixed: TraceReader) -> None:
    row = mixed.recent(1)[0]

    assert (row["tags"], row["fallback_used"], row["stream"], row["load_ms"]) == (["z"], False, True, None)


def test_a_missing_file_has_no_traces_and_is_not_made(tmp_path: Path) -> None:
    reader = TraceReader(tmp_path / "traces.db")

    assert (reader.recent(10), reader.by_model(24), reader.fallbacks(24)) == ([], [], [])
    assert reader.totals(24)["requests"] == 0
    assert reader.totals(24)["latency_ms"]["p99"] is None
    assert not [*tmp_path.iterdir()]


def test_a_file_that_is_no_database_is_said_to_be_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    path.write_bytes(b"no database " * 1000)

    with pytest.raises(StoreUnreadable, match="SQLITE_NOTADB"):
        TraceReader(path).recent(10)


def test_a_question_beyond_the_time_allowed_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    fill(path, *(trace(tags=("a",)) for _ in range(5000)))

    with pytest.raises(QueryTooSlow):
        TraceReader(path, limit_seconds=-1).recent(10, tag="never")


def test_nothing_can_be_written_through_the_reader(mixed: TraceReader) -> None:
    with pytest.raises(StoreUnreadable, match="SQLITE_READONLY"):
        mixed._ask("DELETE FROM request_traces")


def test_answers_come_while_the_store_is_written_and_replaced(tmp_path: Path) -> None:
    with kept(tmp_path / "traces.db") as holder:
        reader = TraceReader(holder.path)
        for _ in range(5):
            for _ in range(300):
                holder.store.add(trace())
            reader.recent(10)
            reader.totals(1)
        until(lambda: len(reader.recent(2000)) == 1500)
        for suffix in ("", "-wal", "-shm"):
            holder.path.with_name(holder.path.name + suffix).unlink()
        assert reader.recent(10) == []
        holder.store.add(trace(model="after"))
        until(lambda: [row["model"] for row in reader.recent(10)] == ["after"])


def test_sums_that_a_killed_exporter_did_not_write_are_made_up_for(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    fill(path, *(trace(tags=("x",), latency_ms=50.0) for _ in range(30)))
    fill(path, *(trace(tags=("x", "y"), latency_ms=70.0, http_status=503, status="failed") for _ in range(30)))
    reader = TraceReader(path)
    before = (reader.totals(1), reader.by_tag(1), reader.by_model(1))
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("DELETE FROM rollups")
    connection.execute("UPDATE rolled_up SET id = 0")
    connection.close()
    fill(path)

    assert (reader.totals(1), reader.by_tag(1), reader.by_model(1)) == before
    assert ask(path, "SELECT id FROM rolled_up") == [(60,)]
