"""Fetches Debian packages of a newer suite and unpacks them into `.parts/`: without root, and nothing is installed.

The mirror and its keys are those of the machine's own apt; apt's own state is left alone.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.parts.kept import FetchError, kept, run

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


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
    def recipe(self) -> str:
        """What was asked for; a folder made from another recipe is made anew."""
        return f"{self.suite} {' '.join(self.packages)} {'with' if self.dependencies else 'without'} dependencies\n"


def unpacked(collection: Collection) -> Path:
    """The folder with the collection's files, fetched first where it is not there yet. Raises FetchError."""
    return kept(
        collection.name,
        collection.recipe,
        lambda work: _unpack(_download(collection, work / "state"), work / "tree"),
    )


def _mirror() -> str:
    """The address of the Debian mirror that this machine's apt uses. Raises FetchError."""
    known = run(["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages", "Origin: Debian",
                 "Label: Debian", "Component: main"])  # fmt: skip
    if not known:
        raise FetchError("apt knows no Debian mirror here (on Debian: run `apt-get update` first)")
    return known.splitlines()[0]


def _download(collection: Collection, state: Path) -> list[Path]:
    """The packages' files, below the folder for apt's state."""
    archives = state / "archives"
    (state / "lists/partial").mkdir(parents=True)
    (archives / "partial").mkdir(parents=True)
    apt = _apt(collection.suite, state)
    run([*apt, "update"])
    if collection.dependencies:
        # Against an empty status file, so that apt takes the newer C library along and not what the machine has.
        run([*apt, "install", "--download-only", "--yes", "--no-install-recommends", *collection.packages])
    else:
        run([*apt, "download", *collection.packages], cwd=archives)
    return sorted(archives.glob("*.deb"))


def _unpack(packages: list[Path], tree: Path) -> Path:
    """A folder with the packages' files and a list of them."""
    tree.mkdir()
    for package in packages:
        run(["dpkg-deb", "-x", str(package), str(tree)])
    (tree / "packages").write_text("".join(f"{package.name}\n" for package in packages))
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
