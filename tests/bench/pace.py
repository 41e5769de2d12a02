"""How long one recording of a short request takes: the processor's time, requests a second, and what a client waits."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter_ns

from tests.bench import machine
from tests.bench.figures import Figure, median, percentile, span
from tests.bench.parties import Load, Ollama, pid_of, request, wrk
from tests.exporter.support.process import Exporter
from tests.parts.nginx import Nginx

BLOCK = 500  # requests to one party before it is another's turn
PAUSE = 4  # milliseconds: both parties then get about as many requests, since neither has all it can take
SETTLING = 0.4  # seconds; below a twentieth of a core it has written what it had


def figures(folder: Path, rounds: int, seconds: int, requests: int) -> Iterator[Figure]:
    """`rounds` of `seconds` for each party under load, then as many of `requests` by one client."""
    with Ollama() as server, Nginx(server.address) as nginx, Exporter(server.url) as exporter:
        machine.pin(pid_of(server), machine.OTHER_CORES)
        machine.pin(pid_of(nginx), machine.OWN_CORE)
        machine.pin(exporter.pid, machine.OWN_CORE)
        yield from _load(folder, rounds, seconds, nginx, exporter)
        yield from _waits(rounds, requests, {"direct": server.port, "nginx": nginx.port, "ours": exporter.proxy_port})


def _load(folder: Path, rounds: int, seconds: int, nginx: Nginx, exporter: Exporter) -> Iterator[Figure]:
    parties = {"nginx": (pid_of(nginx), nginx.port), "ours": (exporter.pid, exporter.proxy_port)}
    kinds = {"with pauses": PAUSE, "without": 0}
    took: dict[tuple[str, str], list[tuple[float, Load]]] = {}
    for number in range(rounds + 1):
        for kind, pause in kinds.items():
            for name, (pid, port) in parties.items():
                one = _cost(folder, seconds, pid, port, pause)
                if number:  # the first round only warms up
                    took.setdefault((kind, name), []).append(one)
    for kind in kinds:
        mine, theirs = took[kind, "ours"], took[kind, "nginx"]
        ratio = median(own / bare for (own, _), (bare, _) in zip(mine, theirs, strict=True))
        rates = [median(load.rate for _, load in some) for some in (mine, theirs)]
        yield Figure(
            f"CPU for a recorded request, at {rates[0]:,.0f}/s (nginx: {rates[1]:,.0f}/s)",
            "≤ 3 × nginx",
            f"{span([1e6 * cost for cost, _ in mine], '.0f')} µs",
            f"{span([1e6 * cost for cost, _ in theirs], '.0f')} µs",
            f"{ratio:.2f}",
            ratio <= 3,
        )
    own, bare = ([load.rate for _, load in took["without", name]] for name in ("ours", "nginx"))
    most = median(own)
    yield Figure(
        "requests a second on one core", "≥ 15,000", f"{most:,.0f}", f"{median(bare):,.0f}", "", most >= 15_000
    )
    dropped = exporter.metrics().sum("inferometer_traces_dropped_total")
    yield Figure("traces dropped under all that load", "none", f"{dropped:,.0f}", held=not dropped)


def _cost(folder: Path, seconds: int, pid: int, port: int, pause: int) -> tuple[float, Load]:
    """CPU seconds a request. What the exporter writes after the last answer counts as well."""
    begin = machine.cpu_seconds(pid)
    load = wrk(port, folder, seconds, pause=pause)
    settled = machine.cpu_seconds(pid)
    while True:
        time.sleep(SETTLING)
        now = machine.cpu_seconds(pid)
        if now - settled < SETTLING / 20:
            return (now - begin) / load.requests, load
        settled = now


def _waits(rounds: int, requests: int, ports: dict[str, int]) -> Iterator[Figure]:
    """One client on one kept connection; blocks of requests to each party in turn."""
    seconds: dict[str, dict[float, list[float]]] = {name: {0.5: [], 0.99: []} for name in ports}
    clients = {name: Client(port) for name, port in ports.items()}
    for client in clients.values():
        client.ask(BLOCK)
    for _ in range(rounds):
        taken: dict[str, list[int]] = {name: [] for name in ports}
        for _ in range(requests // BLOCK):
            for name, client in clients.items():
                taken[name] += client.ask(BLOCK)
        for name, values in taken.items():
            for share, rows in seconds[name].items():
                rows.append(percentile(values, share) / 1e3)
    for client in clients.values():
        client.close()
    for share, name, limit in ((0.5, "p50", 1.3), (0.99, "p99", 1.5)):
        direct, nginx, ours = (seconds[party][share] for party in ("direct", "nginx", "ours"))
        own = [one - bare for one, bare in zip(ours, direct, strict=True)]
        other = [one - bare for one, bare in zip(nginx, direct, strict=True)]
        ratio = median(own) / median(other)
        yield Figure(
            f"latency added for one client, {name} (direct: {median(direct):.0f} µs)",
            f"≤ {limit} × nginx",
            f"{span(own, '.0f')} µs",
            f"{span(other, '.0f')} µs",
            f"{ratio:.2f}",
            ratio <= limit,
        )


class Client:
    """Asks one after another on a connection, and waits for each answer."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = request(port)
        self._socket.sendall(self._request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._socket.recv(65536)
        head, _, _ = answer.partition(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        self._length = len(head) + 4 + length
        while len(answer) < self._length:
            answer += self._socket.recv(65536)

    def ask(self, count: int) -> list[int]:
        """Nanoseconds from the sending to the last byte of the answer, which is as long each time."""
        send, receive, asked, length = self._socket.sendall, self._socket.recv, self._request, self._length
        taken = []
        for _ in range(count):
            begin = perf_counter_ns()
            send(asked)
            got = len(receive(65536))
            while got < length:
                got += len(receive(65536))
            taken.append(perf_counter_ns() - begin)
        return taken

    def close(self) -> None:
        self._socket.close()
