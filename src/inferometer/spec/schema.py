"""The JSON Schema of a spec, for editors: completion, descriptions, and red lines before anything is run."""

from __future__ import annotations

import json
from typing import Any

from inferometer.spec.engines import ENGINES
from inferometer.spec.model import Spec
from inferometer.spec.routing import AlertKnob, Alerts, Receiver
from inferometer.units import format_duration

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_ADDRESS = {"type": "string", "examples": ["http://127.0.0.1:11434", "10.0.0.1:8000"]}
_ADDRESSES = {"oneOf": [_ADDRESS, {"type": "array", "items": _ADDRESS, "minItems": 1}]}


def schema() -> dict[str, Any]:
    """The schema, draft 2020-12, with the short forms that the loader understands."""
    made = Spec.model_json_schema(by_alias=True)
    parts: dict[str, Any] = made.pop("$defs")
    for part in parts.values():
        _tidy(part)
    _tidy(made)
    _short_backend(parts["Backend"])
    for way in ("slack", "email", "pagerduty", "webhook"):
        several = parts[Receiver.__name__]["properties"][way]
        item = several.pop("items")
        several["oneOf"] = [item, {"type": several.pop("type"), "items": item}]
    parts[Alerts.__name__]["additionalProperties"] = _nullable(f"#/$defs/{AlertKnob.__name__}")
    made["properties"]["models"]["additionalProperties"] = _nullable("#/$defs/Model")
    return {
        "$schema": _DRAFT,
        **made,
        "title": "The spec of Inferometer: one file that describes an LLM fleet",
        "anyOf": [{"required": ["backends"]}, {"required": ["hosts"]}],
        "examples": [{"backends": [{"name": "box", "ollama": "http://127.0.0.1:11434"}]}],
        "$defs": parts,
    }


def schema_text() -> str:
    """The schema as the file that is committed: sorted keys, a newline at the end."""
    return json.dumps(schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _short_backend(backend: dict[str, Any]) -> None:
    """An engine's name as a key stands for engine and addresses, `address` for a list of one."""
    properties = backend["properties"]
    for engine in ENGINES.values():
        about = f"A short form: the addresses of {engine.title}, one or a list."
        properties[engine.name] = {"title": engine.title, "description": about, **_ADDRESSES}
    properties["address"] = {"title": "Address", "description": "Where it listens.", **_ADDRESSES}
    properties["addresses"] = {"title": "Addresses", "description": "Where its replicas listen.", **_ADDRESSES}
    backend["required"] = ["name"]
    backend["oneOf"] = [
        *({"required": ["engine", key]} for key in ("address", "addresses")),
        *({"required": [name], "properties": {"engine": False}} for name in ENGINES),
    ]


def _tidy(part: dict[str, Any]) -> None:
    """A key with nothing after it counts as left out: a default of null says no more than no default."""
    for name, value in part.get("properties", {}).items():
        default = value.get("default")
        if default is None:
            value.pop("default", None)
        elif value.get("type") == "string" and isinstance(default, int | float):
            value["default"] = format_duration(default)
        # Pydantic wraps what may be null; that a key may have nothing after it need not be said of some keys only.
        plain = [kind for kind in value.pop("anyOf", []) if kind != {"type": "null"}]
        if len(plain) == 1:
            value.update(plain[0])
        value.setdefault("title", name.replace("_", " ").capitalize())


def _nullable(reference: str) -> dict[str, Any]:
    return {"anyOf": [{"$ref": reference}, {"type": "null"}]}
