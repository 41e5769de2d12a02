"""Scrapes in one flight: however many ask at once, the metrics are rendered once, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from inferometer_exporter.admin.http import Response

SHARED_SECONDS = 0.25
"""A rendering that began at most so long before a scrape came is the scrape's answer too."""

MOST_FORMS = 4
"""Values of `Accept` that are in flight at once. Scrapers have one or two; who makes up more gets the plain text."""

Render = Callable[[str], tuple[bytes, str]]
"""From `Accept` to body and content type."""


@dataclass(slots=True)
class _Flight:
    began: float
    answer: asyncio.Future[Response]


class Scrapes:
    """Renders with `render` in `threads`. Nothing is kept longer than it is shared."""

    def __init__(self, render: Render, threads: Executor) -> None:
        self._render = render
        self._threads = threads
        self._flights: dict[str, _Flight] = {}

    async def answer(self, accept: str) -> Response:
        """The metrics in the format that `accept` prefers, rendered at most 0.25 s before this call."""
        loop = asyncio.get_running_loop()
        arrived = loop.time()
        form = accept if accept in self._flights or len(self._flights) < MOST_FORMS else ""
        while True:
            flight = self._flights.get(form)
            if flight is not None and arrived - flight.began <= SHARED_SECONDS:
                return await asyncio.shield(flight.answer)
            if flight is None or flight.answer.done():
                flight = self._flights[form] = self._begin(loop, form)
                return await asyncio.shield(flight.answer)
            await asyncio.wait((flight.answer,))

    def _begin(self, loop: asyncio.AbstractEventLoop, form: str) -> _Flight:
        answer = loop.run_in_executor(self._threads, self._make, form)
        flight = _Flight(loop.time(), answer)

        def forget() -> None:
            if self._flights.get(form) is flight:
                del self._flights[form]

        def landed(done: asyncio.Future[Response]) -> None:
            if done.cancelled() or done.exception() is not None:
                forget()
            else:
                loop.call_later(SHARED_SECONDS, forget)

        answer.add_done_callback(landed)
        return flight

    def _make(self, accept: str) -> Response:
        body, content_type = self._render(accept)
        response = Response(200, body, content_type)
        response.packed()
        return response
