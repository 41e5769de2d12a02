"""The boards of several fleets: sound JSON, full of words, honest about gaps, and stable."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import promql_parser
import pytest

from inferometer import dashboards
from inferometer.lint.finding import without_variables
from inferometer.plan import Plan, resolve
from inferometer.spec.load import loads
from tests.e2e.grafana import panels
from tests.parts.evaluation import Ask, On
from tests.support.grafana_schema import violations

Json = dict[str, Any]

SPECS = {
    "vllm": "backends: [{name: a, vllm: 10.0.0.1, models: [m]}]",
    "llamacpp": "backends: [{name: a, llamacpp: 10.0.0.1, models: [m]}]",
    "ollama": "backends: [{name: box, ollama: 'http://127.0.0.1:11434'}]",
    "all": """
backends:
  - {name: a, vllm: 10.0.0.1}
  - {name: b, llamacpp: 10.0.0.2, record: true}
  - {name: c, ollama: 10.0.0.3}
  - {name: d, openai: 10.0.0.4}
hosts: [{name: h, address: 10.0.0.1}]
""",
}


def plan(text: str) -> Plan:
    return resolve(loads(text))


def boards(text: str) -> dict[str, Json]:
    return {path: board for path, board in dashboards.write(plan(text)).items() if isinstance(board, dict)}


@pytest.fixture(scope="module", params=list(SPECS.values()), ids=list(SPECS))
def written(request: pytest.FixtureRequest) -> dict[str, Json]:
    return boards(request.param)


def queries(board: Json) -> list[str]:
    return [target["expr"] for panel in panels(board) for target in panel.get("targets", ())]


def test_no_board_violates_grafanas_schema(written: dict[str, Json]) -> None:
    assert {path: violations(board) for path, board in written.items()} == {path: [] for path in written}


def test_a_fleet_of_every_engine_has_sixty_panels_and_more() -> None:
    count = sum(panel["type"] != "row" for board in boards(SPECS["all"]).values() for panel in panels(board))
    assert count >= 60


def test_every_query_is_promql(written: dict[str, Json]) -> None:
    for expr in itertools.chain.from_iterable(map(queries, written.values())):
        promql_parser.parse(without_variables(expr))


@pytest.mark.real
@pytest.mark.parametrize("on", ["prometheus", "prometheus2", "victoriametrics"])
def test_every_query_is_accepted_by_the_servers(ask: Ask, on: On, written: dict[str, Json]) -> None:
    loaded = ask.load({"up": "1x5"}, on=on)
    for expr in itertools.chain.from_iterable(map(queries, written.values())):
        loaded.ask(re.sub(r"\$\w+", ".*", without_variables(expr)), at="1m")


def test_every_panel_has_a_unit_and_words(written: dict[str, Json]) -> None:
    for panel in itertools.chain.from_iterable(map(panels, written.values())):
        assert panel["title"]
        if panel["type"] not in ("row", "text"):
            assert len(panel["description"]) > 10, panel["title"]
        if panel["type"] not in ("row", "text", "table", "state-timeline"):
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]


def test_panels_lie_inside_the_grid_and_never_on_one_another(written: dict[str, Json]) -> None:
    for board in written.values():
        cells: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            place = panel["gridPos"]
            assert place["x"] + place["w"] <= 24
            columns = range(place["x"], place["x"] + place["w"])
            own = set(itertools.product(columns, range(place["y"], place["y"] + place["h"])))
            assert not cells & own, panel["title"]
            cells |= own


def test_a_description_names_each_metric_that_is_read(written: dict[str, Json]) -> None:
    for panel in itertools.chain.from_iterable(map(panels, written.values())):
        if panel["type"] in ("row", "text", "table") or "inferometer" in str(panel.get("targets")):
            continue
        for name in re.findall(r"(?:vllm|llamacpp):\w+", " ".join(t["expr"] for t in panel["targets"])):
            assert re.sub(r"_(bucket|sum|count)$", "", name) in panel["description"], panel["title"]


def test_boards_need_no_rule_and_no_job_name_and_no_datasource_of_ours(written: dict[str, Json]) -> None:
    for path, board in written.items():
        assert "inferometer:" not in json.dumps(queries(board)), f"{path} reads a recorded series"
        assert "__inputs" not in board
        for panel in panels(board):
            for target in panel.get("targets", ()):
                assert target["datasource"]["uid"] == "${datasource}"
                assert not re.search(r'job="', target["expr"])


def test_branches_are_those_of_the_engines_in_the_spec() -> None:
    text = json.dumps(boards(SPECS["llamacpp"]))
    assert "llamacpp:" in text
    assert "vllm" not in text
    assert "inferometer_requests_total" not in text


def test_a_threshold_of_the_spec_is_the_colour_and_the_line_of_its_panels() -> None:
    text = f"{SPECS['vllm']}\nalerts: {{FirstTokenSlow: {{threshold: 4s}}}}"
    board = boards(text)["dashboards/fleet.json"]
    by_title = {panel["title"]: panel for panel in panels(board)}
    for title in ("First token", "Time to first token"):
        steps = by_title[title]["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert steps[-1] == {"color": "red", "value": 4}
    assert "above 4s" in by_title["First token"]["description"]


def test_what_an_engine_does_not_tell_is_said_on_the_board() -> None:
    board = boards(SPECS["llamacpp"])["dashboards/fleet.json"]
    told = next(panel for panel in panels(board) if panel["type"] == "text")["options"]["content"]
    assert "Time to first token" in told
    assert "record: true" in told
    assert "First token" not in [panel["title"] for panel in panels(board)]


def test_a_spec_of_hosts_alone_has_their_board() -> None:
    (board,) = boards("hosts: [{name: h, address: 10.0.0.1}]").values()
    assert violations(board) == []
    assert {"CPU busy", "Memory used", "Disk used"} <= {panel["title"] for panel in panels(board)}
    assert "$" not in "".join(queries(board)).replace("$__rate_interval", "").replace("$1", "").replace("$2", "")


def test_one_more_backend_of_a_known_kind_changes_no_query() -> None:
    more = SPECS["all"].replace("hosts:", "  - {name: e, vllm: 10.0.0.9}\nhosts:")
    before, after = ({path: queries(board) for path, board in boards(text).items()} for text in (SPECS["all"], more))
    assert before == after


def test_panel_ids_do_not_move_when_another_engine_joins() -> None:
    before, after = boards(SPECS["vllm"]), boards(SPECS["all"])

    def ids(written: dict[str, Json]) -> dict[str, int]:
        return {panel["title"]: panel["id"] for panel in panels(written["dashboards/model.json"])}

    old, new = ids(before), ids(after)
    shared = old.keys() & new.keys()
    assert len(shared) > 15
    assert {title: old[title] for title in shared} == {title: new[title] for title in shared}


def test_every_board_opens_with_what_is_most_wanted_in_its_first_line(written: dict[str, Json]) -> None:
    for path, board in written.items():
        first = [panel for panel in board["panels"] if panel["gridPos"]["y"] == 0]
        assert {panel["type"] for panel in first} == {"stat"}, path
        assert 1 <= len(first) <= 8
