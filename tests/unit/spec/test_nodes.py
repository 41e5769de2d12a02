"""YAML into a tree: by YAML 1.2's rules, the same with both of PyYAML's parsers, and safe against bombs."""

from __future__ import annotations

import json
import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from inferometer.spec.nodes import MAX_DEPTH, MAX_NODES, Fault, Node, Unreadable, children, parse
from inferometer.spec.scalars import Plain, resolve
from inferometer.spec.short import plain

LOADERS = [yaml.SafeLoader, *([yaml.CSafeLoader] if yaml.__with_libyaml__ else [])]

# As the examples of YAML 1.2.2, chapter 10.3.2, and what YAML 1.1 makes booleans, dates and numbers of.
MEANT = {
    "null": None,
    "~": None,
    "": None,
    "true": True,
    "False": False,
    "0": 0,
    "-19": -19,
    "0o7": 7,
    "0x3A": 58,
    "0.": 0.0,
    "-0.0": -0.0,
    ".5": 0.5,
    "+12e03": 12000.0,
    "-2E+05": -200000.0,
    ".inf": math.inf,
    "-.Inf": -math.inf,
    "on": "on",
    "no": "no",
    "Yes": "Yes",
    "y": "y",
    "2024-01-01": "2024-01-01",
    "1_000": "1_000",
    "0b11": "0b11",
    "0.33.1": "0.33.1",
    "1e": "1e",
    "nULL": "nULL",
}

# Without the line breaks that only YAML knows, what YAML does not allow raw, and the merge key.
texts = st.text(
    st.characters(exclude_characters="\x7f\x85\u2028\u2029\ufeff", exclude_categories=["Cs", "Cc", "Cn", "Co"]),
    max_size=20,
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(texts.filter(lambda key: key != "<<"), inner, max_size=4)
    ),
    max_leaves=15,
)


def fatal(text: str) -> Fault:
    with pytest.raises(Unreadable) as caught:
        parse(text)
    return caught.value.fault


def unwrapped(value: object) -> object:
    if isinstance(value, dict):
        return {key: unwrapped(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [unwrapped(inner) for inner in value]
    return value.value if isinstance(value, Plain) else value


def read(text: str, loader: type) -> object:
    root, faults = parse(text, loader)
    assert not faults
    return None if root is None else unwrapped(plain(root))


@pytest.mark.parametrize(("text", "meant"), MEANT.items())
def test_a_plain_scalar_means_what_yaml_1_2_says(text: str, meant: object) -> None:
    got = resolve(text)
    value = got.value if isinstance(got, Plain) else got
    assert value == meant
    assert type(value) is type(meant)


@given(st.text())
def test_a_scalar_keeps_its_text_whatever_it_means(text: str) -> None:
    got = resolve(text)
    assert got is None or (got.text if isinstance(got, Plain) else got) == text


@pytest.mark.parametrize("loader", LOADERS)
@given(values)
def test_json_is_read_as_json(loader: type, value: object) -> None:
    assert read(json.dumps(value, ensure_ascii=False), loader) == value


@given(st.text(st.sampled_from("ab:-[]{},&*!|>'\"%@`#? \n\t~<.0"), max_size=60))
def test_any_text_is_a_tree_or_unreadable_and_its_faults_lie_inside_it(text: str) -> None:
    lines = text.split("\n")
    try:
        root, faults = parse(text)
    except Unreadable as error:
        faults, root = [error.fault], None
    for fault in faults:
        assert 0 <= fault.span.line <= len(lines)
    # An empty value at the end stands after the last line.
    spans = [node.span for node in _nodes(root)]
    assert all(span.column <= len([*lines, ""][span.line]) for span in spans)


def _nodes(node: Node | None) -> list[Node]:
    return [] if node is None else [node, *(below for child in children(node) for below in _nodes(child))]


def test_a_bomb_of_aliases_is_refused_before_it_grows() -> None:
    levels = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    fault = fatal("\n".join(levels))
    assert fault.code == "IM108"
    assert f"{MAX_NODES:,}" in fault.message


def test_a_chain_of_aliases_cannot_nest_deeper_than_text_can() -> None:
    links = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 60))]
    assert "deep" in fatal("\n".join(links)).message


@pytest.mark.parametrize("opening", ["[", "{", "- ", "{a: "])
def test_deep_nesting_is_refused_and_does_not_end_the_process(opening: str) -> None:
    assert f"{MAX_DEPTH} deep" in fatal(opening * 100_000).message


def test_more_values_than_allowed_are_refused_with_and_without_aliases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inferometer.spec.nodes.MAX_NODES", 100)
    assert len(_nodes(parse("[" + "a," * 99 + "]")[0])) == 100
    assert "more than 100 values" in fatal("[" + "a," * 100 + "]").message
    assert "more than 100 values" in fatal("[&a [" + "a," * 50 + "], *a]").message


@pytest.mark.parametrize("loader", LOADERS)
def test_an_alias_repeats_and_a_merge_gives_way_to_what_is_written(loader: type) -> None:
    text = "a: &a {x: 1, y: 2}\nb: *a\nc: {<<: *a, y: 3}\nd: {<<: [{x: 5}, *a]}\n"
    ab = {"x": 1, "y": 2}
    assert read(text, loader) == {"a": ab, "b": ab, "c": {"x": 1, "y": 3}, "d": {"x": 5, "y": 2}}


def test_keys_are_text_however_they_look() -> None:
    assert read("on: 1\n0777: 2\n12:30: 3\n1.10: 4\nnull: 5\n", yaml.SafeLoader) == {
        "on": 1,
        "0777": 2,
        "12:30": 3,
        "1.10": 4,
        "": 5,
    }


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n"])
def test_a_text_without_values_is_empty(text: str) -> None:
    root, faults = parse(text)
    assert faults == []
    assert root is None or plain(root) is None
