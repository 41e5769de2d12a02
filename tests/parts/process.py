"""A real server as a context manager: started on a free loopback port in a folder of its own, killed at the end."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self, TypeVar

from tests.parts import http

RUNNING: list[Server] = []
"""Servers that run now and have something to tell: conftest.py shows the ends of their logs beside a failed test."""

T = TypeVar("T")
_TRIES = 3


class ServerFailed(Exception):
    """A server did not start or died; the text ends with what it wrote last."""


class Server:
    """One process. Subclasses say the command line, and the path that answers once it is ready.

    Start it in the thread that outlives it: where `setpriv` is there, the kernel kills the server with that thread, so
    that no server survives a killed test run.
    """

    name: ClassVar[str]
    ready_path: ClassVar[str] = "/-/ready"
    start_timeout: ClassVar[float] = 30
    log_matters = True
    """Whether a failed test shows the log: not for servers that say all in their answers."""

    def __init__(self) -> None:
        self.folder = Path()
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> Sequence[str | Path]:
        """The command line; `self.folder` and `self.port` are set by then."""
        raise TypeError(f"{type(self).__name__} does not say its command line")

    def prepare(self) -> None:
        """Write what the server reads into `self.folder`. The base writes nothing."""

    def environment(self) -> Mapping[str, str]:
        """Variables that the server gets beside those of the test run. The base adds none."""
        return {}

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.name}-"))
        try:
            self.prepare()
            self.start()
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._discard()

    def start(self) -> None:
        """Start and wait until ready. Another program may take the free port first: then another is tried.

        A server that was stopped comes back at the address it had, where that is still free.
        """
        for attempt in range(_TRIES):
            self.port = self.port if self.port and not attempt else free_port()
            self._spawn()
            if self._became_ready():
                if self.log_matters:
                    RUNNING.append(self)
                return
            self.stop()
            if "address already in use" not in self.log() or attempt == _TRIES - 1:
                break
        raise ServerFailed(f"{self.name} did not become ready:\n{self.log()}")

    def stop(self) -> None:
        """Kill the server and what it started; its folder stays until the context ends."""
        if self._process is not None:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self in RUNNING:
            RUNNING.remove(self)

    def wait_for(self, question: Callable[[], T], timeout: float = 30) -> T:
        """Ask until the answer is true in Python's sense, and return it. Raises ServerFailed, with the last answer."""
        end = time.monotonic() + timeout
        while not (answer := question()):
            if time.monotonic() > end:
                raise ServerFailed(f"{self.name}: not within {timeout} s; the last answer was {answer!r}\n{self.log()}")
            time.sleep(0.05)
        return answer

    def log(self, lines: int = 25) -> str:
        """The end of what the server wrote."""
        path = self.folder / "log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""

    def _spawn(self) -> None:
        tied = [setpriv, "--pdeathsig", "KILL", "--"] if (setpriv := shutil.which("setpriv")) else []
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*tied, *map(str, self.command())],
                cwd=self.folder,
                env={**os.environ, **self.environment()},
                process_group=0,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _became_ready(self) -> bool:
        end = time.monotonic() + self.start_timeout
        while self.running and time.monotonic() < end:
            try:
                http.request(self.url + self.ready_path, timeout=1)
            except (OSError, http.HttpError):
                time.sleep(0.02)
            else:
                return self.running
        return False

    def _discard(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
