"""Writing a bundle into a folder: only what changed, all of it or nothing, and never over a person's work unasked."""

from __future__ import annotations

from pathlib import Path

from inferometer.bundle.compare import Changes, compare
from inferometer.bundle.faults import HandEditError
from inferometer.bundle.staging import carry_out, locked
from inferometer.bundle.tree import Bundle


def write(bundle: Bundle, out: Path, *, force: bool = False) -> Changes:
    """Makes the folder hold the bundle and its manifest; gives what changed.

    Files that are the same already keep their time of change. Files of the last bundle that this one lacks are removed.
    Raises HandEditError when that would lose an edit made by hand (`force` loses it), and FolderError when the folder
    cannot be written; nothing has changed then.
    """
    with locked(out):
        changes = compare(bundle, out)
        at_stake = [change for change in changes.files if change.author != "generated"]
        if at_stake and not force:
            raise HandEditError(
                edited=[change.path for change in at_stake if change.author == "edited"],
                foreign=[change.path for change in at_stake if change.author == "foreign"],
            )
        if changes:
            carry_out(out, changes.all)
        return changes
