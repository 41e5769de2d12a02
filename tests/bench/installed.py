"""The exporter with its own dependencies and nothing else, as its users have it: others' packages cost memory."""

from __future__ import annotations

import re
import sys
import venv
from collections.abc import Sequence
from functools import cache
from importlib.metadata import distribution, requires
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.exporter.support.process import Exporter


class Installed(Exporter):
    """Runs in an environment of links to the exporter's dependencies."""

    def command(self) -> Sequence[str | Path]:
        return [_environment()[0] if word == sys.executable else word for word in super().command()]


@cache
def _environment() -> tuple[str, TemporaryDirectory[str]]:
    """Its interpreter, and the folder, which goes when this process does."""
    folder = TemporaryDirectory(prefix="installed-")
    venv.create(folder.name, symlinks=True)
    (packages,) = Path(folder.name).glob("lib/python*/site-packages")
    for needed in requires("inferometer-exporter") or ():
        name = re.match(r"[\w.-]+", needed)
        files = (distribution(name[0]).files or ()) if name else ()
        for top in {file.parts[0] for file in files if file.parts[0] != ".." and not file.parts[0].endswith(".pth")}:
            (packages / top).symlink_to(Path(str(distribution(name[0]).locate_file(top))) if name else top)
    return str(Path(folder.name) / "bin/python"), folder
