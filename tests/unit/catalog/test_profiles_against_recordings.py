"""What a profile claims of a server was recorded from that server: names, types, labels, bucket bounds."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from inferometer.catalog import ENGINES, HOST, MONITORING, RECORDER, Profile
from inferometer.catalog.signal import Kind, Metric, Source, version
from inferometer.catalog.signals import RATIOS, SIGNALS
from inferometer.promql import Matcher

RECORDINGS = Path(__file__).parents[2] / "fixtures" / "recordings"
RECORDED = {"vllm": ("vllm", "0.33.0"), "llamacpp": ("llama-server", "0.7.0"), "node": ("node_exporter", "1.11.1")}
PROFILES = [ENGINES["vllm"], ENGINES["llamacpp"], HOST]

# Declared a counter by the server, and a high-water mark in truth: see the profile's note.
MISDECLARED = {"llamacpp:n_tokens_max": "counter"}


@dataclass
class Seen:
    """One metric over all recordings of a server."""

    kind: str
    series: list[dict[str, str]] = field(default_factory=list)
    bounds: set[float] = field(default_factory=set)


@functools.cache
def recording(engine: str) -> dict[str, Seen]:
    """Metrics of an engine by the name of their series (a histogram's without `_bucket`)."""
    folder, tested = RECORDED[engine]
    seen: dict[str, Seen] = {}
    for path in sorted((RECORDINGS / folder / tested).glob("*.txt")):
        text = path.read_text()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                name = sample.name.removesuffix("_bucket") if family.type == "histogram" else sample.name
                if f"\n# TYPE {family.name} counter\n" in text:
                    name = family.name  # the parser adds a _total that the server did not write
                metric = seen.setdefault(name, Seen(family.type))
                if "le" in sample.labels:
                    metric.bounds.add(float(sample.labels["le"]))
                else:
                    metric.series.append(dict(sample.labels))
    return seen


def claims() -> Iterator[tuple[Profile, str, Source, Metric]]:
    for profile in PROFILES:
        for key, source in profile.sources.items():
            for metric in source.metrics:
                yield profile, key, source, metric


def named(case: object) -> str:
    return getattr(case, "engine", "") or (case if isinstance(case, str) else "")


CLAIMS = pytest.mark.parametrize(("profile", "key", "source", "metric"), list(claims()), ids=named)


def current(profile: Profile, metric: Metric) -> str:
    tested = version(RECORDED[profile.engine][1])
    return next(name.name for name in metric.names if name.in_use(frozenset({tested})))


@CLAIMS
def test_the_server_exposes_the_metric_with_the_kind_of_the_signal(
    profile: Profile, key: str, source: Source, metric: Metric
) -> None:
    name = current(profile, metric)
    seen = recording(profile.engine).get(name) or recording(profile.engine).get(f"{name}_count")
    assert seen, f"{name} is in no recording of {profile.title}"
    # The observations of a histogram are counted like anything else.
    kind = "counter" if seen.kind == "histogram" and name.endswith("_count") else seen.kind
    assert kind == MISDECLARED.get(name, SIGNALS[key].kind.value)


@CLAIMS
def test_the_labels_that_a_query_asks_for_are_on_the_servers_series(
    profile: Profile, key: str, source: Source, metric: Metric
) -> None:
    name = current(profile, metric)
    series = (recording(profile.engine).get(name) or recording(profile.engine)[f"{name}_count"]).series
    series = series or recording(profile.engine)[f"{name}_count"].series
    if profile.model_label and source.per_model:
        assert all(profile.model_label in labels for labels in series)
    assert any(all(lets_through(matcher, labels) for matcher in metric.where) for labels in series), metric.where
    assert all(label in labels for labels in series for label in metric.example)


def lets_through(matcher: Matcher, labels: dict[str, str]) -> bool:
    value = labels.get(matcher.label, "")
    match matcher.op:
        case "=":
            return value == matcher.value
        case "=~":
            return bool(re.fullmatch(matcher.value, value))
        case _:
            return not re.fullmatch(matcher.value, value)


@CLAIMS
def test_histogram_bounds_are_those_of_the_server(profile: Profile, key: str, source: Source, metric: Metric) -> None:
    if SIGNALS[key].kind is not Kind.HISTOGRAM:
        assert not source.buckets
        return
    assert set(source.buckets) == recording(profile.engine)[current(profile, metric)].bounds - {float("inf")}


@pytest.mark.parametrize("profile", PROFILES, ids=named)
def test_a_living_server_has_its_heartbeat_before_its_first_request(profile: Profile) -> None:
    assert profile.heartbeat
    folder, tested = RECORDED[profile.engine]
    fresh = next(
        iter(sorted((RECORDINGS / folder / tested).glob("*fresh.txt"))), RECORDINGS / folder / tested / "metrics.txt"
    )
    assert re.search(rf"^{re.escape(profile.heartbeat.names[0].name)}[ {{]", fresh.read_text(), re.MULTILINE)


@pytest.mark.parametrize("profile", PROFILES, ids=named)
def test_the_estimate_of_series_covers_the_largest_recording(profile: Profile) -> None:
    folder, tested = RECORDED[profile.engine]
    largest = max(
        sum(1 for line in path.read_text().splitlines() if line and not line.startswith("#"))
        for path in (RECORDINGS / folder / tested).glob("*.txt")
    )
    assert profile.series_fixed + profile.series_per_model >= largest / 2, "two engines or adapters may double it"
    assert profile.series_fixed + profile.series_per_model <= largest * 4


def test_every_signal_is_told_by_somebody_and_every_told_signal_exists() -> None:
    monitoring = [profile for profiles in MONITORING.values() for profile in profiles]
    told = {key for profile in (*ENGINES.values(), RECORDER, HOST, *monitoring) for key in profile.sources}
    assert told == set(SIGNALS)
    assert all(ratio.part.key in SIGNALS and ratio.whole.key in SIGNALS for ratio in RATIOS.values())


@pytest.mark.parametrize("profile", ENGINES.values(), ids=named)
def test_a_gap_is_explained_for_a_signal_that_exists_and_is_not_told(profile: Profile) -> None:
    for key, reason in profile.lacks.items():
        assert key in SIGNALS, key
        assert key not in profile.sources, f"{profile.title} tells {key} and says that it does not"
        assert reason.endswith("."), reason
