"""The presets: one function for each kind of panel, each returning a `Viz` that looks and reads by the same rules.

Queries come as PromQL text, limits as `look.Thresholds`. Every preset wants a title, a description (`about`) and, where
it shows numbers, a unit; it raises ValueError without them. Sizes are grid units: 24 columns wide, 30 pixels high.
"""

from __future__ import annotations

from inferometer.dashboards.grafana import Query, Viz
from inferometer.dashboards.graphs import heat, lines, timeline
from inferometer.dashboards.tables import Label, Measure, table
from inferometer.dashboards.tiles import ranking, share, stat, text

__all__ = [
    "Label",
    "Measure",
    "Query",
    "Viz",
    "heat",
    "lines",
    "ranking",
    "share",
    "stat",
    "table",
    "text",
    "timeline",
]
