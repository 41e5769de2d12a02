"""Labels that queries give a meaning to cannot be taken by a spec."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from inferometer import names
from inferometer.catalog import ENGINES, HOST, MONITORING, RECORDER, Profile
from inferometer.plan import view
from tests.unit.spec.marked import problems_of


def profiles() -> Iterator[Profile]:
    yield from (*ENGINES.values(), RECORDER, HOST)
    for parts in MONITORING.values():
        yield from parts


def asked_for(profile: Profile) -> set[str]:
    """The labels by which queries choose or name the profile's series."""
    metrics = [metric for source in profile.sources.values() for metric in source.metrics]
    metrics += [profile.heartbeat] if profile.heartbeat else []
    matchers = [*profile.own_copies_only, *(matcher for metric in metrics for matcher in metric.where)]
    labels = {matcher.label for matcher in matchers} | {profile.model_label, profile.provider_label}
    return {label for label in labels if label}


@pytest.mark.parametrize("profile", tuple(profiles()), ids=lambda profile: profile.engine)
def test_every_label_that_the_catalog_asks_for_is_reserved(profile: Profile) -> None:
    assert asked_for(profile) <= set(names.RESERVED_LABELS)


def test_the_labels_that_queries_write_are_reserved() -> None:
    assert {view.PART, names.BACKEND, names.RUNTIME, names.HOST} <= set(names.RESERVED_LABELS)


@pytest.mark.parametrize("label", names.RESERVED_LABELS)
def test_a_reserved_label_is_refused_on_backends_hosts_and_the_fleet(label: str) -> None:
    for text in (
        f"backends: [{{name: a, vllm: x, labels: {{{label}: y}}}}]",
        f"hosts: [{{name: a, address: x, labels: {{{label}: y}}}}]",
        f"backends: [{{name: a, vllm: x}}]\nfleet: {{labels: {{{label}: y}}}}",
    ):
        (problem,) = problems_of(text)
        assert (problem.code, problem.length) == ("IM205", len(label))
        assert "is taken" in problem.message
