"""The JSON Schema for editors says of a spec what the loader says, as far as a schema can."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from inferometer.spec import schema, schema_text
from tests.unit.spec.marked import problems_of

SPECS = Path(__file__).parents[2] / "fixtures" / "specs"
SCHEMA = schema()
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "number": (int, float), "integer": (int,),
    "boolean": (bool,), "null": (type(None),),
}  # fmt: skip
# What this test's small validator knows; another word in the schema fails the test below.
KEYWORDS = {
    "$ref", "$defs", "$schema", "additionalProperties", "anyOf", "default", "description", "enum", "examples",
    "exclusiveMinimum", "items", "maximum", "minItems", "minLength", "minProperties", "minimum", "oneOf", "pattern",
    "properties", "propertyNames", "required", "title", "type",
}  # fmt: skip


def faults(value: Any, rule: Any, at: str = "") -> Iterator[str]:
    """What JSON Schema 2020-12 finds wrong, for the words that our schema uses."""
    if rule is True or rule is False:
        yield from () if rule else (f"{at}: not allowed",)
        return
    if "$ref" in rule:
        yield from faults(value, SCHEMA["$defs"][rule["$ref"].removeprefix("#/$defs/")], at)
    kinds = rule.get("type", [])
    allowed = tuple(kind for name in ([kinds] if isinstance(kinds, str) else kinds) for kind in TYPES[name])
    if allowed and (not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed)):
        yield f"{at}: not {kinds}"
        return
    if "enum" in rule and value not in rule["enum"]:
        yield f"{at}: not in the list"
    for word, least in (("anyOf", 1), ("oneOf", 1)):
        fitting = sum(not list(faults(value, branch, at)) for branch in rule.get(word, []))
        if word in rule and (fitting < least or (word == "oneOf" and fitting != 1)):
            yield f"{at}: {word} fits {fitting} times"
    if isinstance(value, str):
        if "pattern" in rule and not re.search(rule["pattern"], value):
            yield f"{at}: pattern"
        if len(value) < rule.get("minLength", 0):
            yield f"{at}: too short"
    elif isinstance(value, int | float):
        low, high = rule.get("minimum", value), rule.get("maximum", value)
        if not low <= value <= high or value <= rule.get("exclusiveMinimum", value - 1):
            yield f"{at}: out of range"
    elif isinstance(value, list):
        if len(value) < rule.get("minItems", 0):
            yield f"{at}: too few"
        for index, item in enumerate(value):
            yield from faults(item, rule.get("items", True), f"{at}[{index}]")
    elif isinstance(value, dict):
        yield from (f"{at}: lacks {key}" for key in rule.get("required", []) if key not in value)
        if len(value) < rule.get("minProperties", 0):
            yield f"{at}: too few"
        for key, item in value.items():
            yield from faults(key, rule.get("propertyNames", True), f"{at}.{key}")
            known = rule.get("properties", {})
            yield from faults(item, known.get(key, rule.get("additionalProperties", True)), f"{at}.{key}")


def rules(rule: Any) -> Iterator[dict[str, Any]]:
    """Every rule inside a rule."""
    if isinstance(rule, dict):
        yield rule
        for word in ("items", "additionalProperties", "propertyNames"):
            yield from rules(rule.get(word))
        for word in ("properties", "$defs"):
            for inner in rule.get(word, {}).values():
                yield from rules(inner)
        for word in ("anyOf", "oneOf"):
            for inner in rule.get(word, []):
                yield from rules(inner)


@pytest.mark.parametrize("name", ["shortest", "host-llamacpp", "first-light"])
def test_the_schema_takes_every_spec_that_the_loader_takes(name: str) -> None:
    data = yaml.safe_load((SPECS / f"{name}.yaml").read_text(encoding="utf-8"))
    assert list(faults(data, SCHEMA)) == []


WRONG = [
    "{}",
    "fleet: {name: x}",
    "backends: [{name: a, vllm: x, adress: y}]",
    "backends: [{name: a}]",
    "backends: [{name: a, vllm: x, ollama: y}]",
    "backends: [{name: a, engine: vllm, vllm: x}]",
    "backends: [{name: a, engine: sglang, address: x}]",
    "backends: [{name: a, vllm: []}]",
    "backends: [{name: 'a b', vllm: x}]",
    "backends: [{name: a, vllm: x, record: 'yes'}]",
    "backends: [{name: a, vllm: x}]\nplatform: composed",
    "backends: [{name: a, vllm: x}]\nqueries: live",
    "backends: [{name: a, vllm: x}]\nalerts: {scale: 2}",
    "backends: [{name: a, vllm: x}]\nalerts: {X: {treshold: 2}}",
    "backends: [{name: a, vllm: x}]\nstorage: {retention: 15}",
    "backends: [{name: a, vllm: x}]\nmodels: {a: {price: {prompt_per_million: 1}}}",
    "backends: [{name: a, vllm: x}]\nalerting: {receivers: [{name: a, slack: {webhook: x}}]}",
]


@pytest.mark.parametrize("text", WRONG)
def test_the_schema_refuses_what_the_loader_refuses(text: str) -> None:
    assert list(faults(yaml.safe_load(text), SCHEMA))
    assert problems_of(text)


RIGHT = [
    "backends: [{name: a, vllm: x, version: 0.33}]",
    "backends: [{name: a, openai: [x, y]}]",
    "hosts: [{name: a, address: x}]",
    "backends: [{name: a, vllm: x}]\nmodels: {llama: }",
    "backends: [{name: a, vllm: x}]\nalerts: {X: , Y: {threshold: 5%}, Z: {threshold: 5}}",
    "backends: [{name: a, vllm: x}]\nalerting: {receivers: [{name: a, webhook: [{url: 'http://x'}]}]}",
]


@pytest.mark.parametrize("text", RIGHT)
def test_the_schema_takes_what_the_loader_takes(text: str) -> None:
    assert list(faults(yaml.safe_load(text), SCHEMA)) == []
    assert problems_of(text) == ()


def test_the_schema_uses_only_words_that_this_test_understands() -> None:
    assert {word for rule in rules(SCHEMA) for word in rule} <= KEYWORDS


def test_every_key_has_a_title_and_a_description() -> None:
    bare = [
        f"{part}.{key}"
        for part, rule in [("spec", SCHEMA), *SCHEMA["$defs"].items()]
        for key, value in rule.get("properties", {}).items()
        if not value.get("title")
        or not (value.get("description") or SCHEMA["$defs"][value["$ref"].removeprefix("#/$defs/")].get("description"))
    ]
    assert bare == []


def test_every_default_is_what_may_be_written() -> None:
    wrong = [rule for rule in rules(SCHEMA) if "default" in rule and list(faults(rule["default"], rule))]
    assert wrong == []


def test_the_schemas_text_is_the_schema_sorted_and_ends_with_a_newline() -> None:
    text = schema_text()
    assert json.loads(text) == SCHEMA
    assert text == json.dumps(SCHEMA, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
