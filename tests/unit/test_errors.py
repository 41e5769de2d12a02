"""Problems: their text, their order, the nearest right word, and codes that mean one thing."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferometer.errors import (
    CODES,
    InferometerError,
    Position,
    Problem,
    SpecError,
    did_you_mean,
    format_problems,
    listed,
    nearest,
)

SOURCE = Path(__file__).parents[2] / "src" / "inferometer"
LINE = "    adress: http://10.0.0.1:8000"


def test_a_problem_shows_its_place_the_line_a_caret_and_the_nearest_word() -> None:
    problem = Problem(
        "IM201",
        'unknown key "adress" in a backend',
        Position("stack/fleet.yaml", 7, 5),
        'did you mean "address"?',
        LINE,
        length=6,
    )
    assert format_problems([problem]).splitlines() == [
        'stack/fleet.yaml:7:5: unknown key "adress" in a backend [IM201]',
        "    adress: http://10.0.0.1:8000",
        "    ^^^^^^",
        '  did you mean "address"?',
    ]


def test_a_problem_without_a_place_shows_only_its_message() -> None:
    assert (
        format_problems([Problem("IM105", "fleet.yaml: the file is empty")]) == "fleet.yaml: the file is empty [IM105]"
    )


def test_an_error_holds_all_problems_in_the_order_of_the_file_and_each_once() -> None:
    late, early, whole = (
        Problem("IM201", "late", Position("a.yaml", 10, 1)),
        Problem("IM201", "early", Position("a.yaml", 9, 30)),
        Problem("IM101", "whole"),
    )
    error = SpecError([late, early, late, whole])
    assert [problem.message for problem in error.problems] == ["whole", "early", "late"]
    assert str(error) == format_problems(error.problems)


def test_bad_input_ends_with_2() -> None:
    assert InferometerError.exit_code == SpecError([]).exit_code == 2


def test_an_error_survives_being_sent_to_another_process() -> None:
    error = SpecError([Problem("IM201", "x", Position("a.yaml", 1, 1), "y", "z", 3)])
    assert pickle.loads(pickle.dumps(error)).problems == error.problems


@given(
    line=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"), max_size=400),
    column=st.integers(1, 500),
    length=st.integers(1, 500),
)
def test_the_caret_stays_below_the_line_and_nothing_moves_a_terminals_cursor(
    line: str, column: int, length: int
) -> None:
    text = format_problems([Problem("IM201", "x", Position("a.yaml", 1, column), None, line, length)])
    assert all(char == "\n" or char.isprintable() for char in text)
    assert all(len(part) <= 130 for part in text.split("\n"))
    if line.strip():
        carets = text.split("\n")[2]
        assert re.fullmatch(r" {4,}\^+", carets)


@given(
    before=st.text("ab ", max_size=200),
    word=st.text("xyz", min_size=1, max_size=20),
    after=st.text("cd ", max_size=200),
)
def test_the_carets_stand_exactly_under_the_word(before: str, word: str, after: str) -> None:
    problem = Problem("IM201", "x", Position("a.yaml", 1, len(before) + 1), None, before + word + after, len(word))
    _, line, carets = format_problems([problem]).split("\n")
    start, end = carets.index("^"), carets.rindex("^") + 1
    shown = line[start:end]
    assert word.startswith(shown.rstrip("…"))
    assert shown.rstrip("…")


def test_carets_under_wide_characters_are_as_wide_as_these() -> None:
    problem = Problem("IM201", "x", Position("a.yaml", 1, 3), None, "模型: 名", 1)
    assert format_problems([problem]).split("\n")[1:] == ["    模型: 名", "        ^"]


def test_the_nearest_word_ignores_case_and_is_none_when_nothing_comes_near() -> None:
    choices = ["address", "engine", "ErrorRatioHigh"]
    assert nearest("adress", choices) == "address"
    assert nearest("errorratiohihg", choices) == "ErrorRatioHigh"
    assert nearest("zzz", choices) is None


@given(st.lists(st.text(min_size=1), min_size=1), st.data())
def test_a_right_word_is_nearest_to_itself_up_to_case(words: list[str], data: st.DataObject) -> None:
    word = data.draw(st.sampled_from(words))
    found = nearest(word, words)
    assert found is not None
    assert found.lower() == word.lower()


def test_a_hint_names_the_near_word_or_the_choices_but_never_hundreds() -> None:
    assert did_you_mean("vlm", ["vllm", "ollama"]) == 'did you mean "vllm"?'
    assert did_you_mean("zzz", ["vllm", "ollama", "ollama"]) == "it can be vllm or ollama"
    assert did_you_mean("zzz", []) is None
    hint = did_you_mean("zzz", [f"backend-{number}" for number in range(500)])
    assert hint is not None
    assert hint.endswith("or one of 480 others")


@pytest.mark.parametrize(
    ("words", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a or b"), (["a", "b", "c"], "a, b or c")]
)
def test_lists_read_as_sentences(words: list[str], text: str) -> None:
    assert listed(words) == text


def test_every_code_in_the_source_is_in_the_table_and_means_one_thing() -> None:
    used = {
        code for file in SOURCE.rglob("*.py") for code in re.findall(r'"(IM\d+)"', file.read_text(encoding="utf-8"))
    }
    assert used <= set(CODES)
    assert len(set(CODES.values())) == len(CODES)
    assert all(re.fullmatch(r"IM\d{3}", code) for code in CODES)
