"""What is kept of a request once it is over: counters, and a row of the traces."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from inferometer_exporter.config.model import Backend
from inferometer_exporter.errors import without_text
from inferometer_exporter.metrics.meters import COLD_LOAD_SECONDS, BackendMeters
from inferometer_exporter.names import Reason, Status
from inferometer_exporter.observe.apis import Work
from inferometer_exporter.proxy.fleet import Fleet
from inferometer_exporter.proxy.upstream import Upstream
from inferometer_exporter.trace import Trace

if TYPE_CHECKING:
    from inferometer_exporter.proxy.exchange import Exchange


log = logging.getLogger(__name__)


@dataclass(slots=True)
class Route:
    """Where the requests of one listener go, and where they are counted. `keep` takes a finished trace."""

    backend: Backend
    upstreams: tuple[Upstream, ...]
    meters: BackendMeters
    keep: Callable[[Trace], None]
    guarded: bool = True  # only requests that name this machine are taken: it listens on loopback
    stopping: bool = False
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _quiet_until: float = 0.0

    def trouble(self, error: Exception) -> None:
        """Recording failed, which must not touch traffic: say where, once a minute, and nothing of its content."""
        now = monotonic()
        if now < self._quiet_until:
            return
        self._quiet_until = now + 60
        log.error("a request could not be recorded (%s); it was forwarded all the same", without_text(error))

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run something beside; the loop alone would not hold on to it."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


_NO_FLEET = Fleet(None, None, None, False, 0, None)

_COMPLETED: tuple[Status, None, None] = (Status.COMPLETED, None, None)
_STATUS = {
    Reason.CLIENT_DISCONNECTED: Status.CLIENT_DISCONNECTED,
    Reason.REJECTED: Status.REJECTED,
    Reason.INCOMPLETE: Status.INCOMPLETE,
}


def record(exchange: Exchange, reason: Reason | None = None, why: str | None = None) -> None:
    """Count a request that is over, once. Without a reason, what was answered decides how it ended. Never raises."""
    if exchange.recorded:
        return
    exchange.recorded = True
    try:
        _record(exchange, reason, why)
    except Exception as error:
        exchange.route.trouble(error)


def _record(exchange: Exchange, reason: Reason | None, why: str | None) -> None:
    route, api = exchange.route, exchange.api
    if exchange.in_flight is not None:
        exchange.in_flight.in_flight -= 1
        exchange.in_flight = None
    if api is None:
        route.meters.unmetered += 1
        return
    asked, answer, status = exchange.asked or exchange.read_request(), exchange.answer, exchange.status
    now = monotonic()
    if answer is not None and exchange.answer_done:
        answer.end(now)
    if reason is None:
        end, reason, why = _outcome(exchange)
    else:
        end = _STATUS.get(reason, Status.FAILED)
        if reason is Reason.RESET and answer is not None:
            end = Status.INCOMPLETE
    seconds = now - exchange.started
    said = answer.model if answer is not None else None
    meter = exchange.meter
    if meter is None or (said is not None and exchange.label is None):
        meter = route.meters.settled(exchange.label or said, answer is not None)
    counters = meter.api(api.template)
    counters.requests += 1
    if reason is not None:
        counters.failures[reason] += 1
    meter.duration.observe(seconds)
    prompt = completion = load = None
    if answer is not None:
        prompt, completion, load = answer.prompt_tokens, answer.completion_tokens, answer.load_seconds
        if prompt:
            counters.prompt_tokens += prompt
        if completion:
            counters.completion_tokens += completion
        if load is not None and load >= COLD_LOAD_SECONDS:
            meter.load.observe(load)
    if asked.tags:
        route.meters.tagged(asked.tags, prompt, completion)
    fleet = exchange.fleet or _NO_FLEET
    original = fleet.requested or asked.model or ""
    served = fleet.served or said or original
    if fleet.fell_back:
        route.meters.fell_back(original, served)
    first = answer.first_token_at if answer is not None else None
    route.keep(
        Trace(
            exchange.wall,
            route.backend.name,
            api.template,
            served,
            original,
            fleet.node or route.backend.name,
            end,
            seconds * 1000,
            None if first is None else (first - exchange.started) * 1000,
            prompt,
            completion,
            fleet.retries,
            fleet.fell_back,
            fleet.score,
            exchange.client.peer,
            api.format,
            why,
            asked.tags,
            answer.finish_reason if answer is not None else None,
            status,
            None if load is None else load * 1000,
            answer.stream if answer is not None else asked.stream,
        )
    )


def _outcome(exchange: Exchange) -> tuple[Status, Reason | None, str | None]:
    """How a request ended whose answer went through whole."""
    status, answer, api, asked = exchange.status or 0, exchange.answer, exchange.api, exchange.asked
    if answer is not None and answer.finished and answer.output and not answer.error:
        return _COMPLETED  # nearly always
    if status in (429, 503):
        return Status.REJECTED, Reason.REJECTED, f"the server answered {status}"
    if status >= 500:
        return Status.FAILED, Reason.UPSTREAM_ERROR, f"the server answered {status}"
    if status >= 400:
        return Status.FAILED, Reason.CLIENT_ERROR, f"the server answered {status}"
    if answer is None or not answer.readable:
        return _COMPLETED
    if answer.error:
        return Status.FAILED, Reason.STREAM_ERROR, "the server told of an error in its answer"
    if not answer.finished:
        return Status.INCOMPLETE, Reason.INCOMPLETE, "the answer ended without its last event"
    empty = api is not None and api.work is Work.GENERATE and not answer.output and not answer.load_only
    if empty and asked is not None and asked.has_prompt:
        return Status.NO_OUTPUT, None, "the answer was empty"
    return _COMPLETED
