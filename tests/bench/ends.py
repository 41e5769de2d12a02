"""How soon the other side is told: a server whose client left, and a client whose server is not there."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from time import monotonic

from tests.bench.figures import Figure, median, percentile
from tests.bench.parties import PATH, QUESTION
from tests.exporter.support.process import Exporter
from tests.exporter.support.upstream import Call, Upstream
from tests.exporter.support.wire import HOST, request
from tests.parts.process import free_port


def figures(times: int) -> Iterator[Figure]:
    yield _gone(times)
    yield _refused(times)
    yield _start(5)


def _gone(times: int) -> Figure:
    """Clients that leave while they wait for a whole answer; every other one with a reset."""
    here, gone = threading.Event(), threading.Event()

    def wait(call: Call) -> None:
        call.read()
        here.set()
        call.gone()
        call.close()
        gone.set()

    taken = []
    with Upstream(wait) as server, Exporter(server.url) as ours:
        for number in range(times):
            here.clear()
            gone.clear()
            with ours.wire() as wire:
                wire.send(request(PATH, QUESTION))
                here.wait(10)
                begin = monotonic()
                wire.leave("reset" if number % 2 else "fin")
                gone.wait(10)
            taken.append(1e3 * ((server.calls[-1].gone_at or float("inf")) - begin))
    last = percentile(taken, 0.99)
    title = f"a client leaves: until its server is told, p99 of {times}"
    return Figure(title, "≤ 100 ms", f"{last:.1f} ms", f"p50 {median(taken):.1f} ms", held=last <= 100)


def _refused(times: int) -> Figure:
    """Nobody listens behind the exporter."""
    taken = []
    with Exporter(f"http://{HOST}:{free_port()}") as ours:
        for _ in range(times):
            begin = monotonic()
            status = ours.ask(request(PATH, QUESTION)).status
            taken.append(1e3 * (monotonic() - begin) if status == 502 else float("inf"))
    most = max(taken)
    title = f"a server refuses: until its client has 502, most of {times}"
    return Figure(title, "≤ 200 ms", f"{most:.1f} ms", f"p50 {median(taken):.1f} ms", held=most <= 200)


def _start(times: int) -> Figure:
    """From the command to the first request that goes through; all wait 20 ms between two tries."""
    taken = []
    with Upstream() as server:
        for _ in range(times):
            begin = time.perf_counter()
            with Exporter(server.url) as ours:
                ours.ask(request("/api/version", method="GET"))
                taken.append(time.perf_counter() - begin)
    return Figure("from the command to the first answer", "", f"{median(taken):.2f} s")
