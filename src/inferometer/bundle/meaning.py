"""What a change to a board or to a file of rules means: the panels, alerts and records that came, went or changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath

import yaml

from inferometer.bundle.census import is_board, is_rules, panels_of, rules_of

Parts = Mapping[str, Mapping[str, object]]


def meaning(path: str, before: bytes, after: bytes) -> list[str]:
    """Lines such as `alert BackendDown: expr, for`; empty for a file that is neither a board nor rules on both sides,
    and for a change that touches none of their parts."""
    old, new = _parse(path, before), _parse(path, after)
    if is_board(old) and is_board(new):
        return [*_changed("", {"board": _without_panels(old)}, {"board": _without_panels(new)}, _keys),
                *_changed("panel ", _panels(old), _panels(new), _panel_keys)]  # fmt: skip
    if is_rules(old) and is_rules(new):
        return _changed("", _rules(old), _rules(new), _keys)
    return []


def _parse(path: str, content: bytes) -> object:
    try:
        match PurePosixPath(path).suffix:
            case ".json":
                return json.loads(content)
            case ".yaml" | ".yml":
                return yaml.load(content, Loader=yaml.CSafeLoader)
    except (ValueError, yaml.YAMLError):
        pass  # Edited by hand into something else: the lines of the diff say it.
    return None


def _changed(
    kind: str, old: Parts, new: Parts, what: Callable[[Mapping[str, object], Mapping[str, object]], list[str]]
) -> list[str]:
    lines = []
    for name in [*new, *(name for name in old if name not in new)]:
        if name not in old:
            lines.append(f"+ {kind}{name}")
        elif name not in new:
            lines.append(f"- {kind}{name}")
        elif old[name] != new[name]:
            lines.append(f"~ {kind}{name}: {', '.join(what(old[name], new[name]))}")
    return lines


def _panels(board: object) -> dict[str, Mapping[str, object]]:
    return _numbered((f'"{panel.get("title", "")}"', panel) for panel in panels_of(board))


def _rules(value: object) -> dict[str, Mapping[str, object]]:
    return _numbered(
        (f"alert {rule['alert']}" if "alert" in rule else f"record {rule.get('record', '')}", rule | {"group": group})
        for group, rule in rules_of(value)
    )


def _numbered(parts: Iterable[tuple[str, Mapping[str, object]]]) -> dict[str, Mapping[str, object]]:
    """Parts by name; the second of one name is `name (2)`."""
    named: dict[str, Mapping[str, object]] = {}
    for name, part in parts:
        number = 1
        while (unique := name if number == 1 else f"{name} ({number})") in named:
            number += 1
        named[unique] = part
    return named


def _keys(old: Mapping[str, object], new: Mapping[str, object], prefix: str = "") -> list[str]:
    """The keys whose values differ, in the new order, with one level of mappings opened (`labels.severity`)."""
    keys = []
    for key in [*new, *(key for key in old if key not in new)]:
        one, other = old.get(key), new.get(key)
        if isinstance(one, dict) and isinstance(other, dict) and not prefix:
            keys += _keys(one, other, f"{key}.")
        elif one != other:
            keys.append(prefix + key)
    return keys


def _panel_keys(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    words = {"targets": "queries", "gridPos": "place", "description": "text", "fieldConfig": "fields"}
    return list(dict.fromkeys(words.get(key.partition(".")[0], key.partition(".")[0]) for key in _keys(old, new)))


def _without_panels(board: object) -> dict[str, object]:
    return {key: value for key, value in board.items() if key != "panels"} if isinstance(board, dict) else {}
