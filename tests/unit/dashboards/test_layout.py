"""A board packs its panels into the grid, gives them ids that stay, and refuses what Grafana would mix up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferometer.dashboards import layout, links, look, variables
from inferometer.dashboards import panels as p
from inferometer.dashboards.layout import Board, Row

Json = dict[str, Any]

SIZES = st.lists(st.tuples(st.integers(1, 24), st.integers(1, 12)), min_size=1, max_size=12)


def tile(title: str, width: int = 3, height: int = 4) -> p.Viz:
    return p.stat(title, "A number.", "up", "short", width=width, height=height)


def board(*rows: Row, **more: Any) -> Board:
    return Board(uid="inferometer-test", title="Test", description="A test.", rows=rows, **more)


def flat(data: Json) -> list[Json]:
    """All panels and row bars, those in collapsed rows behind their bar."""
    return [each for panel in data["panels"] for each in (panel, *panel.get("panels", ()))]


def ids(data: Json) -> dict[str, int]:
    return {f"{each['type']} {each['title']}": each["id"] for each in flat(data)}


def cells(places: Sequence[Json]) -> list[tuple[int, int]]:
    return [(x, y) for g in places for x in range(g["x"], g["x"] + g["w"]) for y in range(g["y"], g["y"] + g["h"])]


@given(st.lists(st.tuples(SIZES, st.booleans()), min_size=1, max_size=5))
def test_no_panel_overlaps_another_or_leaves_the_grid(shape: list[tuple[list[tuple[int, int]], bool]]) -> None:
    rows = [
        Row(f"row {r}", *(tile(f"{r}.{n}", w, h) for n, (w, h) in enumerate(sizes)), collapsed=collapsed)
        for r, (sizes, collapsed) in enumerate(shape)
    ]

    data = board(*rows).json()

    shown = cells([panel["gridPos"] for panel in data["panels"]])
    assert len(shown) == len(set(shown))
    assert max(x for x, _ in shown) < 24
    for bar in data["panels"]:
        hidden = cells([panel["gridPos"] for panel in bar.get("panels", ())])
        assert len(hidden) == len(set(hidden))
        assert all(y > bar["gridPos"]["y"] for _, y in hidden)


@given(SIZES)
def test_panels_stand_in_reading_order(sizes: list[tuple[int, int]]) -> None:
    data = board(Row("", *(tile(str(n), w, h) for n, (w, h) in enumerate(sizes)))).json()

    places = [(panel["gridPos"]["y"], panel["gridPos"]["x"]) for panel in data["panels"]]
    assert places == sorted(places)


def test_a_line_is_as_high_as_its_tallest_panel() -> None:
    data = board(Row("", tile("a", 12, 4), tile("b", 12, 9), tile("c", 24, 4)), Row("Next?", tile("d"))).json()

    assert {panel["title"]: panel["gridPos"]["y"] for panel in data["panels"]} == {
        "a": 0, "b": 0, "c": 9, "Next?": 13, "d": 14,
    }  # fmt: skip


def test_a_collapsed_row_holds_its_panels_and_takes_one_line() -> None:
    data = board(Row("", tile("top")), Row("Detail?", tile("hidden"), collapsed=True), Row("After?", tile("x"))).json()

    assert [panel["title"] for panel in data["panels"]] == ["top", "Detail?", "After?", "x"]
    assert [panel["title"] for panel in data["panels"][1]["panels"]] == ["hidden"]
    assert [panel["gridPos"]["y"] for panel in data["panels"]] == [0, 4, 5, 6]
    assert data["panels"][1]["panels"][0]["gridPos"]["y"] == 5
    assert data["panels"][2]["panels"] == []


@given(st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=60, unique=True))
def test_panel_ids_are_unique_whatever_the_titles(titles: list[str]) -> None:
    numbers = ids(board(Row("Row", *(tile(title) for title in titles))).json())

    assert len(set(numbers.values())) == len(titles) + 1
    assert all(0 < number < 10_000_000 for number in numbers.values())


def test_a_new_panel_or_row_changes_no_other_id() -> None:
    before = ids(board(Row("", tile("Requests"), tile("Errors")), Row("Is it fast?", tile("Latency"))).json())
    grown = board(
        Row("", tile("New"), tile("Requests"), tile("Errors")),
        Row("New?", tile("Other")),
        Row("Is it fast?", tile("Latency")),
    )

    after = ids(grown.json())

    assert before.items() < after.items()


def test_the_same_title_has_another_id_on_another_board() -> None:
    row = Row("", tile("Requests"))
    one, two = (Board(uid=uid, title=uid, description="x", rows=[row]).json() for uid in ("one", "two"))

    assert ids(one).keys() == ids(two).keys()
    assert ids(one) != ids(two)


@pytest.mark.parametrize("titles", ["abcd", "efgh", "ijkl", "mnop"])
def test_titles_that_hash_alike_still_get_different_ids(monkeypatch: pytest.MonkeyPatch, titles: str) -> None:
    monkeypatch.setattr(layout, "ID_SPACE", 5)

    numbers = ids(board(Row("", *(tile(title) for title in titles))).json())

    assert sorted(numbers.values()) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("rows", "more", "message"),
    [
        ([Row("", tile("a"), tile("a"))], {}, "more than one panel 'a'"),
        ([Row("R", tile("a")), Row("R", tile("b"))], {}, "more than one row 'R'"),
        ([Row("R", tile("a")), Row("", tile("b"))], {}, "only the first row"),
        ([Row("", tile("a"))], {"variables": [variables.datasource()] * 2}, "more than one variable 'datasource'"),
    ],
)
def test_a_board_that_grafana_would_mix_up_is_refused(rows: list[Row], more: Json, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        board(*rows, **more)


def test_a_row_without_panels_or_a_collapsed_row_without_a_title_is_refused() -> None:
    with pytest.raises(ValueError, match="no panels"):
        Row("Empty?")
    with pytest.raises(ValueError, match="needs a title"):
        Row("", tile("a"), collapsed=True)


def test_lines_bridge_three_missed_scrapes_and_a_timeline_bridges_none() -> None:
    line = p.lines("Line", "A line.", [p.Query("up", "up")], "short")
    health = p.timeline("Health", "Up or down.", "up", "{{job}}", look.Words({1: ("up", "green")}))

    data = board(Row("", line, health), interval=20).json()

    spans = {panel["title"]: panel["fieldConfig"]["defaults"]["custom"]["spanNulls"] for panel in data["panels"]}
    assert spans == {"Line": 60_000, "Health": False}
    assert "spanNulls" not in line.custom


def test_a_board_starts_as_the_house_rules_say() -> None:
    data = board(Row("", tile("a"))).json()

    assert (data["time"], data["refresh"]) == ({"from": "now-6h", "to": "now"}, "30s")
    assert (data["timezone"], data["graphTooltip"]) == ("browser", 1)


def test_the_built_in_annotation_stands_before_ours() -> None:
    data = board(Row("", tile("a")), annotations=[links.alerts("")]).json()

    builtin, ours = data["annotations"]["list"]
    assert builtin["builtIn"] == 1
    assert ours["expr"] == 'ALERTS{alertstate="firing"} unless ALERTS{alertstate="firing"} offset $__interval'


def test_the_menu_of_boards_keeps_the_time_and_the_variables() -> None:
    (menu,) = board(Row("", tile("a")), links=[links.menu("Boards", "inferometer")]).json()["links"]

    assert menu["keepTime"]
    assert menu["includeVars"]
    assert (menu["type"], menu["tags"]) == ("dashboards", ["inferometer"])


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('{model="llama3.3",alias="fast"} 2 1700000000000', ("fast", "llama3.3")),
        ('{alias="fast",base_model="no",model="llama3.3"} 2 1700000000000', ("fast", "llama3.3")),
        ('{base_model="no"} 2 1700000000000', (None, None)),
    ],
)
def test_a_variable_reads_text_and_value_from_an_answer_in_any_order(
    line: str, found: tuple[str | None, str | None]
) -> None:
    variable = variables.query_result("model", "Model", "count by (model, alias) (m)", "model", text_label="alias")

    body, flags = variable.regex.removeprefix("/").rsplit("/", 1)
    groups = [match.groupdict() for match in re.finditer(body.replace("(?<", "(?P<"), line)]

    assert flags == "g"
    assert tuple(next((g[k] for g in groups if g[k]), None) for k in ("text", "value")) == found


def test_a_query_variable_offers_all_and_several_and_follows_the_time_range() -> None:
    (job,) = board(Row("", tile("a")), variables=[variables.label_values("job", "Job", "up", "job", hide=True)]).json()[
        "templating"
    ]["list"]

    assert job["query"]["query"] == job["definition"] == "label_values(up, job)"
    assert (job["multi"], job["includeAll"], job["allValue"]) == (True, True, ".+")
    assert (job["refresh"], job["hide"]) == (2, 2)


@pytest.mark.parametrize("values", [[], ["a,b"]])
def test_a_choice_needs_values_that_grafana_can_tell_apart(values: list[str]) -> None:
    with pytest.raises(ValueError, match="comma"):
        variables.custom("unit", "Unit", values)
