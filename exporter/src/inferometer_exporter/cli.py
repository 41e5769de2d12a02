"""The command line: flags for one backend, or a file for several."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from inferometer_exporter import __version__
from inferometer_exporter.errors import BadInput, StartError

LEVELS = ("debug", "info", "warning", "error")
# Flags that say how to run, not what: they go with a file as well.
_RUNNING = ("config", "check_config", "log_format", "log_level", "healthcheck")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, as for every other problem."""
        raise BadInput(f"{message}. `inferometer-exporter --help` lists all flags.")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 after an orderly end, 2 for bad input, 3 for a machine that does not allow it."""
    try:
        return _main(sys.argv[1:] if arguments is None else arguments)
    except StartError as error:
        for problem in error.problems:
            print(f"inferometer-exporter: {problem}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def _main(arguments: Sequence[str]) -> int:
    given = _parser().parse_args(arguments)
    if given.healthcheck:
        from inferometer_exporter.healthcheck import alive

        return 0 if alive(given.healthcheck) else 1
    from inferometer_exporter.config.load import from_flags, load

    values = vars(given)
    if given.config is None:
        config = from_flags(values)
    else:
        beside = sorted(flag for flag, value in values.items() if value and flag not in _RUNNING)
        if beside:
            flags = ", ".join(f"--{flag.replace('_', '-')}" for flag in beside)
            raise BadInput(f"--config says everything: leave out {flags}, or write it into {given.config}.")
        config = load(given.config)

    import logging

    from inferometer_exporter import app, logs
    from inferometer_exporter.config.files import cautions

    if given.check_config:
        print(app.check(config))
        return 0
    logs.set_up(given.log_format or config.log_format, given.log_level)
    for line in cautions(config):
        logging.getLogger(__name__).warning(line)
    app.run(config)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="inferometer-exporter",
        description="Records every request to an LLM server as metrics and traces, and changes no byte of it.",
        epilog="Point clients at --listen instead of at the server; metrics and a page are on --admin.",
        allow_abbrev=False,
        # With no width given, argparse loads three libraries for compression to ask for the terminal's.
        formatter_class=partial(argparse.HelpFormatter, width=100),
    )
    add = parser.add_argument
    add("--version", action="version", version=f"inferometer-exporter {__version__}")
    add("--config", type=Path, metavar="FILE", help="a YAML file for several backends, instead of the flags below")
    add("--check-config", action="store_true", help="say whether the configuration is good, and end")
    add("--healthcheck", metavar="HOST:PORT", help="ask a running exporter whether it lives: exit code 0 or 1")
    add("--log-format", choices=("text", "json"))
    add("--log-level", choices=LEVELS, default="info")
    backend = parser.add_argument_group("one backend").add_argument
    backend("--backend", action="append", metavar="URL", help="the server's address; again for each that answers alike")
    backend("--engine", metavar="KIND", help="ollama, openai, herd, vllm, llamacpp, ... (default: ollama)")
    backend("--listen", metavar="HOST:PORT", help="where clients come (default: 127.0.0.1:11436)")
    backend("--name", help="the label `backend` (default: the engine's name)")
    backend("--model", action="append", metavar="NAME", help="a model that has its series from the start")
    backend("--label", action="append", metavar="NAME=VALUE", help="a label on every series of the backend")
    backend("--ca-file", metavar="FILE", help="who may sign the server's certificate")
    backend("--inject-usage", action="store_true", help="ask OpenAI streams for token counts, and hide them again")
    rest = parser.add_argument_group("the exporter").add_argument
    rest("--admin", metavar="HOST:PORT", help="metrics, health, traces and the page (default: 127.0.0.1:9464)")
    rest("--store", metavar="FILE", help="where traces are kept, or `none` (default: traces.db)")
    rest("--retention", metavar="TIME", help="how long traces are kept (default: 7d)")
    rest("--max-size", metavar="SIZE", help="how large their file may grow (default: 512MiB)")
    rest("--tag", action="append", metavar="TAG", help="a tag that becomes a label")
    rest("--token-file", metavar="FILE", help="the admin port asks for this bearer token")
    rest("--basic-file", metavar="FILE", help="the admin port asks for this user:password")
    rest("--expose", action="store_true", help="allow to listen beyond loopback")
    rest("--admin-cert", metavar="FILE")
    rest("--admin-key", metavar="FILE")
    rest("--proxy-cert", metavar="FILE")
    rest("--proxy-key", metavar="FILE")
    rest("--categraf", action="store_true", help="add the seven metrics of Categraf's Ollama plugin")
    rest("--notice", metavar="TEXT", help="a line on top of the page")
    return parser
