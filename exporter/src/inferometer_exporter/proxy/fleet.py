"""What an Ollama Herd router tells in its answers' headers: the node and the model that it chose."""

from __future__ import annotations

import math
from dataclasses import dataclass

from inferometer_exporter.proxy.head import AnswerHead, header


@dataclass(frozen=True, slots=True)
class Fleet:
    """`served` and `requested` are models. `score` is the router's own measure of its choice."""

    node: str | None
    served: str | None
    requested: str | None
    fell_back: bool
    retries: int
    score: float | None


def read_fleet(head: AnswerHead) -> Fleet | None:
    """None where the answer is no router's. What cannot be read is left out."""
    if b"x-fleet-node" not in head.fields and b"x-fleet-served-model" not in head.fields:
        return None

    def value(name: bytes) -> str | None:
        found = header(head.raw, b"x-fleet-" + name)
        return found.decode("utf-8", "replace")[:256] if found else None

    fallback, retries, score = value(b"fallback") or "", value(b"retries") or "", value(b"score") or ""
    return Fleet(
        value(b"node"),
        value(b"served-model"),
        value(b"requested-model"),
        fallback.lower() not in ("", "false", "0", "no"),  # older routers name the model here
        int(retries) if retries.isdecimal() and len(retries) < 6 else 0,
        _number(score),
    )


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
