"""One exporter at a time writes a store: a lock on a file beside it, which the system drops with the process."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from pathlib import Path


class Taken(Exception):
    """Another process holds the lock."""


class Lock:
    """Held from `take` to `release`. Not on the database: where `flock` is `fcntl` inside, SQLite would mind."""

    def __init__(self, path: Path) -> None:
        real = path.resolve()  # the same file under another name is the same store
        self._path = real.with_name(real.name + ".lock")
        self._file: int | None = None

    def take(self) -> None:
        """Raises Taken, and OSError where the file cannot be made."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                os.close(file)
                raise Taken from None
            # A file system without locks: better traces than none.
        self._file = file

    def release(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.close(self._file)
            self._file = None
