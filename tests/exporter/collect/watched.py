"""A backend that is looked at when a test says so."""

from __future__ import annotations

import asyncio

from inferometer_exporter.collect.poller import BackendLook
from inferometer_exporter.config.model import Address, Backend
from inferometer_exporter.metrics.state import BackendState

POLL = 10.0


class Watched:
    """One backend that is looked at on planned times that the test gives: no second passes between them."""

    def __init__(self, engine: str, *urls: str) -> None:
        self.state = BackendState()
        backend = Backend("desk", engine, urls, Address("127.0.0.1", 11436))
        self._look = BackendLook(backend, POLL, self.state)

    def look(self, *times: float) -> BackendState:
        async def looks() -> None:
            for at in times:
                await self._look.look(at)

        asyncio.run(looks())
        return self.state
