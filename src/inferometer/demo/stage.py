"""Sets up the simulated part of a plan: a server for each address of the host `demo`, and clients for each backend."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from inferometer.demo.server import Simulated
from inferometer.demo.traffic import Door, play
from inferometer.demo.truth import STEADY, Served, Truth, models
from inferometer.plan import Plan, Proxy

# A backend whose addresses name this host is simulated.
HOST = "demo"


def simulated(plan: Plan) -> tuple[Proxy, ...]:
    """The recorded backends of the plan that are simulated."""
    return tuple(proxy for proxy in plan.proxies if all(address.host == HOST for address in proxy.backend.targets))


class Stage:
    """Simulated servers and their clients. `start` the servers, give `urls` to the exporter, then `play`.

    `urls` has the servers' addresses by the backend's name.
    """

    def __init__(self, proxies: Iterable[Proxy], truth: Truth = STEADY) -> None:
        self.truth = truth
        self.urls: dict[str, list[str]] = {}
        self._served = [(proxy, _served(proxy)) for proxy in proxies]
        self._servers: list[Simulated] = []
        self._clients: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        for proxy, served in self._served:
            servers = [
                Simulated(proxy.backend.engine, served, self.truth, seed=len(self._servers) + number)
                for number in range(len(proxy.backend.addresses))
            ]
            for server in servers:
                await server.start()
            self._servers += servers
            self.urls[proxy.backend.name] = [server.url for server in servers]

    def play(self) -> None:
        """Begins the traffic to the exporter's addresses."""
        for seed, (proxy, served) in enumerate(self._served):
            door = Door(proxy.reached.host, proxy.reached.port, proxy.backend.engine, served)
            self._clients.append(asyncio.create_task(play(door, self.truth, seed)))

    def hush(self) -> None:
        """No new requests; those under way go on."""
        for client in self._clients:
            client.cancel()

    async def stop(self) -> None:
        """Ends the servers, and with them what is still under way."""
        self.hush()
        for server in self._servers:
            await server.stop()
        await asyncio.gather(*self._clients, return_exceptions=True)


def _served(proxy: Proxy) -> tuple[Served, ...]:
    return models(proxy.backend.models, embedder=proxy.backend.engine == "ollama")
