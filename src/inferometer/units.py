"""Units: durations, shares and sizes as people and Prometheus write them, and what Grafana calls a signal's unit."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

# Prometheus's units, from large to small, in milliseconds (prometheus/common, model/time.go, ParseDuration).
_MILLISECONDS = {
    "y": 365 * 24 * 3_600_000,
    "w": 7 * 24 * 3_600_000,
    "d": 24 * 3_600_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
# Years and weeks are written only where nothing is left over: 90d reads better than 12w6d (same source, String).
_ONLY_WHOLE = ("y", "w")
# Prometheus keeps durations as nanoseconds in 64 bits.
_LONGEST = (2**63 - 1) // 1_000_000
_DURATION = re.compile("".join(f"(?:([0-9]{{1,19}}){unit})?" for unit in _MILLISECONDS))

# Powers of two, as in Prometheus's --storage.tsdb.retention.size ("1KB is 1024B").
_BYTES = {unit: 1024**power for power, unit in enumerate(("B", "KB", "MB", "GB", "TB", "PB", "EB"))}
_SIZE = re.compile(r"([0-9]{1,19})(B|KB|MB|GB|TB|PB|EB)")
_LARGEST = 2**63 - 1


def parse_duration(text: str) -> float:
    """Seconds of a duration such as `1h30m` or `500ms`: an int where they are whole. ValueError says what to write."""
    if text == "0":
        return 0
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise ValueError(f'"{text}" is not a duration: {_duration_advice(text)}')
    parts = zip(match.groups(), _MILLISECONDS.values(), strict=True)
    total = sum(int(count) * size for count, size in parts if count)
    if total > _LONGEST:
        raise ValueError(f'"{text}" is longer than Prometheus can count (292 years)')
    return _seconds(total)


def format_duration(seconds: float) -> str:
    """The duration as Prometheus prints it: 90 is `1m30s`, 86400 * 90 is `90d`, 0.5 is `500ms`.

    ValueError for what is negative, not finite, too long, or no whole number of milliseconds.
    """
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(f"{seconds} seconds is not a duration")
    rest = round(seconds * 1000)
    if rest > _LONGEST or not math.isclose(rest / 1000, seconds, rel_tol=1e-12):
        raise ValueError(f"{seconds} seconds cannot be written in whole milliseconds")
    text = ""
    for unit, size in _MILLISECONDS.items():
        if rest < size or (unit in _ONLY_WHOLE and rest % size):
            continue
        text += f"{rest // size}{unit}"
        rest %= size
    return text or "0s"


def parse_share(value: str | float) -> float:
    """A share of one from `99.9%`, `0.999` or the number: from 0 to 1. ValueError says what is expected."""
    text = value.strip() if isinstance(value, str) else repr(value)
    percent = text.endswith("%")
    try:
        number = Decimal(text.removesuffix("%").strip())
    except InvalidOperation:
        raise ValueError(f'"{text}" is not a share: write it as 99.9% or as 0.999') from None
    share = number / 100 if percent else number
    if not number.is_finite() or not 0 <= share <= 1:
        meant = f", or did you mean {number}%?" if number.is_finite() and not percent and 1 < number <= 100 else ""
        raise ValueError(f'"{text}" is not a share: it must lie between 0 and 1 (0% and 100%){meant}')
    return float(share)


def parse_size(text: str) -> int:
    """Bytes of a size such as `50GB`, in powers of 1024 as Prometheus counts them. ValueError says what is expected."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f'"{text}" is not a size: write a whole number and one of {", ".join(_BYTES)}, such as 50GB')
    size: int = int(match[1]) * _BYTES[match[2]]
    if size > _LARGEST:
        raise ValueError(f'"{text}" is larger than Prometheus can count (8 EB)')
    return size


def format_size(size: int) -> str:
    """The size with the largest unit that gives a whole number: 1073741824 is `1GB`. ValueError for a negative one."""
    if size < 0:
        raise ValueError(f"{size} is not a size")
    unit = next(unit for unit in reversed(_BYTES) if size % _BYTES[unit] == 0 and (size or unit == "B"))
    return f"{size // _BYTES[unit]}{unit}"


def _seconds(milliseconds: int) -> float:
    whole, rest = divmod(milliseconds, 1000)
    return milliseconds / 1000 if rest else whole


def _duration_advice(text: str) -> str:
    """What to write instead; where the meaning is plain, the very text."""
    match = re.fullmatch(r"\s*([0-9]{1,12}(?:\.[0-9]{1,12})?)\s*(ms|[smhdwy]?)[a-z]*\s*", text, re.IGNORECASE)
    if match is not None:
        meant = Decimal(match[1]) * _MILLISECONDS[match[2].lower() or "s"]
        if meant == meant.to_integral_value() and meant <= _LONGEST:
            return f"write {format_duration(_seconds(int(meant)))}"
    return "write whole numbers with units from large to small, such as 500ms, 1m30s or 30d"


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of a signal: its name, Grafana's id for it, and the suffix of a metric's name by Prometheus's habits."""

    name: str
    grafana: str
    prometheus_suffix: str


SECONDS = Unit("seconds", "s", "seconds")
REQUESTS_PER_SECOND = Unit("requests per second", "reqps", "")
TOKENS_PER_SECOND = Unit("tokens per second", "si: tok/s", "")
RATIO = Unit("ratio", "percentunit", "ratio")
BYTES = Unit("bytes", "bytes", "bytes")
BYTES_PER_SECOND = Unit("bytes per second", "Bps", "")
EVENTS_PER_SECOND = Unit("per second", "ops", "")
COUNT = Unit("count", "short", "")
TOKENS = Unit("tokens", "short", "tokens")


def currency(code: str) -> Unit:
    """The unit of amounts in a currency, by its ISO 4217 code, such as EUR. Grafana writes it before the amount."""
    return Unit(code, f"currency:{code} ", code.lower())
