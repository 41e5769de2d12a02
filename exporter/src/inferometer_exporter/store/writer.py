"""The trace store as the proxy sees it: rows are handed over on the event loop and written by one thread.

The thread sleeps until a row comes, waits a moment for more, and writes them in batches; under load it never sleeps,
and is never woken. While the file cannot be written, rows wait up to a bound; what comes beyond is dropped and counted.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable

from inferometer_exporter.config import model as config
from inferometer_exporter.errors import BadEnvironment, BadInput
from inferometer_exporter.names import DropReason
from inferometer_exporter.store import recovery
from inferometer_exporter.store.file import StoreFile
from inferometer_exporter.store.lock import Lock, Taken
from inferometer_exporter.store.rows import BATCH, mended
from inferometer_exporter.store.schema import NotOurs
from inferometer_exporter.trace import Trace

log = logging.getLogger(__name__)

# Rows that wait at most; some 10 MB of memory.
PENDING = 10_000

_GATHER_SECONDS = 0.05  # from the first row to the write
_CARE_SECONDS = 1.0  # between two looks at the file, its size and its age
_RETRY_SECONDS = 0.5
_HEALED_IN_A_ROW = 5  # an error that comes back more often is waited for like others

# What a value that SQLite cannot hold raises: the row's fault, not the file's.
_BAD_ROW = (
    ValueError, TypeError, AttributeError, OverflowError,
    sqlite3.InterfaceError, sqlite3.ProgrammingError, sqlite3.DataError, sqlite3.IntegrityError,
)  # fmt: skip


class TraceStore:
    """Writes traces to SQLite and never stands in the way of traffic.

    `open` is called once, before traffic; `add` from one thread (the event loop's); `close` at the end. `dropped` is
    told how many traces were not written and why (of names.DropReason), from the writer's thread and from `close`.
    """

    def __init__(self, settings: config.Store, dropped: Callable[[str, int], None]) -> None:
        self.written = 0  # rows since the start
        self.size_bytes = 0  # of the file and its log, at most seconds old
        self.rows: int | None = None  # in the store, at most seconds old; None: not known
        self._settings = settings
        self._dropped = dropped
        self._queue: queue.SimpleQueue[Trace | None] = queue.SimpleQueue()
        self._room = 0  # rows that may wait: none before `open` and after `close`
        self._overflow = 0  # rows turned away by `add`, ever; only it writes this
        self._told = 0  # of which `dropped` knows
        self._batch: list[Trace] = []  # taken from the queue, not yet written
        self._problem: str | None = None
        self._reason = DropReason.QUEUE_FULL
        self._healed = 0  # times that an error seemed mended since rows were last written
        self._closing = threading.Event()
        self._deadline = 0.0
        self._lost = False
        self._thread: threading.Thread | None = None
        self._file: StoreFile | None = None
        self._lock: Lock | None = None

    @property
    def problem(self) -> str | None:
        """Why traces are not written just now, as a sentence for a person; None where all is well."""
        return self._problem

    def open(self) -> None:
        """Open or make the file and start the thread. Does nothing where the settings name no file.

        Raises BadInput where the file is of a newer version or another program's, BadEnvironment where the folder
        cannot be written or another exporter writes the file. What may heal by itself is told by `problem` instead.
        """
        path = self._settings.path
        if path is None:
            return
        if not path.parent.is_dir():
            raise BadEnvironment(
                f"--store {path}: the folder {path.parent} is not there: make it, or name another file"
            )
        if path.is_dir():
            raise BadInput(f"--store {path} is a folder: name a file in it")
        lock, file = Lock(path), StoreFile(self._settings, path)
        try:
            lock.take()
        except Taken:
            raise BadEnvironment(
                f"--store {path}: another exporter writes it: end that one, or name another file"
            ) from None
        except OSError as error:
            raise BadEnvironment(f"--store {path}: the folder cannot be written ({error.strerror})") from None
        self._lock, self._file = lock, file
        try:
            file.open()
        except NotOurs as error:
            lock.release()
            raise BadInput(f"--store {path} {error}") from None
        except (sqlite3.Error, OSError) as error:
            if recovery.reason_of(error) is DropReason.READ_ONLY:
                lock.release()
                raise BadEnvironment(f"--store {recovery.sentence(DropReason.READ_ONLY, path, error)}") from None
            self._failed(error)
        self._room = PENDING
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)
        self._thread.start()

    def add(self, trace: Trace) -> None:
        """Hand over one trace. Never blocks, never raises."""
        if self._queue.qsize() < self._room:
            self._queue.put(trace)
        else:
            self._overflow += 1

    def close(self, timeout: float) -> bool:
        """Write what waits, for at most `timeout` seconds. False where traces that waited were lost."""
        thread, self._thread = self._thread, None
        if thread is None:
            return True
        self._room = 0
        self._deadline = time.monotonic() + timeout
        self._closing.set()
        self._queue.put(None)
        thread.join(timeout)
        if thread.is_alive():
            waiting = self._queue.qsize() - 1  # the None is no trace
            self._drop(DropReason.SHUTDOWN, max(0, waiting) + len(self._batch))
            return False
        return not self._lost

    def _run(self) -> None:
        care_at = 0.0
        while not self._closing.is_set() or self._batch or not self._queue.empty():
            more = False
            try:
                self._gather(wait=time.monotonic() < care_at)
                self._write()
                if time.monotonic() >= care_at and not self._closing.is_set():
                    more = self._care()
                    care_at = time.monotonic() + (0 if more else _CARE_SECONDS)
            except Exception as error:  # the thread must outlive anything: traffic goes on, and traces come back
                self._failed(error)
            self._tell()
            if self._problem is not None and not more:
                self._pause()
        if self._file is not None:
            self._file.close()
        if self._lock is not None:
            self._lock.release()

    def _gather(self, wait: bool) -> None:
        """Fill the batch from the queue; where it is empty and there is nothing else to do, wait for a first row."""
        if self._batch:
            return
        with contextlib.suppress(queue.Empty):
            first = self._queue.get(timeout=_CARE_SECONDS) if wait else self._queue.get_nowait()
            if first is None:
                return
            self._batch.append(first)
            if self._queue.qsize() < BATCH and not self._closing.is_set():
                time.sleep(_GATHER_SECONDS)
            while len(self._batch) < BATCH:
                trace = self._queue.get_nowait()
                if trace is not None:
                    self._batch.append(trace)

    def _write(self) -> None:
        if not self._batch or self._file is None:
            return
        try:
            self._file.write(self._batch)
        except _BAD_ROW:
            self._write_one_by_one(self._file)
        else:
            self.written += len(self._batch)
            self._batch.clear()
        self._problem = None
        self._healed = 0

    def _write_one_by_one(self, file: StoreFile) -> None:
        while self._batch:
            try:
                file.write([mended(self._batch[0])])
            except _BAD_ROW:
                self._drop(DropReason.WRITE_ERROR, 1)
            else:
                self.written += 1
            del self._batch[0]

    def _care(self) -> bool:
        if self._file is None:
            return False
        more = self._file.care()
        self.size_bytes, self.rows = self._file.size(), self._file.rows()
        if not self._batch:
            self._problem = None
        return more

    def _failed(self, error: Exception) -> None:
        if self._file is None:
            return
        reason = self._file.failed(error)
        if reason is None:
            self._healed += 1
            if self._healed <= _HEALED_IN_A_ROW:
                return
            reason = recovery.reason_of(error)
        problem = recovery.sentence(reason, self._file.path, error)
        if problem != self._problem:
            log.error("traces wait: %s", problem)
        self._problem, self._reason = problem, reason
        # At the end only a lock is worth waiting for.
        if self._closing.is_set() and (reason is not DropReason.LOCKED or time.monotonic() > self._deadline):
            self._give_up()

    def _give_up(self) -> None:
        lost = len(self._batch)
        self._batch.clear()
        with contextlib.suppress(queue.Empty):
            while True:
                lost += self._queue.get_nowait() is not None
        if lost:
            self._lost = True
            self._drop(self._reason, lost)

    def _tell(self) -> None:
        """Count what `add` turned away; here, so that `dropped` is called from one thread."""
        turned_away = self._overflow - self._told
        if turned_away:
            self._told += turned_away
            self._drop(self._reason if self._problem is not None else DropReason.QUEUE_FULL, turned_away)

    def _drop(self, reason: DropReason, count: int) -> None:
        if count:
            self._dropped(reason.value, count)

    def _pause(self) -> None:
        """Wait before the next try, but not at the end."""
        if not self._closing.wait(_RETRY_SECONDS):
            return
        time.sleep(_GATHER_SECONDS)
