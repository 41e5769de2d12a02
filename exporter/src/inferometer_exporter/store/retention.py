"""What is pruned, and when: traces by age, by the size of the file and by the space left on the disk; sums by age.

On a full disk even DELETE fails, so room is made before: pages that pruning frees stay in the file and take the next
rows. Pruning goes in slices of some milliseconds, so that writing goes on between them.
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from inferometer_exporter.config import model as config
from inferometer_exporter.store.schema import PAGE

ROLLUP_DAYS = 400

_SLICE = 1000  # rows
_MIB = 2**20
_RESERVE = 64 * _MIB  # of free disk space; below it the store makes room in itself
_SLICE_PAGES = 256
_SPARE_PAGES = 256  # free pages that a file keeps for the next rows

_BY_AGE = """
    DELETE FROM request_traces
    WHERE id IN (SELECT id FROM request_traces WHERE timestamp < ? ORDER BY timestamp LIMIT ?)
"""
_OLDEST = "DELETE FROM request_traces WHERE id IN (SELECT id FROM request_traces ORDER BY id LIMIT ?)"
_ROLLUPS_BY_AGE = """
    DELETE FROM rollups WHERE hour < ? AND kind IN ('total', 'model', 'tag', 'node', 'api', 'backend', 'fallback')
"""
_OLDEST_ROLLUPS = "DELETE FROM rollups WHERE hour <= (SELECT min(hour) FROM rollups)"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes: what the file's pages may hold, and what is set aside for its write-ahead log."""

    pages: int
    log: int

    @classmethod
    def of(cls, max_bytes: int) -> Limits:
        log = min(16 * _MIB, max_bytes // 4)
        return cls((max_bytes - log) // PAGE, log)

    def apply(self, connection: sqlite3.Connection) -> None:
        """Make SQLite hold them itself: the file never grows beyond, the log is cut back after each checkpoint."""
        connection.execute(f"PRAGMA max_page_count={self.pages}").fetchall()
        connection.execute(f"PRAGMA journal_size_limit={self.log // 2}").fetchall()
        connection.execute(f"PRAGMA wal_autocheckpoint={max(16, min(1000, self.log // 4 // PAGE))}").fetchall()


class Retention:
    """Keeps a store within its limits. `step` does one slice and says whether there is more to do."""

    def __init__(self, settings: config.Store, path: Path) -> None:
        self._keep_seconds = settings.retention
        self._folder = path.parent
        self.limits = Limits.of(settings.max_bytes)

    def step(self, connection: sqlite3.Connection, now: float, urgent: bool = False) -> bool:
        """Prune one slice at `now` (seconds since 1970). `urgent`: the disk or the file was found full.

        True where a further slice is due. Raises sqlite3.Error.
        """
        if connection.execute(_BY_AGE, (now - self._keep_seconds, _SLICE)).rowcount == _SLICE:
            return True
        connection.execute(_ROLLUPS_BY_AGE, (now - ROLLUP_DAYS * 86400,))
        pages, free = _pages(connection)
        used = pages - free
        scarce = self._space_left() < self._reserve
        wanted = min(self.limits.pages // 20, pages // 10) if urgent or scarce else 0
        if used > self.limits.pages * 0.95 or free < wanted:
            pruned = connection.execute(_OLDEST, (_SLICE,)).rowcount
            if pruned <= 0 and used > self.limits.pages // 2:
                pruned = connection.execute(_OLDEST_ROLLUPS).rowcount
            return pruned > 0
        spare = max(min(_SPARE_PAGES, self.limits.pages // 20), pages // 4)
        surplus = min(free, max(free - spare, pages - self.limits.pages))
        if surplus > 0 and not scarce:
            given_back = min(_SLICE_PAGES, surplus)
            # A script, since `execute` would free one page only: it ends at the first row, and rows here are empty.
            connection.executescript(f"PRAGMA incremental_vacuum({given_back})")
            if given_back == surplus:  # the file itself only becomes shorter with the next checkpoint
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            return given_back < surplus
        return False

    @property
    def _reserve(self) -> int:
        return min(_RESERVE, self.limits.pages * PAGE // 4)

    def _space_left(self) -> int:
        """Bytes that this user may still write on the disk."""
        try:
            disk = os.statvfs(self._folder)
        except OSError:
            return _RESERVE
        return disk.f_bavail * disk.f_frsize


def _pages(connection: sqlite3.Connection) -> tuple[int, int]:
    """All pages of the file, and those of them that are free."""
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    free = connection.execute("PRAGMA freelist_count").fetchone()[0]
    return int(pages), int(free)
