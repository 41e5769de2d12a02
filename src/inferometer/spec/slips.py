"""The commonest slips of the hand, and what to write instead: a hint that a person can copy."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from inferometer.spec.address import parse_address
from inferometer.spec.engines import ENGINES
from inferometer.spec.model import Backend, Exporter, Fleet, Host, Model, Slo, Storage
from inferometer.spec.part import Part, RemoteWrite
from inferometer.spec.routing import AlertKnob, Receiver, Route
from inferometer.spec.scalars import Plain

SPACE = "put a space after the colon"

# The key that a single value in place of a section is most likely meant for.
_MEANT: dict[type[Part], str] = {Fleet: "name", Storage: "kind", Exporter: "address", Model: "owner"}
# What an entry of a list begins with.
_ENTRIES: dict[type[Part], str] = {
    Backend: "- name: …",
    Host: "- name: …",
    Slo: "- name: …",
    Receiver: "- name: …",
    Route: "- match: …",
    RemoteWrite: "- url: …",
}
_OFF = ("false", "off", "no")
_ON = ("true", "on", "yes")
_LIMIT = re.compile(r"[0-9][0-9.]{0,15}\s?(?:%|ms|[smhd])?")
_WORD = re.compile(r"[A-Za-z0-9_.:/\[\]-]{1,60}")
_TIGHT = re.compile(r"(?P<key>[A-Za-z_]+):(?!//)\S.*", re.DOTALL)


def tight_key(text: object, keys: Iterable[str] | None = None) -> str | None:
    """The key of `key:value`, written without a space after the colon; one of `keys` if they are given."""
    match = _TIGHT.fullmatch(text) if isinstance(text, str) else None
    return match["key"] if match and (keys is None or match["key"] in keys) else None


def no_list(value: Any, part: type[Part] | None) -> str | None:
    """What to write where a list of `part` is wanted (None: a list of texts) and `value` stands."""
    if isinstance(value, dict):
        return f'write a list: each entry begins with "{_ENTRIES.get(part, "- …") if part else "- …"}"'
    if part is None:
        return "write it in brackets: [a, b]" if isinstance(value, str) else None
    return f'write a list: "- {_whole(value, part)}"' if part in _ENTRIES else None


def no_mapping(value: Any, part: type[Part] | None, keys: Iterable[str]) -> str | None:
    """What to write where the mapping `part` is wanted and a single value stands."""
    text = _text(value)
    if text is None or part is None:
        return None
    if tight_key(text, keys):
        return SPACE
    if part is AlertKnob and text.lower() in (*_OFF, *_ON):
        return f"write {{enabled: {'false' if text.lower() in _OFF else 'true'}}}"
    if part is AlertKnob and _LIMIT.fullmatch(text):
        return f"write {{threshold: {text}}}"
    return f"write {_whole(value, part)}" if part in _MEANT or part in (Backend, Host) else None


def _whole(value: Any, part: type[Part]) -> str:
    """The mapping that a single value stands for."""
    text = _text(value) or ""
    shown = text if _WORD.fullmatch(text) else "…"
    if part in _MEANT:
        return f"{{{_MEANT[part]}: {shown}}}"
    where = shown if _is_address(shown) else "…"
    if part is Host:
        return f"{{name: …, address: {where}}}"
    return f"{{name: …, {next(iter(ENGINES))}: {where}}}" if part is Backend else _ENTRIES[part].removeprefix("- ")


def _text(value: Any) -> str | None:
    return value.text if isinstance(value, Plain) else value if isinstance(value, str) else None


def _is_address(text: str) -> bool:
    try:
        return bool(parse_address(text).host)
    except ValueError:
        return False
