"""The table preset: several instant queries joined on their labels, one row for each set of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from inferometer.dashboards.grafana import Query, Viz, letter
from inferometer.dashboards.look import (
    BAD,
    MUTED,
    NO_TELEMETRY,
    NOT_TOLD,
    Json,
    Thresholds,
    Words,
    override,
    plain,
    states,
)

CELLS: Mapping[str, Json] = {
    "plain": {"type": "auto"},
    "text": {"type": "color-text"},
    "status": {"type": "color-background", "mode": "basic"},
    "gauge": {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
}
Cell = Literal["plain", "text", "status", "gauge"]


@dataclass(frozen=True, slots=True)
class Label:
    """A column that shows a label of the answers; `links` lead on to the next board."""

    name: str
    title: str
    width: int | None = None
    links: tuple[Json, ...] = ()

    def properties(self) -> Json:
        return {
            "displayName": self.title,
            "noValue": NOT_TOLD,
            "custom.width": self.width,
            "links": list(self.links) or None,
        }


@dataclass(frozen=True, slots=True)
class Measure:
    """A column with the value of one instant query.

    `cell` says how: a plain value, a value in its threshold's colour (`text`), a coloured background with a word
    (`status`), or a bar up to `maximum` (`gauge`). A row without a value says "no telemetry" in red where the value is
    `expected` of every row, else a grey dash: its engine does not tell.
    """

    title: str
    expr: str
    unit: str = "short"
    cell: Cell = "plain"
    thresholds: Thresholds | None = None
    words: tuple[Words, ...] = ()
    decimals: int | None = None
    maximum: float | None = None
    width: int | None = None
    links: tuple[Json, ...] = ()
    expected: bool = False

    def properties(self) -> Json:
        missing = (NO_TELEMETRY, BAD) if self.expected else (NOT_TOLD, MUTED)
        scale: Json = {} if self.maximum is None else {"min": 0, "max": self.maximum}
        return {
            "displayName": self.title,
            "unit": self.unit,
            "custom.cellOptions": CELLS[self.cell],
            "thresholds": self.thresholds.json() if self.thresholds else None,
            "mappings": states(*self.words, missing=missing),
            "decimals": self.decimals,
            "custom.width": self.width,
            "links": list(self.links) or None,
            **scale,
        }


def table(
    title: str,
    about: str,
    columns: Sequence[Label | Measure],
    *,
    sort_by: str | None = None,
    falling: bool = False,
    width: int = 24,
    height: int = 8,
) -> Viz:
    """One row for each set of labels that the measures share, columns in the given order.

    Each measure's query must leave no label but the `Label` columns' (or fewer): Grafana joins rows whose common labels
    agree. `sort_by` is a column's title. Raises ValueError for no measure, two columns with one title, or an unknown
    `sort_by`.
    """
    measures = [column for column in columns if isinstance(column, Measure)]
    titles = [column.title for column in columns]
    if not measures:
        raise ValueError(f"table {title!r} has no measure")
    if len(set(titles)) < len(titles):
        raise ValueError(f"table {title!r} has two columns with one title: {titles}")
    if sort_by is not None and sort_by not in titles:
        raise ValueError(f"table {title!r} cannot be sorted by {sort_by!r}; its columns are {titles}")
    # Grafana calls a value after its query's letter, and just "Value" where there is one query only.
    values = [f"Value #{letter(index)}" for index in range(len(measures))] if len(measures) > 1 else ["Value"]
    unnamed = iter(values)
    fields = [column.name if isinstance(column, Label) else next(unnamed) for column in columns]
    return Viz(
        "table",
        title,
        about,
        width=width,
        height=height,
        queries=[Query(measure.expr, instant=True, shape="table") for measure in measures],
        options={
            "cellHeight": "sm",
            "showHeader": True,
            "sortBy": [] if sort_by is None else [{"displayName": sort_by, "desc": falling}],
        },
        unit="short",
        thresholds=plain(),
        field={"noValue": NO_TELEMETRY},
        custom={"align": "auto", "cellOptions": CELLS["plain"], "inspect": False, "filterable": False},
        overrides=[
            override(field, {key: value for key, value in column.properties().items() if value is not None})
            for field, column in zip(fields, columns, strict=True)
        ],
        transformations=[
            {"id": "merge", "options": {}},
            {
                "id": "organize",
                "options": {
                    "excludeByName": {"Time": True},
                    "indexByName": {field: index for index, field in enumerate(fields)},
                    "renameByName": {},
                },
            },
        ],
    )
