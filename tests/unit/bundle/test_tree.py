"""Files become the same bytes everywhere, and a tree refuses what cannot be one."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from inferometer.bundle import Bundle, Json, Text, Yaml, from_values, merge
from inferometer.bundle.tree import HEADER, render
from tests.unit.bundle.strategies import data, documents, texts


@given(data)
def test_json_reads_back_as_the_value_that_was_written(value: object) -> None:
    assert json.loads(render(Json(value))) == value


@given(data)
def test_yaml_reads_back_as_the_value_that_was_written(value: object) -> None:
    assert yaml.safe_load(render(Yaml(value))) == value


@given(documents)
def test_keys_stand_in_the_order_they_were_built(value: object) -> None:
    assert json.dumps(json.loads(render(Json(value)))) == json.dumps(value)
    assert json.dumps(yaml.safe_load(render(Yaml(value)))) == json.dumps(value)


@given(texts, texts)
def test_yaml_text_is_never_an_anchor_or_an_alias(key: str, text: str) -> None:
    shared = [text]
    assert yaml.safe_load(render(Yaml({key: [shared, shared]}))) == {key: [[text], [text]]}
    assert not any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(render(Yaml([shared, shared]))))


@pytest.mark.parametrize(
    "word",
    [
        "y",
        "N",
        "yes",
        "off",
        "null",
        "~",
        "0777",
        "0o17",
        "0x1F",
        "0b1",
        "1e3",
        "1_000",
        ".5",
        "5.",
        "+3",
        "-.inf",
        "NaN",
        "1:30",
        "1:30.5",
        "12:30:45",
        "2024-01-01",
        "=",
    ],
)
def test_a_word_that_some_yaml_reader_takes_for_something_else_is_quoted(word: str) -> None:
    line = render(Yaml([word], header=())).decode()
    assert line[2] in "'\""


@pytest.mark.parametrize("word", ["5m", "10.0.0.1:9100", "vllm", "up == 0", "v1.2.3", "99.9%", "sum(rate(x[5m]))"])
def test_a_word_that_all_yaml_readers_agree_on_stays_bare(word: str) -> None:
    assert render(Yaml([word], header=())).decode() == f"- {word}\n"


def test_a_query_of_several_lines_is_a_literal_block() -> None:
    expected = "expr: |-\n  sum by (model) (\n    rate(x[5m])\n  )\n"
    assert render(Yaml({"expr": "sum by (model) (\n  rate(x[5m])\n)"}, header=())).decode() == expected


def test_a_long_line_is_not_broken() -> None:
    assert render(Yaml({"expr": "a + " * 500 + "a"}, header=())).count(b"\n") == 1


def test_yaml_says_first_where_it_comes_from() -> None:
    assert render(Yaml({})).decode().startswith(f"# {HEADER[0]}\n# {HEADER[1]}\n")


@pytest.mark.parametrize("value", [{1: "a"}, [{None: 1}], {"a": [{True: 1}]}])
@pytest.mark.parametrize("kind", [Json, Yaml])
def test_a_key_that_is_not_text_is_refused(kind: type[Json] | type[Yaml], value: object) -> None:
    with pytest.raises(TypeError, match="is not text"):
        render(kind(value))


def test_a_number_that_json_cannot_hold_is_refused_with_its_path() -> None:
    with pytest.raises(ValueError, match=r"^a\.json: "):
        Bundle({"a.json": Json([float("nan")])}).rendered()


@pytest.mark.parametrize("path", ["a.json", "a.yaml"])
def test_a_value_that_is_not_data_is_refused_with_its_path(path: str) -> None:
    with pytest.raises(TypeError, match=rf"^{path}: "):
        from_values({path: [object()]}).rendered()


def test_the_suffix_says_what_a_value_becomes() -> None:
    bundle = from_values({"a.json": {}, "b.yml": [], "c.yaml": {}, "d.md": "# d", "e.yaml": "# by hand\n"})
    assert [type(file) for file in bundle.values()] == [Json, Yaml, Yaml, Text, Text]


@pytest.mark.parametrize(("path", "value"), [("a.md", {}), ("a.json", None), ("a.yaml", 3), ("a", [])])
def test_a_value_that_fits_no_file_is_refused(path: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"^{path}: "):
        from_values({path: value})


@pytest.mark.parametrize(
    "path",
    [
        *("/etc/passwd", "../a", "a/../b", "a//b", "./a", "", "a/", "a\\b", "a\nb"),
        *(".git/config", ".inferometer/x", "stack/.manifest.json"),
        *("stack/fleet.yaml", "stack/overlays/a.jsonnet", "stack/secrets/slack"),
    ],
)
def test_a_path_outside_the_tree_or_of_a_persons_file_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"is not|holds"):
        Bundle({path: Text("")})


def test_a_file_cannot_be_the_folder_of_another() -> None:
    with pytest.raises(ValueError, match="both a file and the folder"):
        Bundle({"a/b": Text(""), "a/b/c/d": Text("")})


def test_two_paths_that_differ_in_case_only_are_refused() -> None:
    with pytest.raises(ValueError, match="letter case"):
        Bundle({"a/B": Text(""), "a/b": Text("")})


def test_merging_refuses_two_files_at_one_path_and_names_them() -> None:
    with pytest.raises(ValueError, match=r"a, c$"):
        merge(from_values({"a": "1", "b": "2", "c": "3"}), from_values({"c": "3", "a": "9"}))


@given(st.permutations(["a", "b/c", "b/d", "z"]))
def test_a_bundle_is_in_the_order_of_its_paths_however_it_was_made(paths: list[str]) -> None:
    assert list(merge(*(from_values({path: path}) for path in paths))) == ["a", "b/c", "b/d", "z"]
