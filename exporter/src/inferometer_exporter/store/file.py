"""The open database of the writer's thread: batches go in, care is taken of it, and it heals where it can."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from inferometer_exporter.config import model as config
from inferometer_exporter.names import DropReason
from inferometer_exporter.store import recovery, rows, schema
from inferometer_exporter.store.retention import Retention
from inferometer_exporter.store.rollups import Rollups
from inferometer_exporter.trace import Trace

log = logging.getLogger(__name__)

# How long another process's lock is waited for; the rows wait meanwhile.
_WAIT_SECONDS = 1.0


class StoreFile:
    """A database that is opened when it is needed, and anew when it was removed, replaced or broken.

    Not safe for several threads. Methods raise sqlite3.Error, OSError and NotOurs; then `failed` must be called.
    """

    def __init__(self, settings: config.Store, path: Path) -> None:
        self.path = path
        self._retention = Retention(settings, path)
        self._rollups = Rollups()
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._looked_through = False

    def open(self) -> sqlite3.Connection:
        """The connection to the file that is there now, which is made where there is none."""
        if self._connection is not None:
            if recovery.identity(self.path) == self._identity:
                return self._connection
            log.warning("the store %s was removed or replaced: a new one is begun there", self.path)
            self.close()
        # Only its owner may read it: it tells who asked for what, and when. SQLite gives its log the same mode.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = schema.connect(self.path, _WAIT_SECONDS)
        try:
            schema.prepare(connection)
            self._retention.limits.apply(connection)
            self._rollups.begin(connection)
        except BaseException:
            connection.close()
            raise
        self._identity = recovery.identity(self.path)
        self._connection = connection
        self._looked_through = False
        return connection

    def write(self, traces: Sequence[Trace]) -> None:
        """Write all of them or nothing. Raises ValueError and the like where a value cannot be held."""
        connection = self._sound()
        if self._rollups.full:
            self._rollups.flush(connection)
        values = rows.parameters(traces)
        width, begin = len(rows.COLUMNS), 0
        connection.execute("BEGIN IMMEDIATE")
        try:
            for size in rows.sizes(len(traces)):
                end = begin + size * width
                connection.execute(rows.insert(size), values[begin:end])
                begin = end
            self._rollups.add(traces)
            connection.execute("COMMIT")
        except BaseException:
            # Closed, not only rolled back: the sums in memory may hold what is not in the file.
            self._connection = None
            connection.close()
            raise

    def care(self) -> bool:
        """See whether the file is still there, write sums, and prune a slice. True where there is more to prune."""
        connection = self._sound()
        self._rollups.flush(connection)
        return self._retention.step(connection, time.time())

    def _sound(self) -> sqlite3.Connection:
        """As `open`; the file was read through once. A broken page may otherwise take rows for weeks, and give none."""
        connection = self.open()
        if not self._looked_through:
            recovery.look_through(connection)
            self._looked_through = True
        return connection

    def failed(self, error: Exception) -> DropReason | None:
        """Do what can be done about an error. None where the next try may work at once, else what is wrong."""
        reason = recovery.reason_of(error)
        if reason is DropReason.DISK_FULL:
            return None if self._make_room() else reason
        if reason is not DropReason.LOCKED:
            self.close()
        if reason is not DropReason.CORRUPT:
            return reason
        try:
            target = recovery.set_aside(self.path)
        except OSError:
            return reason
        log.error("the store %s was broken: it is now %s, and a new one is begun", self.path, target.name)
        return None

    def size(self) -> int:
        """Bytes of the file and its log."""
        total = 0
        for suffix in ("", "-wal"):
            with contextlib.suppress(OSError):
                total += self.path.with_name(self.path.name + suffix).stat().st_size
        return total

    def rows(self) -> int | None:
        """How many traces it holds, from the first and the last number: only the oldest are ever removed."""
        if self._connection is None:
            return None
        ends = (
            "SELECT (SELECT MIN(id) FROM request_traces), (SELECT MAX(id) FROM request_traces)"  # two look-ups, no scan
        )
        first, last = self._connection.execute(ends).fetchone()
        return last - first + 1 if last is not None else 0

    def close(self) -> None:
        """Write the sums if that can be done, and close. `open` may follow."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._rollups.flush(connection)
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _make_room(self) -> bool:
        """Move the log into the file, so that its space is used again, and prune. True where rows were removed."""
        try:
            connection = self.open()
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            return self._retention.step(connection, time.time(), urgent=True)
        except (sqlite3.Error, OSError, schema.NotOurs):
            return False
