"""A rule with one mistake fails its cases: so the cases say something."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from inferometer.promql import Aggregate, Matcher, Number, Selector, compare
from inferometer.rules import Alert, Group, Record, groups
from tests.parts.binaries import find
from tests.unit.rules.mutants import mutants, needed, wrong
from tests.unit.rules.plans import WHOLE, lay_out, plan, quick, run

KILLED = 0.95
AN_HOUR = 3600
EVERY = 3  # of the mutants, so that the suite stays quick; each kind and each rule is still among them


def chosen(group: Group) -> list[tuple[str, Group]]:
    """Mutants of each rule of a group, one for each name, with what it needs to run."""
    first: dict[str, Alert | Record] = {}
    for rule in group.rules:
        first.setdefault(rule.name, rule)
    found = []
    for rule in first.values():
        kept = needed(group, rule)
        found += [
            (f"{rule.name}: {what}", replace(kept, rules=(*kept.rules[:-1], wrong_rule)))
            for what, wrong_rule in mutants(rule)
        ]
    return found


@pytest.mark.real
@pytest.mark.slow
def test_at_least_95_of_100_mistakes_are_caught(tmp_path: Path) -> None:
    promtool = find("promtool")
    every = [mutant for group in groups(plan(WHOLE)) for mutant in chosen(group)][::EVERY]

    def survives(numbered: tuple[int, tuple[str, Group]]) -> str | None:
        number, (what, group) = numbered
        cases = lay_out([group], tmp_path / str(number))
        return None if run(promtool, "test", "rules", *cases) else what

    with ThreadPoolExecutor(2) as pool:
        survivors = [what for what in pool.map(survives, enumerate(every)) if what]
    assert len(every) > 100
    assert len(survivors) <= (1 - KILLED) * len(every), "\n".join(survivors)


@pytest.mark.real
def test_rules_without_a_mistake_pass_the_same_way(tmp_path: Path) -> None:
    """Else every mutant would be caught for a wrong reason."""
    promtool = find("promtool")
    failed = []
    for group in groups(plan(WHOLE)):
        for rule in (rule for rule in group.rules if rule.cases):
            alone = quick([needed(group, rule)], AN_HOUR)
            cases = lay_out(alone, tmp_path / rule.name.replace(":", "_"))
            failed += [rule.name] if run(promtool, "test", "rules", *cases) else []
    assert failed == []


def test_mistakes_of_each_kind_are_made() -> None:
    expr = compare(Aggregate("sum", Selector("m", (Matcher("a", "=", "b"),)), ("c",)), ">", 20)
    assert [changed.text() for _, changed in wrong(expr)] == [
        'sum by (c) (m{a="b"}) < 20',
        'sum(m{a="b"}) > 20',
        "sum by (c) (m) > 20",
        'sum by (c) (m{a="b"}) > 18',
        'sum by (c) (m{a="b"}) > 22',
    ]


def test_no_mutant_is_the_rule_itself() -> None:
    for group in groups(plan(WHOLE)):
        for rule in group.rules:
            assert all(changed != rule for _, changed in mutants(rule))
    assert compare(Selector("m"), ">", 1).right == Number(1)
