"""Why a folder is left as it is: the machine does not allow the writing, or a person's work would be lost."""

from __future__ import annotations

from collections.abc import Sequence

from inferometer.errors import InferometerError


class FolderError(InferometerError):
    """The folder cannot be read, written or locked. Nothing is half-written."""

    exit_code = 3


class HandEditError(InferometerError):
    """Building would overwrite or remove what a person wrote; `edited` and `foreign` are the paths."""

    exit_code = 1

    def __init__(self, edited: Sequence[str], foreign: Sequence[str]) -> None:
        self.edited = tuple(edited)
        self.foreign = tuple(foreign)
        lines = ["Nothing was written, because these files hold what a person wrote:"]
        lines += [f"  {path}: edited by hand since it was generated" for path in self.edited]
        lines += [f"  {path}: not made by Inferometer, and in the way" for path in self.foreign]
        lines += [
            "Keep an edit by telling it in the spec or an overlay (stack/overlays/README.md), then put the file back.",
            "Move a file that is in the way. To lose what was written: `inferometer build --force`.",
        ]
        super().__init__("\n".join(lines))
