"""The parts put together: started in order, told to end by a signal, and ended in order."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import sys

from inferometer_exporter import __version__
from inferometer_exporter.admin.server import AdminServer
from inferometer_exporter.collect.poller import Collectors
from inferometer_exporter.config.model import Config
from inferometer_exporter.errors import without_text
from inferometer_exporter.health import Health
from inferometer_exporter.metrics.meters import Meters
from inferometer_exporter.proxy.server import Proxy
from inferometer_exporter.store.writer import TraceStore
from inferometer_exporter.trace import Trace

log = logging.getLogger(__name__)

# A scrape is rendered in a thread of its own and gives way to the loop after this long, in seconds.
SWITCH_INTERVAL = 0.0005
# Seconds for the store to write what it has: in an orderly end, and when there is no time.
FLUSH, HURRIED_FLUSH = 5.0, 0.5
# Seconds between two looks at the store's state.
STORE_STEP = 2.0


class App:
    """One exporter. `run` returns when it was told to end; it raises StartError where it cannot start."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.meters = Meters(config)
        self.meters.loop = type(asyncio.get_running_loop()).__module__.partition(".")[0]
        self.store = TraceStore(config.store, self.meters.dropped) if config.store.path is not None else None
        self.health = Health(self.meters, lambda: self.store.problem if self.store is not None else None)
        self.proxy = Proxy(config, self.meters, self.store.add if self.store is not None else _nowhere)
        self.admin = AdminServer(config, self.meters, config.store.path, self.health)
        self.collectors = Collectors(config, self.meters)
        self._told = asyncio.Event()
        self._hurried = asyncio.Event()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_unforeseen)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self.end)
        store_watch: asyncio.Task[None] | None = None
        try:
            await self.admin.start()
            await self.proxy.start()
            if self.store is not None:
                self.store.open()
                store_watch = loop.create_task(self._watch_store(self.store))
            self.collectors.start()
            self._say_where()
            sys.setswitchinterval(SWITCH_INTERVAL)
            gc.collect()
            gc.freeze()
            await self._told.wait()
            await self._drain()
        finally:
            if store_watch is not None:
                store_watch.cancel()
            await self._close()

    def end(self) -> None:
        """Told once: finish what runs. Told again: end now."""
        if self._told.is_set():
            self._hurried.set()
        self._told.set()

    def _say_where(self) -> None:
        log.info("inferometer-exporter %s; metrics and page on %s", __version__, self.config.admin)
        for backend in self.config.backends:
            log.info("backend %s (%s): %s -> %s", backend.name, backend.engine, backend.listen, ", ".join(backend.urls))
        log.info("traces in %s", self.config.store.path or "no file: they are not kept")

    async def _drain(self) -> None:
        self.health.stopping = True
        log.info("told to end: finishing what runs, %g seconds at most", self.config.timeouts.grace)
        drained = asyncio.ensure_future(self.proxy.drain(self.config.timeouts.grace))
        hurried = asyncio.ensure_future(self._hurried.wait())
        await asyncio.wait((drained, hurried), return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if not drained.done():
            drained.cancel()
            log.warning("told again: ending now")
        elif drained.result():
            log.warning("%d requests were cut", drained.result())

    async def _close(self) -> None:
        self.proxy.close()
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self.collectors.stop(), 1)
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self.admin.stop(), 1)
        if self.store is not None and not self.store.close(HURRIED_FLUSH if self._hurried.is_set() else FLUSH):
            log.warning("some traces could not be written in time")

    async def _watch_store(self, store: TraceStore) -> None:
        """Show the store's state in the metrics, and say it when it changes."""
        known: str | None = None
        while True:
            state, problem = self.meters.store, store.problem
            state.rows, state.bytes, state.writable = store.rows, store.size_bytes, problem is None
            if problem != known:
                known = problem
                if problem is None:
                    log.info("traces are written again")
                else:
                    log.warning("traces are not written: %s", problem)
            await asyncio.sleep(STORE_STEP)


def _unforeseen(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """What no part expected; asyncio itself would log its text, and with it perhaps what a client sent."""
    error = context.get("exception")
    what = without_text(error) if isinstance(error, BaseException) else "no exception"
    log.error("unforeseen: %s (%s)", context.get("message"), what)


def _nowhere(trace: Trace) -> None:
    """No store is configured: traces are not kept."""


def run(config: Config) -> None:
    """Run until told to end, on uvloop where it is installed."""
    _raise_file_limit()
    factory = None
    with contextlib.suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_run(config))


async def _run(config: Config) -> None:
    await App(config).run()


def _raise_file_limit() -> None:
    """Each stream takes two descriptors; the soft limit is often 1,024."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 65_536) if hard != resource.RLIM_INFINITY else 65_536
    if soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def check(config: Config) -> str:
    """What `--check-config` says. Raises StartError where a start would fail on the files that it names."""
    meters = Meters(config)
    Proxy(config, meters, _nowhere)
    places = ", ".join(f"{backend.name} on {backend.listen}" for backend in config.backends)
    count = f"{len(config.backends)} backend{'s' if len(config.backends) > 1 else ''}"
    return f"The configuration is good: {count} ({places}), metrics on {config.admin}."
