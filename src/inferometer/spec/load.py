"""Reads a spec: text to tree to model, with everything that is wrong told at once and at its place."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from inferometer.errors import Problem, SpecError
from inferometer.spec.checks import check
from inferometer.spec.explain import explain
from inferometer.spec.model import Spec
from inferometer.spec.nodes import LINE_BREAK, Fault, MappingNode, ScalarNode, Span, Unreadable, parse
from inferometer.spec.secrets import find_secrets, mask_lines
from inferometer.spec.short import expand, plain
from inferometer.spec.slips import SPACE, tight_key
from inferometer.spec.source import Finding, Path, Source, masked

__all__ = ["MAX_BYTES", "LoadedSpec", "Source", "load", "loads"]

MAX_BYTES = 10_000_000
_SHORTEST = "the shortest spec is three lines: backends:, - name: box, ollama: http://127.0.0.1:11434"
# YAML 1.2.2, chapter 5.1: what a stream may hold.
_NOT_ALLOWED = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class LoadedSpec:
    """A spec, and where its values stand in the file."""

    spec: Spec
    source: Source


def load(path: str | os.PathLike[str]) -> LoadedSpec:
    """The spec in a file. Raises SpecError with everything that is wrong."""
    file = os.fspath(path)
    try:
        with FilePath(file).open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        hint = _SHORTEST if isinstance(error, FileNotFoundError) else None
        raise SpecError([Problem("IM101", f"{file}: cannot be read: {reason}", hint=hint)]) from None
    if len(content) > MAX_BYTES:
        raise SpecError([Problem("IM102", f"{file}: larger than {MAX_BYTES // 1_000_000} MB, which no spec is")])
    try:
        return loads(content.decode("utf-8-sig"), file)
    except UnicodeDecodeError as error:
        before = LINE_BREAK.split(content[: error.start].decode("utf-8-sig"))
        source = Source(file, mask_lines([*before[:-1], before[-1]]))
        span = Span(len(before) - 1, len(before[-1]), len(before) - 1, len(before[-1]) + 1)
        raise SpecError([source.at("IM103", span, "this is not UTF-8", "save the file as UTF-8")]) from None


def loads(text: str, file: str = "fleet.yaml") -> LoadedSpec:
    """The spec in a text; `file` is what messages call it. Raises SpecError with everything that is wrong."""
    text = text.removeprefix("\ufeff")
    lines = LINE_BREAK.split(text)
    try:
        _refuse_characters(text)
        root, faults = parse(text)
    except Unreadable as error:
        raise SpecError([Source(file, mask_lines(lines)).fault(error.fault)]) from None
    if root is None or (isinstance(root, ScalarNode) and root.value is None):
        raise SpecError([Problem("IM105", f"{file}: the file is empty", hint=_SHORTEST)])
    secrets = find_secrets(root)
    # What a fault keeps out of the tree (the second of two keys, an alias of nothing) may be a secret as well.
    lines = mask_lines(lines) if faults else lines
    source = Source(file, masked(lines, (span for secret in secrets for span in secret.spans)), root)
    findings = [secret.finding for secret in secrets]
    problems = [source.fault(fault) for fault in faults]
    if not isinstance(root, MappingNode):
        tight = isinstance(root, ScalarNode) and tight_key(root.value) is not None
        hint = SPACE if tight else _SHORTEST
        whole = Finding("IM202", (), "a spec is a mapping (key: value), and this is none", hint)
        raise SpecError([source.of(finding) for finding in (*findings, whole)] + problems)
    data = plain(root)
    moved, short = expand(data)
    source = Source(file, source.lines, root, moved)
    spec, wrong = _validate(data)
    found = [*wrong, *short, *check(data)]
    problems += _problems(source, findings, found)
    if problems or spec is None:
        raise SpecError(problems)
    return LoadedSpec(spec, source)


def _validate(data: Any) -> tuple[Spec | None, list[Finding]]:
    try:
        return Spec.model_validate(data), []
    except ValidationError as error:
        return None, explain(error.errors(include_url=False, include_input=False), data)


def _problems(source: Source, secrets: Iterable[Finding], others: Iterable[Finding]) -> list[Problem]:
    """Of a value that is a secret nothing else is said: another message might quote it."""
    hidden = {finding.path for finding in secrets}
    kept = [finding for finding in others if not _touches(source.written(finding.path), hidden)]
    return [source.of(finding) for finding in (*secrets, *kept)]


def _touches(path: Path, hidden: set[Path]) -> bool:
    return any(path[:end] in hidden for end in range(len(path) + 1))


def _refuse_characters(text: str) -> None:
    found = _NOT_ALLOWED.search(text)
    if found is not None:
        before = LINE_BREAK.split(text[: found.start()])
        span = Span(len(before) - 1, len(before[-1]), len(before) - 1, len(before[-1]) + 1)
        raise Unreadable(Fault("IM103", f"YAML does not allow the character U+{ord(found[0]):04X}", span))
