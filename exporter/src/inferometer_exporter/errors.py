"""Why the exporter does not start: each problem is one line for a person, with the exit code of its kind."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from pathlib import Path


class StartError(Exception):
    """The exporter cannot start. `problems` are whole sentences, each with its place and remedy: all at once."""

    exit_code = 3

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems: Sequence[str] = problems


class BadInput(StartError):
    """A flag, a configuration or a file that the user must change."""

    exit_code = 2


class BadEnvironment(StartError):
    """A port in use, a folder that cannot be written: the machine must change."""

    exit_code = 3


def without_text(error: BaseException) -> str:
    """An unforeseen error for the log: its kind and its place, but not its text, which may hold what a client sent."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {frames[-1].name}, line {frames[-1].lineno} of {Path(frames[-1].filename).name}" if frames else ""
    return f"{type(error).__name__}{place}"
