"""The command line: `inferometer build`, `run`, `check` and `diff`.

Leaves with 0 when all is well, 1 when files are stale or edited by hand, 2 for bad input, 3 when the machine does not
allow it (a folder that cannot be written, another run in it) and 130 when interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import click

from inferometer import names
from inferometer.errors import InferometerError

# What a command needs is imported when it runs: `--help` must come at once.
if TYPE_CHECKING:
    from inferometer.bundle import Bundle, Changes
    from inferometer.spec.load import LoadedSpec

STALE = 1
INTERRUPTED = 130

_COLOURS = {"+": "green", "-": "red", "~": "yellow", "!": "magenta", "@": "cyan"}

Command = TypeVar("Command", bound=Callable[..., int])


def _paths(command: Command) -> Command:
    spec = click.option(
        "--spec", type=click.Path(path_type=Path), default=names.SPEC, show_default=True,
        help="The file that describes the fleet. Overlays are read from the folder overlays/ beside it.",
    )  # fmt: skip
    out = click.option(
        "--out", type=click.Path(path_type=Path), default=".", show_default=True,
        help="The folder that holds the generated files.",
    )  # fmt: skip
    return spec(out(command))


def _seconds(_context: click.Context, _option: click.Parameter, text: str | None) -> float | None:
    """The seconds of a duration on the command line."""
    from inferometer.units import parse_duration

    try:
        return None if text is None else parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """Turn one file that describes an LLM fleet into everything needed to watch it."""


@commands.command()
@_paths
@click.option("--force", is_flag=True, help="Overwrite files that were edited by hand.")
def build(spec: Path, out: Path, force: bool) -> int:
    """Generate all files from the spec, and say what changed."""
    _build(spec, out, force)
    return 0


@commands.command()
@_paths
@click.option("--for", "seconds", callback=_seconds, metavar="DURATION", help="End after this time, such as 30s.")
def run(spec: Path, out: Path, seconds: float | None) -> int:
    """Generate all files, then run the exporter for the spec's recorded backends until Ctrl-C.

    Backends whose host is `demo` are simulated, with steady traffic.
    """
    loaded = _build(spec, out, force=False)
    if not loaded.spec.recorded:
        click.echo("No backend of the spec is recorded by the exporter, so there is nothing to run.")
        return 0
    from inferometer.plan import resolve
    from inferometer.run import run as run_exporter

    return run_exporter(resolve(loaded), spec, out, seconds)


@commands.command()
@_paths
def check(spec: Path, out: Path) -> int:
    """Say whether the generated files are what the spec says; leave with 1 when they are not."""
    changes = _compared(spec, out)
    _say(changes)
    if changes.edited:
        click.echo("Files marked ! hold what a person wrote. Tell it in the spec or in an overlay, and put them back;")
        click.echo("`inferometer build --force` overwrites them.")
    elif changes:
        click.echo("The generated files are stale. Run `make`, or `inferometer build`.")
    else:
        click.echo("The generated files are up to date.")
    return STALE if changes else 0


@commands.command()
@_paths
@click.option("--full", is_flag=True, help="Show every line that differs.")
def diff(spec: Path, out: Path, full: bool) -> int:
    """Show what building would change."""
    _say(_compared(spec, out), full=full)
    return 0


def _build(spec: Path, out: Path, force: bool) -> LoadedSpec:
    from inferometer.bundle import write

    loaded, bundle = _compiled(spec)
    changes = write(bundle, out, force=force)
    _say(changes)
    click.echo(_made(bundle) + (" All files were up to date." if not changes else ""))
    if loaded.spec.alerting.default_receiver is None:
        click.echo("Nobody is told of alerts yet: name somebody under alerting.receivers in the spec.")
    click.echo(f"Next: import a board of {out / names.DASHBOARDS}/ into Grafana, or read {out / names.ALERTS}/.")
    return loaded


def _compiled(spec: Path) -> tuple[LoadedSpec, Bundle]:
    from inferometer.compile import compile_bundle
    from inferometer.spec import load

    loaded = load(spec)
    return loaded, compile_bundle(loaded, spec.parent / "overlays")


def _compared(spec: Path, out: Path) -> Changes:
    from inferometer.bundle import compare, settle

    _, bundle = _compiled(spec)
    settle(out)
    return compare(bundle, out)


def _made(bundle: Bundle) -> str:
    from inferometer.bundle import census

    made = census(bundle)
    return (
        f"{_count(made.boards, 'board')} with {_count(made.panels, 'panel')}, {_count(made.alerts, 'alert')}, "
        f"{_count(made.records, 'recording rule')}, {_count(made.targets, 'target')} to scrape: "
        f"{_count(len(bundle), 'file')}."
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _say(changes: Changes, *, full: bool = False) -> None:
    from inferometer.bundle import report

    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for line in report(changes, full=full).splitlines():
        colour = _COLOURS.get(line.lstrip()[:1])
        click.echo(click.style(line, fg=colour) if coloured and colour else line, color=coloured)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line and leaves; what a person can put right is told without a traceback."""
    try:
        code = commands.main(arguments, prog_name=names.PRODUCT, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.Abort:
        click.echo("Interrupted.", err=True)
        code = INTERRUPTED
    except InferometerError as error:
        click.echo(str(error), err=True)
        code = error.exit_code
    sys.exit(code)
