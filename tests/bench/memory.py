"""What the exporter holds in memory: at its start, after much traffic, and whether it grows with more."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench import machine
from tests.bench.figures import Figure
from tests.bench.installed import Installed
from tests.bench.parties import Ollama, wrk
from tests.bench.streams import Streams
from tests.parts.process import free_port

STEP = 100_000
SOME = 5  # seconds of load between two looks at the count
WARM = 3.0  # seconds from readiness: the collectors have looked, the writer's thread runs


_TWO = """
admin: "{{admin}}"
store: "{{store}}"
backends:
  - name: box
    engine: ollama
    urls: ["{requests}"]
    listen: "{{proxy}}"
  - name: streams
    engine: ollama
    urls: ["{streams}"]
    listen: "127.0.0.1:{port}"
"""


def figures(folder: Path, requests: int) -> Iterator[Figure]:
    """`requests` is how many are sent to see whether memory grows."""
    with Ollama() as server:
        yield from _start(server)
        yield _traffic(folder, server)
        yield _growth(folder, server, requests)


def growing(folder: Path, requests: int) -> Iterator[Figure]:
    """Only the last of these, for when it takes long."""
    with Ollama() as server:
        yield _growth(folder, server, requests)


def _start(server: Ollama) -> Iterator[Figure]:
    with Installed(server.url) as ours:
        time.sleep(WARM)
        start = machine.resident(ours.pid)
        yield Figure("resident at start", "≤ 30 MB", f"{start:.1f} MB", held=start <= 30)
        ours.metrics()
        yield Figure("resident after the first scrape", "", f"{machine.resident(ours.pid):.1f} MB")


def _traffic(folder: Path, server: Ollama) -> Figure:
    streams, port = Streams(folder, 500, 20, 5), free_port()
    config = _TWO.format(requests=server.url, streams=f"http://{streams.address}", port=port)
    with Installed(server.url, config=config) as ours:
        _send(folder, ours, STEP)
        same = streams.run(port, ours.pid).same
        ours.metrics()
        after = machine.resident(ours.pid)
    title = f"resident after {STEP:,} requests, 500 streams and a scrape"
    return Figure(title, "≤ 40 MB", f"{after:.1f} MB", "" if same else "streams changed", held=same and after <= 40)


def _growth(folder: Path, server: Ollama, requests: int) -> Figure:
    """From the first 100,000 to the last: what is allocated once is there by then."""
    with Installed(server.url) as ours:
        sent = first = _send(folder, ours, STEP)
        ours.metrics()
        begin = machine.resident(ours.pid)
        while sent < requests:
            sent += _send(folder, ours, STEP)
            ours.metrics()
        end = machine.resident(ours.pid)
    growth = (end - begin) * 1e6 / 2**20 / ((sent - first) / STEP)
    title = f"growth for each {STEP:,} of {requests:,} requests"
    return Figure(title, "≤ 1 MiB", f"{growth:.2f} MiB", f"{begin:.1f} → {end:.1f} MB", held=growth <= 1)


def _send(folder: Path, ours: Installed, requests: int) -> int:
    """At least so many requests, by wrk, and the traces of them written."""
    sent, rate = 0, math.inf
    while sent < requests:
        load = wrk(ours.proxy_port, folder, min(SOME, 1 + int((requests - sent) / rate)))
        sent, rate = sent + load.requests, load.rate
    time.sleep(1)
    return sent
