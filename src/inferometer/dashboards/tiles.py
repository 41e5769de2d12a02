"""Presets for how things stand now: numbers, rankings, shares, and words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from inferometer.dashboards.grafana import Query, Viz
from inferometer.dashboards.look import (
    HIDE_NOTHING,
    NEUTRAL,
    NO_LEGEND,
    NO_TELEMETRY,
    Json,
    Thresholds,
    Words,
    fixed,
    plain,
    states,
)

LAST: Json = {"calcs": ["last"], "fields": "", "values": False}
"""`last`, not `lastNotNull`, which may step over a NaN: an idle backend would show the latency of an hour ago."""


def stat(
    title: str,
    about: str,
    expr: str,
    unit: str,
    *,
    thresholds: Thresholds | None = None,
    colour: str = NEUTRAL,
    words: Sequence[Words] = (),
    status: bool = False,
    spark: bool = True,
    decimals: int | None = None,
    links: Sequence[Json] = (),
    width: int = 3,
    height: int = 4,
) -> Viz:
    """One number that answers "is it fine?": the last value of an expression that has one series without labels.

    With `thresholds` the value takes their colour, else `colour`. `status` paints the background instead. A number with
    a sparkline asks over the whole time range; one without asks for this instant, and so turns to "no telemetry" as
    soon as the series ends.
    """
    sparkline = spark and not status
    field: Json = {
        "mappings": states(*words),
        "color": {"mode": "thresholds"} if thresholds else fixed(colour),
        "noValue": NO_TELEMETRY,
        "decimals": decimals,
        # The sparkline's floor: without it the -1 of "no traffic" would stretch its scale.
        "min": 0,
        "links": list(links) or None,
    }
    options: Json = {
        "colorMode": "background" if status else "value",
        "graphMode": "area" if sparkline else "none",
        "justifyMode": "center" if status else "auto",
        "orientation": "auto",
        "reduceOptions": LAST,
        "textMode": "value",
        "wideLayout": True,
        "showPercentChange": False,
    }
    return Viz(
        "stat",
        title,
        about,
        width=width,
        height=height,
        queries=[Query(expr, instant=not sparkline)],
        options=options,
        unit=unit,
        thresholds=thresholds or plain(colour),
        field=field,
    )


def ranking(
    title: str,
    about: str,
    expr: str,
    legend: str,
    unit: str,
    *,
    thresholds: Thresholds | None = None,
    maximum: float | None = None,
    empty: str = NO_TELEMETRY,
    width: int = 6,
    height: int = 9,
) -> Viz:
    """Bars, longest first: `expr` must sort itself (`sort_desc`), because Grafana keeps the order of the answer."""
    options: Json = {
        "displayMode": "gradient",
        "legend": NO_LEGEND,
        "minVizWidth": 8,
        "minVizHeight": 16,
        "maxVizHeight": 28,
        "namePlacement": "top",
        "orientation": "horizontal",
        "reduceOptions": LAST,
        "showUnfilled": True,
        "sizing": "manual",
        "valueMode": "text",
    }
    return Viz(
        "bargauge",
        title,
        about,
        width=width,
        height=height,
        queries=[Query(expr, legend, instant=True)],
        options=options,
        unit=unit,
        thresholds=thresholds or plain(),
        field={
            "mappings": states(),
            "color": {"mode": "thresholds"},
            "noValue": empty,
            "min": 0,
            "max": maximum,
        },
    )


def share(
    title: str,
    about: str,
    expr: str,
    legend: str,
    unit: str,
    *,
    overrides: Sequence[Json] = (),
    legend_at: Literal["right", "bottom"] = "right",
    empty: str = NO_TELEMETRY,
    width: int = 6,
    height: int = 9,
) -> Viz:
    """A donut of at most five parts (for more, a stacked `lines`): each part's share of the whole, at this instant."""
    options: Json = {
        "displayLabels": [],
        "legend": {"showLegend": True, "displayMode": "table", "placement": legend_at, "values": ["percent"]},
        "pieType": "donut",
        "reduceOptions": LAST,
        "tooltip": {"mode": "single", "sort": "desc"},
    }
    return Viz(
        "piechart",
        title,
        about,
        width=width,
        height=height,
        queries=[Query(expr, legend, instant=True)],
        options=options,
        unit=unit,
        field={"color": {"mode": "palette-classic"}, "noValue": empty},
        custom={"hideFrom": HIDE_NOTHING},
        overrides=overrides,
    )


def text(title: str, about: str, markdown: str, *, width: int = 24, height: int = 3) -> Viz:
    """Words on the board, such as what an engine does not tell. Asks nothing."""
    return Viz(
        "text",
        title,
        about,
        width=width,
        height=height,
        options={"mode": "markdown", "content": markdown},
    )
