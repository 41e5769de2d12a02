"""What went wrong with the file, and how a broken one is set aside."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path

from inferometer_exporter.names import DropReason
from inferometer_exporter.store.schema import NotOurs

# Files beside the database that belong to it.
_SUFFIXES = ("", "-wal", "-shm")

# Broken files that are kept; older ones are removed, or a failing disk would fill up with them.
_KEPT = 2

_REASONS = {
    sqlite3.SQLITE_FULL: DropReason.DISK_FULL,
    sqlite3.SQLITE_BUSY: DropReason.LOCKED,
    sqlite3.SQLITE_LOCKED: DropReason.LOCKED,
    sqlite3.SQLITE_PROTOCOL: DropReason.LOCKED,
    sqlite3.SQLITE_READONLY: DropReason.READ_ONLY,
    sqlite3.SQLITE_PERM: DropReason.READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: DropReason.READ_ONLY,
    sqlite3.SQLITE_CORRUPT: DropReason.CORRUPT,
    sqlite3.SQLITE_NOTADB: DropReason.CORRUPT,
}

_SENTENCES = {
    DropReason.DISK_FULL: "no space is left for the traces in {path}: free some, or allow the store fewer bytes",
    DropReason.LOCKED: "another process holds {path} locked: end it, or give it a copy",
    DropReason.READ_ONLY: "{path} or its folder cannot be written: give this user the permission",
    DropReason.CORRUPT: "{path} is broken and could not be set aside: give this user the permission to rename it",
    DropReason.WRITE_ERROR: "{path} cannot be written ({detail})",
}


def reason_of(error: Exception) -> DropReason:
    """Why a write failed."""
    if isinstance(error, sqlite3.Error):
        # The extended codes hold the plain ones in their last byte: https://www.sqlite.org/rescode.html
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        return _REASONS.get(code, DropReason.WRITE_ERROR)
    if isinstance(error, PermissionError):
        return DropReason.READ_ONLY
    return DropReason.WRITE_ERROR


def sentence(reason: DropReason, path: Path, error: Exception) -> str:
    """The problem for a person, with its remedy where there is one. Never holds a value of a row."""
    if isinstance(error, NotOurs):
        return f"{path} {error}"
    detail = getattr(error, "sqlite_errorname", type(error).__name__)
    return _SENTENCES[reason].format(path=path, detail=detail)


def set_aside(path: Path) -> Path:
    """Rename a broken database with its log, and keep the newest few such. Returns its new name; raises OSError."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    target = path.with_name(f"{path.name}.corrupt-{stamp}")
    path.rename(target)  # a second broken file within one second takes the place of the first
    for suffix in _SUFFIXES[1:]:
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(target.with_name(target.name + suffix))
    names = {file.name for file in path.parent.glob(f"{path.name}.corrupt-*")}
    broken = sorted(name for name in names if not name.endswith(_SUFFIXES[1:]))  # their names sort by time
    for old in (path.with_name(name) for name in broken[:-_KEPT]):
        for suffix in _SUFFIXES:
            old.with_name(old.name + suffix).unlink(missing_ok=True)
    return target


class Broken(sqlite3.DatabaseError):
    """The file answers, but not all of its pages hold what they should."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    sqlite_errorname = "SQLITE_CORRUPT"


def look_through(connection: sqlite3.Connection) -> None:
    """Read every page once: a second or two for the largest store. Raises sqlite3.DatabaseError where one is broken."""
    (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if said != "ok":
        raise Broken("quick_check found a fault")
    connection.execute("PRAGMA shrink_memory")  # pages in memory would hide what happens to the file from now on


def identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another of the same name; None where there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return status.st_dev, status.st_ino
