"""The proxy as a whole: a listener for each backend, a watch over slow clients, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from time import monotonic

from inferometer_exporter.config.hosts import is_loopback, place
from inferometer_exporter.config.model import Address, Config
from inferometer_exporter.errors import BadEnvironment, without_text
from inferometer_exporter.metrics.meters import Meters
from inferometer_exporter.names import Reason
from inferometer_exporter.proxy import tls
from inferometer_exporter.proxy.client import ClientConnection
from inferometer_exporter.proxy.recording import Route
from inferometer_exporter.proxy.upstream import Upstream
from inferometer_exporter.trace import Trace

log = logging.getLogger(__name__)

BACKLOG = 1024
SWEEP = 0.5  # seconds between two looks at all connections
PATIENCE = 10.0  # seconds before a slow body is judged by its rate
ENDED = "the exporter was told to end"
LINGER = 2.0  # seconds in which a client may read our last answer before the connection is cut


class Proxy:
    """Listens for each backend and forwards. `keep` takes every finished trace, in the loop's thread.

    Raises BadInput (certificates) when made, BadEnvironment (ports) when started.
    """

    def __init__(self, config: Config, meters: Meters, keep: Callable[[Trace], None]) -> None:
        self._config = config
        self.clients: set[ClientConnection] = set()
        self._listeners: list[asyncio.Server] = []
        self._tls = tls.towards_clients(config.proxy_tls, "proxy_tls")
        self.routes = [
            Route(
                backend,
                tuple(
                    Upstream(url, context if url.scheme == "https" else None, config.timeouts)
                    for url in backend.addresses
                ),
                meters.backends[backend.name],
                keep,
                guarded=is_loopback(backend.listen.host) and not config.expose,
            )
            for backend in config.backends
            for context in (tls.towards_server(backend),)
        ]
        self._sweeper: asyncio.TimerHandle | None = None
        self._swept = 0.0

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        for route in self.routes:
            server = await listen(
                lambda route=route: ClientConnection(route, self.clients),  # type: ignore[misc]
                route.backend.listen,
                f"backend {route.backend.name}",
                self._tls,
            )
            self._listeners.append(server)
        self._swept = monotonic()
        self._sweeper = loop.call_later(SWEEP, self._sweep)

    def stop_listening(self) -> None:
        """Accept nobody any more; who is here is served, and its connection then closed."""
        for listener in self._listeners:
            listener.close()
        for route in self.routes:
            route.stopping = True
        for client in list(self.clients):
            if client.exchange is None and client.receiving is None and client.head_since is None:
                client.transport.close()

    async def drain(self, grace: float) -> int:
        """Wait until every request is over, at most `grace` seconds; cut what is left, and say how many these were."""
        self.stop_listening()
        until = monotonic() + grace
        while self._busy() and monotonic() < until:
            await asyncio.sleep(0.02)
        left = self._busy()
        for client in left:
            if client.exchange is not None:
                client.exchange.cut(Reason.SHUTDOWN, ENDED)
        return len(left)

    def close(self) -> None:
        """Close every connection."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for client in list(self.clients):
            if client.exchange is not None:
                client.exchange.cut(Reason.SHUTDOWN, ENDED)
            client.transport.abort()
        for route in self.routes:
            for upstream in route.upstreams:
                upstream.close()
            for task in route.tasks:
                task.cancel()

    def _busy(self) -> list[ClientConnection]:
        return [client for client in self.clients if client.busy]

    def _sweep(self) -> None:
        """Look at every connection's age. Time in which this process did not run is nobody's fault."""
        now = monotonic()
        stood = max(0.0, now - self._swept - 2 * SWEEP)
        self._swept = now
        for client in list(self.clients):
            if stood:
                client.touched += stood
                client.body_since += stood
                if client.head_since is not None:
                    client.head_since += stood
            try:
                self._judge(client, now)
            except Exception as error:
                log.error("a connection could not be judged (%s); it is closed", without_text(error))
                client.transport.abort()
        for route in self.routes:
            for upstream in route.upstreams:
                upstream.trim(now - self._config.timeouts.pool_idle)
        self._sweeper = asyncio.get_running_loop().call_later(SWEEP, self._sweep)

    def _judge(self, client: ClientConnection, now: float) -> None:
        timeouts = self._config.timeouts
        client.look()
        if client.lingering:
            if now - client.touched > LINGER:
                client.transport.abort()
            return
        if client.head_since is not None and now - client.head_since > timeouts.request_head:
            client.time_out()
            return
        if client.receiving is not None and client.receiving is client.exchange and not client.paused:
            seconds = now - client.body_since
            if seconds > PATIENCE and client.body_bytes < timeouts.body_rate * (seconds - PATIENCE):
                client.time_out()
                return
        if now - client.touched > timeouts.idle:
            exchange = client.exchange
            if exchange is None:
                client.transport.close()
            elif client.write_paused:
                exchange.cut(Reason.CLIENT_DISCONNECTED, f"the client took nothing for {timeouts.idle:g} seconds")
                client.reset()
            else:
                exchange.failed(Reason.TIMEOUT, 504, f"nothing came from the server for {timeouts.idle:g} seconds")


async def listen(
    factory: Callable[[], asyncio.Protocol], address: Address, what: str, context: ssl.SSLContext | None
) -> asyncio.Server:
    """A listening server. Raises BadEnvironment, with the reason and what to do, where the address cannot be had."""
    loop = asyncio.get_running_loop()
    try:
        return await loop.create_server(factory, ssl=context, **place(address, BACKLOG))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadEnvironment(
            f"{what}: cannot listen on {address}: {reason}. Remedy: stop what listens there, or choose another address."
        ) from None
