"""What Grafana does with a board before it asks: variables chosen ("All", as the board opens) and filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tests.parts.query_api import Sample

Json = dict[str, Any]


class Server(Protocol):
    """What answers queries: Prometheus, VictoriaMetrics, or samples loaded into one of them."""

    def query(self, expr: str) -> list[Sample]: ...


@dataclass(frozen=True, slots=True)
class Question:
    """One query of one panel, ready to be asked."""

    panel: str
    kind: str
    expr: str


def chosen(board: Json, server: Server) -> dict[str, str]:
    """The value of every variable with "All" chosen: its `allValue`, or else the regex of all that its query lists."""
    values: dict[str, str] = {}
    for variable in board["templating"]["list"]:
        if variable["type"] != "query":
            continue
        listed = options(variable, server)
        values[variable["name"]] = variable.get("allValue") or f"({'|'.join(map(_escaped, listed))})"
    return values


def options(variable: Json, server: Server) -> list[str]:
    """What the variable's menu lists, as Grafana's Prometheus datasource finds it."""
    query = fill(variable["query"]["query"], {"__range": "1h"})
    if match := re.fullmatch(r"label_values\((.+), (\w+)\)", query, re.DOTALL):
        selector, label = match.groups()
        samples = server.query(f"group by ({label}) ({selector})")
        return sorted({sample.labels[label] for sample in samples if sample.labels.get(label)})
    match = re.fullmatch(r"query_result\((.+)\)", query, re.DOTALL)
    assert match, query
    pattern = re.compile(variable["regex"].removeprefix("/").removesuffix("/g").replace("(?<", "(?P<"))
    found = [pattern.search(_printed(sample)) for sample in server.query(match[1])]
    return sorted({one["value"] for one in found if one})


def _escaped(value: str) -> str:
    """A value as Grafana's Prometheus datasource puts it into a regex within a quoted string."""
    return re.sub(r"[$^*{}\[\]'+?.()|]", r"\\\\\g<0>", value.replace("\\", "\\" * 4))


def _printed(sample: Sample) -> str:
    """The line that Grafana makes of a sample before it applies the variable's regex."""
    return "{" + ",".join(f'{name}="{value}"' for name, value in sample.labels.items()) + "}"


def questions(board: Json, variables: Mapping[str, str], scrape_seconds: int, span: str) -> Iterator[Question]:
    """Every query of every panel, those in collapsed rows too."""
    filled = {
        "__rate_interval": f"{4 * scrape_seconds}s",
        "__interval": f"{scrape_seconds}s",
        "__range": span,
        **variables,
    }
    for panel in panels(board):
        for target in panel.get("targets", ()):
            yield Question(panel["title"], panel["type"], fill(target["expr"], filled))


def fill(expr: str, variables: Mapping[str, str]) -> str:
    """The query with its variables filled in; `$1` of a label_replace is no variable. KeyError for an unknown one."""
    return re.sub(r"\$([A-Za-z_]\w*)", lambda match: variables[match[1]], expr)


def panels(board: Json) -> Iterator[Json]:
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels") or ()
