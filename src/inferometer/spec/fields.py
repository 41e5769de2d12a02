"""The kinds of single values in a spec: how each is read from the file, and what an editor is told of it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, Any, TypeAlias, TypeVar
from urllib.parse import urlsplit

from pydantic import BeforeValidator, PlainValidator, WithJsonSchema

from inferometer import units
from inferometer.errors import did_you_mean, listed
from inferometer.spec.address import Address, AddressError, parse_address
from inferometer.spec.engines import ENGINES, LATER_ENGINES
from inferometer.spec.scalars import Plain

_T = TypeVar("_T")


class Refused(ValueError):
    """A value that the spec does not allow. `path` leads from what was looked at to the part that is wrong."""

    def __init__(
        self, message: str, hint: str | None = None, code: str = "IM205", path: tuple[str | int, ...] = ()
    ) -> None:
        super().__init__(message)
        self.hint = hint
        self.code = code
        self.path = path


# Longer between two samples, and a series comes and goes: Prometheus looks back 5m (--query.lookback-delta), and a rate
# needs several samples in its window.
LONGEST_SAMPLING = 120

_KINDS: dict[type, str] = {str: "text", list: "a list", tuple: "a list", dict: "a mapping"}


def kind_of(value: object) -> str:
    """What a value is, in words for people; its content is left to the source line, where secrets are masked."""
    if isinstance(value, Plain):
        value = value.value
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    return _KINDS.get(type(value), "something else")


def text_of(value: object, wanted: str = "text") -> str:
    """The text as it was written: `version: 0.10` is 0.10 and not 0.1."""
    if isinstance(value, Plain):
        return value.text
    if isinstance(value, str):
        return value
    raise Refused(f"{wanted} is wanted here, not {kind_of(value)}", code="IM202")


def _number(value: object) -> float:
    number = value.value if isinstance(value, Plain) else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        hint = "leave the quotes out" if isinstance(value, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)?", value) else None
        raise Refused(f"a number is wanted here, not {kind_of(value)}", hint, "IM202")
    if not math.isfinite(number) or abs(number) > 1e15:
        raise Refused("a number of ordinary size is wanted here")
    return number


# What programs that read the generated files take for more than text.
_EXPANDED = {
    "%{": "vmagent puts a variable of its environment in place of %{…}",
    "{{": "Prometheus and Alertmanager take {{ for the beginning of a template",
}


def line(value: object) -> str:
    """One line of text that means the same to every program that reads it. Raises Refused."""
    text = text_of(value)
    if not text.strip():
        raise Refused("this is empty", "leave the key out, or give it a value")
    if not text.isprintable():
        raise Refused("this holds a line break or a control character", "write it on one line")
    if len(text) > 2000:
        raise Refused("this is longer than 2,000 characters")
    for sign, reason in _EXPANDED.items():
        if sign in text:
            raise Refused(reason, f"write it without {sign}")
    return text


def matching(pattern: str, what: str, hint: str) -> Callable[[object], str]:
    """A reader of one line that must fit the pattern; `what` is what it is called."""
    compiled = re.compile(pattern)

    def read(value: object) -> str:
        text = line(value)
        if not compiled.fullmatch(text):
            raise Refused(f"this is not {what}", hint)
        return text

    return read


def _flag(value: object) -> bool:
    flag = value.value if isinstance(value, Plain) else value
    if isinstance(flag, bool):
        return flag
    meant = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(str(flag).lower())
    raise Refused(f"true or false is wanted here, not {kind_of(value)}", f"write {meant}" if meant else None, "IM202")


def from_text(parse: Callable[[str], _T]) -> Callable[[object], _T]:
    """A parser whose ValueError says what is wrong, `…: what to write` where it has a remedy."""

    def read(value: object) -> _T:
        if not isinstance(value, Plain | str):
            return parse(text_of(value))
        try:
            return parse(text_of(value))
        except AddressError as error:
            raise Refused(str(error), error.hint) from None
        except ValueError as error:
            message, _, hint = str(error).partition(": ")
            raise Refused(message, hint or None) from None

    return read


def _interval(value: object) -> float:
    seconds = from_text(units.parse_duration)(value)
    if seconds <= 0:
        raise Refused("this must be longer than nothing", "write a duration such as 15s")
    return seconds


def _sampling(value: object) -> float:
    seconds = _interval(value)
    if seconds > LONGEST_SAMPLING:
        message = f"this is longer than {units.format_duration(LONGEST_SAMPLING)}"
        raise Refused(message, "Prometheus forgets a series 5m after its last sample; 15s to 1m is usual")
    return seconds


def _whole_seconds(value: object) -> int:
    seconds = _interval(value)
    if seconds != int(seconds):
        raise Refused("whole seconds are wanted here")
    return int(seconds)


def _count(value: object) -> int:
    number = _number(value)
    if number != int(number) or number < 1:
        raise Refused("a whole number of at least 1 is wanted here")
    return int(number)


def _amount(value: object) -> float:
    number = _number(value)
    if number < 0:
        raise Refused("a price cannot be negative")
    return number


def _scale(value: object) -> float:
    number = _number(value)
    if not 0 < number <= 1:
        raise Refused("this must be more than 0 and at most 1")
    return number


def _objective(value: object) -> float:
    share = from_text(units.parse_share)(value)
    if not 0 < share < 1:
        raise Refused("an objective lies between 0% and 100%, without either", "write a percentage such as 99%")
    return share


def _threshold(value: object) -> float:
    """A number as it is, a percentage as a share of one, a duration in seconds; more than nothing."""
    threshold = _any_threshold(value)
    if threshold <= 0:
        raise Refused("a threshold must be more than 0", "to turn the alert off, write {enabled: false}")
    return threshold


def _any_threshold(value: object) -> float:
    if isinstance(value, Plain | int | float):
        return _number(value)
    text = text_of(value, "a number, a percentage or a duration")
    try:
        if re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,15})?\s*%", text):
            return float(text[:-1]) / 100
        return units.parse_duration(text)
    except ValueError:
        raise Refused("this is no number, percentage or duration", "write it as 0.05, 5% or 500ms") from None


def _url(value: object) -> str:
    text = line(value)
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not parts.fragment
    except ValueError:
        usable = False
    if not usable or " " in text:
        raise Refused("this is not a URL", "write it as https://host/path")
    return text


def _file(value: object) -> str:
    text = line(value)
    if "://" in text:
        raise Refused("this is a URL, and the path of a file is wanted", "put it in a file and write its path", "IM207")
    return text


def _engine(value: object) -> str:
    name = text_of(value)
    if name not in ENGINES:
        raise refused_engine(name)
    return name


def refused_engine(name: str) -> Refused:
    """What to say of a kind of server that there is not."""
    if name in LATER_ENGINES:
        return Refused(f"{name} is not supported yet", f"this version knows {listed(ENGINES, 'and')}", "IM206")
    return Refused(f'there is no engine "{name}"', did_you_mean(name, ENGINES), "IM204")


_NAME = r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}"
_EMAIL = r"[^\s@,<>]+@[^\s@,<>]+(\s*,\s*[^\s@,<>]+@[^\s@,<>]+)*"


def _schema(kind: str | list[str], **more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": kind, **more})


Text: TypeAlias = Annotated[str, BeforeValidator(line), _schema("string", minLength=1)]
# Editors may let 0.33 stand without quotes: its text is kept as written.
Version: TypeAlias = Annotated[str, BeforeValidator(line), _schema(["string", "number"], examples=["0.33"])]
Name: TypeAlias = Annotated[
    str,
    BeforeValidator(
        matching(_NAME, "a name", "letters, digits, _, . and -, beginning with a letter or digit, at most 63")
    ),
    _schema("string", pattern=f"^{_NAME}$"),
]
EngineName: TypeAlias = Annotated[str, BeforeValidator(_engine), _schema("string", enum=list(ENGINES))]
File: TypeAlias = Annotated[str, BeforeValidator(_file), _schema("string", minLength=1, examples=["secrets/token"])]
Url: TypeAlias = Annotated[str, BeforeValidator(_url), _schema("string", pattern="^https?://")]
Email: TypeAlias = Annotated[
    str,
    BeforeValidator(matching(_EMAIL, "an e-mail address", "write it as ops@example.org")),
    _schema("string", pattern="@"),
]
Currency: TypeAlias = Annotated[
    str,
    BeforeValidator(matching("[A-Z]{3}", "a currency", "three capital letters by ISO 4217, such as EUR")),
    _schema("string", pattern="^[A-Z]{3}$", examples=["EUR", "USD"]),
]
Path: TypeAlias = Annotated[
    str,
    BeforeValidator(matching(r"/[^\s?#]*", "a path", "it begins with /, such as /metrics")),
    _schema("string", pattern="^/"),
]
Flag: TypeAlias = Annotated[bool, PlainValidator(_flag), _schema("boolean")]
Count: TypeAlias = Annotated[int, PlainValidator(_count), _schema("integer", minimum=1)]
Amount: TypeAlias = Annotated[float, PlainValidator(_amount), _schema("number", minimum=0)]
Scale: TypeAlias = Annotated[float, PlainValidator(_scale), _schema("number", exclusiveMinimum=0, maximum=1)]
Threshold: TypeAlias = Annotated[
    float, PlainValidator(_threshold), _schema(["number", "string"], examples=[0.05, "5%", "500ms"])
]
Objective: TypeAlias = Annotated[
    float, PlainValidator(_objective), _schema(["string", "number"], examples=["99%", 0.999])
]
Duration: TypeAlias = Annotated[
    float, PlainValidator(from_text(units.parse_duration)), _schema("string", examples=["5m"])
]
Interval: TypeAlias = Annotated[float, PlainValidator(_interval), _schema("string", examples=["15s", "500ms"])]
Sampling: TypeAlias = Annotated[float, PlainValidator(_sampling), _schema("string", examples=["15s", "500ms"])]
WholeSeconds: TypeAlias = Annotated[int, PlainValidator(_whole_seconds), _schema("string", examples=["30d"])]
Size: TypeAlias = Annotated[int, PlainValidator(from_text(units.parse_size)), _schema("string", examples=["50GB"])]
Where: TypeAlias = Annotated[
    Address, PlainValidator(from_text(parse_address)), _schema("string", examples=["http://10.0.0.1:8000", "box:8000"])
]
