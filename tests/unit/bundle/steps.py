"""Stops the writing of a tree at a chosen step: with an error or, run as a program, with SIGKILL at each in turn."""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from inferometer.bundle import from_values, settle, write

# Repairs are killed, too, after every so many kills of a write: all of them would take a minute.
REPAIRED = 7

# All that the writer asks of the system goes through these; pathlib calls them by these names.
_CALLS = [(os, name) for name in ("open", "replace", "unlink", "mkdir", "rmdir", "fsync", "write", "truncate")]


@contextlib.contextmanager
def stop_at(step: int, stop: Callable[[], object]) -> Iterator[None]:
    """Calls `stop` just before the given call to the system, counted from 0; it may raise, or never return."""
    calls = 0

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == step + 1:
                stop()
            return call(*args, **kwargs)

        return wrapper

    with contextlib.ExitStack() as patches:
        for module, name in [*_CALLS, (io, "open")]:
            patches.enter_context(mock.patch.object(module, name, counted(getattr(module, name))))
        yield


def killed_at(step: int, task: Callable[[], object]) -> bool:
    """Runs a task in a process of its own that SIGKILLs itself at a step; False when the task had fewer steps."""
    child = os.fork()
    if child == 0:
        with stop_at(step, lambda: os.kill(os.getpid(), signal.SIGKILL)):
            task()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"the task failed by itself before step {step}")
    return False


def kills(folder: Path, name: str, task: Callable[[Path], object]) -> Iterator[Path]:
    """Copies of a folder, `name-0`, `name-1` and so on, each left by a kill of the task at that step."""
    for step in itertools.count():
        out = folder.parent / f"{name}-{step}"
        shutil.copytree(folder, out)
        if not killed_at(step, functools.partial(task, out)):
            return
        yield out


def main(work: Path, old: Mapping[str, str], new: Mapping[str, str]) -> None:
    """Leaves in `work` a folder for each kill of a write, and for some of them one for each kill of the repair."""
    start = work / "start"
    write(from_values(old), start)
    for number, torn in enumerate(kills(start, "write", lambda out: write(from_values(new), out))):
        if number % REPAIRED == 0:
            for _ in kills(torn, f"repair-{number}", settle):
                pass


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3]))
