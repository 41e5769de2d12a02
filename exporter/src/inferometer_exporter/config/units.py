"""Durations such as `1h30m` and sizes such as `512MiB`, read and written."""

from __future__ import annotations

import re

_SECONDS = {"w": 604_800.0, "d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_BYTES = {"TiB": 2**40, "GiB": 2**30, "MiB": 2**20, "KiB": 2**10, "B": 1}
_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?")
_DURATION = re.compile(r"(?:[0-9]{1,9}(?:\.[0-9]{1,9})?(?:ms|[wdhms]))+")
_PART = re.compile(r"([0-9.]+)(ms|[wdhms])")
_SIZE = re.compile(r"([0-9]{1,15})\s?(TiB|GiB|MiB|KiB|B)?")
_DECIMAL = re.compile(r"([0-9]{1,15})\s?([TGMK])B?", re.IGNORECASE)


class NotAUnit(ValueError):
    """The text is no duration or no size; `remedy` says what to write."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


def seconds(text: str) -> float:
    """The seconds of `90`, `1.5s`, `1h30m`, `7d`. Units stand from large to small, each once. Raises NotAUnit."""
    if _NUMBER.fullmatch(text):
        return float(text)
    parts = _PART.findall(text) if _DURATION.fullmatch(text) else []
    order = [list(_SECONDS).index(unit) for _, unit in parts]
    if not parts or order != sorted(set(order)):
        raise NotAUnit("is not a duration", "write a number of seconds, or units from large to small: 15s, 1h30m, 7d")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def size(text: str) -> int:
    """The bytes of `1048576`, `512MiB`, `2GiB`. Raises NotAUnit."""
    if match := _SIZE.fullmatch(text):
        return int(match[1]) * _BYTES[match[2] or "B"]
    remedy = "write a number of bytes, or one with a unit: 512MiB, 2GiB"
    if match := _DECIMAL.fullmatch(text):
        remedy = f"write {match[1]}{match[2].upper()}iB"
    raise NotAUnit("is not a size", remedy)
