"""Folders that a bundle was written to: what they hold, and two trees that differ in every way."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from inferometer.bundle import STAGING, Bundle, write
from inferometer.errors import InferometerError

# From the one to the other a file stays, changes, goes with its folders, comes with them, becomes a folder, was one.
OLD = {"same": "1", "changed": "1", "gone/deep/a": "1", "file": "1", "folder/a": "1"}
NEW = {"same": "1", "changed": "2", "fresh/deep/a": "2", "file/a": "2", "folder": "2"}


def expected(bundle: Bundle) -> dict[str, bytes]:
    """The tree that a bundle becomes in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        write(bundle, Path(folder))
        return tree(Path(folder))


def refused(task: Callable[[], object]) -> InferometerError | None:
    """What the task was turned away with, None when it was done."""
    try:
        task()
    except InferometerError as refusal:
        return refusal
    return None


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, and every empty folder as `path/`, without the staging area."""
    found = {}
    for place, folders, files in os.walk(folder):
        here = Path(place).relative_to(folder)
        if STAGING in folders and here == Path():
            folders.remove(STAGING)
        found.update({(here / name).as_posix(): (Path(place) / name).read_bytes() for name in files})
        if not folders and not files and here != Path():
            found[f"{here.as_posix()}/"] = b""
    return found
