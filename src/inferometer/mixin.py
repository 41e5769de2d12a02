"""The mixin façade: one jsonnet file through which users of monitoring mixins import the generated boards and rules."""

from __future__ import annotations

from pathlib import PurePosixPath

from inferometer import names
from inferometer.bundle import Bundle, Json, Text, Yaml
from inferometer.bundle.census import is_board, is_rules
from inferometer.bundle.tree import HEADER

PATH = "mixin.libsonnet"

# A mixin keeps alerts and recording rules apart, our files keep those that build on each other in one group. A group of
# both becomes two, and two groups of one file may not share a name.
_SPLIT = """\
local only(kind) = [
  group {
    name: if kind == 'alert' && std.length(rules) < std.length(group.rules) then group.name + '-alerts' else group.name,
    rules: rules,
  }
  for group in groups
  for rules in [[rule for rule in group.rules if std.objectHas(rule, kind)]]
  if std.length(rules) > 0
];
"""


def facade(bundle: Bundle) -> Bundle:
    """The bundle of `mixin.libsonnet` alone, importing the boards and rules of `bundle` from their flat files.

    Its fields are those of https://monitoring.mixins.dev: `grafanaDashboards`, `prometheusAlerts`, `prometheusRules`.
    """
    boards = [path for path, value in _flat(bundle, names.DASHBOARDS, Json) if is_board(value)]
    rules = [path for path, value in _flat(bundle, names.ALERTS, Yaml) if is_rules(value)]
    imports = "".join(f"    {_quoted(PurePosixPath(path).name)}: import {_quoted(path)},\n" for path in boards)
    groups = "".join(f"  std.parseYaml(importstr {_quoted(path)}).groups,\n" for path in rules)
    header = "".join(f"// {line}\n" for line in HEADER)
    return Bundle(
        {
            PATH: Text(
                f"{header}"
                "//\n"
                "// In the files, alerts stand in one group with the recorded series that they read; here not,\n"
                "// so an alert may see a recorded value one evaluation late.\n"
                f"local groups = std.flattenArrays([\n{groups}]);\n"
                f"{_SPLIT}"
                "{\n"
                f"  grafanaDashboards+:: {{\n{imports}  }},\n"
                "  prometheusAlerts+:: { groups+: only('alert') },\n"
                "  prometheusRules+:: { groups+: only('record') },\n"
                "}\n"
            )
        }
    )


def _flat(bundle: Bundle, folder: str, kind: type[Json] | type[Yaml]) -> list[tuple[str, object]]:
    return [
        (path, file.value)
        for path, file in bundle.items()
        if isinstance(file, kind) and PurePosixPath(path).parent.as_posix() == folder
    ]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "\\'") + "'"
