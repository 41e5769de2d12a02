"""What a signal is, and where on each engine it comes from.

A `Signal` is one thing worth knowing about a fleet. A `Source` says which metrics of one engine tell it. A `Profile` is
one engine's table of sources. Everything that is shown, recorded or alerted on is made from these three.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from inferometer.promql import Matcher
from inferometer.units import RATIO, Unit

Version = tuple[int, ...]


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Vantage(StrEnum):
    """Where on a request's path a source looks. A token that passes all three is seen three times."""

    ENGINE = "engine"
    RECORDER = "recorder"
    GATEWAY = "gateway"


class Counts(StrEnum):
    """Which requests a source saw: what a panel's text and a ratio must know."""

    ALL = "all requests"
    SUCCESSES = "successful requests only"
    WITHOUT_LEAVERS = "all requests but those whose client left"


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing worth knowing, told once.

    `unit` is that of the value as shown (a counter's is that of its rate). `fleet` says how a gauge
    becomes one number for many servers: `sum` for amounts, `max` for levels.
    """

    key: str
    title: str
    kind: Kind
    unit: Unit
    help: str
    fleet: str = "sum"


@dataclass(frozen=True, slots=True)
class Ratio:
    """A share of one counter (or gauge) in another: errors of requests, hits of look-ups.

    `complement` reads 1 - part / whole: memory used, where the host says what is available.
    """

    key: str
    title: str
    part: Signal
    whole: Signal
    help: str
    complement: bool = False
    unit: Unit = RATIO


@dataclass(frozen=True, slots=True)
class Name:
    """A metric's name in a range of versions: from `since` (inclusive) to `until` (exclusive)."""

    name: str
    since: Version | None = None
    until: Version | None = None

    def in_use(self, versions: frozenset[Version]) -> bool:
        """Whether a server of one of these versions has it; no versions means that any may be there."""
        if not versions:
            return True
        return any((self.since is None or v >= self.since) and (self.until is None or v < self.until) for v in versions)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of an engine: its names through the versions (newest first), label matchers, and a unit factor.

    `example` are labels of a series that `where` lets through, beside those that it asks for by equality.
    """

    names: tuple[Name, ...]
    where: tuple[Matcher, ...] = ()
    factor: float = 1.0
    example: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a signal comes from on one engine: metrics that are added up.

    `buckets` are the upper bounds of a histogram without +Inf, in the metric's own unit. `per_model` is false where the
    metric has no model label though the engine's others have one, `per_runtime` where a recorder tells of itself: such
    series name neither runtime nor backend.
    """

    metrics: tuple[Metric, ...]
    counts: Counts = Counts.ALL
    buckets: tuple[float, ...] = ()
    per_model: bool = True
    per_runtime: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """What one engine exposes.

    `model_label` is the engine's own label for the model, None where it has none. `own_copies_only` are matchers that
    leave out a router's copies of the engine's names, by label shape. `heartbeat` is a metric that is there whenever
    the server tells anything. `lacks` says for a signal key why there is no source and what to do about it.
    `series_fixed` and `series_per_model` estimate what one scrape holds. `provider_label` is a gateway's label for the
    provider that answered.
    """

    engine: str
    title: str
    vantage: Vantage
    sources: Mapping[str, Source]
    model_label: str | None = None
    own_copies_only: tuple[Matcher, ...] = ()
    heartbeat: Metric | None = None
    lacks: Mapping[str, str] = field(default_factory=dict)
    metrics_path: str = "/metrics"
    tested: str = ""
    series_fixed: int = 0
    series_per_model: int = 0
    provider_label: str | None = None

    def source(self, signal: Signal) -> Source | None:
        return self.sources.get(signal.key)


def where(**labels: str) -> tuple[Matcher, ...]:
    """Matchers by label: `where(finished_reason="error")`. A value that begins with `~` is a regular expression that
    must match, one with `!` a regular expression that must not."""
    operators = {"~": "=~", "!": "!~"}
    return tuple(Matcher(label, operators.get(value[:1], "="), value.lstrip("~!")) for label, value in labels.items())


def metric(name: str, *, was: tuple[Name, ...] = (), since: Version | None = None, factor: float = 1.0,
           example: Mapping[str, str] | None = None, **labels: str) -> Metric:  # fmt: skip
    """A metric by its present name; `was` are its older names, newest first."""
    return Metric((Name(name, since=since), *was), where(**labels), factor, example or {})


def source(name: str, *, was: tuple[Name, ...] = (), since: Version | None = None, factor: float = 1.0,
           counts: Counts = Counts.ALL, buckets: tuple[float, ...] = (), per_model: bool = True,
           per_runtime: bool = True, note: str = "", example: Mapping[str, str] | None = None,
           **labels: str) -> Source:  # fmt: skip
    """A source of a single metric: the common case of an engine's table."""
    one = metric(name, was=was, since=since, factor=factor, example=example, **labels)
    return Source((one,), counts, buckets, per_model, per_runtime, note)


def added(*metrics: Metric, counts: Counts = Counts.ALL, note: str = "") -> Source:
    """A source of several metrics that are added up: prompt tokens computed and prompt tokens from the cache."""
    return Source(metrics, counts, note=note)


def version(text: str) -> Version:
    """`"0.33.1"` as (0, 33, 1). Raises ValueError on anything else."""
    return tuple(int(part) for part in text.removeprefix("v").split("."))
