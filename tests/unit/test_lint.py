"""Each check of the finished bundle finds its fault, and finds nothing in a sound file."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from inferometer.lint import lint

Json = dict[str, Any]

BOARD: Json = {
    "uid": "a",
    "title": "A",
    "description": "About.",
    "schemaVersion": 42,
    "panels": [
        {
            "type": "row", "id": 1, "title": "Row", "collapsed": True,
            "panels": [{
                "type": "stat", "id": 2, "title": "Number", "description": "What it shows.",
                "datasource": {"uid": "${datasource}"},
                "targets": [{
                    "datasource": {"uid": "${datasource}"}, "expr": 'sum(rate(m{job=~"$job"}[$__rate_interval]))',
                }],
            }],
        }
    ],
}  # fmt: skip
RULES: Json = {
    "groups": [{
        "name": "g",
        "rules": [
            {"record": "a:b:c", "expr": "sum(m)"},
            {"alert": "X", "expr": "a:b:c > 1", "labels": {"severity": "warning"},
             "annotations": {"summary": "s", "description": "d", "runbook_url": "r"}},
        ],
    }]
}  # fmt: skip


def inner(board: Json) -> Json:
    panel: Json = board["panels"][0]["panels"][0]
    return panel


def alert(rules: Json) -> Json:
    rule: Json = rules["groups"][0]["rules"][1]
    return rule


BOARD_FAULTS: dict[str, Callable[[Json], object]] = {
    "board-frame": lambda b: b.pop("description"),
    "panel-id": lambda b: inner(b).update(id=1),
    "panel-words": lambda b: inner(b).update(description=""),
    "promql": lambda b: inner(b)["targets"][0].update(expr="sum(rate(m[5m])"),
    "datasource": lambda b: inner(b).update(datasource={"uid": "PBFA97CFB590B2093"}),
    "board-size": lambda b: inner(b).update(description="x" * 200_001),
}
RULE_FAULTS: dict[str, Callable[[Json], object]] = {
    "promql": lambda r: alert(r).update(expr="a:b:c >"),
    "alert-words": lambda r: alert(r)["annotations"].pop("runbook_url"),
    "alert-severity": lambda r: alert(r)["labels"].update(severity="page"),
}


def test_sound_files_have_no_finding() -> None:
    assert list(lint({"dashboards/a.json": BOARD, "alerts/g.yaml": RULES, "stack/flags": "--a"})) == []


@pytest.mark.parametrize("check", BOARD_FAULTS)
def test_a_fault_of_a_board_is_found_by_its_check_alone(check: str) -> None:
    board = copy.deepcopy(BOARD)
    BOARD_FAULTS[check](board)
    assert {finding.check for finding in lint({"dashboards/a.json": board})} == {check}


@pytest.mark.parametrize("check", RULE_FAULTS)
def test_a_fault_of_a_rule_is_found_by_its_check_alone(check: str) -> None:
    rules = copy.deepcopy(RULES)
    RULE_FAULTS[check](rules)
    assert {finding.check for finding in lint({"alerts/g.yaml": rules})} == {check}


def test_two_boards_of_one_title_are_found() -> None:
    findings = list(lint({"dashboards/a.json": BOARD, "dashboards/b.json": {**BOARD, "uid": "b"}}))
    assert [(finding.check, finding.path) for finding in findings] == [
        ("board-uid", "dashboards/a.json"),
        ("board-uid", "dashboards/b.json"),
    ]


def test_the_cases_of_rules_are_no_rules() -> None:
    assert list(lint({"alerts/tests/g.yaml": {"groups": [{"rules": [{"alert": "X", "expr": "("}]}]}})) == []
