"""Presets for what happens over time: lines, heatmaps and state timelines."""

from __future__ import annotations

from collections.abc import Sequence

from inferometer.dashboards.grafana import Query, Viz
from inferometer.dashboards.look import (
    HIDE_NOTHING,
    MUTED,
    NO_LEGEND,
    NO_TELEMETRY,
    Json,
    Words,
    fixed,
    limit_line,
    plain,
)
from inferometer.units import REQUESTS_PER_SECOND

MANY = 4
"""With more series than this a legend is sorted by the last value."""

WIDE = 18
"""From this width on a legend stands at the right, where it takes no height from the graph."""

LINE: Json = {
    "drawStyle": "line",
    "lineInterpolation": "linear",
    "lineWidth": 1,
    "fillOpacity": 10,
    "gradientMode": "opacity",
    "showPoints": "never",
    "pointSize": 4,
    "axisPlacement": "auto",
    "axisBorderShow": False,
    "axisColorMode": "text",
    "axisLabel": "",
    "scaleDistribution": {"type": "linear"},
    "barAlignment": 0,
    "stacking": {"mode": "none", "group": "A"},
    "thresholdsStyle": {"mode": "off"},
    "hideFrom": HIDE_NOTHING,
}
STACKED: Json = {"stacking": {"mode": "normal", "group": "A"}, "fillOpacity": 35, "gradientMode": "none"}


def lines(
    title: str,
    about: str,
    queries: Sequence[Query],
    unit: str,
    *,
    stacked: bool = False,
    limit: float | None = None,
    calcs: Sequence[str] = ("lastNotNull", "mean", "max"),
    minimum: float | None = 0,
    maximum: float | None = None,
    decimals: int | None = None,
    overrides: Sequence[Json] = (),
    links: Sequence[Json] = (),
    empty: str = NO_TELEMETRY,
    width: int = 12,
    height: int = 9,
) -> Viz:
    """Series over time. Gaps stay gaps, but for a few missed scrapes.

    `limit` is drawn as a dashed red line. The legend is a table; see `_legend` for where it stands. `empty` is what the
    panel says where there is no series at all: where that is good news, such as "no errors", say it.
    """
    if not queries:
        raise ValueError(f"panel {title!r} has no query")
    limit_style: Json = {} if limit is None else {"thresholdsStyle": {"mode": "dashed"}}
    return Viz(
        "timeseries",
        title,
        about,
        width=width,
        height=height,
        queries=queries,
        options={"legend": _legend(queries, calcs, width), "tooltip": {"mode": "multi", "sort": "desc"}},
        unit=unit,
        thresholds=plain() if limit is None else limit_line(limit),
        field={
            "color": {"mode": "palette-classic"},
            "min": minimum,
            "max": maximum,
            "decimals": decimals,
            "noValue": empty,
        },
        custom={**LINE, **(STACKED if stacked else {}), **limit_style},
        overrides=overrides,
        links=links,
        bridges_gaps=True,
    )


def _legend(queries: Sequence[Query], calcs: Sequence[str], width: int) -> Json:
    """None for a single series; sorted by the last value for many; at the right of a wide panel."""
    named = all(query.names_one_series for query in queries)
    if named and len(queries) == 1:
        return NO_LEGEND
    legend: Json = {
        "showLegend": True,
        "displayMode": "table" if calcs else "list",
        "placement": "right" if width >= WIDE else "bottom",
        "calcs": list(calcs),
    }
    if "lastNotNull" in calcs and not (named and len(queries) <= MANY):
        legend |= {"sortBy": "Last *", "sortDesc": True}
    if width >= WIDE:
        legend["width"] = 320
    return legend


def heat(title: str, about: str, expr: str, unit: str, *, width: int = 12, height: int = 9) -> Viz:
    """The distribution behind the percentiles: `expr` is a rate summed by `le` alone, `unit` that of the buckets."""
    options: Json = {
        "calculate": False,
        "cellGap": 1,
        "cellValues": {"unit": REQUESTS_PER_SECOND.grafana},
        "color": {
            "mode": "scheme",
            "scheme": "Oranges",
            "fill": "dark-orange",
            "scale": "exponential",
            "exponent": 0.5,
            "steps": 64,
            "reverse": False,
        },
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
        # A little above zero, so that empty buckets stay empty instead of dark.
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "showValue": "never",
        "tooltip": {"mode": "single", "yHistogram": True, "showColorScale": True},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": unit},
    }
    return Viz(
        "heatmap",
        title,
        about,
        width=width,
        height=height,
        queries=[Query(expr, "{{le}}", shape="heatmap")],
        options=options,
        unit=unit,
        field={"noValue": NO_TELEMETRY},
        custom={"scaleDistribution": {"type": "linear"}, "hideFrom": HIDE_NOTHING},
    )


def timeline(title: str, about: str, expr: str, legend: str, words: Words, *, width: int = 24, height: int = 6) -> Viz:
    """Health over time: one bar for each series, in the words' colours.

    The colour mode is fixed: with thresholds Grafana prints their range and leaves the words out.
    """
    options: Json = {
        "alignValue": "left",
        "legend": NO_LEGEND,
        "mergeValues": True,
        "rowHeight": 0.82,
        "showValue": "auto",
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return Viz(
        "state-timeline",
        title,
        about,
        width=width,
        height=height,
        queries=[Query(expr, legend)],
        options=options,
        thresholds=plain(MUTED),
        field={"mappings": [words.json()], "color": fixed(MUTED), "noValue": NO_TELEMETRY},
        custom={"fillOpacity": 75, "lineWidth": 0, "spanNulls": False, "hideFrom": HIDE_NOTHING},
    )
