"""The bridge to grafanalib gives JSON that Grafana's schema takes whole, and the oracle that says so can fail."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from grafanalib import core
from grafanalib._gen import DashboardEncoder

from inferometer.dashboards import panels as p
from inferometer.dashboards.grafana import finish, letter
from tests.support.every_preset import every_preset
from tests.support.grafana_schema import violations

Json = dict[str, Any]


@pytest.fixture
def board() -> Json:
    """The JSON of a board with one panel of every preset."""
    return every_preset().json()


def nodes(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(child)


def panels(board: Json) -> dict[str, Json]:
    return {node["title"]: node for node in nodes(board["panels"]) if "gridPos" in node}


def test_a_board_with_every_preset_survives_the_schema_unchanged(board: Json) -> None:
    assert violations(board) == []


@pytest.mark.parametrize(
    ("title", "path", "value"),
    [
        ("Tokens", ("options", "colourMode"), "value"),
        ("Tokens", ("options", "colorMode"), "backgruond"),
        ("Tokens", ("options", "wideLayout"), "yes"),
        ("Tokens", ("fieldConfig", "defaults", "custom"), {"lineWidth": 1}),
        ("Tokens", ("fieldConfig", "defaults", "decimal"), 1),
        ("Tokens", ("targets", 0, "step"), 10),
        ("Tokens", ("targets", 0, "format"), "time-series"),
        ("Tokens", ("type",), "singlestat"),
        ("Tokens", ("span",), 4),
        ("Tokens", ("gridPos", "w"), "3"),
        ("First token", ("fieldConfig", "defaults", "custom", "fillOpacty"), 10),
        ("First token", ("fieldConfig", "overrides", 0, "properties", 0, "id"), "colour"),
        ("First token", ("fieldConfig", "overrides", 0, "properties", 1, "id"), "custom.fill"),
        ("First token", ("fieldConfig", "overrides", 0, "properties", 0, "value", "mode"), "fixd"),
        ("Fleet", ("fieldConfig", "overrides", 1, "properties", 2, "value", "type"), "colour-background"),
        ("Fleet", ("transformations", 1, "options", "orderByName"), {}),
        ("Is it serving?", ("panels", 0, "options", "rowHight"), 1),
        ("Is it serving?", ("description",), "A row has none."),
    ],
)
def test_the_oracle_reports_a_mistake(board: Json, title: str, path: tuple[str | int, ...], value: object) -> None:
    node: Any = panels(board)[title]
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value

    assert violations(board)


def test_the_oracle_reports_a_mistake_in_the_frame_of_a_board(board: Json) -> None:
    for key in ("__inputs", "hideControls", "rows"):
        assert violations(board | {key: []}) == [f"{key}: the schema has no such key"]


def test_the_oracle_finds_more_than_a_dozen_violations_in_each_stock_panel_of_grafanalib() -> None:
    source = {"type": "prometheus", "uid": "x"}
    for stock in (core.Stat, core.TimeSeries, core.Heatmap, core.Table, core.BarGauge, core.PieChartv2):
        panel = stock(title="Stock", dataSource=source, targets=[core.Target(expr="up", refId="A")])
        data = json.loads(json.dumps({"panels": [panel]}, cls=DashboardEncoder))
        assert len([line for line in violations(data) if line.startswith("panels")]) > 12, stock.__name__


def test_finish_brings_grafanalibs_own_dashboard_to_the_schema() -> None:
    dashboard = core.Dashboard(
        title="Stock",
        templating=core.Templating(list=[core.Template(name="job", query="label_values(up, job)")]),
        panels=[p.stat("Up", "Targets up.", "up", "short").placed(1, 0, 0, 0)],
    )

    stock = json.loads(json.dumps(dashboard.to_json_data(), cls=DashboardEncoder))

    assert len(violations(stock)) > 12
    assert [line for line in violations(finish(dashboard)) if "current" not in line] == []


def test_only_the_first_value_of_a_threshold_is_null(board: Json) -> None:
    for node in nodes(board):
        for key, value in node.items():
            assert value is not None or (key == "value" and "color" in node)
        if "steps" in node and isinstance(node["steps"], list):
            assert [step["value"] for step in node["steps"]].index(None) == 0


def test_every_panel_and_query_asks_the_datasource_that_the_viewer_chose(board: Json) -> None:
    uids = {node["uid"] for node in nodes(board) if node.get("type") == "prometheus"}

    assert uids == {"${datasource}"}
    assert board["templating"]["list"][0] == board["templating"]["list"][0] | {
        "name": "datasource",
        "type": "datasource",
        "query": "prometheus",
    }


def test_every_panel_says_which_grafana_it_was_made_for(board: Json) -> None:
    assert board["schemaVersion"] == 42
    assert all(panel["pluginVersion"] for panel in panels(board).values() if panel["type"] != "row")


def test_a_query_is_either_instant_or_over_a_range(board: Json) -> None:
    targets = [node for node in nodes(board) if "expr" in node and "refId" in node]

    assert {target["instant"] for target in targets} == {True, False}
    assert all(target["range"] is not target["instant"] for target in targets)


def test_the_queries_of_a_panel_get_letters_in_order() -> None:
    queries = [p.Query("up", f"{n}") for n in range(28)]
    panel = p.lines("Many", "Many lines.", queries, "short")

    refs = [query.refId for query in panel.targets]

    assert refs[:2] == ["A", "B"]
    assert refs[25:] == ["Z", "AA", "AB"]
    assert len({letter(n) for n in range(2000)}) == 2000


def test_a_query_shared_by_two_panels_keeps_its_letter_in_each() -> None:
    shared = p.Query("up", "up")
    first = p.lines("First", "One.", [shared], "short")
    second = p.lines("Second", "Two.", [p.Query("down", "down"), shared], "short")

    assert [query.refId for query in first.targets] == ["A"]
    assert [query.refId for query in second.targets] == ["A", "B"]


def test_rendering_a_board_twice_gives_the_same_and_shares_nothing(board: Json) -> None:
    other = every_preset().json()
    assert json.dumps(other) == json.dumps(board)

    before = copy.deepcopy(other)
    for node in nodes(board):
        node["marked"] = True
    assert other == before


def test_a_query_without_an_expression_is_refused() -> None:
    with pytest.raises(ValueError, match="expression"):
        p.Query("  ")
