"""The tasks that look in the background: all of them, again and again, one look at a time, whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from inferometer_exporter.collect import look
from inferometer_exporter.collect.fields import Object
from inferometer_exporter.collect.poller import Collectors
from inferometer_exporter.collect.routes import Route
from inferometer_exporter.config.model import Address, Backend, Config
from inferometer_exporter.metrics.meters import Meters
from tests.exporter.collect.servers import OLLAMA_ANSWERS, paths, routes
from tests.exporter.support.upstream import Call, Upstream
from tests.exporter.support.wire import response


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as one:
        yield one


def config(*urls: str, poll: float = 0.05) -> Config:
    backends = (Backend(f"b{i}", "ollama", (url,), Address("127.0.0.1", 20_000 + i)) for i, url in enumerate(urls))
    return Config(tuple(backends), poll=poll)


def collect(config: Config, until: Callable[[Meters], bool], within: float = 10.0) -> Meters:
    """Runs the collectors until the question is answered with yes."""
    meters = Meters(config)

    async def run() -> None:
        collectors = Collectors(config, meters)
        collectors.start()
        try:
            async with asyncio.timeout(within):
                while not until(meters):
                    await asyncio.sleep(0.005)
        finally:
            await collectors.stop()

    asyncio.run(run())
    return meters


def test_all_backends_are_looked_at_again_and_again(upstream: Upstream) -> None:
    upstream.polled = routes(OLLAMA_ANSWERS)
    with ExitStack() as stack:
        others = [stack.enter_context(Upstream()) for _ in range(3)]
        for other in others:
            other.polled = routes(OLLAMA_ANSWERS)
        every = [upstream, *others]
        done = collect(
            config(*(one.url for one in every)), lambda _: all(paths(one).count("/api/ps") > 3 for one in every)
        )
    assert [backend.state.up for backend in done.backends.values()] == [True] * 4


def test_recovery_is_noticed(upstream: Upstream) -> None:
    upstream.polled = Call.reset
    seen: list[bool | None] = []

    def back(meters: Meters) -> bool:
        up = meters.backends["b0"].state.up
        if up is False:
            upstream.polled = routes(OLLAMA_ANSWERS)
        if not seen or seen[-1] is not up:
            seen.append(up)
        return up is True

    collect(config(upstream.url), back)
    assert seen == [None, False, True]


def test_looks_of_one_backend_never_overlap(upstream: Upstream) -> None:
    """The server takes longer than a poll for each answer."""
    waiting: list[Call] = []
    at_once: list[int] = []

    def slow(call: Call) -> None:
        waiting.append(call)
        at_once.append(len(waiting))
        call.gone(timeout=0.12)
        waiting.remove(call)
        call.send(response(b"{}"))
        call.close()

    upstream.polled = slow
    collect(config(upstream.url), lambda _: len(at_once) >= 6)
    assert set(at_once) == {1}


def test_a_fault_of_ours_ends_no_task(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.polled = routes(OLLAMA_ANSWERS)
    good, faults = look._READ[Route.OLLAMA_PS], [RuntimeError("secret words")] * 2

    def read(told: look.Told, body: Object, now: float) -> None:
        if faults:
            raise faults.pop()
        good(told, body, now)

    monkeypatch.setitem(look._READ, Route.OLLAMA_PS, read)
    done = collect(config(upstream.url), lambda meters: bool(meters.backends["b0"].state.loaded))
    assert done.backends["b0"].state.up is True
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert errors == ["the look at b0 failed: RuntimeError"] * 2


def test_stop_ends_a_look_that_waits_for_its_answer(upstream: Upstream) -> None:
    waiting: list[Call] = []

    def never(call: Call) -> None:
        waiting.append(call)
        call.gone()
        call.close()

    upstream.polled = never
    collect(config(upstream.url), lambda _: bool(waiting))
    assert waiting[0].gone_at or waiting[0].gone()
