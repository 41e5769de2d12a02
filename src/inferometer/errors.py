"""Problems with what a person wrote: where it stands, what is wrong, the nearest right word; all of them at once."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

# Every problem has a code, so that it can be looked up; each code means one thing and is told here only.
CODES = {
    # Reading the file.
    "IM101": "the file cannot be read",
    "IM102": "the file is too large",
    "IM103": "the file holds bytes or characters that YAML does not allow",
    "IM104": "the file is not valid YAML",
    "IM105": "the file is empty",
    "IM106": "a key stands twice in one mapping",
    "IM107": "a plain value that YAML readers understand differently",
    "IM108": "an alias that cannot be followed",
    "IM109": "a feature of YAML that a spec does not need",
    # What a spec may hold.
    "IM201": "unknown key",
    "IM202": "wrong kind of value",
    "IM203": "something is missing",
    "IM204": "not one of the words allowed here",
    "IM205": "a value that is not allowed here",
    "IM206": "an engine that comes with a later version",
    "IM207": "a secret in the file",
    "IM208": "keys that exclude one another",
    "IM210": "a name that is given twice",
    "IM211": "a name that nothing has",
    "IM212": "backends that stand behind one another in a circle",
    "IM213": "one address that would be scraped twice",
    "IM214": "a scrape that may last longer than its interval",
    "IM215": "a port on which two would listen",
    "IM216": "an address for the clients of a backend that is not recorded",
    # What the catalog knows better.
    "IM301": "an objective on a signal that an engine does not tell",
    "IM302": "a threshold that is no bucket boundary",
    "IM303": "unknown alert",
    "IM304": "a threshold for an alert that has none",
    "IM305": "a version that is not one",
    "IM306": "something that this version of a program cannot do",
    "IM307": "something that this storage cannot do",
    "IM308": "a file that containers do not see",
    "IM309": "a router before servers of which only some count their requests",
    "IM310": "a setting of the alerts with which they could not work",
    "IM311": "a route that no alert can take",
    "IM312": "an objective that looks further back than samples are kept",
    "IM313": "a threshold that no server could show to be passed",
    # Overlays.
    "IM401": "an overlay that cannot be applied",
    "IM402": "a board or rule that would not work, as an overlay left it",
}

_INDENT = "    "
# A longer line is cut to a window around its problem.
_WIDEST = 120
_CUT = "…"
# A hint lists no more words than one reads.
_MOST_WORDS = 20


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file. Lines and columns count from 1, columns in characters."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong. `hint` is a phrase that follows on a line of its own; `length` counts the characters meant."""

    code: str
    message: str
    position: Position | None = None
    hint: str | None = None
    source_line: str | None = None
    length: int = 1

    def __str__(self) -> str:
        return format_problems([self])


class InferometerError(Exception):
    """Something a person can put right: its text is shown without a traceback, and `exit_code` ends the process."""

    exit_code = 2


class SpecError(InferometerError):
    """What is wrong with the input: every problem that was found, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems), key=_place))
        super().__init__(format_problems(self.problems))

    def __reduce__(self) -> tuple[type[SpecError], tuple[tuple[Problem, ...]]]:
        return SpecError, (self.problems,)


def format_problems(problems: Iterable[Problem]) -> str:
    """The text for people: each problem's place and message, the line, a caret, the hint. No newline at the end."""
    return "\n".join(line for problem in problems for line in _lines(problem))


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice that `word` most likely meant, or None when none comes near. Case does not count."""
    by_lower = {choice.lower(): choice for choice in reversed(list(choices))}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def did_you_mean(word: str, choices: Iterable[str]) -> str | None:
    """A hint with the nearest right word, or with the words to choose from when none comes near; None without any."""
    words = list(dict.fromkeys(choices))
    near = nearest(word, words)
    if near is not None:
        return f'did you mean "{near}"?'
    if len(words) > _MOST_WORDS:
        return f"it can be {', '.join(words[:_MOST_WORDS])} or one of {len(words) - _MOST_WORDS} others"
    return f"it can be {listed(words)}" if words else None


def listed(words: Iterable[str], last: str = "or") -> str:
    """`a, b or c`."""
    *front, end = list(words) or [""]
    return f"{', '.join(front)} {last} {end}" if front else end


def _place(problem: Problem) -> tuple[bool, Position, str, str]:
    # What has no place comes first: it speaks of the whole.
    nowhere = Position("", 0, 0)
    return problem.position is not None, problem.position or nowhere, problem.code, problem.message


def _lines(problem: Problem) -> list[str]:
    where = f"{problem.position}: " if problem.position else ""
    lines = [_shown(f"{where}{problem.message} [{problem.code}]")]
    if problem.position and problem.source_line and problem.source_line.strip():
        lines += _excerpt(problem.source_line, problem.position.column - 1, problem.length)
    if problem.hint:
        lines.append(_shown(f"  {problem.hint}"))
    return lines


def _excerpt(line: str, start: int, length: int) -> list[str]:
    """The line, without its indentation, and below it carets under what is meant."""
    text = line.rstrip()
    start = min(start, len(text))
    indent = min(len(text) - len(text.lstrip()), start)
    text, start = text[indent:], start - indent
    if len(text) > _WIDEST:
        first = max(0, min(start - _WIDEST // 2, len(text) - _WIDEST))
        window = text[first : first + _WIDEST]
        before, after = (_CUT if first else ""), (_CUT if first + _WIDEST < len(text) else "")
        text, start = before + window + after, start - first + len(before)
    text = _shown(text)
    carets = max(1, min(length, len(text) - start))
    return [_INDENT + text, _INDENT + " " * _cells(text[:start]) + "^" * max(1, _cells(text[start : start + carets]))]


def _shown(text: str) -> str:
    """Control characters could move a terminal's cursor; one character stays one."""
    return "".join(char if char.isprintable() else " " if char == "\t" else "�" for char in text)


def _cells(text: str) -> int:
    """How wide a terminal draws the text: East Asian wide characters take two cells, combining ones none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
