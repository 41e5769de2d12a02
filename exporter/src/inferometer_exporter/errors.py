"""Why the exporter does not start: each problem is one line for a person, with the exit code of its kind."""

from __future__ import annotations

from collections.abc import Sequence


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
