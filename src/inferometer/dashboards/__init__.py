"""Boards: `write` gives every board of a plan as files."""

from __future__ import annotations

from inferometer.dashboards.engine import engine
from inferometer.dashboards.fleet import fleet
from inferometer.dashboards.hosts import hosts
from inferometer.dashboards.layout import Board
from inferometer.dashboards.model import model
from inferometer.names import DASHBOARDS, PRODUCT
from inferometer.plan import Plan


def boards(plan: Plan) -> tuple[Board, ...]:
    """All boards in the order of the menu: from the whole to the part."""
    if not plan.sources.engines:
        return (hosts(plan),)
    return (fleet(plan), model(plan), *(engine(plan, profile) for profile in plan.sources.engines))


def write(plan: Plan) -> dict[str, object]:
    """`dashboards/<board>.json` for each board."""
    return {f"{DASHBOARDS}/{board.uid.removeprefix(PRODUCT + '-')}.json": board.json() for board in boards(plan)}
