"""The bridge to grafanalib: a query, a panel, a row header and a variable that emit today's classic dashboard JSON.

grafanalib's own panels emit JSON of 2018. These four subclasses and the one pass in `finish` bring it to schema version
42; nothing else in the package imports grafanalib.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from grafanalib import core
from grafanalib.core import DashboardLink

from inferometer.dashboards.look import Json, Thresholds, plain

__all__ = ["DATASOURCE", "DashboardLink", "Query", "RowHeader", "Variable", "Viz", "dashboard", "finish", "letter"]

SCHEMA_VERSION = 42
PLUGIN_VERSION = "12.0.0"
"""Without it Grafana runs its migrations for old panels."""

DATASOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}

LEGACY_BOARD = frozenset({"rows", "hideControls", "sharedCrosshair", "style", "gnetId", "__inputs", "version", "id"})
LEGACY_PANEL = frozenset({"error", "editable", "height", "span", "minSpan", "cacheTimeout", "hideTimeOverride"})
LEGACY_TARGET = frozenset({"step", "metric", "query", "target", "intervalFactor", "interval", "hide"})
LEGACY_VARIABLE = frozenset({"useTags", "tagsQuery", "tagValuesQuery", "auto", "auto_min", "auto_count"})
SCALARS = frozenset({str, int, float, bool})
LEGACY_TIMEPICKER = frozenset({"time_options"})


class Query(core.Target):  # type: ignore[misc]  # grafanalib ships no types
    """One PromQL query of a panel. The panel gives it its letter."""

    def __init__(self, expr: str, legend: str = "", *, instant: bool = False, shape: str = "time_series") -> None:
        """`shape` is Grafana's format: time_series, table or heatmap. An empty legend lets Grafana name the series.

        Raises ValueError for an empty expression.
        """
        if not expr.strip():
            raise ValueError("a query needs an expression")
        super().__init__(expr=expr, legendFormat=legend, instant=instant, format=shape, datasource=DATASOURCE)

    @property
    def names_one_series(self) -> bool:
        """True when the legend is a fixed word, so that the query stands for a single series."""
        return bool(self.legendFormat) and "{{" not in self.legendFormat

    def lettered(self, ref: str) -> Query:
        """A copy with the letter that the panel's other queries and columns know it by."""
        twin = copy.copy(self)
        twin.refId = ref
        return twin

    def to_json_data(self) -> Json:
        data: Json = super().to_json_data()
        data["legendFormat"] = self.legendFormat or "__auto"
        return data | {"range": not self.instant, "editorMode": "code", "exemplar": False}


