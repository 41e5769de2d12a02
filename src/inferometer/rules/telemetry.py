"""Dead, not idle: what answers its scrapes and does not tell what it always tells."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from inferometer.catalog import HOST
from inferometer.catalog import signals as s
from inferometer.catalog.signal import Metric
from inferometer.names import BACKEND, INSTANCE, JOB, JOB_EXPORTER, JOB_NODE, board_uid
from inferometer.plan import Plan, Target
from inferometer.plan.view import spellings
from inferometer.promql import Binary, Expr, Matcher, Selector, compare, union
from inferometer.rules.cases import Span, alert_cases
from inferometer.rules.expected import RECORDED, SAME, behind_exporter, labels_of, told_up
from inferometer.rules.model import Alert, Case, Labels, Series, alert
from inferometer.rules.testfile import series
from inferometer.rules.traffic import constant, merged, sampling

NAME = "TelemetryDead"


def telemetry_dead(plan: Plan) -> Iterator[Alert]:
    """A server that is up and lacks its heartbeat; a backend of which the exporter says nothing.

    A heartbeat is a gauge that is there from the start, with or without traffic. So what lacks it now is dead, whether
    it was alive an hour ago or never: an old name, another program at the address, a server without its metrics.
    """
    knob = plan.settings[NAME]
    speaking = _speaking(plan)
    if not knob.enabled or not speaking:
        return
    span = Span.of(plan, knob)
    held = constant(1, span.late // sampling(plan))
    up = [told_up(target, held) for _, _, target in speaking]
    behind = behind_exporter(plan)
    alive: list[Series] = [_beat(beats[0], target, held) for beats, _, target in speaking]
    told = [_backend_up(plan, labels, held) for labels in behind]
    branches: list[Expr] = [
        Binary("unless", compare(Selector("up", (matcher,)), "==", 1), union(beats), on=SAME)
        for beats, matcher, _ in speaking
    ]
    if behind:
        silent = Binary("unless", Selector(RECORDED), _backend_ups(plan), on=(BACKEND,))
        exporter = compare(Selector("up"), "==", 1)
        branches.append(Binary("and", silent, exporter, on=(JOB, INSTANCE)))
    dead: list[Labels] = [*(labels_of(target) for _, _, target in speaking), *behind]
    renamed = [_beat(beats[-1], target, held) for beats, _, target in speaking]
    # A router's copies of a server's heartbeat are not the server's.
    copies = [
        _beat(beat, target, held, {matcher.label: "another" for matcher in beat.matchers})
        for beats, _, target in speaking
        for beat in beats
        if beat.matchers
    ]
    cases = alert_cases(
        knob,
        span,
        lambda _: merged(*up, *copies),
        lambda _: merged(*up, *alive, *told),
        dead,
        Case("is silent by another name", merged(*up, *renamed, *told), span.late),
        Case(
            "is silent when everything is down",
            merged(*(told_up(target, held.replace("1", "0", 1)) for _, _, target in speaking)),
            span.late,
        ),
    )
    yield alert(
        plan,
        NAME,
        union(branches),
        "{{ $labels.job }} at {{ $labels.instance }} tells nothing{{ with $labels.backend }} of {{ . }}{{ end }}",
        "It answers its scrapes, and the metrics that it always has are not among the answers.",
        f"/d/{board_uid('fleet')}",
        cases,
    )


def _speaking(plan: Plan) -> list[tuple[list[Selector], Matcher, Target]]:
    """For each kind of target: its heartbeat's selectors, the matcher of its `up`, and the first one in the plan."""
    profiles = [(profile, profile.engine) for profile in plan.sources.engines]
    if plan.sources.recorder:
        profiles.append((plan.sources.recorder, JOB_EXPORTER))
    if plan.spec.hosts:
        profiles.append((HOST, JOB_NODE))
    result = []
    for profile, job in profiles:
        first = next((target for target in plan.targets if target.job == job), None)
        if profile.heartbeat and first:
            own = (*profile.heartbeat.where, *profile.own_copies_only)
            result.append((_selectors(profile.heartbeat, own), Matcher(JOB, "=", job), first))
    return result


def _selectors(metric: Metric, matchers: tuple[Matcher, ...]) -> list[Selector]:
    return [Selector(spelled, matchers) for name in metric.names for spelled in spellings(name.name)]


def _beat(selector: Selector, target: Target, values: str, more: Labels = MappingProxyType({})) -> Series:
    return {series(selector.metric, {**labels_of(target), **more}): values}


def _backend_ups(plan: Plan) -> Expr:
    return union(
        selector
        for branch in plan.sources.branches(s.BACKEND_UP)
        for selector in _selectors(branch.source.metrics[0], ())
    )


def _backend_up(plan: Plan, labels: Labels, values: str) -> Series:
    (branch,) = plan.sources.branches(s.BACKEND_UP)
    return {series(branch.source.metrics[0].names[0].name, labels): values}
