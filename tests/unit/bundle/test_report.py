"""The readable diff says in the words of boards and rules what changed, and what a person wrote."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from inferometer.bundle import Bundle, Changes, compare, from_values, report, write

BOARD: dict[str, Any] = {
    "schemaVersion": 42,
    "title": "Fleet",
    "panels": [
        {"type": "row", "title": "Now", "panels": [{"type": "stat", "title": "Hidden", "gridPos": {"x": 0}}]},
        {"type": "stat", "title": "Requests", "targets": [{"expr": "a"}], "fieldConfig": {"defaults": {"unit": "s"}}},
        {"type": "stat", "title": "Errors", "targets": [{"expr": "b"}]},
    ],
}
RULES: dict[str, Any] = {
    "groups": [
        {"name": "g", "rules": [
            {"record": "a:b", "expr": "a"},
            {"alert": "Down", "expr": "up == 0", "for": "5m", "labels": {"severity": "warning", "x": "y"}},
        ]}
    ]
}  # fmt: skip


def changes(out: Path, old: Mapping[str, object], new: Mapping[str, object]) -> Changes:
    write(from_values(old), out)
    return compare(from_values(new), out)


def changed_board(out: Path, change: Any) -> list[str]:
    board = copy.deepcopy(BOARD)
    change(board)
    lines = report(changes(out, {"a.json": BOARD}, {"a.json": board})).splitlines()
    assert lines[0].startswith("~ a.json  +")
    assert lines[-1] == "1 changed"
    return [line.strip() for line in lines[1:-1]]


def changed_rules(out: Path, change: Any) -> list[str]:
    rules = copy.deepcopy(RULES)
    change(rules["groups"][0]["rules"])
    lines = report(changes(out, {"a.yaml": RULES}, {"a.yaml": rules})).splitlines()
    return [line.strip() for line in lines[1:-1]]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda board: board["panels"][1]["targets"][0].update(expr="c"), '~ panel "Requests": queries'),
        (lambda board: board["panels"][1]["fieldConfig"]["defaults"].update(unit="m"), '~ panel "Requests": fields'),
        (lambda board: board["panels"][0]["panels"][0]["gridPos"].update(x=9), '~ panel "Hidden": place'),
        (lambda board: board["panels"].append({"type": "stat", "title": "New"}), '+ panel "New"'),
        (lambda board: board["panels"].append(board["panels"][2]), '+ panel "Errors" (2)'),
        (lambda board: board["panels"].pop(2), '- panel "Errors"'),
        (lambda board: board.update(title="Other", tags=["x"]), "~ board: title, tags"),
    ],
)
def test_a_change_to_a_board_is_told_by_panel(tmp_path: Path, change: Any, told: str) -> None:
    assert changed_board(tmp_path, change) == [told]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda rules: rules[1].update(expr="up < 1", keep_firing_for="1m"), "~ alert Down: expr, keep_firing_for"),
        (lambda rules: rules[1]["labels"].update(severity="critical"), "~ alert Down: labels.severity"),
        (lambda rules: rules[1].pop("for"), "~ alert Down: for"),
        (lambda rules: rules.append({"alert": "New", "expr": "1"}), "+ alert New"),
        (lambda rules: rules.append({"alert": "Down", "expr": "1"}), "+ alert Down (2)"),
        (lambda rules: rules.pop(0), "- record a:b"),
    ],
)
def test_a_change_to_rules_is_told_by_rule(tmp_path: Path, change: Any, told: str) -> None:
    assert changed_rules(tmp_path, change) == [told]


def test_a_rule_that_moves_to_another_group_is_a_change_of_its_group(tmp_path: Path) -> None:
    moved = {"groups": [{"name": "g", "rules": RULES["groups"][0]["rules"][:1]},
                        {"name": "h", "rules": RULES["groups"][0]["rules"][1:]}]}  # fmt: skip
    assert "~ alert Down: group" in report(changes(tmp_path, {"a.yaml": RULES}, {"a.yaml": moved}))


def test_a_small_change_to_another_file_is_shown_line_by_line(tmp_path: Path) -> None:
    old, new = (
        "".join(f"{line}\n" for line in range(9)),
        "".join(f"{line}\n" for line in (0, 1, 2, 3, "x", *range(5, 9))),
    )
    lines = report(changes(tmp_path, {"a.md": old}, {"a.md": new})).splitlines()
    assert lines[0] == "~ a.md  +1 -1"
    assert "    -4" in lines
    assert "    +x" in lines


def test_a_large_change_is_counted_and_shown_only_in_full(tmp_path: Path) -> None:
    made = changes(tmp_path, {"a.md": "a\n" * 50}, {"a.md": "b\n" * 40})
    assert report(made) == "~ a.md  +40 -50\n1 changed\n"
    assert report(made, full=True).count("\n-a") == 50


def test_of_very_many_changes_to_one_file_the_first_are_told_and_the_rest_counted(tmp_path: Path) -> None:
    many = {"groups": [{"name": "g", "rules": [{"alert": f"A{number}"} for number in range(100)]}]}
    lines = report(changes(tmp_path, {"a.yaml": RULES}, {"a.yaml": many})).splitlines()
    assert lines[1:3] == ["    + alert A0", "    + alert A1"]
    assert lines[20] == "    … and 83 more"
    assert len(lines) == 22


def test_new_removed_and_edited_files_are_marked_and_counted(tmp_path: Path) -> None:
    write(from_values({"gone": "1", "mine": "1"}), tmp_path)
    (tmp_path / "mine").write_text("2")
    (tmp_path / "foreign").write_text("2")
    lines = report(compare(from_values({"new": "1", "mine": "1", "foreign": "1"}), tmp_path)).splitlines()
    assert "+ new" in lines
    assert "- gone" in lines
    assert "! mine  +1 -1  edited by hand" in lines
    assert "! foreign  +1 -1  not made by Inferometer" in lines
    assert lines[-1] == "1 added, 1 removed, 2 written by hand"


def test_many_new_files_of_a_folder_are_one_line_and_all_of_them_in_full(tmp_path: Path) -> None:
    made = changes(tmp_path, {}, {f"a/{number}": "x\n" for number in range(20)} | {"b/c": "x\n"})
    assert report(made).splitlines() == ["+ a/  20 files", "+ b/c", "21 added"]
    assert all(f"+ a/{number}\n" in report(made, full=True) for number in range(20))


def test_line_ends_that_an_editor_changed_are_a_difference_in_every_line(tmp_path: Path) -> None:
    write(from_values({"a.md": "1\n2\n"}), tmp_path)
    (tmp_path / "a.md").write_bytes(b"1\r\n2\r\n")
    assert report(compare(from_values({"a.md": "1\n2\n"}), tmp_path)).startswith("! a.md  +2 -2  edited by hand")


def test_a_board_that_a_person_broke_is_shown_by_its_lines(tmp_path: Path) -> None:
    write(from_values({"a.json": {"schemaVersion": 42, "panels": []}}), tmp_path)
    (tmp_path / "a.json").write_text("{\n<<<<<<< ours\n}")
    assert "    -<<<<<<< ours" in report(
        compare(from_values({"a.json": {"schemaVersion": 42, "panels": []}}), tmp_path)
    )


def test_the_manifest_is_told_only_when_nothing_else_differs(tmp_path: Path) -> None:
    made = changes(tmp_path, {"a": "1"}, {"a": "2"})
    assert ".manifest" not in report(made)
    (tmp_path / "stack/.manifest.json").unlink()
    assert report(compare(from_values({"a": "1"}), tmp_path)) == "+ stack/.manifest.json\n"


def test_nothing_is_said_of_a_folder_that_is_up_to_date(tmp_path: Path) -> None:
    bundle = Bundle({})
    write(bundle, tmp_path)
    assert report(compare(bundle, tmp_path)) == ""
