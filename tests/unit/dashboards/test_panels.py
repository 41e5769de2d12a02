"""The presets keep the rules of the boards: what every panel must say, and how each kind shows the three states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferometer.dashboards import look
from inferometer.dashboards import panels as p

Json = dict[str, Any]

UP = look.Words({1: ("up", look.GOOD), 0: ("down", look.BAD)})
MEASURE = p.Measure("State", "up")

WITH_UNIT: dict[str, Callable[[str, str, str], p.Viz]] = {
    "stat": lambda title, about, unit: p.stat(title, about, "up", unit),
    "lines": lambda title, about, unit: p.lines(title, about, [p.Query("up")], unit),
    "heat": lambda title, about, unit: p.heat(title, about, "up", unit),
    "ranking": lambda title, about, unit: p.ranking(title, about, "up", "{{job}}", unit),
    "share": lambda title, about, unit: p.share(title, about, "up", "{{job}}", unit),
}
WITHOUT_UNIT: dict[str, Callable[[str, str], p.Viz]] = {
    "timeline": lambda title, about: p.timeline(title, about, "up", "{{job}}", UP),
    "text": lambda title, about: p.text(title, about, "Words."),
    "table": lambda title, about: p.table(title, about, [MEASURE]),
}


def value(mappings: Any, shown: float | None) -> Json | None:
    """What Grafana puts in place of a value, as utils/valueMappings.ts reads; None where it shows the value itself."""
    for mapping in mappings:
        options = mapping["options"]
        if mapping["type"] == "value" and shown is not None and f"{shown:g}" in options:
            found: Json = options[f"{shown:g}"]
            return found
        not_a_number = shown is not None and shown != shown
        if mapping["type"] == "special" and {"null": shown is None, "nan": not_a_number}[options["match"]]:
            special: Json = options["result"]
            return special
    return None


def properties(table: p.Viz, column: str) -> Json:
    override = next(o for o in table.overrides if o["matcher"]["options"] == column)
    return {item["id"]: item["value"] for item in override["properties"]}


@pytest.mark.parametrize("make", WITH_UNIT.values(), ids=WITH_UNIT)
@pytest.mark.parametrize(("title", "about", "unit"), [("", "x", "s"), ("x", " ", "s"), ("x", "x", "")])
def test_a_panel_of_numbers_needs_a_title_a_description_and_a_unit(
    make: Callable[[str, str, str], p.Viz], title: str, about: str, unit: str
) -> None:
    with pytest.raises(ValueError, match="needs a"):
        make(title, about, unit)


@pytest.mark.parametrize("make", WITHOUT_UNIT.values(), ids=WITHOUT_UNIT)
@pytest.mark.parametrize(("title", "about"), [("", "x"), ("x", "")])
def test_every_other_panel_needs_a_title_and_a_description(
    make: Callable[[str, str], p.Viz], title: str, about: str
) -> None:
    with pytest.raises(ValueError, match="needs a"):
        make(title, about)


@pytest.mark.parametrize(("width", "height"), [(25, 4), (0, 4), (3, 0)])
def test_a_panel_that_does_not_fit_the_grid_is_refused(width: int, height: int) -> None:
    with pytest.raises(ValueError, match="24 columns"):
        p.stat("Up", "Targets up.", "up", "short", width=width, height=height)


def test_zero_no_traffic_and_no_telemetry_look_different_on_a_number() -> None:
    mappings = p.stat("Errors", "Failed.", "e", "percentunit").field["mappings"]

    assert value(mappings, 0) is None
    for idle in (-1, float("nan")):
        assert value(mappings, idle) == {"text": "no traffic", "color": look.MUTED, "index": 0}
    for dead in (-2, None):
        assert (value(mappings, dead) or {})["text"] == "no telemetry"
        assert (value(mappings, dead) or {})["color"] == look.BAD


def test_a_table_tells_a_dead_reporter_from_an_engine_that_lacks_the_signal() -> None:
    columns = [p.Measure("State", "up", cell="status", words=(UP,), expected=True), p.Measure("KV cache", "kv")]
    table = p.table("Fleet", "All.", columns)

    state, kv = (properties(table, f"Value #{ref}")["mappings"] for ref in "AB")

    assert (value(state, None) or {})["text"] == "no telemetry"
    assert (value(state, 0) or {})["text"] == "down"
    assert (value(kv, None) or {})["color"] == look.MUTED
    assert (value(kv, float("nan")) or {})["text"] == "no traffic"


def test_undefined_cells_are_not_called_idle() -> None:
    # JavaScript's isNaN(undefined) is true, so the test for null must come before the one for NaN.
    order = [m["options"]["match"] for m in look.states() if m["type"] == "special"]

    assert order.index("null") < order.index("nan")


def test_a_number_without_a_sparkline_asks_for_this_instant() -> None:
    spark = p.stat("Up", "Targets.", "up", "short")
    plain = p.stat("Up", "Targets.", "up", "short", spark=False)
    status = p.stat("Up", "Targets.", "up", "short", status=True)

    assert [panel.targets[0].instant for panel in (spark, plain, status)] == [False, True, True]
    assert [panel.options["graphMode"] for panel in (spark, plain, status)] == ["area", "none", "none"]
    assert status.options["colorMode"] == "background"


def test_a_number_never_shows_an_old_value_in_place_of_a_last_one_that_is_nan() -> None:
    reduce: Any = p.stat("First token", "Latency.", "l", "s").options["reduceOptions"]

    assert reduce["calcs"] == ["last"]


def test_a_number_takes_its_thresholds_colour_only_where_there_are_thresholds() -> None:
    judged = p.stat("Errors", "Failed.", "e", "percentunit", thresholds=look.high_is_bad(0.01, 0.05))
    neutral = p.stat("Tokens", "Generated.", "t", "short", colour=look.GENERATED)

    assert judged.field["color"] == {"mode": "thresholds"}
    assert [step["color"] for step in judged.thresholds] == [look.GOOD, look.SOON, look.BAD]
    assert neutral.field["color"] == {"mode": "fixed", "fixedColor": look.GENERATED}


def test_a_limit_is_a_dashed_line_and_nothing_below_it_is_painted() -> None:
    panel = p.lines("First token", "Latency.", [p.Query("a", "p95")], "s", limit=1.5)

    assert panel.custom["thresholdsStyle"] == {"mode": "dashed"}
    assert panel.thresholds == [{"color": "transparent", "value": None}, {"color": look.BAD, "value": 1.5}]


@pytest.mark.parametrize(
    ("legends", "width", "shown", "sorted_by", "placement"),
    [
        (["running"], 12, False, None, "bottom"),
        (["running", "waiting"], 12, True, None, "bottom"),
        (["a", "b", "c", "d"], 12, True, None, "bottom"),
        (["a", "b", "c", "d", "e"], 12, True, "Last *", "bottom"),
        (["{{model}}"], 12, True, "Last *", "bottom"),
        ([""], 12, True, "Last *", "bottom"),
        (["{{model}}"], 24, True, "Last *", "right"),
    ],
)
def test_a_legend_is_hidden_for_one_series_and_sorted_for_many(
    legends: list[str], width: int, shown: bool, sorted_by: str | None, placement: str
) -> None:
    queries = [p.Query("x", legend) for legend in legends]

    legend: Any = p.lines("Lines", "Some.", queries, "short", width=width).options["legend"]

    assert legend["showLegend"] is shown
    assert legend.get("sortBy") == sorted_by
    assert legend["placement"] == placement


def test_a_panel_without_queries_is_refused() -> None:
    with pytest.raises(ValueError, match="no query"):
        p.lines("Lines", "None.", [], "short")


def test_a_table_shows_its_columns_in_order_under_the_names_that_grafana_gives_them() -> None:
    columns: list[p.Label | p.Measure] = [
        p.Measure("State", "up"),
        p.Label("backend", "Backend"),
        p.Measure("Queue", "q"),
    ]
    table = p.table("Fleet", "All.", columns)

    order = table.transformations[1]["options"]["indexByName"]

    assert sorted(order, key=order.__getitem__) == ["Value #A", "backend", "Value #B"]
    assert [query.expr for query in table.targets] == ["up", "q"]
    assert properties(table, "Value #B")["displayName"] == "Queue"
    # With one query Grafana leaves the letter out.
    assert properties(p.table("One", "All.", columns[:2]), "Value")["displayName"] == "State"


@pytest.mark.parametrize(
    ("columns", "sort_by", "message"),
    [
        ([p.Label("backend", "Backend")], None, "no measure"),
        ([MEASURE, MEASURE], None, "two columns"),
        ([MEASURE], "Status", "cannot be sorted by 'Status'"),
    ],
)
def test_a_table_that_cannot_be_right_is_refused(
    columns: list[p.Label | p.Measure], sort_by: str | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        p.table("Fleet", "All.", columns, sort_by=sort_by)


@given(st.lists(st.sampled_from([f"model-{n}" for n in range(20)]), max_size=30))
def test_a_name_has_one_colour_and_no_two_names_share_one(names: list[str]) -> None:
    colours = {o["matcher"]["options"]: o["properties"][0]["value"]["fixedColor"] for o in look.pinned(names)}

    assert len(set(colours.values())) == len(colours)
    assert list(colours) == list(dict.fromkeys(names))[:12]


@given(st.lists(st.text(min_size=1), min_size=1, max_size=12, unique=True), st.text(min_size=1))
def test_a_new_name_at_the_end_changes_no_other_colour(names: list[str], new: str) -> None:
    assert look.pinned([*names, new])[: len(names)] == look.pinned(names)


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2.2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colour", [*look.NAMED, look.MUTED])
@pytest.mark.parametrize("background", ["#181b1f", "#ffffff"], ids=["dark", "light"])
def test_a_colour_stands_out_on_both_themes(colour: str, background: str) -> None:
    dim, bright = sorted((luminance(colour), luminance(background)))

    assert (bright + 0.05) / (dim + 0.05) > 1.9


@pytest.mark.parametrize(
    "steps",
    [(), ((look.GOOD, 0.0),), ((look.GOOD, None), (look.BAD, None)), ((look.GOOD, None), ("a", 2.0), ("b", 1.0))],
)
def test_thresholds_that_do_not_rise_from_minus_infinity_are_refused(
    steps: tuple[tuple[str, float | None], ...],
) -> None:
    with pytest.raises(ValueError, match="threshold step"):
        look.Thresholds(steps)
