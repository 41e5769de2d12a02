"""Overlays: a user's jsonnet functions over the finished bundle, `function(bundle) bundle + {…}`, in order of name.

A bundle is an object to them: path to value, where JSON and YAML files are values and all others text. What they leave
alone keeps its bytes. They can import only what lies beside them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TypeGuard

import _jsonnet

from inferometer.bundle import Bundle, File, Json, Text, Yaml
from inferometer.bundle.tree import file_of, path_fault
from inferometer.errors import Position, Problem, SpecError

SUFFIX = ".jsonnet"

# Where jsonnet-bundler puts libraries, below the folder of the overlays.
_LIBRARIES = "vendor"
_MAIN = "<inferometer>"
_DATA = "inferometer-bundle/"

# Each file reaches jsonnet as text that is parsed when an overlay looks at it: of five ways that were measured the
# quickest (3,000 panels: 0.3 s; as code 0.9 s). Files stand in arrays because jsonnet keeps the values of those, where
# it works out an object's field again each time.
_PRELUDE = """
local kinds(bundle) = { [path]: std.type(bundle[path]) for path in std.objectFields(bundle) };
local apply(before, name, overlay) =
  if !std.isFunction(overlay) then error name + ': is not a function: write function(bundle) bundle + {…}'
  else if std.length(overlay) != 1 then error name + ': takes one argument, the bundle'
  else
    local after = overlay(before);
    if !std.isObject(after) then error name + ': returns not an object of files but ' + std.type(after)
    else
      local lost = [path for path in std.objectFields(before) if !std.objectHas(after, path)];
      if lost != [] then
        error name + ': loses ' + std.join(', ', lost) + ': return bundle + {…}, and set to null what shall go'
      else
        local paths = std.objectFields(after), files = [after[path] for path in paths];
        if std.length(std.filter(std.isFunction, files)) > 0 then
          error name + ': gives a function in the place of a file; call it'
        else { [paths[at]]: files[at] for at in std.range(0, std.length(paths) - 1) if files[at] != null };
"""

# `path:line:column-column` or `path:(line:column)-(line:column)`, as jsonnet prints them.
_PLACE = re.compile(r"(?P<file>[^\n\t]+?):\(?(?P<line>\d+):(?P<column>\d+)\)?(?:-(?P<end>\d+)|-\([\d:]+\))?")
_STATIC = re.compile(_PLACE.pattern + r":\s*(?P<message>.*)", re.DOTALL)


def apply(bundle: Bundle, folder: Path) -> Bundle:
    """The bundle after all overlays of the folder (`*.jsonnet`, by name); the same bundle when there is none.

    Raises SpecError, with the place in the overlay, for what jsonnet refuses and for what cannot be a file of the tree.
    """
    overlays = sorted(folder.glob(f"*{SUFFIX}"))
    if not overlays:
        return bundle
    values = {path: file.text if isinstance(file, Text) else file.value for path, file in bundle.items()}
    try:
        text = _jsonnet.evaluate_snippet(_MAIN, _program(values, overlays), import_callback=_importer(values, folder))
    except RuntimeError as error:
        raise SpecError([_refused(str(error), overlays)]) from None
    answer = json.loads(text)
    files, problems = _files(answer["files"], bundle)
    if problems:
        kinds: list[dict[str, str]] = answer["kinds"]
        raise SpecError(
            # To blame is the last overlay that made the file what it is.
            _problem("IM401", message, overlays[max(at for at in range(len(overlays)) if _turned(path, at, kinds))])
            for path, message in problems.items()
        )
    try:
        return Bundle(files)
    except ValueError as error:
        raise SpecError([Problem("IM401", f"{folder}: the overlays' files are no tree: {error}")]) from None


def _turned(path: str, at: int, kinds: Sequence[Mapping[str, str]]) -> bool:
    return kinds[at].get(path) != kinds[at + 1].get(path)


def _program(values: Mapping[str, object], overlays: Sequence[Path]) -> str:
    files = ",\n".join(f"std.parseJson(importstr {json.dumps(_DATA + path)})" for path in values)
    fields = ",\n".join(f"{json.dumps(path)}: files[{at}]" for at, path in enumerate(values))
    steps = [f"local files = [\n{files}\n];", f"local bundle0 = {{\n{fields}\n}};"]
    for number, overlay in enumerate(overlays):
        name = json.dumps(str(overlay))
        steps.append(f"local bundle{number + 1} = apply(bundle{number}, {name}, import {name});")
    kinds = ", ".join(f"kinds(bundle{number})" for number in range(len(overlays) + 1))
    return "\n".join([_PRELUDE, *steps, f"{{ files: bundle{len(overlays)}, kinds: [{kinds}] }}"])


def _importer(values: Mapping[str, object], folder: Path) -> Callable[[str, str], tuple[str, bytes]]:
    """Answers jsonnet's imports: the bundle's files for our own program, and for overlays what lies in their folder."""
    home = folder.resolve()

    def read(directory: str, name: str) -> tuple[str, bytes]:
        if not directory and name.startswith(_DATA):
            return name, json.dumps(values[name.removeprefix(_DATA)]).encode()
        # The overlays themselves are named by our own program with their whole path.
        beside = [Path(directory) / name] if directory else [Path(name)]
        for place in [*beside, folder / _LIBRARIES / name, folder / name]:
            if not place.resolve().is_relative_to(home):
                raise RuntimeError(f"an overlay imports only what lies in {folder}")
            if place.is_file():
                return str(place), place.read_bytes()
        raise RuntimeError(f"no such file beside it, in {folder / _LIBRARIES} or in {folder}")

    return read


def _files(values: Mapping[str, object], bundle: Bundle) -> tuple[dict[str, File], dict[str, str]]:
    """The files of the overlays' answer, and by path what cannot be one."""
    folders = {parent.as_posix() for path in bundle for parent in PurePosixPath(path).parents} - {"."}
    files: dict[str, File] = {}
    problems = {}
    for path, value in values.items():
        original = bundle.get(path)
        fault = path_fault(path)
        if fault:
            problems[path] = fault
        elif original is None and not any(parent.as_posix() in folders for parent in PurePosixPath(path).parents):
            problems[path] = f"{path!r} is in no folder of generated files ({', '.join(sorted(folders))})"
        elif isinstance(original, Json | Yaml) and isinstance(value, dict | list):
            files[path] = replace(original, value=_as_before(original.value, value))
        elif isinstance(original, Json | Yaml) or (isinstance(original, Text) and not isinstance(value, str)):
            was, word = ("text", "text") if isinstance(original, Text) else ("an object", "an object or a list")
            problems[path] = f"{path!r} was {was} and must stay {word}"
        else:
            try:
                files[path] = file_of(path, value)
            except ValueError as error:
                problems[path] = str(error)
    return files, problems


