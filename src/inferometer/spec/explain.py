"""What pydantic found wrong, in our words: the key, the reason, the nearest right word."""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Union, get_args, get_origin

from pydantic_core import ErrorDetails

from inferometer.errors import did_you_mean, nearest
from inferometer.spec.fields import Refused, kind_of
from inferometer.spec.model import Backend, Spec
from inferometer.spec.part import Part
from inferometer.spec.routing import AlertKnob, Alerts
from inferometer.spec.secrets import has_login
from inferometer.spec.short import SHORT_ENGINES
from inferometer.spec.slips import SPACE, no_list, no_mapping, tight_key
from inferometer.spec.source import Finding, Path

# Pydantic's name for an error in a mapping's key.
_KEY = "[key]"
_EXAMPLE = 'such as "ollama: http://127.0.0.1:11434"'
_WANTED = {"tuple_type": "a list", "list_type": "a list", "dict_type": "a mapping", "model_type": "a mapping"}


def explain(errors: Sequence[ErrorDetails], data: Any) -> list[Finding]:
    """The findings of a failed validation of `data`. No value is quoted that may be a secret."""
    typos = _typos(errors)
    places = {error["loc"] for error in errors}
    # A list whose entries are wrong is not empty.
    within = {place[:end] for place in places for end in range(len(place))}
    told = [error for error in errors if error["type"] != "too_short" or error["loc"] not in within]
    return [finding for error in told for finding in _explain(error, data, typos)]


def keys_of(part: type[Part]) -> list[str]:
    """The keys that a mapping of the spec may hold, as they are written."""
    keys = [field.alias or name for name, field in part.model_fields.items()]
    return [*keys, "address", *SHORT_ENGINES] if part is Backend else keys


def part_at(path: Path) -> type[Part] | None:
    """The class of the mapping at a path of the model, None where something else stands."""
    current: Any = Spec
    for step in path:
        current = _below(current, step)
    return next((kind for kind in _alternatives(current) if isinstance(kind, type) and issubclass(kind, Part)), None)


def _typos(errors: Iterable[ErrorDetails]) -> dict[Path, set[str]]:
    """For each mapping the keys that its unknown keys were meant to be: those are not missed besides."""
    meant: dict[Path, set[str]] = {}
    for error in errors:
        if error["type"] == "extra_forbidden":
            parent = part_at(error["loc"][:-1])
            key = str(error["loc"][-1])
            word = (tight_key(key, keys_of(parent)) or nearest(key, keys_of(parent))) if parent else None
            found = meant.setdefault(error["loc"][:-1], set())
            if word in SHORT_ENGINES:
                found |= {"engine", "addresses"}
            elif word:
                found.add("addresses" if word == "address" else word)
    return meant


def _explain(error: ErrorDetails, data: Any, typos: Mapping[Path, set[str]]) -> Iterator[Finding]:
    kind, path = error["type"], error["loc"]
    # A key may itself be called so.
    on_key = path[-1:] == (_KEY,) and kind != "extra_forbidden" and _value_at(data, path) is None
    path = path[:-1] if on_key else path
    refused = error.get("ctx", {}).get("error")
    if isinstance(refused, Refused):
        yield _refusal(refused, path, on_key)
    elif kind == "extra_forbidden":
        yield _unknown_key(path)
    elif kind == "missing":
        if path[-1] not in typos.get(path[:-1], ()):
            yield from _missing(path, data)
    elif kind in _WANTED:
        value = _value_at(data, path)
        hint = _shape(_WANTED[kind], value, path)
        yield Finding("IM202", path, f"{_named(path)}{_WANTED[kind]} is wanted here, not {kind_of(value)}", hint)
    elif kind == "literal_error":
        yield _wrong_word(error, path, _value_at(data, path))
    elif kind == "too_short":
        yield Finding("IM205", path, f"{_named(path)}this is empty", "at least one entry is needed")
    else:
        yield Finding("IM205", path, f"{_named(path)}{error['msg']}", on_key=on_key)


def _shape(wanted: str, value: Any, path: Path) -> str | None:
    """What to write where a list or a mapping is wanted."""
    if wanted == "a list":
        return no_list(value, part_at((*path, 0)))
    part = part_at(path)
    return no_mapping(value, part, keys_of(part) if part else ())


def _refusal(refused: Refused, path: Path, on_key: bool) -> Finding:
    full = (*path, *refused.path)
    name = "" if refused.path or on_key or part_at(path) else _named(path)
    return Finding(refused.code, full, f"{name}{refused}", refused.hint, on_key)


def _unknown_key(path: Path) -> Finding:
    parent = part_at(path[:-1])
    key = str(path[-1])
    shown = "…" if has_login(key) else key if len(key) <= 80 else f"{key[:80]}…"
    if parent is None:
        return Finding("IM201", path, f'unknown key "{shown}"', on_key=True)
    tight = tight_key(key, keys_of(parent))
    if tight is not None:
        return Finding("IM201", path, f'there is no space after "{tight}:"', SPACE, on_key=True)
    hint = did_you_mean(key, keys_of(parent))
    return Finding("IM201", path, f'unknown key "{shown}" in {parent.noun}', hint, on_key=True)


def _missing(path: Path, data: Any) -> Iterator[Finding]:
    parent = part_at(path[:-1])
    noun = parent.noun if parent else "this"
    if parent is Backend and path[-1] == "addresses":
        around = _value_at(data, path[:-1])
        if isinstance(around, dict) and around.get("engine") is not None:
            yield Finding("IM203", path, f'{noun} needs "address"', "such as address: http://10.0.0.1:8000")
    elif parent is Backend and path[-1] == "engine":
        yield Finding("IM203", path, f"{noun} needs an engine and its address", _EXAMPLE)
    else:
        yield Finding("IM203", path, f'{noun} needs "{path[-1]}"')


def _wrong_word(error: ErrorDetails, path: Path, value: Any) -> Finding:
    choices = re.findall("'([^']*)'", str(error.get("ctx", {}).get("expected", "")))
    if not isinstance(value, str):
        message = f"{_named(path)}text is wanted here, not {kind_of(value)}"
        return Finding("IM202", path, message, did_you_mean("", choices))
    shown = value if len(value) <= 80 and value.isprintable() else "this"
    return Finding("IM204", path, f'{_named(path)}"{shown}" is not allowed here', did_you_mean(value, choices))


def _named(path: Path) -> str:
    """The key that a message speaks of, and a colon."""
    key = next((step for step in reversed(path) if isinstance(step, str)), None)
    return f"{key}: " if key else ""


def _value_at(data: Any, path: Path) -> Any:
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            if step != 0:
                return None
    return data


def _below(current: Any, step: str | int) -> Any:
    """The type of what stands under a key or an index."""
    for inner in _alternatives(current):
        if isinstance(inner, type) and issubclass(inner, Part):
            field = next((f for name, f in inner.model_fields.items() if (f.alias or name) == step), None)
            return field.annotation if field else AlertKnob if inner is Alerts else None
        if get_origin(inner) is tuple:
            return get_args(inner)[0]
        if get_origin(inner) is dict:
            return get_args(inner)[1]
    return None


def _alternatives(current: Any) -> Iterator[Any]:
    """The types that an annotation stands for, without Annotated and None."""
    if hasattr(current, "__metadata__"):
        yield from _alternatives(get_args(current)[0])
    elif get_origin(current) in (Union, types.UnionType):
        for inner in get_args(current):
            yield from _alternatives(inner)
    elif current is not type(None):
        yield current
