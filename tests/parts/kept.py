"""`.parts/`: the folders that hold what tests fetched or built, each made once and put in place whole."""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / ".parts"


class FetchError(Exception):
    """A part cannot be had on this machine; the text says why."""


def kept(name: str, recipe: str, make: Callable[[Path], Path]) -> Path:
    """The folder of that name; made first where it is not there yet, or was made from another recipe.

    `make` gets an empty folder to work in, and gives the folder in it that is to be kept. Test workers and several runs
    share `.parts/`: one makes, the others wait. Raises FetchError where `make` does.
    """
    folder = ROOT / name
    stamp = folder / "recipe"
    with _locked(ROOT / f"{name}.lock"):
        if not (stamp.is_file() and stamp.read_text() == recipe):
            work = ROOT / f"{name}.partial"
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            try:
                tree = make(work)
                (tree / "recipe").write_text(recipe)
                shutil.rmtree(folder, ignore_errors=True)
                tree.rename(folder)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    return folder


def versions(folder: Path) -> dict[str, str]:
    """Package name → upstream version ("3.5.3") of what a folder holds, by its list of packages."""
    names = (folder / "packages").read_text().split()
    return {name.split("_")[0]: _upstream(name.split("_")[1]) for name in names}


def run(command: list[str], cwd: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
    """What a command wrote. Raises FetchError with the last line of its complaint."""
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise FetchError(f"{Path(command[0]).name} failed: {said[-1] if said else f'exit code {done.returncode}'}")
    return done.stdout


def _upstream(version: str) -> str:
    """`1%3a3.5.3+ds1-6`, as apt names its files, without the epoch and what Debian added: `3.5.3`."""
    return re.split(r"[-+~]", version.split("%3a")[-1])[0]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
