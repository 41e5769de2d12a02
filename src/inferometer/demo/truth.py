"""What a simulated fleet really does: how fast its models are, how much is asked of them, and what goes wrong."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

# How far a drawn value lies from its median, as the sigma of a log-normal distribution: seldom more than twice.
_SPREAD = 0.3


@dataclass(frozen=True, slots=True)
class Served:
    """A model as its server serves it. Times are medians in seconds, tokens medians of one request, size in bytes."""

    name: str
    load: float
    first_token: float
    between: float
    prompt_tokens: int
    completion_tokens: int
    size: int
    embeds: bool = False


@dataclass(frozen=True, slots=True)
class Truth:
    """A fleet's traffic. Shares are of all requests and exclude one another."""

    rate: float  # requests per second for each server
    streams: float  # share of the requests for text that are streams
    busy: float  # share that the server refuses because it is full
    broken: float  # share of streams that the server breaks
    mistaken: float  # share that ask for a model that is not there
    leaving: float  # share whose client does not wait for the end
    tags: tuple[str, ...]  # each request has one of these, by turns of chance
    keep: float  # seconds that an unused model stays loaded


@dataclass(frozen=True, slots=True)
class Spent:
    """What one answer really took: tokens, and seconds to load the model, to read the prompt and to write."""

    prompt_tokens: int
    completion_tokens: int
    load: float
    prompt: float
    writing: float
    finish: str  # "stop", or "length" where the client's limit was reached

    @property
    def total(self) -> float:
        return self.load + self.prompt + self.writing


STEADY = Truth(
    rate=2.0,
    streams=0.7,
    busy=0.01,
    broken=0.01,
    mistaken=0.01,
    leaving=0.03,
    tags=("chat", "search", "nightly"),
    keep=20.0,
)

_GIB = 2**30
# What the models of a server are like, by their place in its list.
_KINDS = (
    Served("", 2.5, 0.25, 0.02, 240, 45, 8 * _GIB),
    Served("", 1.2, 0.12, 0.01, 120, 60, 3 * _GIB),
    Served("", 4.0, 0.45, 0.035, 400, 30, 20 * _GIB),
)
_UNTOLD = ("llama3.2", "qwen3")
EMBEDDER = Served("nomic-embed-text", 0.6, 0.04, 0.0, 60, 0, _GIB // 4, embeds=True)


def models(names: tuple[str, ...], embedder: bool) -> tuple[Served, ...]:
    """The models of a server by their names, two where the spec names none, and one more that embeds if wanted."""
    served = [
        Served(name, kind.load, kind.first_token, kind.between, kind.prompt_tokens, kind.completion_tokens, kind.size)
        for number, name in enumerate(names or _UNTOLD)
        for kind in (_KINDS[number % len(_KINDS)],)
    ]
    return (*served, EMBEDDER) if embedder else tuple(served)


def drawn(chance: random.Random, median: float) -> float:
    """A positive value around a median; 0 for 0."""
    return chance.lognormvariate(math.log(median), _SPREAD) if median > 0 else 0.0


def drawn_count(chance: random.Random, median: int) -> int:
    """A whole number of at least 1 around a median."""
    return max(1, round(drawn(chance, median)))
