"""Overlays change what they name and nothing else, and what is wrong with one is told with its place."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from inferometer import overlay
from inferometer.bundle import Bundle, Json, Text, Yaml, from_values
from inferometer.errors import Position, Problem, SpecError
from tests.unit.bundle.strategies import data, documents, texts

EXAMPLE = Path(__file__).parents[2] / "stack/examples/overlays/team-label.jsonnet"

BUNDLE = from_values(
    {
        "dashboards/fleet.json": {"title": "Fleet", "schemaVersion": 42, "panels": [{"type": "stat", "id": 1.0}]},
        "alerts/serving.yaml": {"groups": [{"name": "a", "rules": [{"record": "r", "expr": "1"}, {"alert": "A"}]}]},
        "alerts/runbooks/A.md": "# A\n",
    }
)

# Numbers that a double holds: jsonnet has no others.
bundles = st.builds(
    lambda board, panels, rules, text: Bundle(
        {
            "boards/a.json": Json(board),
            "boards/b.json": Json(panels),
            "rules/a.yaml": Yaml(rules, ("a header of its own",)),
            "c.md": Text(text),
        }
    ),
    documents,
    documents,
    documents,
    texts,
)


def apply(bundle: Bundle, *overlays: str, **libraries: str) -> Bundle:
    """The bundle after overlays named 0.jsonnet, 1.jsonnet … with libraries beside them."""
    with tempfile.TemporaryDirectory() as folder:
        for number, text in enumerate(overlays):
            (Path(folder) / f"{number}.jsonnet").write_text(text)
        for name, text in libraries.items():
            (Path(folder) / name).write_text(text)
        try:
            return overlay.apply(bundle, Path(folder))
        except SpecError as error:
            raise SpecError(_placed_in(problem, folder) for problem in error.problems) from None


def _placed_in(problem: Problem, folder: str) -> Problem:
    if problem.position is None:
        return problem
    position = Position(
        problem.position.file.removeprefix(f"{folder}/"), problem.position.line, problem.position.column
    )
    message = problem.message.replace(f"{folder}/", "")
    return Problem(problem.code, message, position, problem.hint, problem.source_line, problem.length)


def refusal(*overlays: str) -> Problem:
    with pytest.raises(SpecError) as refused:
        apply(BUNDLE, *overlays)
    (problem,) = refused.value.problems
    return problem


@settings(deadline=None, max_examples=30)  # Each starts jsonnet anew: 0.1 s.
@given(bundles)
def test_an_overlay_that_changes_nothing_changes_no_byte(bundle: Bundle) -> None:
    assert apply(bundle, "function(bundle) bundle", "function(b) b + {}").rendered() == bundle.rendered()


@settings(deadline=None, max_examples=30)  # Each starts jsonnet anew: 0.1 s.
@given(documents.filter(lambda value: isinstance(value, dict)), data)
def test_a_key_that_is_added_comes_last_and_moves_no_other(value: dict[str, object], more: object) -> None:
    code = f"function(b) b + {{ 'a/b.json'+: {{ ' new': {json.dumps(more)} }} }}"
    value = {key: inner for key, inner in value.items() if key != " new"}
    result = json.loads(apply(Bundle({"a/b.json": Json(value)}), code).rendered()["a/b.json"])
    assert result == value | {" new": more}
    assert list(result) == [*value, " new"]
    assert json.dumps({key: result[key] for key in value}) == json.dumps(value)


@settings(deadline=None, max_examples=30)  # Each starts jsonnet anew: 0.1 s.
@given(st.lists(documents, min_size=1, max_size=5), st.integers(0, 4))
def test_an_item_that_is_removed_from_a_list_changes_no_other(items: list[object], at: int) -> None:
    gone = at % len(items)
    code = f"function(b) b + {{ 'a/b.json': b['a/b.json'][:{gone}] + b['a/b.json'][{gone + 1}:] }}"
    expected = Bundle({"a/b.json": Json([*items[:gone], *items[gone + 1 :]])})
    assert apply(Bundle({"a/b.json": Json(items)}), code).rendered() == expected.rendered()


def test_true_that_becomes_1_is_a_change() -> None:
    bundle = Bundle({"a/b.json": Json({"a": True, "b": [1]})})
    changed = apply(bundle, "function(b) { 'a/b.json': { a: 1, b: [true] } }")
    assert changed.rendered()["a/b.json"] == Bundle({"x": Json({"a": 1, "b": [True]})}).rendered()["x"]


def test_without_overlays_the_bundle_stays_the_very_same(tmp_path: Path) -> None:
    assert overlay.apply(BUNDLE, tmp_path) is BUNDLE
    assert overlay.apply(BUNDLE, tmp_path / "not there") is BUNDLE


def test_overlays_follow_one_another_by_name() -> None:
    first = "function(b) b + { 'alerts/runbooks/A.md': super['alerts/runbooks/A.md'] + 'one' }"
    second = "function(b) b + { 'alerts/runbooks/A.md': super['alerts/runbooks/A.md'] + 'two' }"
    assert apply(BUNDLE, first, second)["alerts/runbooks/A.md"] == Text("# A\nonetwo")


def test_null_leaves_a_file_out_also_for_the_next_overlay() -> None:
    gone = apply(BUNDLE, "function(b) b + { 'alerts/serving.yaml': null }", "function(b) b")
    assert list(gone) == ["alerts/runbooks/A.md", "dashboards/fleet.json"]


def test_a_new_file_becomes_what_its_suffix_says() -> None:
    new = apply(BUNDLE, "function(b) b + { 'alerts/x.yaml': {}, 'dashboards/deep/x.json': [1], 'alerts/x.md': 'hi' }")
    assert (new["alerts/x.yaml"], new["dashboards/deep/x.json"], new["alerts/x.md"]) == (
        Yaml({}),
        Json([1]),
        Text("hi"),
    )


def test_a_library_beside_the_overlay_or_in_vendor_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "vendor/lib").mkdir(parents=True)
    (tmp_path / "vendor/lib/a.libsonnet").write_text("import 'b.libsonnet'")
    (tmp_path / "vendor/lib/b.libsonnet").write_text("'from afar'")
    (tmp_path / "near.libsonnet").write_text("', from near'")
    code = "function(b) b + { 'alerts/a.md': (import 'lib/a.libsonnet') + import 'near.libsonnet' }"
    (tmp_path / "x.jsonnet").write_text(code)
    assert overlay.apply(BUNDLE, tmp_path)["alerts/a.md"] == Text("from afar, from near")


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "vendor/../../secret", "link"])
def test_nothing_outside_the_folder_can_be_imported(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text("'s3cret'")
    folder = tmp_path / "overlays"
    (folder / "vendor").mkdir(parents=True)
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "x.jsonnet").write_text(f"function(b) b + {{ 'alerts/a.md': importstr '{name}' }}")
    with pytest.raises(SpecError, match="imports only what lies in"):
        overlay.apply(BUNDLE, folder)


@pytest.mark.parametrize(
    ("code", "line", "column", "length", "message"),
    [
        ("function(b) b + {\n  x: }", 2, 6, 1, "unexpected"),
        ("function(b) b + {\n  'alerts/a.md': [yy],\n}", 2, 19, 2, "Unknown variable: yy"),
        ("function(b) b + {\n  'alerts/a.md': b.nothing.at.all,\n}", 2, 18, 9, "field does not exist: nothing"),
        ("function(b)\n  error 'two\\nlines'", 2, 3, 18, "two lines"),
        ("function(b) b + {\n 'alerts/a.md': [function(x) x] }", 2, 18, 13, "couldn't manifest function"),
        ("function(b) b + {\n 'alerts/a.md': importstr 'nothing' }", 2, 17, 19, "no such file"),
    ],
)
def test_what_jsonnet_refuses_is_told_with_its_place(
    code: str, line: int, column: int, length: int, message: str
) -> None:
    problem = refusal("function(b) b", code)
    assert problem.position == Position("1.jsonnet", line, column)
    assert problem.length == length
    assert problem.source_line == code.split("\n")[line - 1]
    assert message in problem.message


def test_a_mistake_in_a_library_is_told_at_the_library(tmp_path: Path) -> None:
    (tmp_path / "lib.libsonnet").write_text("{\n  a: self.b,\n}")
    (tmp_path / "x.jsonnet").write_text("function(b) b + { 'alerts/a.md': (import 'lib.libsonnet').a }")
    with pytest.raises(SpecError) as refused:
        overlay.apply(BUNDLE, tmp_path)
    assert refused.value.problems[0].position == Position(str(tmp_path / "lib.libsonnet"), 2, 6)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("{}", "is not a function"),
        ("function(a, b) a", "takes one argument"),
        ("function(b) 'text'", "returns not an object of files but string"),
        ("function(b) {'alerts/serving.yaml': {}}", "loses alerts/runbooks/A.md, dashboards/fleet.json"),
        ("function(b) b + {'alerts/x.json': function(x) x}", "gives a function in the place of a file"),
        ("function(b) b + {'alerts/x.json': 3}", "a int is not a file"),
        ("function(b) b + {'alerts/x.md': {}}", "needs a path that ends in"),
        ("function(b) b + {'dashboards/fleet.json': 'text'}", "was an object and must stay"),
        ("function(b) b + {'alerts/runbooks/A.md': {}}", "was text and must stay text"),
        ("function(b) b + {'src/x.py': 'text'}", "is in no folder of generated files (alerts, alerts/runbooks,"),
        ("function(b) b + {'alerts/../../x': 'text'}", "is not a plain relative path"),
        ("function(b) b + {'stack/fleet.yaml': 'text'}", "is not ours to write"),
    ],
)
def test_an_answer_that_is_no_tree_is_told_at_the_overlay_that_gave_it(code: str, message: str) -> None:
    problem = refusal("function(b) b", code, "function(b) b")
    assert message in problem.message
    assert problem.position == Position("1.jsonnet", 1, 1)


def test_all_files_that_cannot_be_are_told_at_once() -> None:
    with pytest.raises(SpecError) as refused:
        apply(BUNDLE, "function(b) b + {'x': 'text', 'y': 'text'}")
    assert len(refused.value.problems) == 2


def test_a_file_that_is_a_folder_too_is_told() -> None:
    with pytest.raises(SpecError, match="'alerts/x' is both a file and the folder of 'alerts/x/y'"):
        apply(BUNDLE, "function(b) b + {'alerts/x': 'a', 'alerts/x/y': 'b'}")


def test_the_example_labels_every_alert_and_tags_every_board_and_changes_nothing_else() -> None:
    result = apply(BUNDLE, EXAMPLE.read_text())
    before, after = BUNDLE.rendered(), result.rendered()
    rules = yaml.safe_load(before["alerts/serving.yaml"])
    rules["groups"][0]["rules"][1]["labels"] = {"team": "llm"}
    board = json.loads(before["dashboards/fleet.json"]) | {"tags": ["llm"]}
    assert yaml.safe_load(after["alerts/serving.yaml"]) == rules
    assert json.loads(after["dashboards/fleet.json"]) == board
    assert after["alerts/runbooks/A.md"] == before["alerts/runbooks/A.md"]
    assert list(after) == list(before)
