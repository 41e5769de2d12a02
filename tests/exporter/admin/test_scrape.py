"""Scrapes share one rendering, and only one that is young enough."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from inferometer_exporter.admin import scrape
from inferometer_exporter.admin.scrape import Scrapes
from tests.exporter.admin.site import serving
from tests.exporter.support.wire import request


class Rendering:
    """A rendering that waits until it is let go, and numbers itself."""

    def __init__(self) -> None:
        self.begun = 0
        self.asked: list[str] = []
        self.free = threading.Event()
        self.fails = False

    def __call__(self, accept: str) -> tuple[bytes, str]:
        self.begun += 1
        self.asked.append(accept)
        mine = self.begun
        assert self.free.wait(20)
        if self.fails:
            raise RuntimeError
        return b"%d" % mine, "text/plain"


def run(test: Callable[[Scrapes, Rendering], Awaitable[None]]) -> None:
    async def within() -> None:
        rendering = Rendering()
        with ThreadPoolExecutor(1) as threads:
            try:
                await test(Scrapes(rendering, threads), rendering)
            finally:
                rendering.free.set()

    asyncio.run(within())


async def begun(rendering: Rendering, number: int) -> None:
    while rendering.begun < number:
        await asyncio.sleep(0.005)


def test_fifty_scrapes_at_once_are_rendered_once() -> None:
    async def test(scrapes: Scrapes, rendering: Rendering) -> None:
        waiting = [asyncio.create_task(scrapes.answer("")) for _ in range(50)]
        await begun(rendering, 1)
        rendering.free.set()
        assert {(await one).body for one in waiting} == {b"1"}

    run(test)


def test_a_scrape_never_shares_what_began_too_long_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrape, "SHARED_SECONDS", 0.0)

    async def test(scrapes: Scrapes, rendering: Rendering) -> None:
        first = asyncio.create_task(scrapes.answer(""))
        await begun(rendering, 1)
        await asyncio.sleep(0.01)
        later = [asyncio.create_task(scrapes.answer("")) for _ in range(10)]
        await asyncio.sleep(0.01)
        rendering.free.set()
        assert (await first).body == b"1"
        assert {(await one).body for one in later} == {b"2"}

    run(test)


def test_a_scrape_that_goes_away_does_not_take_the_rendering_from_the_others() -> None:
    async def test(scrapes: Scrapes, rendering: Rendering) -> None:
        gone, stays = (asyncio.create_task(scrapes.answer("")) for _ in "ab")
        await begun(rendering, 1)
        gone.cancel()
        await asyncio.sleep(0)
        rendering.free.set()
        assert (await stays).body == b"1"

    run(test)


def test_after_a_failure_the_next_scrape_tries_again() -> None:
    async def test(scrapes: Scrapes, rendering: Rendering) -> None:
        rendering.fails = True
        rendering.free.set()
        with pytest.raises(RuntimeError):
            await scrapes.answer("")
        rendering.fails = False
        assert (await scrapes.answer("")).body == b"2"

    run(test)


def test_formats_are_rendered_apart_and_made_up_ones_share_the_plain_text() -> None:
    async def test(scrapes: Scrapes, rendering: Rendering) -> None:
        rendering.free.set()
        await asyncio.gather(*(scrapes.answer(f"made/up{n}") for n in range(100)))
        assert len(rendering.asked) <= scrape.MOST_FORMS + 1
        assert "" in rendering.asked

    run(test)


def test_fifty_scrapes_over_sockets_all_get_the_metrics() -> None:
    with serving() as site:
        wires = [site.wire().send(request("/metrics", method="GET")) for _ in range(50)]
        try:
            assert {wire.reply().status for wire in wires} == {200}
        finally:
            for wire in wires:
                wire.leave("fin")
