"""How single values are read: text, numbers, durations, names, labels."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from inferometer_exporter.config import units
from inferometer_exporter.config.model import ENGINES
from inferometer_exporter.config.reading import Value, Wrong, nearest, shown

T = TypeVar("T")

# Labels that the exporter's own series carry, and those that a scrape gives. A backend's label of such a name would
# make a series that Prometheus refuses, or change the meaning of one.
RESERVED_LABELS = frozenset(
    (
        *("backend", "runtime", "model", "api", "reason", "tag", "kind", "label", "from_model", "to_model", "address"),
        *("node", "status", "check_id", "severity", "pressure", "vital", "version", "python", "loop"),
        *("le", "quantile", "job", "instance", "alertname", "engine", "server", "model_name", "finished_reason"),
    )
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_WHOLE = re.compile(r"0|[1-9][0-9]{0,14}")
_LONGEST = 256
_WORDS = {"true": True, "false": False}


def text(value: Value) -> str:
    said = value.text()
    if len(said) > _LONGEST:
        raise Wrong(f"is longer than {_LONGEST} characters", "shorten it")
    return said


def texts(value: Value) -> tuple[str, ...]:
    """A list of texts; one that is repeated counts once."""
    return tuple(dict.fromkeys(one for one in value.each(text) if one is not None))


def flag(value: Value) -> bool:
    scalar = value.scalar()
    word = scalar.text.lower()
    if not scalar.plain or word not in _WORDS:
        meant = "true" if word in ("on", "yes", "1", "true") else "false" if word in ("off", "no", "0", "false") else ""
        raise Wrong("is not true or false", f"write {meant or 'true or false'}")
    return _WORDS[word]


def name(value: Value) -> str:
    said = value.text()
    if not _NAME.fullmatch(said):
        remedy = "use letters, digits, _, . and -, beginning with a letter or digit, at most 63 characters"
        raise Wrong(f"{shown(said)} is not a name", remedy)
    return said


def engine(value: Value) -> str:
    said = value.text()
    if said not in ENGINES:
        meant = nearest(said, ENGINES)
        remedy = f"write {meant}" if meant else f"write one of {', '.join(ENGINES)}; openai suits any compatible API"
        raise Wrong(f"{shown(said)} is not a kind of server", remedy)
    return said


def one_of(*words: str) -> Callable[[Value], str]:
    def read(value: Value) -> str:
        said = value.text()
        if said not in words:
            raise Wrong(f"{shown(said)} is not possible here", f"write {' or '.join(words)}")
        return said

    return read


def whole(least: int, most: int) -> Callable[[Value], int]:
    def read(value: Value) -> int:
        scalar = value.scalar()
        if not scalar.plain or not _WHOLE.fullmatch(scalar.text):
            raise Wrong("is not a whole number", "write digits, without quotes and without leading zeros")
        return _within(int(scalar.text), least, most, str)

    return read


def seconds(least: float, most: float) -> Callable[[Value], float]:
    """A duration within bounds, in seconds."""

    def read(value: Value) -> float:
        return _within(_unit(value, units.seconds), least, most, lambda bound: f"{bound:g}s")

    return read


def size(least: int, most: int) -> Callable[[Value], int]:
    """A size within bounds, in bytes."""

    def read(value: Value) -> int:
        return _within(_unit(value, units.size), least, most, lambda bound: f"{bound / 2**20:g}MiB")

    return read


def _unit(value: Value, read: Callable[[str], T]) -> T:
    said = value.text()
    try:
        return read(said)
    except units.NotAUnit as error:
        raise Wrong(f"{shown(said)} {error}", error.remedy) from None


Number = TypeVar("Number", int, float)


def _within(number: Number, least: Number, most: Number, write: Callable[[Number], str]) -> Number:
    if not least <= number <= most:
        bound = f"at least {write(least)}" if number < least else f"at most {write(most)}"
        raise Wrong(f"is too {'small' if number < least else 'large'}", f"write {bound}")
    return number


def labels(value: Value) -> dict[str, str]:
    """Labels for each series of a backend, in the order of their names."""
    got = {}
    for key, said in sorted(value.entries().items()):
        result = said.attempt(partial(_label, key))
        if result is not None:
            got[key] = result
    return got


def _label(key: str, value: Value) -> str:
    if not _LABEL.fullmatch(key) or key.startswith("__"):
        remedy = "use letters, digits and _, beginning with a letter and never with two _"
        raise Wrong(f"{shown(key)} is not the name of a label", remedy)
    if key in RESERVED_LABELS:
        raise Wrong(f"{shown(key)} is a label with a meaning of its own here", "choose another name")
    return text(value)
