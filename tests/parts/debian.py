"""Fetches Debian packages of a newer suite and unpacks them into `.parts/`: without root, and nothing is installed.

The mirror and its keys are those of the machine's own apt; apt's own state is left alone.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / ".parts"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class FetchError(Exception):
    """The packages cannot be had on this machine; the text says why."""


@dataclass(frozen=True, slots=True)
class Collection:
    """Packages of one suite that are fetched together and unpacked into one folder.

    `dependencies` takes all that the packages depend on too, for programs that cannot run on an older C library.
    """

    name: str
    suite: str
    packages: tuple[str, ...]
    dependencies: bool = False

    @property
    def folder(self) -> Path:
        return ROOT / self.name

    @property
    def recipe(self) -> str:
        """What was asked for; a folder made from another recipe is made anew."""
        return f"{self.suite} {' '.join(self.packages)} {'with' if self.dependencies else 'without'} dependencies\n"


def unpacked(collection: Collection) -> Path:
    """The folder with the collection's files, fetched first where it is not there yet. Raises FetchError."""
    stamp = collection.folder / "recipe"
    with _locked(ROOT / f"{collection.name}.lock"):
        if not (stamp.is_file() and stamp.read_text() == collection.recipe):
            _fetch(collection)
    return collection.folder


def versions(folder: Path) -> dict[str, str]:
    """Package name → upstream version ("3.5.3") of what was unpacked into a collection's folder."""
    names = (folder / "packages").read_text().split()
    return {name.split("_")[0]: _upstream(name.split("_")[1]) for name in names}


def _upstream(version: str) -> str:
    """`1%3a3.5.3+ds1-6`, as apt names its files, without the epoch and what Debian added: `3.5.3`."""
    return re.split(r"[-+~]", version.split("%3a")[-1])[0]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock: test workers and several runs share one `.parts/`."""
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch(collection: Collection) -> None:
    """Download, unpack beside the folder, and put it in place by one rename."""
    work = ROOT / f"{collection.name}.partial"
    shutil.rmtree(work, ignore_errors=True)
    try:
        tree = _unpack(collection, _download(collection, work / "state"), work / "tree")
        shutil.rmtree(collection.folder, ignore_errors=True)
        tree.rename(collection.folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _download(collection: Collection, state: Path) -> list[Path]:
    """The packages' files, below the folder for apt's state."""
    archives = state / "archives"
    (state / "lists/partial").mkdir(parents=True)
    (archives / "partial").mkdir(parents=True)
    apt = _apt(collection.suite, state)
    _run([*apt, "update"])
    if collection.dependencies:
        # Against an empty status file, so that apt takes the newer C library along and not what the machine has.
        _run([*apt, "install", "--download-only", "--yes", "--no-install-recommends", *collection.packages])
    else:
        _run([*apt, "download", *collection.packages], cwd=archives)
    return sorted(archives.glob("*.deb"))


def _unpack(collection: Collection, packages: list[Path], tree: Path) -> Path:
    """A folder with the packages' files, a list of them, and the recipe."""
    tree.mkdir()
    for package in packages:
        _run(["dpkg-deb", "-x", str(package), str(tree)])
    (tree / "packages").write_text("".join(f"{package.name}\n" for package in packages))
    (tree / "recipe").write_text(collection.recipe)
    return tree


def _apt(suite: str, state: Path) -> list[str]:
    """The apt-get command that knows one suite only and keeps its state in a folder of ours."""
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise FetchError(f"{program} is not there: this is no Debian-like machine")
    if not KEYRING.is_file():
        raise FetchError(f"{KEYRING} is not there: install debian-archive-keyring")
    (state / "sources.list").write_text(f"deb [signed-by={KEYRING}] {_mirror()} {suite} main\n")
    (state / "status").touch()
    options = {
        "Dir::State": state,
        "Dir::State::lists": state / "lists",
        "Dir::State::status": state / "status",
        "Dir::Cache": state,
        "Dir::Cache::archives": state / "archives",
        "Dir::Etc::sourcelist": state / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::Log": state,
        "Debug::NoLocking": "true",
        "Acquire::Check-Valid-Until": "false",  # a mirror that stands still is good enough for tests
        "Acquire::Languages": "none",
    }
    if os.geteuid() == 0:
        options["APT::Sandbox::User"] = "root"  # apt's own user cannot write below this folder
    return ["apt-get", "-qq", *(f"-o{key}={value}" for key, value in options.items())]


def _mirror() -> str:
    """The address of the Debian mirror that this machine's apt uses."""
    known = _run(["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages", "Origin: Debian",
                  "Label: Debian", "Component: main"])  # fmt: skip
    if not known:
        raise FetchError("apt knows no Debian mirror here (on Debian: run `apt-get update` first)")
    return known.splitlines()[0]


def _run(command: list[str], cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise FetchError(f"{Path(command[0]).name} failed: {said[-1] if said else f'exit code {done.returncode}'}")
    return done.stdout
