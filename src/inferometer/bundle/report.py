"""A readable diff: one line a file, and below it what changed in the words of the file (panels, alerts, records)."""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from pathlib import PurePosixPath

from inferometer.bundle.compare import Change, Changes
from inferometer.bundle.meaning import meaning

# A diff of so few lines says more than a summary of it.
_SMALL = 12
# So many new or removed files in one folder are told in one line.
_MANY = 8
# So many lines at most say what changed in one file.
_PARTS = 20

_MARKS = {"added": "+", "changed": "~", "removed": "-"}
_NOTES = {"generated": "", "edited": "  edited by hand", "foreign": "  not made by Inferometer"}


def report(changes: Changes, *, full: bool = False) -> str:
    """The differences as lines of text, empty when there are none; `full` gives a unified diff of each file.

    Each file's line begins with a mark: `+` new, `~` changed, `-` removed, `!` written or changed by a person.
    """
    shown = changes.files or changes.all  # The manifest is told when nothing else is: it follows from the others.
    blocks = [(change.path, _file_block(change, full)) for change in shown]
    if not full:
        blocks = _with_crowds_told_at_once(shown, dict(blocks))
    lines = [line for _, block in sorted(blocks) for line in block]
    return "".join(f"{line}\n" for line in [*lines, *_total(changes)])


def _with_crowds_told_at_once(shown: tuple[Change, ...], blocks: dict[str, list[str]]) -> list[tuple[str, list[str]]]:
    crowds: dict[tuple[str, str], list[str]] = defaultdict(list)
    for change in shown:
        if change.kind != "changed" and change.author == "generated":
            crowds[f"{PurePosixPath(change.path).parent.as_posix()}/", change.kind].append(change.path)
    for (folder, kind), paths in crowds.items():
        if len(paths) > _MANY:
            for path in paths:
                del blocks[path]
            blocks[f"{folder} {kind}"] = [f"{_MARKS[kind]} {folder}  {len(paths)} files"]
    return list(blocks.items())


def _file_block(change: Change, full: bool) -> list[str]:
    mark = _MARKS[change.kind] if change.author == "generated" else "!"
    before, after = _lines(change.before), _lines(change.after)
    # Counted without regard to order: a real diff of many large files would take seconds.
    come, gone = Counter(after) - Counter(before), Counter(before) - Counter(after)
    count = f"  +{come.total()} -{gone.total()}" if change.kind == "changed" else ""
    head = f"{mark} {change.path}{count}{_NOTES[change.author]}"
    if full:
        return [head, *_unified(change.path, before, after)]
    if change.kind != "changed":
        return [head]
    told = meaning(change.path, change.before or b"", change.after or b"")
    if len(told) > _PARTS:
        told = [*told[: _PARTS - 1], f"… and {len(told) - _PARTS + 1} more"]
    if not told and come.total() + gone.total() <= _SMALL:
        told = _unified(change.path, before, after)[2:]
    return [head, *(f"    {line}" for line in told)]


def _lines(content: bytes | None) -> list[str]:
    # Not splitlines: a file that an editor saved with other line ends differs in every line.
    return content.decode(errors="replace").removesuffix("\n").split("\n") if content else []


def _unified(path: str, before: list[str], after: list[str]) -> list[str]:
    return list(difflib.unified_diff(before, after, f"{path} (on disk)", f"{path} (generated)", lineterm=""))


def _total(changes: Changes) -> list[str]:
    counts = {
        "added": len(changes.added),
        "changed": len(changes.changed),
        "removed": len(changes.removed),
        "written by hand": len(changes.edited),
    }
    total = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return [total] if total else []
