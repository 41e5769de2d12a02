"""Looks at each backend's state in the background, so that a scrape never waits for a server."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic

from inferometer_exporter.collect.answers import merged
from inferometer_exporter.collect.look import AddressLook
from inferometer_exporter.config.model import Backend, Config
from inferometer_exporter.metrics.meters import Meters
from inferometer_exporter.metrics.state import BackendState, HerdState

log = logging.getLogger(__name__)

# The first looks of all backends are spread over so many seconds, later ones keep that distance.
_SPREAD = 1.0


class Collectors:
    """A task for each backend. Looks of one backend never overlap: one that takes longer than a poll skips the next."""

    def __init__(self, config: Config, meters: Meters) -> None:
        self._config = config
        self._meters = meters
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to look, in the running loop."""
        backends = self._config.backends
        distance = min(self._config.poll, _SPREAD) / len(backends)
        for number, backend in enumerate(backends):
            looker = BackendLook(backend, self._config.poll, self._meters.backends[backend.name].state)
            self._tasks.append(asyncio.create_task(looker.run(number * distance), name=f"look at {backend.name}"))

    async def stop(self) -> None:
        """End every look, also one that waits for an answer."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()


class BackendLook:
    """Keeps the state of one backend true."""

    def __init__(self, backend: Backend, poll: float, state: BackendState) -> None:
        self._name = backend.name
        self._poll = poll
        self._state = state
        self._herd = backend.engine == "herd"
        self._addresses = [AddressLook(url, backend.engine, backend.ca_file, poll) for url in backend.urls]

    async def run(self, delay: float) -> None:
        """Look every poll, on a grid that begins after `delay` seconds, until cancelled."""
        start = monotonic() + delay
        at = start
        while True:
            await asyncio.sleep(max(0.0, at - monotonic()))
            try:
                await self.look(at)
            except Exception as error:
                # A fault of ours; its text may hold what a server sent, so its kind alone is told.
                log.error("the look at %s failed: %s", self._name, type(error).__name__)
            looks = int((monotonic() - start) / self._poll) + 1
            at = start + looks * self._poll

    async def look(self, at: float) -> None:
        """Ask all addresses at once, then replace the state."""
        before = {address.url: address.up for address in self._addresses}
        results = await asyncio.gather(*(address.look(at) for address in self._addresses), return_exceptions=True)
        for address in self._addresses:
            if address.up != before[address.url]:
                self._say(address)
        self._write()
        for result in results:
            if isinstance(result, BaseException):
                raise result

    def _say(self, address: AddressLook) -> None:
        if address.up:
            log.info("%s answers at %s", self._name, address.url)
        else:
            log.warning("%s does not answer at %s: %s", self._name, address.url, address.problem)

    def _write(self) -> None:
        """Another thread reads the state: each field is replaced as a whole."""
        state, addresses = self._state, self._addresses
        told = [address.told for address in addresses if address.up]
        state.addresses = {address.url: bool(address.up) for address in addresses}
        state.version = next((one.version for one in told if one.version), "")
        state.known = tuple(dict.fromkeys(model for one in told for model in one.known))
        state.loaded = merged(model for one in told for model in one.loaded)
        state.loaded_at = max((one.loaded_at for one in told if one.loaded_at is not None), default=state.loaded_at)
        if self._herd:
            one = told[0] if told else addresses[0].told
            state.herd = HerdState(
                one.nodes, one.nodes_at, one.queues, one.queues_at, one.checks, one.vitals, one.checks_at
            )
        state.up = bool(told)
        state.checked_at = monotonic()
