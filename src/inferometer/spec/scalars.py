"""Plain scalars by YAML 1.2's core rules (`on`, `no` and 2024-01-01 are text), and what readers disagree about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

# YAML 1.2.2, chapter 10.3.2.
_NULL = re.compile(r"null|Null|NULL|~|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]{1,300}")
_OCTAL_12 = re.compile(r"0o([0-7]{1,300})")
_HEX = re.compile(r"0x([0-9a-fA-F]{1,300})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"([-+]?)\.(inf|Inf|INF)")
_NAN = re.compile(r"\.(nan|NaN|NAN)")

# What any of these can begin with: most scalars are text, and a large spec has many.
_FIRST = frozenset("0123456789+-.~nNtTfF")

# What YAML 1.1 reads as another number than YAML 1.2 (0777 is 511 or 777, 12:30:45 is 45045 or text).
_OCTAL_LOOK = re.compile(r"[-+]?0[0-9_]+")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")


@dataclass(frozen=True, slots=True)
class Plain:
    """A plain value that is no text by YAML's rules, with the text as written: where text is wanted, that is it."""

    value: bool | int | float
    text: str


Scalar: TypeAlias = str | Plain | None


def resolve(text: str) -> Scalar:
    """What a plain scalar means by YAML 1.2's core schema."""
    if text and text[0] not in _FIRST:
        return text
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return Plain(text[0] in "tT", text)
    if _INT.fullmatch(text):
        return Plain(int(text), text)
    if match := _OCTAL_12.fullmatch(text):
        return Plain(int(match[1], 8), text)
    if match := _HEX.fullmatch(text):
        return Plain(int(match[1], 16), text)
    if _FLOAT.fullmatch(text):
        return Plain(float(text), text)
    if match := _INFINITE.fullmatch(text):
        return Plain(float(f"{match[1]}inf"), text)
    if _NAN.fullmatch(text):
        return Plain(float("nan"), text)
    return text


def ambiguity(text: str) -> str | None:
    """What a plain scalar is to YAML 1.1 and not to 1.2: an octal number or a number to the base 60."""
    if _OCTAL_LOOK.fullmatch(text):
        return "an octal number"
    return "a number to the base 60" if _SEXAGESIMAL.fullmatch(text) else None
