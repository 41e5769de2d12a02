"""Clients of simulated servers: steady traffic through the exporter, with the impatience and mistakes of people."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from dataclasses import dataclass

from inferometer.demo.truth import Served, Truth

_MOST_AT_ONCE = 64
# Long after the slowest answer: a client that hangs would hide that the exporter does.
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as a client sends it. `leaves` is after how many seconds the client goes away, if it does."""

    path: str
    body: bytes
    headers: tuple[str, ...]
    leaves: float | None


@dataclass(frozen=True, slots=True)
class Door:
    """Where a server's clients knock: host and port of the exporter's address, engine and models behind it."""

    host: str
    port: int
    engine: str
    models: tuple[Served, ...]


async def play(door: Door, truth: Truth, seed: int) -> None:
    """Sends requests at the truth's rate until cancelled. What goes wrong with one is the exporter's to tell."""
    chance = random.Random(seed)
    running: set[asyncio.Task[None]] = set()
    try:
        while True:
            await asyncio.sleep(chance.expovariate(truth.rate))
            if len(running) < _MOST_AT_ONCE:
                task = asyncio.create_task(_ask(door, draw(door, truth, chance)))
                running.add(task)
                task.add_done_callback(running.discard)
    except asyncio.CancelledError:
        # No new requests; those under way end by themselves, as the exporter lets them.
        await asyncio.gather(*running, return_exceptions=True)
        raise


def draw(door: Door, truth: Truth, chance: random.Random) -> Asked:
    """The next request."""
    served = chance.choice(door.models)
    mistaken = chance.random() < truth.mistaken
    name = "mistaken" if mistaken else served.name
    native = door.engine == "ollama" and chance.random() < 0.7
    stream = not served.embeds and chance.random() < truth.streams
    path, body = _body(served, native, stream, chance)
    tag = chance.choice(truth.tags)
    headers: tuple[str, ...] = ()
    # Tags come by either way, and the name of a user besides, as clients of Herd and of OpenAI have it.
    if chance.random() < 0.5:
        headers = (f"X-Herd-Tags: {tag}",)
    else:
        body["metadata"] = {"tags": [tag]}
    leaves = chance.uniform(0.1, 1.0) if chance.random() < truth.leaving else None
    return Asked(path, json.dumps({"model": name, **body}).encode(), headers, leaves)


def _body(served: Served, native: bool, stream: bool, chance: random.Random) -> tuple[str, dict[str, object]]:
    if served.embeds:
        return ("/api/embed" if native else "/v1/embeddings"), {"input": ["a simulated text"]}
    messages = [{"role": "user", "content": "a simulated question"}]
    if native and chance.random() < 0.3:
        return "/api/generate", {"prompt": "a simulated question", **({} if stream else {"stream": False})}
    if native:
        # What is left out is a stream here.
        return "/api/chat", {"messages": messages, **({} if stream else {"stream": False})}
    counted: dict[str, object] = {"stream_options": {"include_usage": True}} if chance.random() < 0.8 else {}
    return "/v1/chat/completions", {"messages": messages, **({"stream": True, **counted} if stream else {})}


async def _ask(door: Door, asked: Asked) -> None:
    """Sends one request and reads its answer to the end, unless the client leaves."""
    with contextlib.suppress(OSError):
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_connection(door.host, door.port)
            try:
                head = (
                    f"POST {asked.path} HTTP/1.1",
                    f"Host: {door.host}:{door.port}",
                    "User-Agent: inferometer-demo",
                    "Content-Type: application/json",
                    f"Content-Length: {len(asked.body)}",
                    "Connection: close",
                    *asked.headers,
                )
                writer.write("".join(f"{line}\r\n" for line in head).encode() + b"\r\n" + asked.body)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(asked.leaves):
                        while await reader.read(65536):
                            pass
            finally:
                writer.transport.abort()
