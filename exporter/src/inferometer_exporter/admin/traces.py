"""The read-only JSON API over the trace store: which questions there are, what they take, and who asks them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from urllib.parse import parse_qsl

from inferometer_exporter.admin.http import Request, Response, as_json, failure
from inferometer_exporter.names import Status
from inferometer_exporter.store.reader import QueryTooSlow, StoreUnreadable, TraceReader

MAX_WAITING = 16
"""Questions that may wait for a thread or run; more are answered 503."""

_LONGEST_TEXT = 256
_MAX_ID = 2**63 - 1

Value = int | float | str | None
Ask = Callable[[TraceReader, Mapping[str, Value]], object]


class BadParameter(Exception):
    """A parameter's name or value that is not allowed. Its text says what is."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a query: what it is (for people), what it is when left out, and how it is read."""

    about: str
    default: Value
    read: Callable[[str], Value]


def _number(low: float, high: float) -> Callable[[str], Value]:
    def read(text: str) -> float:
        value = float(text)
        if not (math.isfinite(value) and low <= value <= high):
            raise ValueError
        return value

    return read


def _whole(low: int, high: int) -> Callable[[str], Value]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 20 and low <= int(text) <= high):
            raise ValueError
        return int(text)

    return read


def _text(text: str) -> str:
    if not 0 < len(text) <= _LONGEST_TEXT:
        raise ValueError
    return text


def _status(text: str) -> str:
    return Status(text).value


_TEXT = f"1 to {_LONGEST_TEXT} characters"
PARAMETERS = {
    "limit": Parameter("a whole number from 1 to 1000", 50, _whole(1, 1000)),
    "before": Parameter("the id of a row: only older ones", None, _whole(0, _MAX_ID)),
    "hours": Parameter("a number from 0.1 to 9600", 24, _number(0.1, 9600)),
    "days": Parameter("a number from 1 to 400", 7, _number(1, 400)),
    "status": Parameter("one of " + ", ".join(Status), None, _status),
    "model": Parameter(_TEXT, None, _text),
    "tag": Parameter(_TEXT, None, _text),
    "backend": Parameter(_TEXT, None, _text),
}


@dataclass(frozen=True, slots=True)
class Question:
    about: str
    takes: tuple[str, ...]
    ask: Ask


def _over(method: Callable[..., object], *takes: str) -> Ask:
    return lambda reader, values: method(reader, **{name: values[name] for name in takes})


def _question(about: str, method: Callable[..., object], *takes: str) -> Question:
    return Question(about, takes, _over(method, *takes))


_READER = TraceReader
QUESTIONS: dict[str, Question] = {
    "recent": _question("The newest requests.", _READER.recent, "limit", "before", "model", "status", "tag", "backend"),
    "failures": _question("The newest requests that did not complete.", _READER.failures, "limit", "before"),
    "slowest": _question("The requests that took longest.", _READER.slowest, "limit", "hours"),
    "models": _question("Sums and quantiles by model.", _READER.by_model, "hours"),
    "tags": _question("Sums by tag.", _READER.by_tag, "hours"),
    "nodes": _question("Sums by node.", _READER.by_node, "hours"),
    "hours": _question("Sums by hour, oldest first.", _READER.by_hour, "hours"),
    "hours-of-day": _question("Sums by hour of the day.", _READER.by_hour_of_day, "days"),
    "days": _question("Sums by day, oldest first.", _READER.by_day, "days"),
    "fallbacks": _question("Which model answered instead of which.", _READER.fallbacks, "hours"),
    "retries": _question("Retries by node.", _READER.retries_by_node, "hours"),
}


def parameters(question: Question, query: str) -> dict[str, Value]:
    """The values of a query string, with defaults. Raises BadParameter."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), errors="strict", max_num_fields=16)
    except ValueError:
        raise BadParameter("the query cannot be read: write it as name=value&name=value") from None
    given = dict(pairs)
    if len(given) < len(pairs):
        raise BadParameter("a parameter is there twice")
    unknown = sorted(given.keys() - set(question.takes))
    if unknown:
        raise BadParameter(f"unknown parameter; allowed are: {', '.join(question.takes)}")
    values: dict[str, Value] = {}
    for name in question.takes:
        parameter = PARAMETERS[name]
        try:
            values[name] = parameter.read(given[name]) if name in given else parameter.default
        except ValueError:
            raise BadParameter(f"{name} must be {parameter.about}") from None
    return values


class TraceApi:
    """Asks the store in `threads`, a bounded number of questions at a time."""

    def __init__(self, reader: TraceReader | None, threads: Executor) -> None:
        self._reader = reader
        self._threads = threads
        self._waiting = 0

    async def answer(self, name: str, request: Request) -> Response:
        """The rows, and the parameters that they were asked with. Errors are JSON with the reason in our own words."""
        question = QUESTIONS[name]
        try:
            values = parameters(question, request.query)
        except BadParameter as error:
            return failure(400, str(error))
        if self._reader is None:
            return failure(404, "no traces are kept: the exporter runs without a store")
        if self._waiting >= MAX_WAITING:
            return failure(503, "too many questions at once", ("Retry-After", "1"))
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._ask, self._reader, question, values)
        except QueryTooSlow:
            return failure(503, "the answer took too long: ask for fewer hours or rows", ("Retry-After", "5"))
        except StoreUnreadable:
            return failure(503, "the trace store cannot be read now", ("Retry-After", "5"))
        finally:
            self._waiting -= 1

    @staticmethod
    def _ask(reader: TraceReader, question: Question, values: Mapping[str, Value]) -> Response:
        asked = {name: value for name, value in values.items() if value is not None}
        response = as_json({"asked": asked, "rows": question.ask(reader, values)})
        response.packed()
        return response
