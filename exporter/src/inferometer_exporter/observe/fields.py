"""Reads the few fields that matter out of JSON that may be wrong anywhere: a wrong field is None, others are kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import UnionType
from typing import Annotated, Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import Raw

# No request has a billion tokens. A number beyond is a fault, and a counter that took it would be lost for good.
Count = Annotated[int, msgspec.Meta(ge=0, le=10**9)]

# Of a name as clients and servers send it. Longer ones are cut.
NAME_LENGTH = 256

# What decoders raise: msgspec's errors and UnicodeDecodeError are ValueErrors, deep nesting is a RecursionError.
_FAULTS = (ValueError, RecursionError)

# Half of a surrogate pair, as lenient encoders write it; the group is what looks like one: an escaped backslash, or
# a pair. msgspec refuses all JSON that has a half, also in fields that are not read.
_HALF = re.compile(r"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}")

T = TypeVar("T", bound=msgspec.Struct)


def reader(shape: type[T]) -> Callable[[bytes], T | None]:
    """A function from JSON text to `shape`, None where the text is no JSON object. It never raises.

    `shape`'s fields are optional, and None where they are absent or of a wrong type, or Raw, which takes all. UTF-16
    and a byte order mark are read too, as servers in Python do (`json.loads` of bytes).
    """
    decode = msgspec.json.Decoder(shape).decode

    def read(data: bytes) -> T | None:
        try:
            return decode(data)
        except _FAULTS:
            return _read_mended(data, shape)

    return read


def _read_mended(data: bytes, shape: type[T]) -> T | None:
    import json

    text = data.decode(json.detect_encoding(data), "replace")
    return _members(_HALF.sub(lambda found: found[1] or r"\ufffd", text), shape)


def _members(text: str | Raw, shape: type[T]) -> T | None:
    """The object `text` with each field taken for itself."""
    try:
        members = msgspec.json.decode(text, type=dict[str, Raw])
    except _FAULTS:
        return None
    fields = (field for field in msgspec.structs.fields(shape) if field.name in members)
    values = {field.name: _value(members[field.name], field.type) for field in fields}
    return shape(**values)


def _value(text: Raw, kind: Any) -> Any:
    """One field's value, None where it is not of that kind. Structs and lists keep what is right in them."""
    try:
        return msgspec.json.decode(text, type=kind)
    except _FAULTS:
        pass
    for inner in get_args(kind) if isinstance(kind, UnionType) else (kind,):
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            return _members(text, inner)
        if get_origin(inner) is list:
            return _items(text, get_args(inner)[0])
    return None


def _items(text: Raw, kind: Any) -> list[Any] | None:
    try:
        items = msgspec.json.decode(text, type=list[Raw])
    except _FAULTS:
        return None
    return [value for item in items if (value := _value(item, kind)) is not None]
