"""The store beside a real Herd's: same columns, same answers to the queries of its guides."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from inferometer_exporter.trace import Trace
from tests.exporter.store.herd_queries import HERD_QUERIES
from tests.exporter.store.made import RECORDINGS, ask, fill, herd_rows, trace


@pytest.fixture(scope="module")
def herd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the schema of a real Herd, and its rows many times over with other models, tags and ends."""
    path = tmp_path_factory.mktemp("herd") / "latency.db"
    schema = (RECORDINGS / "schema.sql").read_text()
    begin = schema.index("CREATE TABLE request_traces")
    rows = herd_rows()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(schema[begin : schema.index(";", begin)])
        for number in range(40):
            for row in rows:
                changed = row | {
                    "id": None,
                    "model": f"model-{number % 3}",
                    "latency_ms": row["latency_ms"] * (1 + number),
                    "timestamp": row["timestamp"] - 5000.5 * number,
                    "fallback_used": int(number % 7 == 0),
                    "retry_count": number % 2,
                    "status": ("completed", "failed", "completed", "client_disconnected")[number % 4],
                    "error_message": "the server answered 503" if number % 4 == 1 else None,
                    "tags": None if number % 5 == 0 else row["tags"],
                }
                marks = ", ".join("?" * len(changed))
                connection.execute(
                    f"INSERT INTO request_traces ({', '.join(changed)}) VALUES ({marks})", list(changed.values())
                )
    return path


@pytest.fixture(scope="module")
def ours(herd: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of ours with the same requests."""
    path = tmp_path_factory.mktemp("ours") / "traces.db"
    fill(path, *_traces(herd), retention=1e10)
    return path


def _traces(herd: Path) -> Iterator[Trace]:
    shared = [name for name in Trace._fields if name not in {"backend", "api", "http_status", "load_ms", "stream"}]
    for row in ask(herd, f"SELECT {', '.join(shared)} FROM request_traces ORDER BY id"):
        values = dict(zip(shared, row, strict=True))
        yield trace(**values | {"tags": tuple(json.loads(values["tags"] or "[]")), "api": "/api/chat"})


@pytest.mark.parametrize("question", [*HERD_QUERIES])
def test_a_query_of_herds_guides_gives_the_same_rows_as_on_herds_own_schema(
    question: str, herd: Path, ours: Path
) -> None:
    def answer(path: Path) -> list[str]:
        # Herd's ids of requests are its own, and rows of equal rank may come in any order.
        statement = HERD_QUERIES[question].replace("request_id,", "")
        return sorted(map(repr, ask(path, statement)))

    assert answer(herd)
    assert answer(ours) == answer(herd)


def test_every_column_of_herd_is_there_with_its_type_and_in_its_order(herd: Path, ours: Path) -> None:
    columns = "SELECT name, type, \"notnull\", pk FROM pragma_table_info('request_traces')"

    assert ask(ours, columns)[: len(ask(herd, columns))] == ask(herd, columns)


def test_ids_of_requests_are_uuids_of_version_7_and_rise_with_the_rows(ours: Path) -> None:
    from uuid import UUID

    ids = [UUID(row[0]) for row in ask(ours, "SELECT request_id FROM request_traces ORDER BY id")]

    assert {(one.version, one.variant) for one in ids} == {(7, "specified in RFC 4122")}
    assert len(set(ids)) == len(ids)
    assert [one.int >> 80 for one in ids] == sorted(one.int >> 80 for one in ids)
