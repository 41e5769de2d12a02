"""Whatever is done to a spec, loading ends in a spec or in problems that lie inside the file."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from inferometer.errors import Problem, SpecError
from inferometer.spec import Spec, loads

SPECS = Path(__file__).parents[2] / "fixtures" / "specs"
FIRST_LIGHT = (SPECS / "first-light.yaml").read_text(encoding="utf-8")


def spec_or_problems(text: str) -> None:
    """A text is a spec, or all of its problems lie inside of it and can be printed."""
    lines = text.removeprefix("\ufeff").splitlines() or [""]
    spec: Spec | None = None
    problems: tuple[Problem, ...] = ()
    try:
        spec = loads(text).spec
    except SpecError as error:
        problems = error.problems
    assert (spec is None) == bool(problems)
    for problem in problems:
        if problem.position:
            assert problem.source_line is not None
            assert 1 <= problem.position.line <= len(lines) + 1
            assert 1 <= problem.position.column <= len(problem.source_line) + 1


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "a", "5m", "99%", "x:1", "~(", "vllm"])
    | st.text()
)
words = (
    st.sampled_from(
        sorted({part.strip(" -{[\"'") for line in FIRST_LIGHT.splitlines() for part in line.split(":")[:1]})
    )
    | st.text()
)
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4), max_leaves=20
)


def paths(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The paths of everything in a tree."""
    below: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        below = list(value.items())
    elif isinstance(value, list):
        below = list(enumerate(value))
    return [path, *(inner for key, item in below for inner in paths(item, (*path, key)))]


PATHS = [path for path in paths(yaml.safe_load(FIRST_LIGHT)) if path]


@given(trees)
def test_any_tree_is_a_spec_or_has_problems(tree: object) -> None:
    spec_or_problems(yaml.safe_dump(tree))


@given(st.lists(st.tuples(st.sampled_from(PATHS), trees), min_size=1, max_size=4))
def test_a_spec_with_anything_put_in_anywhere_is_a_spec_or_has_problems(
    changes: list[tuple[tuple[str | int, ...], object]],
) -> None:
    data = yaml.safe_load(FIRST_LIGHT)
    for path, value in changes:
        around: Any = data
        for step in path[:-1]:
            with contextlib.suppress(KeyError, IndexError, TypeError):
                around = around[step]
        with contextlib.suppress(IndexError, TypeError):  # an earlier change may have put something else there
            around[path[-1]] = value
    spec_or_problems(yaml.safe_dump(data, allow_unicode=False))


@given(
    st.integers(0, len(FIRST_LIGHT)),
    st.integers(0, 30),
    st.text(max_size=8) | st.sampled_from(["\t", "\n", "&a ", "*a", "{", "]", "'", "<<: "]),
)
def test_a_spec_with_a_piece_cut_out_and_another_put_in_is_a_spec_or_has_problems(
    start: int, length: int, piece: str
) -> None:
    spec_or_problems(FIRST_LIGHT[:start] + piece + FIRST_LIGHT[start + length :])


@given(st.text())
def test_any_text_is_a_spec_or_has_problems(text: str) -> None:
    spec_or_problems(text)
