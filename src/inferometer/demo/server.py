"""A simulated server: it loads models, takes its time, answers in its engine's dialect, and fails now and then."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from collections.abc import Iterator
from typing import Any, Protocol

from inferometer.demo import ollama, openai
from inferometer.demo.truth import Served, Spent, Truth, drawn, drawn_count
from inferometer.demo.web import Answer, Request, Server

_WORDS = (" This", " answer", " is", " simulated", ",", " word", " by", " word", ".")
_EMBEDDING = ("/api/embed", "/api/embeddings", "/v1/embeddings")
_WRITING = ("/api/chat", "/api/generate", "/v1/chat/completions", "/v1/completions")


class _Writing(Protocol):
    """One answer in some dialect: whole, or in pieces with a closing."""

    stream_kind: str
    whole_kind: str

    def piece(self, text: str, first: bool) -> bytes: ...
    def closing(self, spent: Spent) -> Iterator[bytes]: ...
    def whole(self, text: str, spent: Spent) -> bytes: ...


class Simulated:
    """A server of one engine: Ollama, or for any other engine llama-server. `start`, then `url`; `stop` ends it.

    The same seed makes the same draws in the same order.
    """

    def __init__(self, engine: str, models: tuple[Served, ...], truth: Truth, seed: int) -> None:
        self._ollama = engine == "ollama"
        self._speaker = openai.OLLAMA if self._ollama else openai.LLAMA_SERVER
        self._models = {served.name: served for served in models}
        self._truth = truth
        self._chance = random.Random(seed)
        self._numbers = itertools.count(1)
        # When each loaded model was last used, by the monotonic clock. llama-server has its models from the start.
        self._used: dict[str, float] = {}
        self._loading: dict[str, asyncio.Lock] = {name: asyncio.Lock() for name in self._models}
        self._server = Server(self._answer)

    async def start(self) -> None:
        await self._server.start()

    async def stop(self) -> None:
        await self._server.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    async def _answer(self, request: Request, answer: Answer) -> None:
        posted = request.path in (*_WRITING, *_EMBEDDING) and (self._ollama or request.path.startswith("/v1/"))
        if posted and request.method == "POST":
            await self._work(request, answer)
        elif posted:
            await answer.whole(405, "text/plain", b"405 method not allowed", "Allow: POST")
        elif (page := self._page(request.path)) is not None and request.method in ("GET", "HEAD"):
            kind, body = page
            await answer.whole(200, kind, b"" if request.method == "HEAD" else body)
        else:
            await answer.whole(404, "text/plain", b"404 page not found")

    def _page(self, path: str) -> tuple[str, bytes] | None:
        """Content type and body of what is asked by GET."""
        if path == "/v1/models":
            return self._speaker.whole_kind, openai.known(self._speaker, self._models.values())
        if not self._ollama:
            return (self._speaker.whole_kind, b'{"status":"ok"}') if path == "/health" else None
        if path == "/":
            return ollama.PLAIN, b"Ollama is running"
        if path == "/api/version":
            return ollama.WHOLE, ollama.compact({"version": ollama.VERSION})
        if path == "/api/tags":
            return ollama.WHOLE, ollama.known(self._models.values())
        return (ollama.WHOLE, ollama.loaded(self._loaded())) if path == "/api/ps" else None

    def _loaded(self) -> list[tuple[Served, float]]:
        """The models in memory, each with the seconds that it stays."""
        now = time.monotonic()
        rest = {name: self._truth.keep - (now - used) for name, used in self._used.items()}
        return [(self._models[name], seconds) for name, seconds in rest.items() if seconds > 0]

    async def _work(self, request: Request, answer: Answer) -> None:
        try:
            asked = json.loads(request.body)
        except ValueError:
            asked = None
        if not isinstance(asked, dict):
            return await self._refuse(request, answer, 400, "unexpected EOF")
        name = str(asked.get("model"))
        served = self._models.get(name.removesuffix(":latest"))
        if served is None:
            return await self._refuse(request, answer, 404, f"model '{name}' not found")
        if self._chance.random() < self._truth.busy:
            return await self._refuse(request, answer, 503, ollama.BUSY)
        spent = self._draw(served, asked, await self._load(served))
        await asyncio.sleep(spent.prompt)
        if request.path in _EMBEDDING:
            return await self._embed(request, answer, name, asked, spent)
        return await self._write(request, answer, name, asked, spent)

    async def _refuse(self, request: Request, answer: Answer, status: int, message: str) -> None:
        if request.path.startswith("/v1/"):
            # What is no JSON is refused before Ollama knows which dialect is spoken.
            kind = ollama.WHOLE if status == 400 else self._speaker.whole_kind
            await answer.whole(status, kind, openai.error(status, message))
        else:
            await answer.whole(status, ollama.WHOLE, ollama.error(message))

    async def _load(self, served: Served) -> float:
        """Loads the model where it is not in memory; several wait for one load. Returns the seconds."""
        began = time.monotonic()
        if self._ollama:
            async with self._loading[served.name]:
                if began - self._used.get(served.name, -self._truth.keep) >= self._truth.keep:
                    await asyncio.sleep(drawn(self._chance, served.load))
                self._used[served.name] = time.monotonic()
        return time.monotonic() - began

    def _draw(self, served: Served, asked: dict[str, Any], load: float) -> Spent:
        wanted = drawn_count(self._chance, served.completion_tokens) if not served.embeds else 0
        options = asked.get("options")
        limit = asked.get("max_tokens", options.get("num_predict") if isinstance(options, dict) else None)
        limited = isinstance(limit, int) and 0 < limit < wanted
        tokens = limit if isinstance(limit, int) and limited else wanted
        return Spent(
            prompt_tokens=drawn_count(self._chance, served.prompt_tokens),
            completion_tokens=tokens,
            load=load,
            prompt=drawn(self._chance, served.first_token),
            writing=drawn(self._chance, served.between) * max(0, tokens - 1),
            finish="length" if limited else "stop",
        )

    async def _embed(self, request: Request, answer: Answer, name: str, asked: dict[str, Any], spent: Spent) -> None:
        given = asked.get("input", asked.get("prompt"))
        inputs = len(given) if isinstance(given, list) else 1
        if request.path.startswith("/v1/"):
            await answer.whole(200, self._speaker.whole_kind, openai.embeddings(name, inputs, spent))
        else:
            await answer.whole(200, ollama.WHOLE, ollama.embeddings(request.path, name, inputs, spent))

    async def _write(self, request: Request, answer: Answer, name: str, asked: dict[str, Any], spent: Spent) -> None:
        native = request.path.startswith("/api/")
        writing: _Writing = (
            ollama.Writing(request.path, name)
            if native
            else openai.Writing(self._speaker, request.path, name, next(self._numbers), _wants_usage(asked))
        )
        words = itertools.islice(itertools.cycle(_WORDS), spent.completion_tokens)
        if not asked.get("stream", native):
            await asyncio.sleep(spent.writing)
            return await answer.whole(200, writing.whole_kind, writing.whole("".join(words), spent))
        breaks = self._chance.random() < self._truth.broken
        pause = spent.writing / max(1, spent.completion_tokens - 1)
        await answer.start(writing.stream_kind)
        for number, word in enumerate(words):
            if number:
                await asyncio.sleep(pause)
            if breaks and number > spent.completion_tokens // 2:
                return answer.break_off()
            await answer.chunk(writing.piece(word, first=number == 0))
        for data in writing.closing(spent):
            await answer.chunk(data)
        return await answer.end()


def _wants_usage(asked: dict[str, Any]) -> bool:
    options = asked.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True
