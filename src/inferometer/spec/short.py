"""Short forms, written out: `ollama: http://…` for an engine and its addresses, `address:` for a list of one."""

from __future__ import annotations

from typing import Any

from inferometer.errors import listed
from inferometer.spec.engines import ENGINES, LATER_ENGINES
from inferometer.spec.nodes import MappingNode, Node, ScalarNode
from inferometer.spec.source import Finding, Path

# Keys of a backend that stand for "engine" and "addresses" at once.
SHORT_ENGINES = (*ENGINES, *LATER_ENGINES)


def plain(node: Node) -> Any:
    """The tree as dicts and lists of scalars (`Plain` where they are no text)."""
    if isinstance(node, ScalarNode):
        return node.value
    if isinstance(node, MappingNode):
        return {key: plain(value) for key, value in node.entries.items()}
    return [plain(item) for item in node.items]


def expand(data: Any) -> tuple[dict[Path, Path], list[Finding]]:
    """Writes the short forms in `data` out, in place; returns where its values stood, and what excludes one another."""
    moved: dict[Path, Path] = {}
    findings: list[Finding] = []
    backends = data.get("backends")
    for index, backend in enumerate(backends if isinstance(backends, list) else ()):
        if isinstance(backend, dict):
            _expand_backend(backend, ("backends", index), moved, findings)
    return moved, findings


def _expand_backend(backend: dict[str, Any], path: Path, moved: dict[Path, Path], findings: list[Finding]) -> None:
    ways = [key for key in ("addresses", "address", *SHORT_ENGINES) if backend.get(key) is not None]
    for way in ("address", *SHORT_ENGINES):
        if way not in ways:
            backend.pop(way, None)
    short = [key for key in ways if key in SHORT_ENGINES]
    if len(ways) > 1:
        names = listed((f'"{way}"' for way in ways), "and")
        message = f"a backend's addresses stand in one place, not in {names}"
        findings.append(Finding("IM208", (*path, ways[1]), message, "keep one of them", on_key=True))
    elif short and backend.get("engine") is not None:
        message = f'"{short[0]}" names the engine already'
        hint = 'leave "engine" out, or write "address"'
        findings.append(Finding("IM208", (*path, "engine"), message, hint, on_key=True))
    for way in reversed(ways):
        value = backend.pop(way)
        backend["addresses"] = value if isinstance(value, list) else [value]
        moved[(*path, "addresses")] = (*path, way)
        if way in SHORT_ENGINES and backend.get("engine") is None:
            backend["engine"] = way
            moved[(*path, "engine")] = (*path, way)
