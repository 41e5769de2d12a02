"""Careful access to JSON from servers: what is missing, null or of another type is not known, and never an error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec

Object: TypeAlias = dict[str, Any]

# More than any fleet has: a server cannot fill our memory.
MAX_ITEMS = 2000
MAX_TEXT = 256
_LARGEST = 2.0**63


def decoded(body: bytes) -> Object | None:
    """The JSON object of a body, None where it is none."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def part(whole: Object, key: str) -> Object:
    value = whole.get(key)
    return value if isinstance(value, dict) else {}


def parts(whole: Object, key: str) -> Iterator[Object]:
    """The objects of a list, or of an object's values."""
    value = whole.get(key)
    several = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return (one for one in several[:MAX_ITEMS] if isinstance(one, dict))


def text(whole: Object, key: str) -> str:
    """One line of at most MAX_TEXT characters, each of them printable."""
    value = whole.get(key)
    if not isinstance(value, str):
        return ""
    line = value[:MAX_TEXT]
    return line if line.isprintable() else "".join(sign if sign.isprintable() else "?" for sign in line)


def number(whole: Object, key: str) -> float | None:
    """A number that is neither negative nor absurd; NaN and infinity are no numbers."""
    value = whole.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value < _LARGEST else None


def count(whole: Object, key: str) -> int | None:
    value = number(whole, key)
    return None if value is None else int(value)
