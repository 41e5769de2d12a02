"""One address of a backend: what is asked of it now, and what it last told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from inferometer_exporter.collect import answers, herd
from inferometer_exporter.collect.fields import Object, decoded
from inferometer_exporter.collect.get import Answer, NoAnswer, get
from inferometer_exporter.collect.routes import ASKED, Asking, Route
from inferometer_exporter.metrics.state import HerdCheck, HerdNode, HerdQueue, Loaded

# A route that fails while the server answers is asked less and less often, down to this. Seconds.
SLOWEST_RETRY = 30.0

# Planned times are sums of floats.
_TOLERANCE = 0.01

_GATEWAY = 500
_UNAVAILABLE = 503


@dataclass(slots=True)
class Told:
    """What one address told last. Each `…_at` is the monotonic second of that answer, None before the first."""

    version: str = ""
    known: tuple[str, ...] = ()
    loaded: tuple[Loaded, ...] = ()
    loaded_at: float | None = None
    nodes: tuple[HerdNode, ...] = ()
    nodes_at: float | None = None
    queues: tuple[HerdQueue, ...] = ()
    queues_at: float | None = None
    checks: tuple[HerdCheck, ...] = ()
    vitals: Mapping[str, float] = field(default_factory=dict)
    checks_at: float | None = None


def _version(told: Told, body: Object, now: float) -> None:
    told.version = answers.version(body)


def _loaded(told: Told, body: Object, now: float) -> None:
    told.loaded, told.loaded_at = answers.loaded(body), now


def _available(told: Told, body: Object, now: float) -> None:
    told.known = answers.available(body)


def _listed(told: Told, body: Object, now: float) -> None:
    told.known = answers.listed(body)


def _nodes(told: Told, body: Object, now: float) -> None:
    told.nodes, told.nodes_at = herd.nodes(body), now


def _queues(told: Told, body: Object, now: float) -> None:
    told.queues, told.queues_at = herd.queues(body), now


def _report(told: Told, body: Object, now: float) -> None:
    told.checks, told.vitals, told.checks_at = herd.checks(body), herd.vitals(body), now


_READ: dict[Route, Callable[[Told, Object, float], None]] = {
    Route.OLLAMA_VERSION: _version,
    Route.OLLAMA_PS: _loaded,
    Route.OLLAMA_TAGS: _available,
    Route.OPENAI_MODELS: _listed,
    Route.HERD_STATUS: _nodes,
    Route.HERD_QUEUE: _queues,
    Route.HERD_HEALTH: _report,
}


class AddressLook:
    """Asks one address for what is due. `up` is None before the first look; `problem` says why it is not up."""

    def __init__(self, url: str, engine: str, ca_file: Path | None, poll: float) -> None:
        self.url = url
        self.up: bool | None = None
        self.problem = ""
        self.told = Told()
        self._ca_file = ca_file
        self._asked = ASKED[engine]
        self._poll = poll
        self._due: dict[Route, float] = {}
        self._failures: dict[Route, int] = {}

    async def look(self, at: float) -> None:
        """Asks for what is due, one route after the other. The first tells whether it is up; down, it is asked nothing
        more, and what it told is forgotten. `at` is the monotonic second that this look was planned for.
        """
        first, *others = self._asked
        try:
            answer = await get(self.url, self._ca_file, first.route)
        except NoAnswer as reason:
            self._down(str(reason))
            return
        if not answers_requests(answer.status):
            self._down(f"it answers {answer.status}")
            return
        self.up, self.problem = True, ""
        self._take(first, answer)
        for asking in others:
            if at >= self._due.get(asking.route, at) - _TOLERANCE:
                await self._ask(asking, at)

    async def _ask(self, asking: Asking, at: float) -> None:
        try:
            good = self._take(asking, await get(self.url, self._ca_file, asking.route))
        except NoAnswer:
            good = False
        failures = self._failures[asking.route] = 0 if good else self._failures.get(asking.route, 0) + 1
        retry = min(self._poll * 2.0 ** min(failures - 1, 10), SLOWEST_RETRY)
        self._due[asking.route] = at + (asking.every if good or asking.strict else retry)

    def _take(self, asking: Asking, answer: Answer) -> bool:
        """Keeps what the answer tells; False if it tells nothing."""
        if answer.status != 200 or answer.body is None:
            return False
        read = _READ.get(asking.route)
        if read is None:
            return True
        body = decoded(answer.body)
        if body is None:
            return False
        read(self.told, body, monotonic())
        return True

    def _down(self, problem: str) -> None:
        self.up, self.problem = False, problem
        # What it told is gone; how old that was stays.
        told = self.told
        self.told = Told(
            loaded_at=told.loaded_at, nodes_at=told.nodes_at, queues_at=told.queues_at, checks_at=told.checks_at
        )
        self._due = {one.route: self._due[one.route] for one in self._asked if one.strict and one.route in self._due}
        self._failures.clear()


def answers_requests(status: int) -> bool:
    """Whether a server that answers this is up: it is there, and HTTP.

    401 and 404 are answers of a server that wants a key or lacks the route. 503 is that of one that loads its model or
    is full. Other 5xx are those of a broken server, or of a gateway before a dead one.
    """
    return status < _GATEWAY or status == _UNAVAILABLE
