"""What the spec lists, as recorded series: one line for each target, so that one which is missing is an alert."""

from __future__ import annotations

from collections.abc import Iterator

from inferometer.names import BACKEND, CLUSTER, HOST, INSTANCE, JOB, JOB_EXPORTER, MODEL, RUNTIME, recorded
from inferometer.plan import Plan, Target
from inferometer.promql import Call, Number
from inferometer.rules.cases import holds
from inferometer.rules.model import Labels, Record, Series
from inferometer.rules.testfile import series
from inferometer.rules.traffic import sampling

EXPECTED = recorded("target", "expected")
SAMPLE_LIMIT = recorded("target", "sample_limit")
RECORDED = recorded("backend", "expected")

# What makes a target one: a server that is scraped once for each model is several at one address.
SAME = (JOB, INSTANCE, BACKEND, MODEL)


def labels_of(target: Target) -> dict[str, str]:
    """The labels by which a target is known; those of the user's own choosing are left out."""
    known = (CLUSTER, BACKEND, RUNTIME, MODEL, HOST)
    given = {label: target.labels[label] for label in known if label in target.labels}
    return {JOB: target.job, INSTANCE: target.instance, **given}


def behind_exporter(plan: Plan) -> list[dict[str, str]]:
    """Labels of the backends that our exporter records, with its own job and instance: there they are told of."""
    return [
        {
            **labels_of(target),
            **({CLUSTER: backend.cluster} if backend.cluster else {}),
            BACKEND: backend.name,
            RUNTIME: backend.engine,
        }
        for target in plan.targets
        if target.job == JOB_EXPORTER
        for backend in plan.spec.backends
        if backend.recorded
    ]


def told_up(target: Target, values: str) -> Series:
    """The target's `up` in promtool's notation."""
    return {series("up", labels_of(target)): values}


def records(plan: Plan) -> Iterator[Record]:
    """One record for each target and each of its figures, in the spec's order."""
    targets = [(labels_of(target), target) for target in plan.targets]
    yield from _constants(
        plan, EXPECTED, "1 for each target that the spec lists.", [(labels, 1) for labels, _ in targets]
    )
    yield from _constants(
        plan,
        SAMPLE_LIMIT,
        "The most samples that one scrape of the target may hold.",
        [(labels, target.sample_limit) for labels, target in targets],
    )
    yield from _constants(
        plan,
        RECORDED,
        "1 for each backend that the exporter records.",
        [(labels, 1) for labels in behind_exporter(plan)],
    )


def _constants(plan: Plan, name: str, about: str, values: list[tuple[dict[str, str], float]]) -> Iterator[Record]:
    told: list[tuple[Labels, float]] = list(values)
    for number, (labels, value) in enumerate(values):
        cases = () if number else (holds("stands for the whole spec", {}, sampling(plan), *told),)
        yield Record(name, Call("vector", (Number(value),)), about, labels, cases)
