"""Runs the exporter on this machine for the recorded backends; those of the host `demo` are simulated beside it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import click
import yaml

from inferometer import names
from inferometer.demo import Stage, simulated
from inferometer.errors import InferometerError
from inferometer.plan import Plan
from inferometer.spec.address import Address
from inferometer.spec.listen import LOOPBACK
from inferometer.stack import exporter

PROGRAM = "inferometer-exporter"
# Below the folder that holds the generated files, beside the builder's staging area: git ignores it.
HOME = ".inferometer"
TRACES = "traces.db"

_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOOK_AGAIN = 0.1
_AT_ONCE = 1.0
# The exporter lets running requests end for 25 s; one that stays for longer than that is ended.
_PATIENCE = 40.0


class CannotRun(InferometerError):
    """The machine does not allow it: the exporter is not installed, or its folder cannot be written."""

    exit_code = 3


def run(plan: Plan, spec: Path, out: Path, seconds: float | None) -> int:
    """Runs until a signal, or for so many seconds. Returns the exporter's exit code. Raises CannotRun.

    `spec` is the spec's file: the files that it names are looked for beside it. `out` is the folder that holds the
    generated files.
    """
    return asyncio.run(_run(plan, spec, out, seconds))


async def _run(plan: Plan, spec: Path, out: Path, seconds: float | None) -> int:
    command = installed()
    stage = Stage(simulated(plan))
    try:
        await stage.start()
        config = configuration(plan, spec.parent, stage)
        file = _written(config, out / HOME)
        # A group of its own: Ctrl-C reaches us alone, and the exporter is told once.
        process = await asyncio.create_subprocess_exec(command, "--config", str(file), process_group=0)
        try:
            return await _accompany(process, plan, config, stage, file.parent, seconds)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    finally:
        await stage.stop()


def installed() -> str:
    """The exporter's program: beside this Python, or on the PATH. Raises CannotRun."""
    beside = Path(sys.executable).with_name(PROGRAM)
    found = str(beside) if beside.is_file() else shutil.which(PROGRAM)
    if found is None:
        raise CannotRun(f"{PROGRAM} is not installed. Install it: pip install ./exporter (or run `make setup`).")
    return found


def configuration(plan: Plan, folder: Path, stage: Stage) -> dict[str, Any]:
    """The exporter's configuration for this machine: what is generated, with its files and addresses as seen here."""
    config = exporter.config(plan, False, lambda file: str((folder / file).resolve()))
    limits = config["store"] if isinstance(config["store"], dict) else {}
    config["store"] = {**limits, "path": TRACES}
    if plan.spec.platform == "compose":
        # There the address of the metrics is one of a network between containers.
        config["admin"] = str(Address("http", LOOPBACK, plan.spec.exporter.target.port))
    for backend in config["backends"]:
        backend["urls"] = stage.urls.get(backend["name"], backend["urls"])
    if stage.urls:
        config["notice"] = f"Simulated traffic: {_simulation(stage)}"
        config.setdefault("tags", list(stage.truth.tags))
    return config


def _simulation(stage: Stage) -> str:
    return f"the servers and clients of {', '.join(stage.urls)} are made up by `{names.PRODUCT} run`."


def _written(config: dict[str, Any], home: Path) -> Path:
    file = home / "exporter.yaml"
    try:
        home.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    except OSError as error:
        raise CannotRun(f"{error.filename or home}: {error.strerror or error}") from None
    return file


async def _accompany(
    process: asyncio.subprocess.Process,
    plan: Plan,
    config: dict[str, Any],
    stage: Stage,
    home: Path,
    seconds: float | None,
) -> int:
    """Tells where to look once the exporter answers, lets clients in, and ends it when it is time."""
    told: asyncio.Queue[None] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in _ENDINGS:
        loop.add_signal_handler(number, told.put_nowait, None)
    timer = None if seconds is None else loop.call_later(seconds, told.put_nowait, None)
    ended = asyncio.create_task(process.wait())
    ending = asyncio.create_task(told.get())
    try:
        if await _answers(config["admin"], ended, ending):
            click.echo(_where_to_look(plan, config, stage, home))
            stage.play()
            await asyncio.wait({ended, ending}, return_when=asyncio.FIRST_COMPLETED)
        stage.hush()
        if timer is not None:
            timer.cancel()
        asked = not ended.done()
        if asked:
            click.echo("Ending; requests under way may finish (once more, and they are cut).")
        await _end(process, ended, told)
    finally:
        for number in _ENDINGS:
            loop.remove_signal_handler(number)
        ended.cancel()
        ending.cancel()
    return exit_code(process.returncode, asked)


def exit_code(code: int | None, asked: bool) -> int:
    """Ours, for the exporter's. `asked` is whether it was told to end; it may not yet have known what to do then."""
    if code is None:
        click.echo(f"The exporter did not end within {_PATIENCE:.0f} s, and was killed.", err=True)
        return 128 + signal.SIGKILL
    if code >= 0:
        return code
    return 0 if asked and code == -signal.SIGTERM else 128 - code


async def _end(process: asyncio.subprocess.Process, ended: asyncio.Task[int], told: asyncio.Queue[None]) -> None:
    """Tells the exporter to end, and once more for each further signal. Returns when it has, or has not for long."""
    while not ended.done():
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        again = asyncio.create_task(told.get())
        done, _ = await asyncio.wait({ended, again}, timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        again.cancel()
        if not done:
            return


async def _answers(admin: str, ended: asyncio.Task[int], ending: asyncio.Task[None]) -> bool:
    """Waits until the exporter's page answers. False where the exporter ended or is to end before that."""
    host, _, port = admin.rpartition(":")
    while not ended.done() and not ending.done():
        if await _is_http(_reached(host), int(port)):
            # Somebody answers; if it is another on the same port, ours ends at once.
            await asyncio.wait({ended}, timeout=_LOOK_AGAIN)
            return not ended.done()
        await asyncio.wait({ended, ending}, timeout=_LOOK_AGAIN, return_when=asyncio.FIRST_COMPLETED)
    return False


async def _is_http(host: str, port: int) -> bool:
    """Whether somebody answers a request there at once."""
    with contextlib.suppress(OSError):
        async with asyncio.timeout(_AT_ONCE):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return (await reader.read(64)).startswith(b"HTTP/1.")
            finally:
                writer.transport.abort()
    return False


def _reached(host: str) -> str:
    bare = host.removeprefix("[").removesuffix("]")
    return {"0.0.0.0": LOOPBACK, "::": "::1"}.get(bare, bare)


def _where_to_look(plan: Plan, config: dict[str, Any], stage: Stage, home: Path) -> str:
    host, _, port = config["admin"].rpartition(":")
    page = f"http://{LOOPBACK if host == '0.0.0.0' else host}:{port}"
    widest = max(len(proxy.backend.name) for proxy in plan.proxies)
    clients = [f"{proxy.backend.name:<{widest}}  {proxy.variable}" for proxy in plan.proxies]
    rows = [("page", f"{page}/"), ("metrics", f"{page}/metrics"), ("traces", f"{home / TRACES}")]
    rows += [("clients" if number == 0 else "", line) for number, line in enumerate(clients)]
    head = ["The exporter runs. Ctrl-C ends it."]
    if stage.urls:
        head.append(f"SIMULATED: {_simulation(stage)}")
    return "\n".join([*head, *(f"  {name:<8} {what}" for name, what in rows)])
