"""Fault 11: whatever happens to the store, no user's request fails, and dropped traces are counted with the reason."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.exporter.support.process import Exporter, eventually
from tests.exporter.support.upstream import Upstream, answering
from tests.exporter.support.wire import request, response

DONE = b'{"model":"m","message":{"content":"x"},"done":true,"prompt_eval_count":5,"eval_count":3}'
DROPPED = "inferometer_traces_dropped_total"


def serve(exporter: Exporter, count: int = 50, tag: str = "fault", together: int = 1) -> None:
    """So many requests, each of which must be answered, whole and in good time."""
    data = request(body=b'{"model":"m"}', headers=[("X-Herd-Tags", tag)])
    with exporter.wire(timeout=5) as wire:
        for _ in range(count // together):
            began = time.monotonic()
            wire.send(data * together)
            for _ in range(together):
                reply = wire.reply()
                assert (reply.status, reply.whole, reply.body) == (200, True, DONE)
            assert time.monotonic() - began < 2


def dropped(exporter: Exporter) -> float:
    return exporter.metrics().sum(DROPPED)


def accounted(exporter: Exporter, sent: int, tag: str = "fault") -> bool:
    """Whether each trace of these requests is either in the store or counted as dropped."""
    stored = len(exporter.rows("tags LIKE ?", f'%"{tag}"%'))
    return stored + dropped(exporter) >= sent


def set_aside(store: Path) -> list[str]:
    """Files beside the store that do not belong to it."""
    own = {f"{store.name}{suffix}" for suffix in ("", "-wal", "-shm", ".lock")}
    return [file.name for file in store.parent.iterdir() if file.name not in own]


@pytest.fixture
def before(upstream: Upstream) -> Upstream:
    upstream.script = answering(response(DONE))
    return upstream


def remove(store: Path) -> None:
    for file in store.parent.glob(f"{store.name}*"):
        file.unlink()


def remove_folder(store: Path) -> None:
    shutil.rmtree(store.parent)


def files(store: Path) -> list[Path]:
    """The database and its log, where most of a young store lies."""
    return [file for file in (store, store.with_name(f"{store.name}-wal")) if file.exists() and file.stat().st_size]


def scribble(store: Path) -> None:
    """Garbage over every page, as a failing disk leaves it; the heads of both files stay."""
    for file in files(store):
        size = file.stat().st_size
        with file.open("r+b") as opened:
            opened.seek(100)
            opened.write(b"\xa5" * (size - 100))


def scribble_head(store: Path) -> None:
    for file in files(store):
        with file.open("r+b") as opened:
            opened.write(b"this is no database" * 500)


def truncate(store: Path) -> None:
    for file in files(store):
        with file.open("r+b") as opened:
            opened.truncate(file.stat().st_size // 2 + 13)


def replace_by_folder(store: Path) -> None:
    remove(store)
    store.mkdir()


DAMAGE: dict[str, Callable[[Path], None]] = {
    "removed": remove,
    "its folder removed": remove_folder,
    "corrupt": scribble,
    "another kind of file": scribble_head,
    "cut in half": truncate,
    "a folder in its place": replace_by_folder,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_requests_go_on_when_the_store_is_hurt_while_it_is_used(before: Upstream, damage: str) -> None:
    with Exporter(before.url) as exporter:
        serve(exporter, 300, "first")
        exporter.tagged("first", 300)
        DAMAGE[damage](exporter.store)
        serve(exporter, 300)
        time.sleep(0.3)
        serve(exporter, 300)
        assert exporter.status("/healthz")[0] == 200
        assert exporter.metrics().sum("inferometer_requests_total") == 900
        exporter.signal(signal.SIGTERM)
        assert exporter.exit_code() == 0


@pytest.mark.parametrize("damage", ["removed", "corrupt", "another kind of file", "cut in half"])
def test_recording_goes_on_after_damage_at_the_latest_when_it_starts_again(before: Upstream, damage: str) -> None:
    """SQLite notices damage when it reads what it has not in memory: in a small store that is after a restart."""
    with Exporter(before.url) as exporter:
        serve(exporter, 300, "first")
        exporter.tagged("first", 300)
        DAMAGE[damage](exporter.store)
        serve(exporter, 50)
        exporter.signal(signal.SIGTERM)
        assert exporter.exit_code() == 0
        exporter.start()

        def recovers() -> bool:
            serve(exporter, 20, "later")
            return bool(exporter.rows("tags LIKE '%later%'"))

        eventually(recovers, timeout=20)
        if damage == "corrupt":
            assert len(set_aside(exporter.store)) == 1


def test_a_store_that_is_damaged_before_the_start_is_set_aside(before: Upstream, tmp_path: Path) -> None:
    store = tmp_path / "traces.db"
    store.write_bytes(b"this is no database" * 300)
    with Exporter(before.url, store=store) as exporter:
        serve(exporter, 20)
        exporter.tagged("fault", 20)
        assert len(set_aside(store)) == 1


LOCK = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA busy_timeout = 10000")
database.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
database.execute("ROLLBACK")
"""


