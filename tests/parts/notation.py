"""Reads series as promtool's test files write them: `up{job="a"}` with the values `0+60x40 _x5 stale`.

Source: https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/#series
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass

STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
"""The NaN with which Prometheus marks the end of a series (model/value/value.go in its source)."""

_SERIES = re.compile(r"\s*([a-zA-Z_:][\w:]*)?\s*(?:\{(.*)\})?\s*", re.DOTALL)
_LABEL = re.compile(r'\s*([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?[Ii]nf|[Nn]a[Nn]"
_STEPS = re.compile(rf"({_NUMBER}|_|stale)(?:([-+](?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)?x(\d+))?")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w|y)")
_WRITTEN_DURATION = re.compile(r"(?<![\w.])(?:\d+(?:\.\d+)?(?:ms|[smhdwy]))+(?!\w)")
_BARE_WINDOW = re.compile(r"\[\s*(\d+(?:\.\d+)?)\s*[:\]]")  # Prometheus 3 takes seconds without a unit
_STRING = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}


@dataclass(frozen=True, slots=True)
class Series:
    """One series: its labels (the name is `__name__`) and its samples as (seconds after the start, value)."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


def series(written: Mapping[str, str], interval: float) -> tuple[Series, ...]:
    """All series, with a sample every `interval` seconds. Raises ValueError, also where one is written twice."""
    read = tuple(Series(labels(name), points(values, interval)) for name, values in written.items())
    if len({frozenset(one.labels.items()) for one in read}) < len(read):
        raise ValueError(f"one series is written twice, with its labels in another order: {sorted(written)}")
    return read


def labels(text: str) -> dict[str, str]:
    """`up{job="a"}` → {"__name__": "up", "job": "a"}."""
    whole = _SERIES.fullmatch(text)
    if not whole or not text.strip():
        raise ValueError(f"not a series: {text!r}")
    found = {"__name__": whole[1]} if whole[1] else {}
    inside, position = whole[2] or "", 0
    while inside[position:].strip():
        label = _LABEL.match(inside, position)
        if not label or label[1] in found:
            raise ValueError(f"not a list of labels: {{{inside}}}, from {inside[position:]!r} on")
        found[label[1]] = _ESCAPE.sub(lambda sign: {"n": "\n"}.get(sign[1], sign[1]), label[2])
        position = label.end()
    return found


def points(text: str, interval: float) -> tuple[tuple[float, float], ...]:
    """`1+2x3` → 1, 3, 5, 7; `1x3` → 1, 1, 1, 1; `_x3` → three samples left out; `stale` → the series' end."""
    found: list[tuple[float, float]] = []
    position = 0
    for word in text.split():
        step = _STEPS.fullmatch(word)
        if not step or (step[2] and step[1] in ("_", "stale")):
            raise ValueError(f"not a value: {word!r} in {text!r}")
        first, grow, times = step[1], float(step[2] or 0), int(step[3] or 0)
        if first == "_":
            position += times or 1
            continue
        start = STALE if first == "stale" else float(first)
        for turn in range(times + 1):
            # A stale marker must keep its bits: no arithmetic on it.
            found.append((position * interval, start + grow * turn if grow else start))
            position += 1
    return tuple(found)


def seconds(text: str | float) -> float:
    """`1h30m` → 5400.0; a number is taken as seconds."""
    if not isinstance(text, str):
        return float(text)
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"not a duration: {text!r}")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def reach(expression: str) -> float:
    """Seconds that an expression may look back: the sum of all durations in it, strings left out (never too little)."""
    bare = _STRING.sub("", expression)
    return sum(seconds(one) for one in _WRITTEN_DURATION.findall(bare)) + sum(map(float, _BARE_WINDOW.findall(bare)))
