"""Many streams at once: how late their tokens come, what that costs, and what scrapes do to them."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic_ns

from tests.bench import machine
from tests.bench.figures import Figure, median, percentile, span
from tests.bench.parties import pid_of
from tests.exporter.support.process import ROOT, Exporter
from tests.parts.nginx import Nginx
from tests.parts.process import free_port

SCRAPES = 50
BETWEEN_BURSTS = 1.0
AFTERMATH = 200_000_000  # ns after a burst in which a late token is its fault


@dataclass(frozen=True, slots=True)
class Run:
    """All streams once. Delays are milliseconds in order of arrival, at `times` (monotonic ns); `cpu` is of a core."""

    times: Sequence[int]
    delays: Sequence[float]
    same: bool
    cpu: float


class Streams:
    """So many streams of `rate` lines a second through a party that was started for this server's address."""

    def __init__(self, folder: Path, streams: int, rate: float, seconds: float) -> None:
        self._file = folder / "arrivals"
        self._port = free_port()
        self._asked = (streams, rate, seconds)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def run(self, port: int, pid: int | None, beside: Callable[[], None] = lambda: None) -> Run:
        """Through the party on `port` (of `pid`), or directly. `beside` is called once while the streams flow."""
        streams, rate, seconds = self._asked
        server = _python("stream_server", self._port, *self._asked)
        assert server.stdout is not None
        server.stdout.readline()
        client = _python("stream_client", port or self._port, streams, self._file)
        time.sleep(1)
        begin, spent = monotonic_ns(), machine.cpu_seconds(pid) if pid else 0.0
        beside()
        time.sleep(max(0.0, seconds - 1.5 - (monotonic_ns() - begin) / 1e9))
        took = (monotonic_ns() - begin) / 1e9
        cpu = (machine.cpu_seconds(pid) - spent) / took if pid else 0.0
        got, sent = (json.loads(process.communicate(timeout=60)[0]) for process in (client, server))
        pairs = array("q", self._file.read_bytes())
        delays = [delay / 1e6 for delay in pairs[1::2]]
        whole = len(delays) == streams * int(rate * seconds)
        return Run(pairs[::2], delays, whole and got == sent, cpu)


def _python(module: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", f"tests.bench.{module}", *map(str, arguments)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    machine.pin(process.pid, machine.OTHER_CORES)
    return process


def many(folder: Path, rounds: int, seconds: float) -> Iterator[Figure]:
    """500 streams of 50 lines a second through one core, in turn with nginx."""
    streams = Streams(folder, 500, 50, seconds)
    with ExitStack() as parts:
        nginx = parts.enter_context(Nginx(streams.address))
        ours = parts.enter_context(Exporter(f"http://{streams.address}"))
        machine.pin(pid_of(nginx), machine.OWN_CORE)
        machine.pin(ours.pid, machine.OWN_CORE)
        trios = [
            (streams.run(0, None), streams.run(nginx.port, pid_of(nginx)), streams.run(ours.proxy_port, ours.pid))
            for _ in range(rounds)
        ]
    same = all(own.same for _, _, own in trios)
    title = "500 streams × 50 tokens/s on one core"
    yield Figure(f"{title}: as they were sent", "every byte", "all the same" if same else "changed", held=same)
    for share, name, limit in ((0.5, "p50", None), (0.99, "p99", 1.5)):
        direct, bare, own = ([percentile(run.delays, share) for run in runs] for runs in zip(*trios, strict=True))
        ratio = median(own) / median(bare)
        yield Figure(
            f"{title}: delay of a chunk, {name} (direct: {median(direct):.2f} ms)",
            f"≤ {limit} × nginx" if limit else "",
            f"{span(own)} ms",
            f"{span(bare)} ms",
            f"{ratio:.2f}",
            ratio <= limit if limit else None,
        )
    bare_cpu, own_cpu = (median(trio[place].cpu for trio in trios) for place in (1, 2))
    yield Figure(f"{title}: of the core", "", f"{own_cpu:.0%}", f"{bare_cpu:.0%}", f"{own_cpu / bare_cpu:.2f}")


def some(folder: Path, rounds: int, seconds: float) -> Iterator[Figure]:
    """100 streams of 20 lines a second: what the exporter adds, then the same with bursts of scrapes."""
    streams = Streams(folder, 100, 20, seconds)
    with Exporter(f"http://{streams.address}") as ours:
        pairs = [(streams.run(0, None), streams.run(ours.proxy_port, ours.pid)) for _ in range(rounds)]
        title = "100 streams × 20 tokens/s"
        for share, name, limit in ((0.5, "p50", 2), (0.99, "p99", 15)):
            own = [percentile(run.delays, share) for _, run in pairs]
            direct = [percentile(run.delays, share) for run, _ in pairs]
            added = median(own) - median(direct)
            yield Figure(
                f"{title}: delay added, {name}",
                f"≤ {limit} ms",
                f"{added:.2f} ms",
                f"{median(direct):.2f} ms",
                held=added <= limit,
            )
        cpu = median(run.cpu for _, run in pairs)
        yield Figure(f"{title}: of a core", "≤ 25 %", f"{cpu:.1%}", held=cpu <= 0.25)
        yield _scraped(streams, ours, rounds, seconds)


def _scraped(streams: Streams, ours: Exporter, rounds: int, seconds: float) -> Figure:
    """The latest token after each burst, less the latest of as long a time without one, in the same run."""
    after, without = list[float](), list[float]()
    ours.page("/metrics")
    for _ in range(rounds):
        bursts: list[int] = []

        def scrape(bursts: list[int] = bursts) -> None:
            for _ in range(int((seconds - 3) / BETWEEN_BURSTS)):
                bursts.append(monotonic_ns())
                _burst(ours.port)
                time.sleep(max(0.0, BETWEEN_BURSTS - (monotonic_ns() - bursts[-1]) / 1e9))

        run = streams.run(ours.proxy_port, ours.pid, scrape)
        after += [_latest(run, burst) for burst in bursts]
        without += [_latest(run, burst + 2 * AFTERMATH) for burst in bursts]
    extra = median(after) - median(without)
    worst = max(after)
    return Figure(
        f"{SCRAPES} scrapes at once: the latest token of {len(after)} bursts, all and the worst",
        "≤ 5 ms more",
        f"{median(after):.1f}, {worst:.1f} ms",
        f"{median(without):.1f}, {max(without):.1f} ms",
        held=extra <= 5 and worst - max(without) <= 5,
    )


def _latest(run: Run, begin: int) -> float:
    """The greatest delay of the tokens that came in the time that a burst is given."""
    return max(
        (delay for at, delay in zip(run.times, run.delays, strict=True) if begin <= at < begin + AFTERMATH), default=0.0
    )


def _burst(port: int) -> None:
    """All scrapes are sent before the first is read."""
    asked = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20)) for _ in range(SCRAPES)
        ]
        for one in sockets:
            one.sendall(asked)
        for one in sockets:
            while one.recv(2**18):
                pass