def letter(index: int) -> str:
    """0 → A, 25 → Z, 26 → AA: Grafana's names for the queries of a panel."""
    return (letter(index // 26 - 1) if index >= 26 else "") + chr(ord("A") + index % 26)


class Viz(core.Panel):  # type: ignore[misc]  # grafanalib ships no types
    """A panel of any type. Its id and place are given by the board that holds it."""

    def __init__(
        self,
        kind: str,
        title: str,
        about: str,
        *,
        width: int,
        height: int,
        queries: Sequence[Query] = (),
        options: Mapping[str, object] | None = None,
        unit: str | None = None,
        thresholds: Thresholds | None = None,
        field: Mapping[str, object] | None = None,
        custom: Mapping[str, object] | None = None,
        overrides: Sequence[Json] = (),
        transformations: Sequence[Json] = (),
        links: Sequence[Json] = (),
        bridges_gaps: bool = False,
    ) -> None:
        """`about` is the description; `field` and `custom` are the defaults of the field configuration.

        `bridges_gaps` asks the board to join points across a few missed scrapes (`spanNulls`).
        Raises ValueError when title, description or a unit that was asked for is empty, or the size does not fit.
        """
        for what, text in (("title", title), ("description", about), ("unit", unit)):
            if text is not None and not text.strip():
                raise ValueError(f"panel {title!r} ({kind}) needs a {what}")
        if not 1 <= width <= 24 or height < 1:
            raise ValueError(f"panel {title!r} is {width} wide and {height} high; the grid has 24 columns")
        super().__init__(
            title=title,
            description=about,
            dataSource=DATASOURCE,
            targets=[query.lettered(letter(index)) for index, query in enumerate(queries)],
            thresholds=(thresholds or plain()).json_steps(),
            transformations=list(transformations),
            links=list(links),
            maxDataPoints=None,
        )
        self.kind = kind
        self.width = width
        self.height = height
        self.options = dict(options or {})
        self.field = {**({} if unit is None else {"unit": unit}), **(field or {})}
        self.custom = dict(custom or {})
        self.overrides = list(overrides)
        self.bridges_gaps = bridges_gaps

    def sized(self, width: int) -> Viz:
        """A copy with another width."""
        twin = copy.copy(self)
        twin.width = width
        return twin

    def placed(self, panel_id: int, x: int, y: int, bridge_ms: int) -> Viz:
        """A copy at grid column `x` and row `y`; bridged gaps are those of at most `bridge_ms` milliseconds."""
        twin = copy.copy(self)
        twin.id = panel_id
        twin.gridPos = core.GridPos(h=self.height, w=self.width, x=x, y=y)
        if self.bridges_gaps:
            twin.custom = {**self.custom, "spanNulls": bridge_ms}
        return twin

    def to_json_data(self) -> Json:
        custom = {"custom": self.custom} if self.custom else {}
        data: Json = self.panel_json(
            {
                "type": self.kind,
                "pluginVersion": PLUGIN_VERSION,
                "options": self.options,
                "fieldConfig": {"defaults": {**self.field, **custom}, "overrides": self.overrides},
            }
        )
        return data


class RowHeader(core.RowPanel):  # type: ignore[misc]  # grafanalib ships no types
    """The title bar of a row. Collapsed, it holds the row's panels."""

    def __init__(self, title: str, panel_id: int, y: int, *, collapsed: bool, panels: Sequence[Viz]) -> None:
        super().__init__(
            title=title,
            id=panel_id,
            gridPos=core.GridPos(h=1, w=24, x=0, y=y),
            collapsed=collapsed,
            panels=list(panels),
        )

    def to_json_data(self) -> Json:
        data: Json = super().to_json_data()
        # A row is no panel to Grafana: the schema knows these keys and no others.
        return {key: data[key] for key in ("type", "title", "collapsed", "id", "gridPos", "panels")}


class Variable(core.Template):  # type: ignore[misc]  # grafanalib ships no types
    """A dashboard variable with the keys that grafanalib's class lacks."""

    def __init__(self, name: str, *, current: Json, extra: Json | None = None, **known: Any) -> None:
        """`current` is the value at first sight, `known` are grafanalib's own keys, `extra` all others."""
        super().__init__(name=name, **known)
        self.current = current
        self.extra = extra or {}

    def to_json_data(self) -> Json:
        data: Json = super().to_json_data()
        return data | {"current": self.current, "skipUrlSync": False, **self.extra}


SHARED_CROSSHAIR = 1
TIMEPICKER = core.TimePicker(refreshIntervals=["10s", "30s", "1m", "5m", "15m", "1h"], timeOptions=[])


def dashboard(
    uid: str,
    title: str,
    description: str,
    *,
    panels: Iterable[Viz | RowHeader],
    tags: Iterable[str],
    variables: Iterable[Variable],
    annotations: Iterable[Json],
    links: Iterable[DashboardLink],
    refresh: str,
    time_from: str,
) -> core.Dashboard:
    """A grafanalib dashboard in the browser's time zone, with one crosshair over all panels."""
    return core.Dashboard(
        title=title,
        uid=uid,
        description=description,
        tags=list(tags),
        panels=list(panels),
        templating=core.Templating(list=list(variables)),
        annotations=core.Annotations(list=list(annotations)),
        links=list(links),
        refresh=refresh,
        time=core.Time(time_from, "now"),
        timePicker=TIMEPICKER,
        timezone="browser",
        graphTooltip=SHARED_CROSSHAIR,
    )


def finish(dashboard: core.Dashboard) -> Json:
    """The dashboard as JSON values: legacy keys and nulls dropped, `schemaVersion` set.

    A threshold's first value stays null: it stands for minus infinity.
    """
    board: Json = _values(_without(dashboard.to_json_data(), LEGACY_BOARD))
    board["schemaVersion"] = SCHEMA_VERSION
    board["timepicker"] = _without(board["timepicker"], LEGACY_TIMEPICKER)
    board["templating"] = {"list": [_without(v, LEGACY_VARIABLE) for v in board["templating"]["list"]]}
    board["panels"] = [_modern(panel) for panel in board["panels"]]
    return board


def _modern(panel: Json) -> Json:
    panel = _without(panel, LEGACY_PANEL)
    for key, change in (("panels", _modern), ("targets", _modern_target)):
        if key in panel:
            panel[key] = [change(child) for child in panel[key]]
    return panel


def _modern_target(target: Json) -> Json:
    return _without(target, LEGACY_TARGET)


def _without(node: Json, keys: frozenset[str]) -> Json:
    return {key: value for key, value in node.items() if key not in keys}


def _values(node: Any) -> Any:
    """`node` as fresh dicts and lists, with grafanalib's objects resolved and nulls dropped."""
    # Most nodes are scalars; telling them apart before the call saves four calls in five.
    if isinstance(node, dict):
        step = len(node) == 2 and "color" in node and "value" in node
        return {
            key: value if type(value) in SCALARS else _values(value)
            for key, value in node.items()
            if value is not None or step
        }
    if isinstance(node, list):
        return [value if type(value) in SCALARS else _values(value) for value in node]
    if hasattr(node, "to_json_data"):
        return _values(node.to_json_data())
    return node
