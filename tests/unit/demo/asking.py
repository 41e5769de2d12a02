"""Simulated servers for tests: started for a block, asked by the standard library's own client."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar
from urllib.parse import urlsplit

from inferometer.demo.server import Simulated
from inferometer.demo.truth import STEADY, Served, Truth

T = TypeVar("T")

# Nothing goes wrong, and nothing takes long.
CALM = replace(STEADY, busy=0.0, broken=0.0, mistaken=0.0, leaving=0.0, keep=60.0)
TINY = Served("tiny", 0.001, 0.001, 0.0005, 30, 24, 2**20)
MODELS = (TINY, Served("tinyembed", 0.001, 0.001, 0.0, 9, 0, 2**20, embeds=True))


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered; `chunked` where it did not tell the length before."""

    status: int
    kind: str
    body: bytes
    chunked: bool


def ask(url: str, method: str, path: str, body: bytes | None = None) -> Reply:
    """One request on a connection of its own. Raises http.client.IncompleteRead for an answer that breaks off."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=10)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        chunked = answer.getheader("Transfer-Encoding") == "chunked"
        return Reply(answer.status, answer.getheader("Content-Type") or "", answer.read(), chunked)
    finally:
        connection.close()


def with_server(engine: str, use: Callable[[str], T], truth: Truth = CALM, models: tuple[Served, ...] = MODELS) -> T:
    """What `use` gives for the address of a simulated server that runs meanwhile."""

    async def run() -> T:
        server = Simulated(engine, models, truth, seed=1)
        await server.start()
        try:
            return await asyncio.to_thread(use, server.url)
        finally:
            await server.stop()

    return asyncio.run(run())
