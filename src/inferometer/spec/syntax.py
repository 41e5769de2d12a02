"""What the YAML reader complains of, in words that lead to the slip: often it stands above the place that it names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

# A key at the beginning of a line, and its value right behind the colon.
_TIGHT = re.compile(r"\s*(?:- +)*[\"']?(?P<key>[A-Za-z_]+)[\"']?(?P<colon>:)(?!//)[^\s:]")
# Inside brackets: quoted text where a value may begin, comments, and brackets.
_TOKEN = re.compile(r"""(?<![^\s,:\[{])(?:"(?:\\.|[^"\\])*"|'(?:''|[^'])*')|(?<!\S)\#.*|[\[\]{}]""")
# Outside, a bracket opens something only where a value begins; anywhere else it is text.
_OPENS = re.compile(r"(?:^|[:?-]\s)\s*$")
_CLOSING = {"[": "]", "{": "}"}
_FLOW = "while parsing a flow"


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong, at a line and column that count from 0."""

    message: str
    line: int = 0
    column: int = 0
    hint: str | None = None


def complaint(error: yaml.MarkedYAMLError, lines: Sequence[str]) -> Complaint:
    """What to say of an error of PyYAML's reader in these lines. Nothing of the lines but a key is repeated."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Complaint("not valid YAML")
    message = " ".join(part for part in (error.context, error.problem) if part)
    if message.startswith(_FLOW) and (unclosed := _unclosed(error, lines)):
        return unclosed
    if "could not find expected ':'" in message or "mapping values are not allowed" in message:
        near = {error.context_mark.line if error.context_mark else mark.line, mark.line, _above(mark.line, lines)}
        for number in sorted(number for number in near if 0 <= number < len(lines)):
            if match := _TIGHT.match(lines[number]):
                text = f'there is no space after "{match["key"]}:"'
                return Complaint(text, number, match.start("colon"), "put a space after the colon")
    hint = None
    if "cannot start any token" in message:
        if lines[mark.line][mark.column : mark.column + 1] == "\t":
            message, hint = "a tab where the indentation must be of spaces", "indent with spaces"
        else:
            hint = "quote text that begins with a sign such as @, % or `"
    elif message.startswith(("while scanning an alias", "while scanning an anchor", "while scanning a tag")):
        hint = "text that begins with *, & or ! must be quoted"
    elif "mapping values are not allowed" in message:
        hint = "a colon and a space inside text need quotes around it; or the line is indented wrongly"
    return Complaint(f"not valid YAML: {message}", mark.line, mark.column, hint)


def _above(number: int, lines: Sequence[str]) -> int:
    """The nearest line above that is not empty, -1 if there is none."""
    return next((above for above in range(number - 1, -1, -1) if lines[above].strip()), -1)


def _unclosed(error: yaml.MarkedYAMLError, lines: Sequence[str]) -> Complaint | None:
    """The bracket that is still open where the file ends, or where another kind is closed; None if all are closed."""
    begin = error.context_mark if error.context in (f"{_FLOW} sequence", f"{_FLOW} mapping") else None
    start = (begin.line, begin.column) if begin else (0, 0)
    text = "\n".join(lines)
    offset = sum(len(line) + 1 for line in lines[: start[0]]) + start[1]
    opened: list[int] = []
    for token in _TOKEN.finditer(text, offset):
        sign, at = token[0], token.start()
        if sign in _CLOSING:
            line_before = text[text.rfind("\n", 0, at) + 1 : at]
            if opened or at == offset or _OPENS.search(line_before):
                opened.append(at)
        elif sign in _CLOSING.values() and opened:
            if _CLOSING[text[opened[-1]]] != sign:
                break
            opened.pop()
            if begin and not opened:
                return None
    if not opened:
        return None
    number = text.count("\n", 0, opened[-1])
    bracket = text[opened[-1]]
    column = opened[-1] - (text.rfind("\n", 0, opened[-1]) + 1)
    return Complaint(f'this "{bracket}" is never closed', number, column, f'write "{_CLOSING[bracket]}" where it ends')
