"""Checks of dashboards."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from inferometer.lint.finding import Finding, syntax_fault
from inferometer.names import DASHBOARDS

Board = Mapping[str, Any]

# `kubectl apply` keeps a copy in an annotation, which may hold 262,144 bytes.
LARGEST = 200_000
WORDLESS = ("row", "text")


def is_board(value: object, path: str) -> TypeGuard[Board]:
    return path.startswith(f"{DASHBOARDS}/") and path.endswith(".json") and isinstance(value, Mapping)


def panels(board: Board) -> Iterator[Board]:
    """Every panel, those inside collapsed rows too."""
    for panel in board.get("panels", ()):
        yield panel
        yield from panel.get("panels") or ()


def has_its_frame(path: str, board: Board) -> Iterator[Finding]:
    missing = [key for key in ("uid", "title", "description", "schemaVersion", "panels") if not board.get(key)]
    if missing:
        yield Finding("board-frame", path, "", f"the board has no {', '.join(missing)}")
    if "__inputs" in board:
        advice = "`__inputs` belongs to exports and breaks provisioning; use a datasource variable"
        yield Finding("board-frame", path, "", advice)


def panel_ids_are_unique(path: str, board: Board) -> Iterator[Finding]:
    seen = Counter(panel.get("id") for panel in panels(board))
    for panel in panels(board):
        if panel.get("id") is None or seen[panel.get("id")] > 1:
            yield Finding("panel-id", path, str(panel.get("title")), "the panel's id is missing or given twice")


def panels_explain_themselves(path: str, board: Board) -> Iterator[Finding]:
    for panel in panels(board):
        if not panel.get("title") or (panel.get("type") not in WORDLESS and not panel.get("description")):
            yield Finding("panel-words", path, str(panel.get("title")), "the panel has no title or no description")


def queries_parse(path: str, board: Board) -> Iterator[Finding]:
    for panel in panels(board):
        for target in panel.get("targets") or ():
            fault = syntax_fault(str(target.get("expr", "")))
            if fault:
                yield Finding("promql", path, str(panel.get("title")), fault)


def datasource_is_a_variable(path: str, board: Board) -> Iterator[Finding]:
    for panel in panels(board):
        for holder in (panel, *(panel.get("targets") or ())):
            source = holder.get("datasource")
            uid = source.get("uid") if isinstance(source, Mapping) else source
            if source is not None and not str(uid).startswith("$") and str(uid) != "-- Mixed --":
                fault = f"the datasource {uid!r} is fixed: elsewhere it does not exist"
                yield Finding("datasource", path, str(panel.get("title")), fault)
                break


def fits_a_config_map(path: str, board: Board) -> Iterator[Finding]:
    size = len(json.dumps(board, indent=1, ensure_ascii=False).encode())
    if size > LARGEST:
        yield Finding("board-size", path, "", f"the board has {size:,} bytes; a ConfigMap takes {LARGEST:,} safely")


def uids_are_unique(files: Mapping[str, object]) -> Iterator[Finding]:
    boards: dict[str, Board] = {path: value for path, value in files.items() if is_board(value, path)}
    for key in ("uid", "title"):
        seen = Counter(board.get(key) for board in boards.values())
        for path, board in boards.items():
            word = board.get(key)
            if word and seen[word] > 1:
                fault = f"another board has the {key} {word!r}: Grafana then refuses the whole folder"
                yield Finding("board-uid", path, "", fault)
