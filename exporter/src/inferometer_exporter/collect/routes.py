"""Every route that a collector can ask for. There is no other: what is not here is never sent."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Route(Enum):
    """Read-only routes, each asked for with GET.

    Herd's `/dashboard/api/briefing` is left out because it may start a generation, `/dashboard/api/settings` because it
    takes changes too.
    """

    OLLAMA_VERSION = "/api/version"
    OLLAMA_PS = "/api/ps"
    OLLAMA_TAGS = "/api/tags"
    OPENAI_MODELS = "/v1/models"
    HEALTH = "/health"
    HERD_STATUS = "/fleet/status"
    HERD_QUEUE = "/fleet/queue"
    HERD_HEALTH = "/dashboard/api/health"


@dataclass(frozen=True, slots=True)
class Asking:
    """One route that a kind of server is asked for, at most once in so many seconds. 0: at each look.

    `strict`: never sooner, also after a failure. Others are asked again at once when a server is back.
    """

    route: Route
    every: float = 0.0
    strict: bool = False


# What changes seldom: the models that a server can serve.
SELDOM = 60.0
# Herd keeps its health report for this long: asking earlier gives the same one (its documentation, "Health").
HERD_REPORT = 30.0

_OPENAI = (Asking(Route.OPENAI_MODELS),)
_WITH_HEALTH = (Asking(Route.HEALTH), Asking(Route.OPENAI_MODELS, SELDOM))
_OLLAMA = (Asking(Route.OLLAMA_VERSION), Asking(Route.OLLAMA_PS), Asking(Route.OLLAMA_TAGS, SELDOM))

# By engine: the first route is the one that tells whether the server is up.
ASKED: dict[str, tuple[Asking, ...]] = {
    "ollama": _OLLAMA,
    "herd": (
        *_OLLAMA,
        *(Asking(Route.HERD_STATUS), Asking(Route.HERD_QUEUE), Asking(Route.HERD_HEALTH, HERD_REPORT, strict=True)),
    ),
    "llamacpp": _WITH_HEALTH,
    "vllm": _WITH_HEALTH,
    "sglang": _WITH_HEALTH,
    "tgi": (Asking(Route.HEALTH),),
    "openai": _OPENAI,
    "litellm": _OPENAI,
    "custom": _OPENAI,
}
