"""Changing a tree of files so that, killed at any moment, it is the old tree or the new one.

No single rename swaps files in several folders, so a change is first laid out in full beside them (`.inferometer/`),
then committed by one rename of its journal, then carried out. A journal found later is carried out to its end, anything
else found there is dropped. `docs/decisions/0005-staged-writing.md` says why.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from inferometer.bundle.compare import Change, sha256
from inferometer.bundle.faults import FolderError
from inferometer.bundle.tree import MANIFEST, STAGING, path_fault

# Why a folder that lost a file stays: it holds more, or it is not ours to remove. An empty folder harms nobody.
_STAYS = (errno.ENOTEMPTY, errno.EEXIST, errno.EACCES, errno.EPERM, errno.EBUSY)


@dataclass(frozen=True, slots=True)
class _Step:
    """One line of the journal. `staged` names the new content's file, or is None where the file goes away;
    `before` is the hash of what lay there when the change was planned, None for nothing."""

    path: str
    staged: str | None
    before: str | None


@contextlib.contextmanager
def locked(out: Path) -> Iterator[None]:
    """Holds the folder for one command and first finishes or drops what a killed one left.

    Makes the folder when it is not there. Raises FolderError when another command holds it, and for every OSError
    inside: no file is half-written then, and a change that was committed waits for the next command.
    """
    home = out / STAGING
    try:
        lock = _lock(home)
        try:
            _finish(out)
            _drop_uncommitted(home)
            yield
        finally:
            _leave(home, lock)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        waits = " The change is under way: mend this and run the command again." if _journal(out).exists() else ""
        raise FolderError(f"{where}{error.strerror or error}.{waits}") from error


def settle(out: Path) -> None:
    """Finishes or drops what a killed command left, for commands that only read. Raises as `locked` does."""
    if (out / STAGING).exists():
        with locked(out):
            pass


def carry_out(out: Path, changes: Iterable[Change]) -> None:
    """Makes the changes, all or none, within `locked`. Files that are not named are not touched.

    Raises FolderError before anything is changed when something stands in the way.
    """
    changes = tuple(changes)
    _refuse_obstacles(out, changes)
    fresh = out / STAGING / "new"
    fresh.mkdir()
    steps = []
    for number, change in enumerate(changes):
        staged = None if change.after is None else str(number)
        if staged is not None and change.after is not None:
            (fresh / staged).write_bytes(change.after)
        before = None if change.before is None else sha256(change.before)
        steps.append(_Step(change.path, staged, before))
    draft = fresh / "journal.json"
    rows = [{"path": step.path, "staged": step.staged, "before": step.before} for step in steps]
    draft.write_text(json.dumps(rows), encoding="utf-8")
    for place in (*fresh.iterdir(), fresh):
        _sync(place)
    draft.replace(_journal(out))  # The commit: from here on the tree is the new one, whoever finishes it.
    _sync(out / STAGING)
    _finish(out)


def _finish(out: Path) -> None:
    """Carries out a committed journal, or what is left of it."""
    journal = _journal(out)
    if not journal.exists():
        return
    steps = _read_journal(journal)
    fresh = out / STAGING / "new"
    touched = {out}
    for step in steps:
        if step.staged is None and _untouched(out, step):
            place = out / step.path
            if place.is_symlink() or place.is_file():
                place.unlink()
            touched |= _remove_empty_folders(out, place)  # Also when a kill came between this and the line above.
    for step in steps:
        # A staged file that is gone was moved into place before the kill.
        if step.staged is not None and (fresh / step.staged).exists() and _untouched(out, step):
            place = out / step.path
            place.parent.mkdir(parents=True, exist_ok=True)
            (fresh / step.staged).replace(place)
            touched |= {folder for folder in place.parents if folder.is_relative_to(out)}
    for folder in sorted(touched):
        if folder.is_dir():
            _sync(folder)
    journal.unlink()


def _untouched(out: Path, step: _Step) -> bool:
    """Whether the place still is as the change was planned for. An edit made since a kill is left for the person;
    the next comparison reports it, because the manifest does not know it."""
    place = out / step.path
    if place.is_symlink():
        return step.before == sha256(b"")
    return not place.is_file() or sha256(place.read_bytes()) == step.before


def _lock(home: Path) -> int:
    """The open lock file, locked. It holds the process's number, for the message to one that comes too late."""
    while True:
        home.mkdir(parents=True, exist_ok=True)
        try:
            lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:
            continue  # Its last holder removed the folder just now.
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The last holder may have removed the file between our opening and locking it.
            if _is_open_at(lock, home / "lock"):
                os.truncate(lock, 0)
                os.write(lock, str(os.getpid()).encode())
                return lock
        except BlockingIOError:
            holder = os.read(lock, 20).decode() or "unknown"
            os.close(lock)
            raise FolderError(
                f"{home.parent.resolve()}: another inferometer (process {holder}) is at work in this folder. "
                "Run the command again when it has ended."
            ) from None
        except OSError:
            os.close(lock)
            raise
        os.close(lock)


