"""Whoever imports the mixin gets the boards and the rules of the files, no more and no less."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import _jsonnet
from hypothesis import given, settings
from hypothesis import strategies as st

from inferometer import mixin
from inferometer.bundle import Bundle, Json, Text, Yaml, from_values
from tests.unit.bundle.strategies import texts

BOARDS: dict[str, object] = {
    f"{name}.json": {"title": name, "schemaVersion": 42, "panels": []} for name in ("fleet", "it's")
}

BUNDLE = from_values(
    {
        **{f"dashboards/{name}": board for name, board in BOARDS.items()},
        "dashboards/README.md": "# Boards\n",
        "dashboards/deep/other.json": {"title": "no board of ours", "schemaVersion": 42, "panels": []},
        "alerts/a.yaml": {"groups": [
            {"name": "both", "interval": "15s", "rules": [
                {"record": "a:b", "expr": "sum by (x) (\n  a\n)"},
                {"alert": "A", "expr": "a:b > 1", "labels": {"q": "0.5", "on": "on"}},
                {"record": "c:d", "expr": "c"},
            ]},
            {"name": "alerts alone", "rules": [{"alert": "B", "expr": "b"}]},
        ]},
        "alerts/b.yaml": {"groups": [{"name": "records alone", "rules": [{"record": "e:f", "expr": "e"}]}]},
        "alerts/tests/a.yaml": {"rule_files": ["../a.yaml"], "tests": []},
    }
)  # fmt: skip


def evaluate(bundle: Bundle, expression: str) -> Any:
    """A jsonnet expression with the mixin as `m`, over the bundle's real bytes."""
    contents = {**bundle.rendered(), **mixin.facade(bundle).rendered()}
    text = _jsonnet.evaluate_snippet(
        "test", f"local m = import '{mixin.PATH}'; {expression}", import_callback=lambda _, name: (name, contents[name])
    )
    return json.loads(text)


def test_the_boards_of_the_mixin_are_those_of_the_files() -> None:
    assert evaluate(BUNDLE, "m.grafanaDashboards") == BOARDS


def test_alerts_and_recording_rules_stand_apart_in_their_order() -> None:
    records = evaluate(BUNDLE, "m.prometheusRules.groups")
    alerts = evaluate(BUNDLE, "m.prometheusAlerts.groups")
    assert [[rule["record"] for rule in group["rules"]] for group in records] == [["a:b", "c:d"], ["e:f"]]
    assert [[rule["alert"] for rule in group["rules"]] for group in alerts] == [["A"], ["B"]]


def test_a_rule_of_the_mixin_is_the_rule_of_the_file_with_its_groups_settings() -> None:
    group = evaluate(BUNDLE, "m.prometheusAlerts.groups[0]")
    assert group["interval"] == "15s"
    assert group["rules"] == [{"alert": "A", "expr": "a:b > 1", "labels": {"q": "0.5", "on": "on"}}]
    assert evaluate(BUNDLE, "m.prometheusRules.groups[0].rules[0].expr") == "sum by (x) (\n  a\n)"


def test_no_two_groups_share_a_name_when_both_halves_go_into_one_file() -> None:
    names = [group["name"] for group in evaluate(BUNDLE, "m.prometheusRules.groups + m.prometheusAlerts.groups")]
    assert sorted(names) == ["alerts alone", "both", "both-alerts", "records alone"]


def test_the_mixin_joins_others() -> None:
    other = "{ grafanaDashboards+:: { 'x.json': {} }, prometheusAlerts+:: { groups+: [{ name: 'x', rules: [] }] } }"
    assert evaluate(BUNDLE, f"std.length(({other} + m).prometheusAlerts.groups)") == 3
    assert sorted(evaluate(BUNDLE, f"({other} + m).grafanaDashboards")) == ["fleet.json", "it's.json", "x.json"]


def test_a_bundle_without_boards_and_rules_has_an_empty_mixin() -> None:
    bundle = Bundle({"a.md": Text("")})
    assert evaluate(bundle, "[m.grafanaDashboards, m.prometheusAlerts, m.prometheusRules]") == [
        {}, {"groups": []}, {"groups": []},
    ]  # fmt: skip


# jsonnet's reader of YAML aborts the whole process on an escaped control character; a rule holds none.
@settings(deadline=None, max_examples=30)
@given(st.lists(texts.filter(lambda text: text.replace("\n", " ").isprintable()), min_size=1, max_size=6))
def test_jsonnet_reads_the_very_text_of_a_rule_out_of_its_yaml(words: list[str]) -> None:
    rules = [{"alert": "A", "expr": word, "labels": {"a": word}} for word in words]
    bundle = Bundle({"alerts/a.yaml": Yaml({"groups": [{"name": "a", "rules": rules}]})})
    assert evaluate(bundle, "m.prometheusAlerts.groups[0].rules") == rules


def test_the_mixin_lies_where_its_imports_are_found(tmp_path: Path) -> None:
    for path, content in {**BUNDLE.rendered(), **mixin.facade(BUNDLE).rendered()}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    expression = f"(import '{tmp_path / mixin.PATH}').grafanaDashboards"
    assert json.loads(_jsonnet.evaluate_snippet("test", expression)) == BOARDS


def test_what_an_overlay_took_from_the_boards_is_not_in_the_mixin() -> None:
    assert evaluate(Bundle({"dashboards/x.json": Json({"title": "not a board"})}), "m.grafanaDashboards") == {}
