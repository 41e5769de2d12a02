"""What lies on disk against what the bundle holds: which files differ, and which of them a person has edited."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from inferometer.bundle.faults import FolderError
from inferometer.bundle.tree import MANIFEST, Bundle, path_fault

Kind = Literal["added", "changed", "removed"]
# Who wrote what lies on disk now: we did; a person changed what we wrote; a person, and never we.
Author = Literal["generated", "edited", "foreign"]


@dataclass(frozen=True, slots=True)
class Change:
    """One file that differs. `before` is None when there is no file, `after` is None when none should be there."""

    path: str
    before: bytes | None
    after: bytes | None
    author: Author = "generated"

    @property
    def kind(self) -> Kind:
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"


@dataclass(frozen=True, slots=True)
class Changes:
    """All differences between a folder and a bundle, by path; false when the folder is up to date."""

    all: tuple[Change, ...]

    def __bool__(self) -> bool:
        return bool(self.all)

    @property
    def files(self) -> tuple[Change, ...]:
        """The differences without the manifest's, which follows from the others."""
        return tuple(change for change in self.all if change.path != MANIFEST)

    @property
    def added(self) -> tuple[str, ...]:
        return self._paths(lambda change: change.author == "generated" and change.kind == "added")

    @property
    def changed(self) -> tuple[str, ...]:
        return self._paths(lambda change: change.author == "generated" and change.kind == "changed")

    @property
    def removed(self) -> tuple[str, ...]:
        return self._paths(lambda change: change.author == "generated" and change.kind == "removed")

    @property
    def edited(self) -> tuple[str, ...]:
        """Files that a person wrote or changed and that building would overwrite or remove."""
        return self._paths(lambda change: change.author != "generated")

    def _paths(self, wanted: Callable[[Change], bool]) -> tuple[str, ...]:
        return tuple(change.path for change in self.files if wanted(change))


def compare(bundle: Bundle, out: Path) -> Changes:
    """What building the bundle into the folder would change.

    A file is ours when its hash stands in the folder's manifest, or when it already is what the bundle holds.
    Raises FolderError for a manifest or a file that cannot be read.
    """
    contents = bundle.rendered()
    manifest = _manifest_text({path: sha256(content) for path, content in contents.items()})
    written = read_manifest(out)
    changes = []
    for path in sorted(contents.keys() | written.keys()):
        before, after = _on_disk(out, path), contents.get(path)
        if before != after:
            changes.append(Change(path, before, after, _author(before, written.get(path))))
    changes.append(Change(MANIFEST, _on_disk(out, MANIFEST), manifest))
    return Changes(tuple(change for change in changes if change.before != change.after))


def sha256(content: bytes) -> str:
    """The hash that the manifest and the journal hold, in hex."""
    return hashlib.sha256(content).hexdigest()


def read_manifest(out: Path) -> dict[str, str]:
    """Path to hash of what was generated into the folder last; empty when nothing ever was.

    Raises FolderError when the manifest is there and is not ours: without it an edit by hand cannot be told.
    """
    content = _on_disk(out, MANIFEST)
    if content is None:
        return {}
    try:
        hashes = json.loads(content)
    except ValueError:
        hashes = None
    if not isinstance(hashes, dict) or not all(isinstance(value, str) for value in hashes.values()):
        raise FolderError(
            f"{MANIFEST} is not readable (a merge conflict?). Restore it from version control, or remove it and run "
            "`inferometer build --force`, which overwrites edits made by hand."
        )
    return {path: value for path, value in hashes.items() if path_fault(path) is None}


def _manifest_text(hashes: Mapping[str, str]) -> bytes:
    return (json.dumps(dict(sorted(hashes.items())), indent=2, ensure_ascii=False) + "\n").encode()


def _author(before: bytes | None, hash_written: str | None) -> Author:
    if before is None:
        return "generated"
    if hash_written is None:
        return "foreign"
    return "generated" if sha256(before) == hash_written else "edited"


def _on_disk(out: Path, path: str) -> bytes | None:
    """The content of a file, None where there is none (a folder in its place is for the writer to judge)."""
    place = out / path
    try:
        # What a link points to is not ours to compare: the link itself is what a person laid here.
        return b"" if place.is_symlink() else place.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        raise FolderError(f"{place}: {error.strerror}") from error