def _as_before(before: object, after: object) -> object:
    """The new value with the old one's order of keys and, where nothing changed, its very numbers.

    jsonnet sorts keys and knows one kind of number; neither may show as a change in a file.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        kept = {key: _as_before(before[key], after[key]) for key in before if key in after}
        return kept | {key: value for key, value in after.items() if key not in before}
    if isinstance(before, list | tuple) and isinstance(after, list):
        return _items_as_before(list(before), after)
    return before if _same_number(before, after) else after


def _items_as_before(before: list[object], after: list[object]) -> list[object]:
    """Items at the end pair up as long as they are equal, the others by place: one that came or went moves few."""
    shorter = min(len(before), len(after))
    moved = len(before) - len(after)
    head = tail = 0
    if moved:
        head = next((at for at in range(shorter) if not _same(before[at], after[at])), shorter)
        tail = next((at for at in range(shorter - head) if not _same(before[-1 - at], after[-1 - at])), shorter - head)
    items = []
    for at, item in enumerate(after):
        if at >= len(after) - tail:
            items.append(_as_before(before[at + moved], item))
        elif at < len(before) - tail:
            items.append(_as_before(before[at], item))
        else:
            items.append(item)
    return items


def _same(one: object, other: object) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return _same_number(one, other) or (type(one) is type(other) and one == other)


def _same_number(one: object, other: object) -> bool:
    return _is_number(one) and _is_number(other) and float(one) == float(other)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _refused(report: str, overlays: Sequence[Path]) -> Problem:
    """jsonnet's error report as a problem at the first place in a file of the user's."""
    _, _, text = report.partition(": ")
    static = _STATIC.match(text)
    if static and report.startswith("STATIC"):
        return _problem("IM401", static["message"], Path(static["file"]), static)
    message, _, trace = text.partition("\n\t")
    for overlay in overlays:
        # Our own program checks what an overlay is and returns, and names it first.
        if message.startswith(f"{overlay}: "):
            return _problem("IM401", message.removeprefix(f"{overlay}: "), overlay)
    for place in map(_PLACE.match, trace.split("\n\t")):
        if place and Path(place["file"]).is_file():
            return _problem("IM401", message, Path(place["file"]), place)
    return Problem("IM401", " ".join(message.split()))


def _problem(code: str, message: str, overlay: Path, place: re.Match[str] | None = None) -> Problem:
    line, column = (int(place["line"]), int(place["column"])) if place else (1, 1)
    length = int(place["end"]) - column if place and place["end"] else 1
    lines = overlay.read_text(encoding="utf-8", errors="replace").split("\n")
    source_line = lines[line - 1] if line <= len(lines) else None
    return Problem(code, " ".join(message.split()), Position(str(overlay), line, column), None, source_line, length)
