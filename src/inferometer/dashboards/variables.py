"""The variables at the top of a board: the datasource, and what the viewer narrows the board to."""

from __future__ import annotations

from collections.abc import Sequence

from inferometer.dashboards.grafana import DATASOURCE, Variable
from inferometer.dashboards.look import Json

ALPHABETICAL = 1
ON_LOAD = 1
ON_TIME_RANGE = 2
"""Asked again when the time range changes, so that a backend that is gone can still be chosen for last week."""

SHOWN = 0
HIDDEN = 2

ALL: Json = {"selected": True, "text": ["All"], "value": ["$__all"]}


def datasource() -> Variable:
    """Which Prometheus the board asks. Grafana takes its default one, so an imported board needs no uid of ours."""
    return Variable(
        "datasource",
        label="Data source",
        type="datasource",
        query="prometheus",
        refresh=ON_LOAD,
        hide=SHOWN,
        regex="",
        current={},
    )


def label_values(
    name: str, title: str, selector: str, label: str, *, all_value: str | None = ".+", hide: bool = False
) -> Variable:
    """The values of `label` on the series that `selector` names; several may be chosen, and "All".

    `all_value` is the regular expression behind "All". `.+` suits a label that every series on the board has; None lets
    Grafana list the values one by one.
    """
    return _query(name, title, f"label_values({selector}, {label})", "", all_value, hide)


def query_result(
    name: str,
    title: str,
    expr: str,
    label: str,
    *,
    text_label: str | None = None,
    all_value: str | None = ".+",
    hide: bool = False,
) -> Variable:
    """The values of `label` in the answer of `expr`: the way to list a label over several engines at once.

    The viewer reads `text_label` where one is given. The flag g makes Grafana look for both names wherever they stand
    (Grafana's manual, "Filter variables with regex", named capture groups).
    """
    return _query(name, title, f"query_result({expr})", _cut(label, text_label), all_value, hide)


def _cut(label: str, text_label: str | None) -> str:
    shown = "" if text_label is None else rf'\b{text_label}="(?<text>[^"]+)|'
    return rf'/{shown}\b{label}="(?<value>[^"]+)/g'


def _query(name: str, title: str, query: str, regex: str, all_value: str | None, hide: bool) -> Variable:
    return Variable(
        name,
        label=title,
        type="query",
        dataSource=DATASOURCE,
        query={"query": query, "refId": name},
        regex=regex,
        refresh=ON_TIME_RANGE,
        sort=ALPHABETICAL,
        multi=True,
        includeAll=True,
        allValue=all_value,
        hide=HIDDEN if hide else SHOWN,
        current=ALL,
        extra={"definition": query},
    )


def custom(name: str, title: str, values: Sequence[str], *, hide: bool = False) -> Variable:
    """A choice among fixed values; the first one to begin with.

    Raises ValueError for no value, and for one with a comma, which separates them in Grafana.
    """
    if not values or any("," in value for value in values):
        raise ValueError(f"variable {name!r} needs values, none of them with a comma: {list(values)}")
    options = [{"selected": index == 0, "text": value, "value": value} for index, value in enumerate(values)]
    return Variable(
        name,
        label=title,
        type="custom",
        query=",".join(values),
        options=options,
        hide=HIDDEN if hide else SHOWN,
        current=options[0],
    )


def constant(name: str, value: str) -> Variable:
    """A value that the board's queries and links share and the viewer does not see."""
    return Variable(
        name, type="constant", query=value, hide=HIDDEN, current={"selected": True, "text": value, "value": value}
    )
