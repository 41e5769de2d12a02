"""Checks of the finished bundle, after overlays: one check, one function, one id.

A finding is a fault in what would be written. What the generator makes by itself passes; an overlay can break a board
or a rule, and then its author is told before a file is touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from inferometer.lint import boards, rules
from inferometer.lint.finding import Finding

BOARD_CHECKS: tuple[Callable[[str, boards.Board], Iterable[Finding]], ...] = (
    boards.has_its_frame,
    boards.panel_ids_are_unique,
    boards.panels_explain_themselves,
    boards.queries_parse,
    boards.datasource_is_a_variable,
    boards.fits_a_config_map,
)
RULE_CHECKS: tuple[Callable[[str, rules.Rule], Iterable[Finding]], ...] = (
    rules.expression_parses,
    rules.alert_can_be_acted_on,
)


def lint(files: Mapping[str, object]) -> Iterator[Finding]:
    """All findings of a bundle's values (path → JSON or YAML value, or text), in the order of files and checks."""
    for path, value in files.items():
        if boards.is_board(value, path):
            for check_board in BOARD_CHECKS:
                yield from check_board(path, value)
        for rule in rules.rules(path, value):
            for check_rule in RULE_CHECKS:
                yield from check_rule(path, rule)
    yield from boards.uids_are_unique(files)


__all__ = ["Finding", "lint"]
