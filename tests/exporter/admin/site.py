"""A running admin port for tests: the real server on a real socket, with its event loop in a thread."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from inferometer_exporter.admin.server import AdminServer
from inferometer_exporter.config.model import Address, Backend, Config, Store
from inferometer_exporter.metrics.meters import Meters
from tests.exporter.support.wire import HOST, Reply, Wire, request

T = TypeVar("T")
NewLoop = Callable[[], asyncio.AbstractEventLoop]

BOX = Backend("box", "ollama", ("http://127.0.0.1:1",), Address("127.0.0.1", 0), models=("tiny",))


@dataclass
class Health:
    """As the app's: what keeps the exporter from being ready."""

    lines: list[str] = field(default_factory=list)

    def problems(self) -> list[str]:
        return self.lines


@dataclass
class Site:
    """The port, and what it shows."""

    server: AdminServer
    meters: Meters
    health: Health
    loop: asyncio.AbstractEventLoop
    tls: Any = None

    def wire(self) -> Wire:
        return Wire(self.server.port, self.tls)

    def raw(self, *pieces: bytes, to: str = "GET") -> Reply:
        """What is answered to these bytes, on a connection of their own."""
        with self.wire() as wire:
            return wire.send(*pieces).reply(to)

    def get(self, path: str, headers: Iterable[tuple[str, str]] = (), method: str = "GET") -> Reply:
        return self.raw(request(path, method=method, headers=headers), to=method)

    def json(self, path: str) -> Any:
        reply = self.get(path)
        assert reply.status == 200, reply.body
        return json.loads(reply.body)

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run a coroutine in the server's loop."""

        async def worked() -> T:
            return await work()

        return asyncio.run_coroutine_threadsafe(worked(), self.loop).result(30)


def configured(path: Path | None = None, **settings: Any) -> Config:
    """One Ollama, and any free port on loopback."""
    return replace(Config((BOX,), Address(HOST, 0), Store(path)), **settings)


@contextmanager
def serving(
    path: Path | None = None, tls: Any = None, new_loop: NewLoop = asyncio.new_event_loop, **settings: Any
) -> Iterator[Site]:
    """An admin port on loopback for one Ollama; `settings` are those of Config, `path` is the trace store's.

    Fails where anything went wrong in the loop that nobody caught.
    """
    config = configured(path, **settings)
    loop = new_loop()
    uncaught: list[str] = []
    loop.set_exception_handler(lambda _, about: uncaught.append(f"{about['message']}: {about.get('exception')!r}"))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        meters, health = Meters(config), Health()
        site = Site(AdminServer(config, meters, path, health), meters, health, loop, tls)
        try:
            site.run(site.server.start)
            yield site
        finally:
            site.run(site.server.stop)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
    gc.collect()
    assert uncaught == []


def served(site: Site, model: str = "tiny", first_token: float = 0.15, tokens: int = 20, **failures: int) -> None:
    """Count one request in the meters, as the proxy does; `failures` are reasons."""

    async def count() -> None:
        meter = site.meters.backends["box"].settled(model, answered=True)
        api = meter.api("/api/chat")
        api.requests += 1
        api.completion_tokens += tokens
        meter.first_token.observe(first_token)
        for reason, number in failures.items():
            api.failures[reason] += number

    site.run(count)


def unpacked(reply: Reply) -> bytes:
    """The body without its coding."""
    return gzip.decompress(reply.body) if reply.head.get("Content-Encoding") == b"gzip" else reply.body


def headers(reply: Reply) -> dict[str, str]:
    return {name.decode().lower(): value.decode() for name, value in reply.head.headers}
