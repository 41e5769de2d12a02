"""A board as its picture reads: rows of panels, packed into Grafana's grid of 24 columns, with ids that stay.

`Board(...).json()` is the classic dashboard JSON.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from inferometer.dashboards.grafana import DashboardLink, RowHeader, Variable, Viz, dashboard, finish
from inferometer.dashboards.links import EDITS
from inferometer.dashboards.look import Json

Named = tuple[str, str]
"""What it is (row or panel) and its title."""

COLUMNS = 24
ID_SPACE = 10_000_000
"""Ids have at most seven digits: they stand in the address of a panel."""

MISSED_SCRAPES = 3
"""A line is drawn through a gap of at most so many scrape intervals."""


@dataclass(frozen=True, slots=True, init=False)
class Row:
    """Panels side by side under a question. A row without a title has no bar: fit for the first row only."""

    title: str
    panels: tuple[Viz, ...]
    collapsed: bool

    def __init__(self, title: str, *panels: Viz, collapsed: bool = False) -> None:
        """Raises ValueError for a row without panels, or a collapsed row without a title to click on."""
        if not panels:
            raise ValueError(f"row {title!r} has no panels")
        if collapsed and not title:
            raise ValueError("a collapsed row needs a title")
        object.__setattr__(self, "title", title)
        object.__setattr__(self, "panels", panels)
        object.__setattr__(self, "collapsed", collapsed)


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard. `interval` is the scrape interval in seconds; `refresh` and `time_from` are Grafana's spellings.

    Raises ValueError for two panels, or two rows, with one title (their ids come from titles), for an untitled row
    below the first, and for two variables with one name.
    """

    uid: str
    title: str
    description: str
    rows: Sequence[Row]
    tags: Sequence[str] = ()
    variables: Sequence[Variable] = ()
    annotations: Sequence[Json] = ()
    links: Sequence[DashboardLink] = ()
    refresh: str = "30s"
    time_from: str = "now-6h"
    interval: float = 15

    def __post_init__(self) -> None:
        if any(not row.title for row in self.rows[1:]):
            raise ValueError(f"board {self.uid}: only the first row may go without a title")
        for names in (self._titles(), [("variable", variable.name) for variable in self.variables]):
            twice = sorted({f"{kind} {name!r}" for kind, name in names if names.count((kind, name)) > 1})
            if twice:
                raise ValueError(f"board {self.uid} has more than one {', '.join(twice)}")

    def _titles(self) -> list[Named]:
        rows = [("row", row.title) for row in self.rows if row.title]
        return rows + [("panel", panel.title) for row in self.rows for panel in row.panels]

    def json(self) -> Json:
        """The dashboard as Grafana's file provisioning takes it."""
        return finish(
            dashboard(
                self.uid,
                self.title,
                self.description,
                panels=self._panels(_ids(self.uid, self._titles())),
                tags=self.tags,
                variables=self.variables,
                annotations=[EDITS, *self.annotations],
                links=self.links,
                refresh=self.refresh,
                time_from=self.time_from,
            )
        )

    def _panels(self, ids: Mapping[Named, int]) -> Iterator[Viz | RowHeader]:
        y = 0
        for row in self.rows:
            top = y + 1 if row.title else y
            placed, bottom = self._placed(row.panels, top, ids)
            if row.title:
                held = placed if row.collapsed else []
                yield RowHeader(row.title, ids["row", row.title], y, collapsed=row.collapsed, panels=held)
            if row.collapsed:
                # Grafana keeps the places of the hidden panels and moves what follows when the row opens.
                y = top
            else:
                yield from placed
                y = bottom

    def _placed(self, panels: Sequence[Viz], top: int, ids: Mapping[Named, int]) -> tuple[list[Viz], int]:
        """The panels from left to right, wrapped after 24 columns, and the first free line below them."""
        bridge_ms = round(MISSED_SCRAPES * self.interval * 1000)
        placed: list[Viz] = []
        x, y, tallest = 0, top, 0
        for panel in panels:
            if x + panel.width > COLUMNS:
                x, y, tallest = 0, y + tallest, 0
            placed.append(panel.placed(ids["panel", panel.title], x, y, bridge_ms))
            x, tallest = x + panel.width, max(tallest, panel.height)
        return placed, y + tallest


def _ids(uid: str, titles: Sequence[Named]) -> dict[Named, int]:
    """An id for each title, from the board's uid and the title alone, so that a new panel changes no other id.

    Two titles that hash alike (one board in 6,000, at 60 panels) get the next free number in the board's order.
    """
    ids: dict[Named, int] = {}
    taken: set[int] = set()
    for kind, title in titles:
        digest = hashlib.blake2b("\0".join((uid, kind, title)).encode(), digest_size=8).digest()
        number = int.from_bytes(digest) % ID_SPACE
        while number in taken or number == 0:
            number = (number + 1) % ID_SPACE
        taken.add(number)
        ids[kind, title] = number
    return ids
