"""Builds a Go program from its module into `.parts/`, for what no package holds.

It takes the machine's Go where that is new enough, else the one of Debian's newer suite, unpacked like the other parts.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.parts.debian import Collection, unpacked
from tests.parts.kept import FetchError, kept, run

GO = Collection("go", "sid", ("golang-go",), dependencies=True)


@dataclass(frozen=True, slots=True)
class Module:
    """A program by its module's path, at one version, and the oldest Go that its go.mod allows.

    `version_variable` is where the program keeps the version that it tells of itself.
    """

    name: str
    path: str
    version: str
    oldest_go: tuple[int, int]
    version_variable: str

    @property
    def recipe(self) -> str:
        """What was asked for; a folder made from another recipe is made anew."""
        return f"{self.path} v{self.version}\n"


def built(module: Module) -> Path:
    """The folder with the program in `bin/`, built first where it is not there yet: minutes. Raises FetchError."""

    def make(work: Path) -> Path:
        tree = work / "tree"
        _build(module, tree / "bin")
        (tree / "packages").write_text(f"{module.name}_{module.version}\n")
        return tree

    return kept(module.name, module.recipe, make)


def _build(module: Module, folder: Path) -> None:
    if shutil.which("g++") is None:
        raise FetchError("g++ is not there, which its build needs (Debian: apt-get install g++)")
    go = _go(module.oldest_go)
    stamp = f"-s -w -X={module.version_variable}={module.version}"
    run(
        [str(go), "install", f"-ldflags={stamp}", f"{module.path}@v{module.version}"],
        cwd=folder.parents[1],  # away from any go.mod
        environment={**os.environ, "GOBIN": str(folder), "GOTOOLCHAIN": "local", "CGO_ENABLED": "1"},
    )


def _go(oldest: tuple[int, int]) -> Path:
    """The Go compiler on PATH, or Debian's."""
    found = shutil.which("go")
    if found and _version(found) >= oldest:
        return Path(found)
    return unpacked(GO) / "usr/bin/go"


def _version(go: str) -> tuple[int, int]:
    """`go version go1.26.8 linux/amd64` → (1, 26); a compiler that says something else is too old."""
    said = subprocess.run([go, "version"], capture_output=True, text=True, check=False, timeout=20).stdout
    version = re.search(r"\bgo(\d+)\.(\d+)", said)
    return (int(version[1]), int(version[2])) if version else (0, 0)
