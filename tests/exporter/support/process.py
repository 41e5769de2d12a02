"""The exporter as its users run it: a process of its own, asked through its ports and its files."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from prometheus_client.parser import text_string_to_metric_families

from tests.exporter.support.wire import HOST, Wire
from tests.parts import http
from tests.parts.process import Server, free_port

SHARED = 0.3
"""Seconds after which a scrape is surely rendered anew."""

ROOT = Path(__file__).resolve().parents[3]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Samples:
    """One scrape: (name, labels, value) of each series."""

    series: tuple[tuple[str, Mapping[str, str], float], ...]

    def all(self, name: str, **labels: str) -> list[float]:
        """The values of every series of that name with these labels."""
        return [value for series, has, value in self.series if series == name and labels.items() <= has.items()]

    def sum(self, name: str, **labels: str) -> float:
        return sum(self.all(name, **labels))

    def values(self, label: str) -> set[str]:
        """Every value of a label, on whatever series."""
        return {labels[label] for _, labels, _ in self.series if label in labels}


def read_samples(text: str) -> Samples:
    families = text_string_to_metric_families(text)
    return Samples(tuple((one.name, one.labels, one.value) for family in families for one in family.samples))


def command(*arguments: str | Path) -> list[str]:
    """The exporter's command line, with the Python that runs the tests."""
    return [sys.executable, "-m", "inferometer_exporter", *map(str, arguments)]


def environment() -> dict[str, str]:
    """As it is, and with the exporter's sources at hand where it is not installed."""
    return {**os.environ, "PYTHONPATH": str(ROOT / "exporter/src")}


def run(*arguments: str | Path, timeout: float = 10, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run it to its end: for what it refuses."""
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, check=False, timeout=timeout, cwd=cwd, env=environment()
    )


def eventually(question: Callable[[], T], timeout: float = 5, what: str = "") -> T:
    """Ask until the answer is true in Python's sense, and return it. Fails with the last answer."""
    end = time.monotonic() + timeout
    while not (answer := question()):
        assert time.monotonic() < end, f"not within {timeout} s: {what or 'the last answer was'} {answer!r}"
        time.sleep(0.02)
    return answer


class Exporter(Server):
    """`inferometer-exporter` before one upstream. `options` follow the usual flags; `shell` runs before it starts.

    With `config`, the text of an exporter.yaml, it is given nothing but that file: `{proxy}`, `{admin}` and `{store}`
    in it are filled in.
    """

    name = "inferometer-exporter"
    ready_path = "/healthz"
    start_timeout = 15

    def __init__(
        self,
        upstream: str,
        *options: str | Path,
        engine: str = "ollama",
        config: str | None = None,
        shell: str = "",
        store: Path | None = None,
    ) -> None:
        super().__init__()
        self.upstream = upstream
        self.options = options
        self.engine = engine
        self.config = config
        self.shell = shell
        self.proxy_port = 0
        self._store = store
        self._scraped = 0.0

    @property
    def store(self) -> Path:
        return self._store or self.folder / "data/traces.db"

    def prepare(self) -> None:
        self.store.parent.mkdir(exist_ok=True)

    def command(self) -> Sequence[str | Path]:
        self.proxy_port = self.proxy_port or free_port()
        if self.config is not None:
            file = self.folder / "exporter.yaml"
            places = {"proxy": f"{HOST}:{self.proxy_port}", "admin": self.address, "store": str(self.store)}
            file.write_text(self.config.format(upstream=self.upstream, **places))
            asked = command("--config", file)
        else:
            asked = command(
                *("--backend", self.upstream, "--engine", self.engine, "--name", "box"),
                *("--listen", f"{HOST}:{self.proxy_port}", "--admin", self.address, "--store", self.store),
                *self.options,
            )
        start = f'export PYTHONPATH="{ROOT / "exporter/src"}"; {self.shell}'
        return ["sh", "-c", f'{start}\nexec "$@"', "exporter", *asked]

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def wire(self, **options: Any) -> Wire:
        """A client's connection to the proxy."""
        return Wire(self.proxy_port, **options)

    def ask(self, data: bytes, to: str = "POST", timeout: float = 15) -> Any:
        """One request on a connection of its own, and its answer."""
        with self.wire(timeout=timeout) as wire:
            return wire.send(data).reply(to)

    def page(self, path: str) -> str:
        return http.request(self.url + path, timeout=10).decode()

    def status(self, path: str) -> tuple[int, str]:
        """A page of the admin port with its status, whatever it is."""
        try:
            return 200, self.page(path)
        except http.HttpError as error:
            return error.code, error.text

    def metrics(self) -> Samples:
        """A scrape that tells of everything until now: scrapes that follow each other closely share their text."""
        time.sleep(max(0.0, self._scraped + SHARED - time.monotonic()))
        text = self.page("/metrics")
        self._scraped = time.monotonic()
        return read_samples(text)

    def rows(self, where: str = "1", *values: object) -> list[dict[str, Any]]:
        """Rows of `request_traces` that are committed now, by their time. No store, or a broken one: no rows."""
        if not self.store.exists():
            return []
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            try:
                found = database.execute(f"SELECT * FROM request_traces WHERE {where} ORDER BY timestamp, id", values)
                return [dict(row) for row in found]
            except sqlite3.DatabaseError:
                return []

    def tagged(self, tag: str, count: int = 1, timeout: float = 5) -> list[dict[str, Any]]:
        """The rows of requests that carried this tag, once there are so many."""

        def found() -> list[dict[str, Any]]:
            rows = [row for row in self.rows("tags LIKE ?", f"%{tag}%") if tag in json.loads(row["tags"])]
            return rows if len(rows) >= count else []

        return eventually(found, timeout, f"{count} traces with the tag {tag};")

    def rss(self) -> int:
        """Resident memory in bytes, now."""
        return _memory(self.pid, "VmRSS")

    def forget_peak(self) -> int:
        """Count `peak` from now on (proc_pid_clear_refs(5)). The resident memory now, in bytes."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        return self.rss()

    def peak(self) -> int:
        """The most resident memory since the start or `forget_peak`, in bytes."""
        return _memory(self.pid, "VmHWM")

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def exit_code(self, timeout: float = 10) -> int:
        """Wait for its end."""
        assert self._process is not None
        return self._process.wait(timeout)

    def _became_ready(self) -> bool:
        if not super()._became_ready():
            return False
        end = time.monotonic() + 5
        while self.running and time.monotonic() < end:
            try:
                self.wire().__exit__(None, None, None)
            except OSError:
                time.sleep(0.02)
            else:
                return True
        return False


def _memory(pid: int, field: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) * 1024
