"""The admin port itself: its routes, its listener with or without TLS, and what runs beside it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from inferometer_exporter.admin.auth import Guard, known_host
from inferometer_exporter.admin.certificate import Certificate
from inferometer_exporter.admin.connection import HEAD_SECONDS, STALL_SECONDS, Clients, Connection
from inferometer_exporter.admin.http import Request, Response, as_json, as_text, failure
from inferometer_exporter.admin.page import FILES, Page
from inferometer_exporter.admin.scrape import Scrapes
from inferometer_exporter.admin.summary import Health, Summary
from inferometer_exporter.admin.traces import PARAMETERS, QUESTIONS, TraceApi
from inferometer_exporter.admin.window import STEP_SECONDS, Window
from inferometer_exporter.config.hosts import place
from inferometer_exporter.config.model import Config
from inferometer_exporter.errors import BadEnvironment, BadInput
from inferometer_exporter.metrics.exposition import render
from inferometer_exporter.metrics.meters import Meters
from inferometer_exporter.store.reader import TraceReader

LOG = logging.getLogger("inferometer_exporter.admin")

BACKLOG = 100
API = "/api/v1/"
OPEN = "/healthz"
"""Needs no login: it tells only that the process lives, to probes that have no secrets."""


class AdminServer:
    """Serves the second port. `reader_path` is the trace store's file, or None where no traces are kept."""

    def __init__(self, config: Config, meters: Meters, reader_path: Path | None, health: Health) -> None:
        self._config = config
        self._guard = Guard(config.login)
        self._window = Window(meters)
        self._summary = Summary(config, meters, self._window, health)
        self._rendering = ThreadPoolExecutor(1, "scrape")
        self._asking = ThreadPoolExecutor(2, "traces")
        self._scrapes = Scrapes(lambda accept: render(meters, accept), self._rendering)
        self._traces = TraceApi(None if reader_path is None else TraceReader(reader_path), self._asking)
        self._page = Page()
        self._certificate = Certificate(config.admin_tls) if config.admin_tls is not None else None
        self._clients = Clients(self._answer)
        self._server: asyncio.Server | None = None
        self._beside: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port that is listened on: of use where the configuration says 0."""
        assert self._server is not None, "the server has not started"
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self) -> None:
        """Listens. Raises BadInput for a login or certificate that cannot be used, BadEnvironment for the port."""
        self._guard.check()
        if self._certificate is not None:
            self._certificate.load()
        tls = None if self._certificate is None else self._certificate.context
        where = self._config.admin
        try:
            self._server = await asyncio.get_running_loop().create_server(
                lambda: Connection(self._clients, tls=tls is not None),
                **place(where, BACKLOG),
                ssl=tls,
                ssl_handshake_timeout=HEAD_SECONDS if tls else None,
                ssl_shutdown_timeout=STALL_SECONDS if tls else None,
            )
        except OSError as error:
            reason = error.strerror or str(error)
            raise BadEnvironment(
                f"admin {where}: cannot listen there: {reason}. Remedy: free the port, or choose another with --admin."
            ) from None
        self._beside = asyncio.create_task(self._every_step())

    async def stop(self) -> None:
        """Closes the listener and every connection at once."""
        if self._beside is not None:
            self._beside.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._beside
        if self._server is not None:
            self._server.close()
            for client in list(self._clients.open):
                client.abort()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._server.wait_closed(), 0.5)
        for threads in (self._rendering, self._asking):
            threads.shutdown(wait=False, cancel_futures=True)

    async def _every_step(self) -> None:
        while True:
            await asyncio.sleep(STEP_SECONDS)
            self._window.step()
            if self._certificate is not None:
                try:
                    self._certificate.load()
                except BadInput as error:
                    LOG.error("%s The former certificate stays.", error)

    async def _answer(self, request: Request) -> Response:
        """The answer to any request. A fault of ours is a 500 that tells nothing."""
        if not known_host(request.headers.get("host", ""), self._config.admin):
            return failure(421, "this port is not known by that name: use an IP address or localhost")
        if request.path != OPEN and not self._guard.lets_in(request.headers):
            return failure(401, "log in", *self._guard.challenges)
        try:
            return await self._routed(request)
        except Exception as error:
            LOG.error("a request to the admin port failed: %s", type(error).__name__)
            return failure(500, "the exporter failed to answer; traffic is not touched")

    async def _routed(self, request: Request) -> Response:
        path = request.path
        if path == "/metrics":
            return await self._scrapes.answer(request.headers.get("accept", ""))
        if path == OPEN:
            return as_text("ok\n")
        if path == "/readyz":
            problems = self._summary.problems()
            return as_text("\n".join(problems) + "\n", 503) if problems else as_text("ready\n")
        if path in FILES:
            return self._page.answer(path)
        if not path.startswith(API):
            return failure(404, f"nothing is here; look at / or {API}")
        name = path.removeprefix(API)
        if name in QUESTIONS:
            return await self._traces.answer(name, request)
        if name == "summary":
            return as_json(self._summary.all())
        if name == "backends":
            return as_json({"rows": self._summary.backends()})
        if name == "":
            return as_json(routes())
        return failure(404, f"no such question; {API} lists them")


def routes() -> dict[str, object]:
    """The JSON API's own description."""
    live = {"summary": "What the page shows: the last minute from memory.", "backends": "The state of each backend."}
    return {
        "routes": [
            *({"path": API + name, "about": about, "parameters": {}} for name, about in live.items()),
            *(
                {
                    "path": API + name,
                    "about": question.about,
                    "parameters": {
                        one: {"allowed": PARAMETERS[one].about, "default": PARAMETERS[one].default}
                        for one in question.takes
                    },
                }
                for name, question in QUESTIONS.items()
            ),
        ]
    }
