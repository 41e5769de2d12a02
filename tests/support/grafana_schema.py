"""An oracle for dashboards: Grafana's own schema, as grafana-foundation-sdk has it.

A board is read into the SDK's model and written again. What the model does not know is lost on the way, so each lost or
changed value is a violation. The SDK keeps any string where the schema wants one of a few words, so the model's values
are held against their declared types too. Values that the SDK adds (defaults) are none of the board's faults.
"""

from __future__ import annotations

import enum
import functools
import json
import types
import typing
import warnings
from collections.abc import Hashable
from typing import Any

with warnings.catch_warnings():
    # The SDK advises schema v2 on import, which file provisioning refuses.
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.cog import encoder, plugins, runtime
    from grafana_foundation_sdk.models import dashboard as schema

plugins.register_default_plugins()

Json = dict[str, Any]

TRANSFORMATIONS = {
    "merge": frozenset[str](),
    "organize": frozenset({"excludeByName", "includeByName", "indexByName", "renameByName"}),
}
"""The SDK leaves these options open; they are those of grafana-data, transformations/transformers."""


def violations(board: Json) -> list[str]:
    """One line for each path of `board` that the schema does not know, or whose value it does not allow."""
    frame = {key: value for key, value in board.items() if key != "panels"}
    found = _round_trip(schema.Dashboard, frame, "")
    for index, panel in enumerate(board.get("panels", ())):
        found += _panel(panel, f"panels[{index}]")
    return found


def _panel(panel: Json, path: str) -> list[str]:
    if panel.get("type") == "row":
        bar = {key: value for key, value in panel.items() if key != "panels"}
        held = (_panel(child, f"{path}.panels[{i}]") for i, child in enumerate(panel.get("panels", ())))
        return _round_trip(schema.RowPanel, bar, path) + [line for lines in held for line in lines]
    kind = panel.get("type", "")
    config = runtime.panelcfg_config(kind)
    if config is None:
        return [*_round_trip(schema.Panel, panel, path), f"{path}.type: no panel is called {kind!r}"]
    found = _round_trip(schema.Panel, panel, path)
    field = panel.get("fieldConfig", {})
    if config.field_config_from_json_hook is None and field.get("defaults", {}).get("custom"):
        found.append(f"{path}.fieldConfig.defaults.custom: a {kind} panel has none")
    for index, override in enumerate(field.get("overrides", ())):
        where = f"{path}.fieldConfig.overrides[{index}]"
        found += _override(override.get("properties", ()), config.field_config_from_json_hook, where)
    for index, step in enumerate(panel.get("transformations", ())):
        known = TRANSFORMATIONS.get(step.get("id"))
        wrong = [step.get("id")] if known is None else sorted(step.get("options", {}).keys() - known)
        found += [f"{path}.transformations[{index}]: {name!r} is unknown" for name in wrong]
    return found


def _override(properties: list[Json], custom_hook: Any, path: str) -> list[str]:
    """The properties as if they were defaults: the schema leaves an override's ids and values open."""
    found = []
    for item in properties:
        name, value = item["id"], item.get("value")
        own = name.removeprefix("custom.")
        if own == name:
            found += _round_trip(schema.FieldConfig, {name: value}, path)
        elif custom_hook is None:
            found.append(f"{path}.{name}: this panel has no custom fields")
        else:
            found += _round_trip(custom_hook, {own: value}, f"{path}.custom")
    return found


def _round_trip(reader: Any, data: Json, path: str) -> list[str]:
    """`reader` is a model of the SDK, or a function that reads one."""
    try:
        model = getattr(reader, "from_json", reader)(_without_nulls(data))
        back = json.loads(json.dumps(model, cls=encoder.JSONEncoder))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return [f"{path or 'board'}: cannot be read ({type(error).__name__}: {error})"]
    return _lost(data, back, path) + _mistyped(model, type(model), path)


def _without_nulls(node: Any) -> Any:
    """The SDK cannot read nulls. The one that must be there is a threshold's, which means minus infinity."""
    if isinstance(node, dict):
        step = node.keys() == {"color", "value"}
        return {key: _without_nulls(value) for key, value in node.items() if value is not None or step}
    return [_without_nulls(value) for value in node] if isinstance(node, list) else node


def _lost(sent: Any, back: Any, path: str) -> list[str]:
    if isinstance(sent, dict) and isinstance(back, dict):
        found = []
        for key, value in sent.items():
            where = f"{path}.{key}" if path else key
            reason = "null is lost" if value is None else "the schema has no such key"
            found += _lost(value, back[key], where) if key in back else [f"{where}: {reason}"]
        return found
    if isinstance(sent, list) and isinstance(back, list) and len(sent) == len(back):
        return [line for i, pair in enumerate(zip(sent, back, strict=True)) for line in _lost(*pair, f"{path}[{i}]")]
    return [] if type(sent) is type(back) and sent == back else [f"{path}: {sent!r} came back as {back!r}"]


@functools.cache
def _hints(model: Hashable) -> dict[str, Any]:
    return typing.get_type_hints(model)


def _mistyped(value: Any, hint: Any, path: str) -> list[str]:
    """What in `value`, a model or a part of one, is not of its declared type."""
    if isinstance(value, runtime.UnknownDataquery):
        return [f"{path}: a query of no known datasource"]
    if hasattr(value, "to_json"):
        known = _hints(typing.cast(Hashable, type(value)))
        return [
            line for key, part in vars(value).items() for line in _mistyped(part, known.get(key, Any), f"{path}.{key}")
        ]
    origin, arms = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        attempts = [_mistyped(value, arm, path) for arm in arms]
        return min(attempts, key=len)
    if origin is list and isinstance(value, list):
        return [line for i, part in enumerate(value) for line in _mistyped(part, arms[0], f"{path}[{i}]")]
    if origin is dict and isinstance(value, dict):
        return [line for key, part in value.items() for line in _mistyped(part, arms[1], f"{path}.{key}")]
    if origin is None and isinstance(value, dict) and hasattr(hint, "from_json"):
        return _round_trip(hint, value, path)
    return [] if _fits(value, hint, origin, arms) else [f"{path}: {value!r} is not {getattr(hint, '__name__', hint)}"]


def _fits(value: Any, hint: Any, origin: Any, arms: tuple[Any, ...]) -> bool:
    if hint in (Any, object):
        return True
    if origin is typing.Literal:
        return value in arms
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return value in [member.value for member in hint]
    if hint in (int, float):
        return isinstance(value, (int, hint)) and not isinstance(value, bool)
    return isinstance(hint, type) and isinstance(value, hint)