def test_a_store_locked_by_another_process_delays_no_request(before: Upstream) -> None:
    with Exporter(before.url) as exporter:
        serve(exporter, 20, "first")
        exporter.tagged("first", 20)
        with subprocess.Popen(
            [sys.executable, "-c", LOCK, exporter.store], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as locker:
            assert locker.stdout is not None
            assert locker.stdout.readline() == b"locked\n"
            serve(exporter, 500)
            time.sleep(0.5)
            serve(exporter, 500)
            locker.communicate(b"")
        eventually(lambda: accounted(exporter, 1000), timeout=20)
        serve(exporter, 10, "after")
        exporter.tagged("after", 10, timeout=20)


def test_a_full_disk_drops_traces_and_no_request(before: Upstream) -> None:
    """A limit on the size of files is as real as a full disk, and needs no right to mount one.

    Some traces may wait for better days, but not all of them.
    """
    sent = 14_000
    with Exporter(before.url, shell="ulimit -f 300;") as exporter:
        serve(exporter, sent, together=200)
        eventually(lambda: dropped(exporter) > 0, timeout=20)
        metrics = exporter.metrics()
        assert metrics.sum("inferometer_requests_total") == sent
        reasons = {labels["reason"] for name, labels, value in metrics.series if name == DROPPED and value}
        assert reasons <= {"disk_full", "write_error"}
        assert len(exporter.rows()) + dropped(exporter) <= sent
        status, said = exporter.status("/readyz")
        assert status == 503
        assert "store" in said


def test_a_store_that_can_only_be_read_is_said_and_used_again_once_it_can_be_written(before: Upstream) -> None:
    """SQLite only reads a database whose header asks for a newer writer: read-only for the superuser too."""

    def write_version(number: int) -> None:
        with exporter.store.open("r+b") as file:
            file.seek(18)
            file.write(bytes([number]))

    with Exporter(before.url) as exporter:
        serve(exporter, 20, "first")
        exporter.tagged("first", 20)
        exporter.signal(signal.SIGTERM)
        assert exporter.exit_code() == 0
        write_version(9)
        exporter.start()
        serve(exporter, 100)
        eventually(lambda: "store" in exporter.status("/readyz")[1])
        write_version(2)
        eventually(lambda: accounted(exporter, 100), timeout=20)
        assert len(exporter.rows("tags LIKE '%first%'")) == 20


def test_without_a_store_everything_else_works(before: Upstream) -> None:
    with Exporter(before.url, "--store", "none") as exporter:
        serve(exporter, 20)
        assert exporter.metrics().sum("inferometer_requests_total") == 20
        assert exporter.status("/readyz")[0] == 200
        assert not exporter.store.exists()


def test_a_store_is_whole_after_kill(before: Upstream) -> None:
    with Exporter(before.url) as exporter:
        serve(exporter, 200)
        count = len(eventually(lambda: exporter.rows()))
        exporter.signal(signal.SIGKILL)
        exporter.exit_code()
        with sqlite3.connect(exporter.store) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert database.execute("SELECT count(*) FROM request_traces").fetchone()[0] >= count
        database.close()
