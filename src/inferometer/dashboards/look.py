"""What a colour, a threshold and a word mean on every board, each told once.

The values are small frozen dataclasses; `json()` turns one into the form that Grafana's field configuration wants.
Colours are Grafana's named ones where a meaning stands behind them, because Grafana shades those for the dark and the
light theme by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Json = dict[str, Any]

GOOD = "green"
SOON = "orange"
BAD = "red"
NEUTRAL = "blue"
GENERATED = "purple"
PROMPT = "light-blue"
MUTED = "#8e8e8e"
CLEAR = "transparent"

PERCENTILE_STRENGTHS = ("super-light-blue", "blue", "dark-blue")
"""One hue, weakest for the lowest percentile."""

NAMED = (
    "#5794f2", "#b89b2e", "#a8502f", "#35c5e9", "#c15c92", "#5a5aed",
    "#b6a491", "#626293", "#a352cc", "#83a5c3", "#8a7a22", "#a57878",
)  # fmt: skip
"""Colours for names (models, backends) in the spec's order: none reads as green, orange or red, each stands out on the
dark and the light theme, and the first are the furthest apart, to the colour-blind too."""

NO_TRAFFIC = "no traffic"
NO_TELEMETRY = "no telemetry"
NOT_TOLD = "–"
"""A table cell whose engine lacks the signal; the board says so in words elsewhere."""

NO_TRAFFIC_VALUE = -1.0
"""What a query answers to say "no traffic": a ratio or a latency is never negative."""

NO_TELEMETRY_VALUE = -2.0
"""What a query with a sparkline may answer (`… or vector(-2)`) to say "no telemetry".

A range query that ends early leaves its last value standing on the tile, long after the reporter died."""


HIDE_NOTHING: Json = {"legend": False, "tooltip": False, "viz": False}
NO_LEGEND: Json = {"showLegend": False, "displayMode": "list", "placement": "bottom", "calcs": []}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Steps of (colour, lower bound), rising; the first bound is None, which means minus infinity."""

    steps: tuple[tuple[str, float | None], ...]

    def __post_init__(self) -> None:
        bounds = [bound for _, bound in self.steps[1:]]
        if not self.steps or self.steps[0][1] is not None or None in bounds:
            raise ValueError("the first threshold step, and no other, has no lower bound")
        known = [bound for bound in bounds if bound is not None]
        if any(low >= high for low, high in pairwise(known)):
            raise ValueError(f"threshold steps must rise, not {known}")

    def json_steps(self) -> list[Json]:
        """The steps as Grafana has them; the first value is null and must stay so."""
        return [{"color": colour, "value": bound} for colour, bound in self.steps]

    def json(self) -> Json:
        """The whole threshold object."""
        return {"mode": "absolute", "steps": self.json_steps()}


def plain(colour: str = NEUTRAL) -> Thresholds:
    """No limit: one colour at every value."""
    return Thresholds(((colour, None),))


def high_is_bad(soon: float | None, bad: float) -> Thresholds:
    """Green, then orange from `soon`, then red from `bad`. Without `soon` there is no orange."""
    middle = () if soon is None else ((SOON, soon),)
    return Thresholds(((GOOD, None), *middle, (BAD, bad)))


def low_is_bad(soon: float, good: float) -> Thresholds:
    """Red below `soon`, orange from there, green from `good` up."""
    return Thresholds(((BAD, None), (SOON, soon), (GOOD, good)))


def limit_line(limit: float) -> Thresholds:
    """A red limit on a time series: nothing is coloured below it."""
    return Thresholds(((CLEAR, None), (BAD, limit)))


@dataclass(frozen=True, slots=True)
class Words:
    """Values shown as a word on a colour: `Words({1: ("serving", GOOD), 0: ("down", BAD)})`."""

    values: Mapping[float, tuple[str, str]]

    def json(self) -> Json:
        """One value mapping. Grafana looks a number up by JavaScript's spelling of it, so 1.0 is written "1"."""
        return {
            "type": "value",
            "options": {
                f"{value:g}": {"text": text, "color": colour, "index": index}
                for index, (value, (text, colour)) in enumerate(self.values.items())
            },
        }


def states(*words: Words, missing: tuple[str, str] = (NO_TELEMETRY, BAD)) -> list[Json]:
    """The mappings of a number or a table cell: its own words, "no traffic" in grey, and `missing` for an empty answer.

    The order matters: Grafana's test for the special value `nan` is JavaScript's `isNaN`, which is true of an undefined
    cell too, so null (which stands for both null and undefined) is asked first (grafana-data, utils/valueMappings.ts).
    """
    spelled = Words({NO_TRAFFIC_VALUE: (NO_TRAFFIC, MUTED), NO_TELEMETRY_VALUE: (NO_TELEMETRY, BAD)})
    special = (_special("null", *missing), _special("nan", NO_TRAFFIC, MUTED))
    return [*(word.json() for word in words), spelled.json(), *special]


def _special(match: str, text: str, colour: str) -> Json:
    return {"type": "special", "options": {"match": match, "result": {"text": text, "color": colour, "index": 0}}}


def fixed(colour: str) -> Json:
    """A colour mode that ignores the value."""
    return {"mode": "fixed", "fixedColor": colour}


def override(name: str, properties: Mapping[str, object]) -> Json:
    """Field properties for the one series or column called `name`."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key, "value": value} for key, value in properties.items()],
    }


def coloured(colours: Mapping[str, str]) -> list[Json]:
    """One fixed colour for each named series: `coloured({"prompt": PROMPT, "generated": GENERATED})`."""
    return [override(name, {"color": fixed(colour)}) for name, colour in colours.items()]


def pinned(names: Sequence[str]) -> list[Json]:
    """A palette colour for each name in order, so that a model or backend has one colour on every panel.

    At most a dozen: nobody tells more apart. Later names keep Grafana's own palette.
    """
    return coloured(dict(zip(dict.fromkeys(names), NAMED, strict=False)))


def percentile_lines(low: str, middle: str, high: str) -> list[Json]:
    """Three percentiles in one hue; the middle one, which the limit is about, is the thick line."""
    return [
        override(name, {"color": fixed(hue), "custom.fillOpacity": 0, "custom.lineWidth": width})
        for name, hue, width in zip((low, middle, high), PERCENTILE_STRENGTHS, (1, 2, 1), strict=True)
    ]