def _is_open_at(handle: int, place: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), place.stat())
    except FileNotFoundError:
        return False


def _leave(home: Path, lock: int) -> None:
    """Drops what was not committed, and the folder with it when nothing waits there."""
    try:
        if not _journal(home.parent).exists():
            _drop_uncommitted(home)
            (home / "lock").unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                home.rmdir()  # Another command may have come, or a person may have laid something here.
    finally:
        os.close(lock)


def _drop_uncommitted(home: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(home / "new")


def _read_journal(journal: Path) -> list[_Step]:
    try:
        steps = [_Step(row["path"], row["staged"], row["before"]) for row in json.loads(journal.read_bytes())]
        faults = [fault for step in steps if step.path != MANIFEST and (fault := path_fault(step.path))]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        faults = [str(error)]
        steps = []
    if faults:
        raise FolderError(f"{journal}: not a journal of ours ({faults[0]}). Remove the folder {journal.parent}.")
    return steps


def _refuse_obstacles(out: Path, changes: tuple[Change, ...]) -> None:
    """Everything that could make a rename fail is looked for before the commit."""
    leaving = {out / change.path for change in changes if change.after is None}
    emptied = leaving | {folder for place in leaving for folder in place.parents}
    obstacles = set()
    for change in changes:
        place = out / change.path
        if change.after is not None and place.is_dir() and not place.is_symlink():
            if not emptied.issuperset((place, *place.rglob("*"))):
                obstacles.add(f"{place}: a folder lies where a file is to be written")
            continue
        folders = [folder for folder in place.parents if folder.is_relative_to(out)]
        obstacles |= {f"{folder}: a link, and what is generated stays inside {out}" for folder in folders
                      if folder != out and folder.is_symlink()}  # fmt: skip
        nearest = next(folder for folder in folders if folder.exists())
        if not nearest.is_dir():
            if nearest not in leaving:
                obstacles.add(f"{nearest}: a file lies where a folder is to be made")
        elif nearest.stat().st_dev != (out / STAGING).stat().st_dev:
            obstacles.add(f"{nearest}: on another file system than {out}, so no rename reaches it")
        elif not os.access(nearest, os.W_OK | os.X_OK):
            obstacles.add(f"{nearest}: no permission to write")
    if obstacles:
        raise FolderError("\n".join(["Nothing was written:", *(f"  {obstacle}" for obstacle in sorted(obstacles))]))


def _remove_empty_folders(out: Path, place: Path) -> set[Path]:
    """Removes the folders above a removed file that hold nothing more; gives the one that lost an entry."""
    for folder in place.parents:
        if folder == out:
            break
        try:
            folder.rmdir()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            if error.errno not in _STAYS:
                raise
            return {folder}
    return {out}


def _journal(out: Path) -> Path:
    return out / STAGING / "journal.json"


def _sync(place: Path) -> None:
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
