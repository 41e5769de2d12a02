"""Expressions become the text that a PromQL engine reads as it was meant."""

from __future__ import annotations

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferometer import promql as p
from inferometer.promql import Binary, Expr, Matcher, Number, Selector
from tests.parts.evaluation import Ask

NAMES = st.from_regex(r"[a-z][a-z_:]{0,8}[a-z]", fullmatch=True).filter(
    lambda name: name not in {"or", "and", "unless", "on", "by", "inf", "nan", "bool", "offset", "start", "end", "atan"}
)
LABELS = st.from_regex(r"[a-z][a-z_]{0,6}", fullmatch=True)
MATCHERS = st.builds(Matcher, LABELS, st.sampled_from(["=", "!="]), st.text(max_size=12))
SELECTORS = st.builds(Selector, NAMES, st.tuples(MATCHERS) | st.just(()))


def _combined(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    return st.one_of(
        st.builds(Binary, st.sampled_from(["+", "-", "*", "/", "or", "and", "unless"]), inner, inner),
        st.builds(lambda e, n: p.compare(e, ">", n), inner, st.integers(0, 9)),
        st.builds(lambda e: p.total(e, "model"), inner),
        st.builds(lambda e, v: p.set_label(e, "x", v), inner, st.text(max_size=6)),
    )


EXPRESSIONS = st.recursive(SELECTORS.map(lambda s: p.rate(s, "5m")) | SELECTORS, _combined, max_leaves=8)


@given(EXPRESSIONS)
def test_every_expression_parses_and_means_the_same_on_one_line_and_broken(expr: Expr) -> None:
    flat = promql_parser.parse(expr.text())
    assert str(promql_parser.parse(expr.pretty(40))) == str(flat)


@given(st.lists(st.sampled_from(["+", "-", "*", "/"]), min_size=2, max_size=5), st.data())
def test_brackets_keep_the_order_in_which_an_expression_was_built(operators: list[str], data: st.DataObject) -> None:
    expr: Expr = Number(3)
    value = 3.0
    for operator in operators:
        number = data.draw(st.integers(1, 5))
        left = data.draw(st.booleans())
        expr = Binary(operator, expr, Number(number)) if left else Binary(operator, Number(number), expr)
        a, b = (value, float(number)) if left else (float(number), value)
        if operator == "/" and b == 0:
            return
        value = {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else 0}[operator]
    # Python reads the four operators and brackets as PromQL does.
    assert eval(expr.text()) == pytest.approx(value)


@given(st.text())
def test_any_label_value_survives(value: str) -> None:
    parsed = promql_parser.parse(Selector("up", (Matcher("a", "=", value),)).text())
    assert isinstance(parsed, promql_parser.VectorSelector)
    assert [matcher.value for matcher in parsed.matchers.matchers] == [value]


def test_a_broken_expression_has_no_line_over_the_width_that_could_be_broken() -> None:
    part = p.rate(Selector("some_metric_total", (Matcher("job", "=~", "$job"),)), "5m")
    expr = p.total(p.union([p.set_label(part, "runtime", "vllm"), part, part]), "model")
    assert max(len(line) for line in expr.pretty(60).splitlines()) <= 60
    assert expr.pretty(1000) == expr.text()


@pytest.mark.real
@pytest.mark.parametrize("on", ["prometheus", "prometheus2", "victoriametrics"])
def test_the_first_of_two_labels_that_is_there_is_taken(ask: Ask, on: str) -> None:
    series = {'m{one="a",two="b"}': "1x5", 'm{two="c"}': "2x5"}
    samples = ask(series, p.first_label(Selector("m"), "one", ("one", "two")).text(), at="1m", on=on)  # type: ignore[arg-type]
    assert {sample.labels["one"]: sample.value for sample in samples} == {"a": 1, "c": 2}


@pytest.mark.real
@pytest.mark.parametrize("on", ["prometheus", "prometheus2", "victoriametrics"])
def test_a_guarded_quotient_of_nothing_is_nothing_and_not_nan(ask: Ask, on: str) -> None:
    series = {"a": "0x5", "b": "0x5"}
    assert ask(series, p.over(Selector("a"), Selector("b")).text(), at="1m", on=on) == []  # type: ignore[arg-type]


def test_numbers_are_written_as_people_write_them() -> None:
    assert [p.number(n) for n in (1.0, 0.95, 14.4, 1_000_000, 0.0001)] == ["1", "0.95", "14.4", "1000000", "0.0001"]
