"""The store's file: its tables, how a connection to it is set up, and how an older file is brought up to date.

`request_traces` has the columns of Ollama Herd 0.11.4's `latency.db`, with the same names, types and order, so that
queries written for Herd run unchanged; ours come after them.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import quote

# Marks a file as ours (`file` and sqlite3 show it), so that no other program's database is ever touched: "INFM".
APPLICATION_ID = 0x494E464D

PAGE = 4096

# Each step takes a file from the version that is its index to the next; `PRAGMA user_version` says how many are done.
# Steps are only ever added.
STEPS = (
    """
    CREATE TABLE request_traces (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        request_id TEXT NOT NULL,
        model TEXT NOT NULL,
        original_model TEXT NOT NULL,
        node_id TEXT NOT NULL,
        score REAL,
        scores_breakdown TEXT,
        status TEXT NOT NULL,
        latency_ms REAL,
        time_to_first_token_ms REAL,
        prompt_tokens INTEGER,
        completion_tokens INTEGER,
        retry_count INTEGER DEFAULT 0,
        fallback_used INTEGER DEFAULT 0,
        excluded_nodes TEXT,
        client_ip TEXT,
        original_format TEXT,
        error_message TEXT,
        timestamp REAL NOT NULL,
        tags TEXT,
        finish_reason TEXT,
        estimated_tokens INTEGER,
        backend TEXT NOT NULL,
        api TEXT NOT NULL,
        http_status INTEGER,
        load_ms REAL,
        stream INTEGER
    );
    -- Rows arrive in order of time: this index only grows at its end, so its width costs little, and most questions
    -- about time, failures, tokens and the slowest are answered from it alone.
    CREATE INDEX traces_by_time ON request_traces (timestamp, status, latency_ms, prompt_tokens, completion_tokens);
    CREATE INDEX traces_by_model ON request_traces (model, timestamp, status, latency_ms);

    -- One row an hour (seconds since 1970 of its begin) and name of a kind; see rollups.py.
    CREATE TABLE rollups (
        kind TEXT NOT NULL,
        hour INTEGER NOT NULL,
        name TEXT NOT NULL,
        requests INTEGER NOT NULL,
        failures INTEGER NOT NULL,
        client_errors INTEGER NOT NULL,
        client_disconnects INTEGER NOT NULL,
        retries INTEGER NOT NULL,
        fallbacks INTEGER NOT NULL,
        prompt_tokens INTEGER NOT NULL,
        completion_tokens INTEGER NOT NULL,
        latency_sum_ms REAL NOT NULL,
        latency_max_ms REAL NOT NULL,
        latency_buckets TEXT NOT NULL,
        first_token_sum_ms REAL NOT NULL,
        first_token_max_ms REAL NOT NULL,
        first_token_buckets TEXT NOT NULL,
        PRIMARY KEY (kind, hour, name)
    ) WITHOUT ROWID;
    -- Up to which trace the sums go.
    CREATE TABLE rolled_up (id INTEGER NOT NULL);
    INSERT INTO rolled_up VALUES (0);
    """,
)
VERSION = len(STEPS)


class NotOurs(Exception):
    """The file is whole, but not for this exporter to write: of a newer version, or another program's."""


def connect(path: Path, wait_seconds: float) -> sqlite3.Connection:
    """A connection for the writer, that waits so long for other processes' locks. Makes the file where there is none.

    Little memory is its measure: no mapping, 2 MB of cache. After a pulled plug the last moments may be missing
    (`synchronous=NORMAL`), after `kill -9` nothing is that was committed.
    """
    connection = sqlite3.connect(path, timeout=wait_seconds, isolation_level=None, check_same_thread=False)
    try:
        for pragma in (
            "synchronous=NORMAL",
            "cache_size=-2048",
            "mmap_size=0",
            "secure_delete=OFF",  # some builds turn it on; pruned rows are no secrets, and it doubles the writing
            "trusted_schema=OFF",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def connect_to_read(path: Path, wait_seconds: float) -> sqlite3.Connection:
    """A connection that can write nothing. Raises sqlite3.OperationalError where there is no file."""
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=wait_seconds, isolation_level=None
    )
    connection.execute("PRAGMA query_only=ON")
    connection.execute("PRAGMA mmap_size=0")
    return connection


def prepare(connection: sqlite3.Connection) -> None:
    """Bring the file to VERSION, in one transaction. Raises NotOurs and sqlite3.Error, and then has changed nothing."""
    version = _number(connection, "user_version")
    owner = _number(connection, "application_id")
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if owner != APPLICATION_ID and (tables or version or owner):
        raise NotOurs("is the database of another program: give the traces a file of their own")
    if version > VERSION:
        raise NotOurs(f"is of version {version}, and this exporter knows {VERSION}: update it, or begin another file")
    if not version:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL").fetchall()  # heeded only before the first table
    connection.execute("PRAGMA journal_mode=WAL").fetchall()
    if version == VERSION:
        return
    script = "".join(STEPS[version:])
    try:
        connection.executescript(
            f"BEGIN IMMEDIATE; {script} PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={VERSION}; COMMIT;"
        )
    except sqlite3.Error:
        if connection.in_transaction:
            connection.rollback()
        raise


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])
