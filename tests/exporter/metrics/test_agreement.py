"""The generator's catalog and the exporter agree: names, kinds, labels, buckets, words.

The exporter does not import the generator; here both are at hand.
"""

from __future__ import annotations

import re

import pytest

from inferometer.catalog import RECORDER
from inferometer.catalog import exporter as catalog
from inferometer.catalog.signal import Metric, Source
from inferometer.catalog.signals import SIGNALS
from inferometer.names import RECORDER_LABELS, RESERVED_LABELS
from inferometer.promql import Matcher
from inferometer_exporter.config.fields import RESERVED_LABELS as REFUSED_LABELS
from inferometer_exporter.metrics import table
from inferometer_exporter.names import Reason
from tests.exporter.metrics.scrapes import backend, filled, meters, scrape

FAMILIES = {family.name: family for family in table.FAMILIES}
CLAIMS = [(key, source, metric) for key, source in RECORDER.sources.items() for metric in source.metrics]
claims = pytest.mark.parametrize(("key", "source", "metric"), CLAIMS, ids=[key for key, _, _ in CLAIMS])


def lets_through(matcher: Matcher, value: str) -> bool:
    match matcher.op:
        case "=":
            return value == matcher.value
        case "=~":
            return re.fullmatch(matcher.value, value) is not None
        case "!~":
            return re.fullmatch(matcher.value, value) is None
    raise AssertionError(matcher)


@claims
def test_what_the_catalog_claims_is_in_the_exporters_table(key: str, source: Source, metric: Metric) -> None:
    (name,) = metric.names
    family = FAMILIES[name.name]
    assert family.kind.value == SIGNALS[key].kind.value
    assert family.bounds == source.buckets
    assert ("model" in family.labels) == source.per_model
    assert ("runtime" in family.labels) == source.per_runtime
    assert {matcher.label for matcher in metric.where} | set(metric.example) <= set(family.labels)


@claims
def test_what_the_catalog_claims_is_in_a_scrape(key: str, source: Source, metric: Metric) -> None:
    found = scrape(filled())
    name = metric.names[0].name + ("_bucket" if source.buckets else "")
    series = [
        one for one in found.all(name) if all(lets_through(where, one.labels[where.label]) for where in metric.where)
    ]
    assert series
    wanted = {label: {"gpu": "ollama", "pool": "herd"} for label in ("backend",) if "backend" in series[0].labels}
    for one in series:
        if wanted:
            assert one.labels["runtime"] == wanted["backend"][one.labels["backend"]]
        if source.per_model:
            assert one.labels[RECORDER.model_label or ""]
    if source.buckets:
        bounds = {float(one.labels["le"]) for one in series}
        assert bounds == {*source.buckets, float("inf")}
        assert sum(one.value for one in series if one.labels["le"] == "+Inf") == 2


def test_the_exporter_marks_what_the_catalog_reads_and_nothing_else() -> None:
    read = {metric.names[0].name for _, _, metric in CLAIMS}
    assert RECORDER.heartbeat
    assert {name for name, family in FAMILIES.items() if family.read} == read | {RECORDER.heartbeat.names[0].name}


def test_every_metric_of_a_model_is_in_the_catalog() -> None:
    """What is told of each model is the costly part: none of it is there for nobody."""
    groups = (*table.OF_MODEL, *table.OF_API, *table.OF_LOADED)
    assert [family.name for family in groups if not family.read] == []


def test_the_heartbeat_is_there_before_the_first_request() -> None:
    assert RECORDER.heartbeat
    assert scrape(meters()).all(RECORDER.heartbeat.names[0].name)


def test_errors_are_all_reasons_but_the_clients_own() -> None:
    (errors,) = RECORDER.sources["errors"].metrics
    counted = {reason for reason in Reason if all(lets_through(where, reason) for where in errors.where)}
    assert set(Reason) - counted == {Reason.CLIENT_DISCONNECTED, Reason.CLIENT_ERROR}


def test_the_reasons_that_the_catalog_names_are_reasons_of_the_exporter() -> None:
    assert {catalog.CLIENT_LEFT, catalog.CLIENT_ERROR, catalog.REFUSED} <= {reason.value for reason in Reason}
    assert {value for _, _, metric in CLAIMS for value in metric.example.values()} <= {
        reason.value for reason in Reason
    }


def test_labels_of_the_exporter_cannot_be_taken_by_a_spec_or_a_configuration() -> None:
    labels = {label for family in table.FAMILIES for label in family.labels}
    assert labels <= {*RESERVED_LABELS, *RECORDER_LABELS}
    assert labels <= REFUSED_LABELS


@pytest.mark.parametrize("models", [1, 5, 20])
def test_the_estimate_of_series_covers_a_backend_and_is_not_wild(models: int) -> None:
    listed = tuple(f"m{number}" for number in range(models))
    counted = len(scrape(meters(backend(models=listed))).samples)
    estimate = RECORDER.series_fixed + RECORDER.series_per_model * models
    assert counted <= estimate <= 1.5 * counted
