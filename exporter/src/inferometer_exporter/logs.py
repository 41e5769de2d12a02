"""Log lines for people or, as JSON, for programs. They tell of states and counts, never of what clients send."""

from __future__ import annotations

import json
import logging
import sys
import time

from inferometer_exporter.errors import without_text


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"{_time(record)} {record.levelname.lower():7} {record.getMessage()}{_error(record)}"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name.removeprefix("inferometer_exporter."),
            "message": record.getMessage() + _error(record),
        }
        return json.dumps(line, ensure_ascii=False)


def _error(record: logging.LogRecord) -> str:
    """The kind and place of an exception that was logged with a line; never its text."""
    error = record.exc_info[1] if record.exc_info else None
    return f" ({without_text(error)})" if error is not None else ""


def _time(record: logging.LogRecord) -> str:
    """UTC, to the millisecond."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"


def set_up(form: str, level: str) -> None:
    """All lines go to the standard error stream. `form` is "text" or "json", `level` one of Python's in lower case."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # it would tell of each client that resets its connection
