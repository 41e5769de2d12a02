"""Counting what a bundle holds, for the line that tells a person what was made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from inferometer.bundle.tree import Bundle, Json, Yaml


@dataclass(frozen=True, slots=True)
class Census:
    """How much of each kind a bundle holds."""

    boards: int
    panels: int
    alerts: int
    records: int
    targets: int


def census(bundle: Bundle) -> Census:
    """Counts boards and their panels, rules by kind, and targets (each job and address once, whoever scrapes it)."""
    documents = [file.value for file in bundle.values() if isinstance(file, Json | Yaml)]
    boards = [value for value in documents if is_board(value)]
    rules = [rule for value in documents if is_rules(value) for _, rule in rules_of(value)]
    return Census(
        boards=len(boards),
        panels=sum(1 for board in boards for _ in panels_of(board)),
        alerts=sum("alert" in rule for rule in rules),
        records=sum("record" in rule for rule in rules),
        targets=len({target for value in documents for target in _targets_of(value)}),
    )


def is_board(value: object) -> bool:
    """Whether a document is a Grafana dashboard."""
    return isinstance(value, dict) and isinstance(value.get("panels"), list) and "schemaVersion" in value


def is_rules(value: object) -> bool:
    """Whether a document is a file of rules, in the format that Prometheus and vmalert share."""
    groups = _items(value, "groups")
    return bool(groups) and all("name" in group and "rules" in group for group in groups)


def panels_of(board: object) -> Iterator[dict[str, object]]:
    """The panels of a dashboard in order, with those inside collapsed rows and without the rows themselves."""
    for panel in _items(board, "panels"):
        if panel.get("type") != "row":
            yield panel
        yield from panels_of(panel)


def rules_of(value: object) -> Iterator[tuple[str, dict[str, object]]]:
    """The rules of a file in order, each with its group's name."""
    for group in _items(value, "groups"):
        for rule in _items(group, "rules"):
            yield str(group.get("name", "")), rule


def _targets_of(value: object) -> Iterator[tuple[str, str]]:
    for job in _items(value, "scrape_configs"):
        for static in _items(job, "static_configs"):
            targets = static.get("targets")
            for target in targets if isinstance(targets, list) else []:
                yield str(job.get("job_name")), str(target)


def _items(value: object, key: str) -> list[dict[str, object]]:
    items = value.get(key) if isinstance(value, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
