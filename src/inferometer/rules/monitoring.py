"""Is the monitoring itself true? A steady sign of life, refused configurations, rules and messages that fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from inferometer.catalog import signals as s
from inferometer.catalog.knobs import Knob
from inferometer.catalog.signal import Kind, Signal
from inferometer.names import CLUSTER, INSTANCE, JOB, board_uid
from inferometer.plan import Plan, View
from inferometer.plan.sources import Branch
from inferometer.promql import Expr, Number, call, compare
from inferometer.rules.cases import Span, firing, witness_cases
from inferometer.rules.model import Alert, Case, Group, Series, alert
from inferometer.rules.traffic import Witness, level, sampling, servers

ABOUT = "Is the monitoring itself true? A steady sign of life, refused configurations, rules and messages that fail."
BOARD = f"/d/{board_uid('fleet')}"
PART = (JOB, INSTANCE)

# Failures per second in a case: one in five minutes is enough for these alerts.
_SOME = 0.02
WHO = "{{ $labels.job }} at {{ $labels.instance }}"


def group(plan: Plan) -> Group:
    """The alerts about the monitoring."""
    return Group("monitoring", ABOUT, tuple(_alerts(plan)), sampling(plan))


def _alerts(plan: Plan) -> Iterator[Alert]:
    yield from _watchdog(plan)
    parts, window = plan.monitoring(plan.rule()), plan.rule()
    yield from _failing(
        plan,
        "ConfigReloadFailed",
        s.CONFIG_LOADED,
        parts,
        PART,
        f"{WHO} refused its new configuration",
        "It runs on with the old one: what was changed since is not in force.",
    )
    yield from _failing(
        plan,
        "RuleEvaluationFailing",
        s.RULE_FAILURES,
        parts,
        PART,
        f"{WHO} cannot evaluate {{{{ $value | humanize }}}} rules",
        "Recorded series have gaps and alerts on them are blind.",
    )
    yield from _failing(
        plan,
        "NotificationsFailing",
        s.NOTIFICATION_FAILURES,
        parts,
        PART,
        f"{{{{ $value | humanize }}}} notifications of {WHO} failed",
        "Alerts fire and nobody hears of them.",
    )
    yield from _failing(
        plan,
        "TracesDropped",
        s.TRACES_DROPPED,
        window,
        (CLUSTER,),
        "The exporter lost {{ $value | humanize }} traces",
        "Requests are answered and counted, and their rows in the trace store are missing.",
    )
    yield from _failing(
        plan,
        "LabelValuesRejected",
        s.LABELS_REJECTED,
        window,
        (CLUSTER,),
        "The exporter folds {{ $value | humanize }} names into other",
        "Clients send more names than there are series for; figures by model are incomplete.",
    )


def _watchdog(plan: Plan) -> Iterator[Alert]:
    """Fires always. A service outside complains when it no longer hears it: then the monitoring is dead."""
    name = "Watchdog"
    knob = plan.settings[name]
    if knob.enabled:
        at = Span.of(plan, knob).late
        cases = (Case("fires whatever happens", {}, at, firing(knob, [{}])),)
        yield alert(
            plan,
            name,
            call("vector", Number(1)),
            "The monitoring is alive",
            "This alert always fires. When it no longer reaches the service outside, alerts reach nobody.",
            BOARD,
            cases,
        )


def _failing(
    plan: Plan, name: str, signal: Signal, view: View, by: tuple[str, ...], summary: str, description: str
) -> Iterator[Alert]:
    """An alert on failures that were counted within the window, or on a flag that went to 0."""
    knob, branches = plan.settings[name], view.sources.branches(signal)
    if not knob.enabled or not branches:
        return
    flag = signal.kind is Kind.GAUGE
    expr: Expr = compare(view.level(signal, *by), "==", 0) if flag else compare(view.increase(signal, *by), ">", 0)
    ours = signal in (s.TRACES_DROPPED, s.LABELS_REJECTED)
    witnesses = servers(plan, signal)[:1] if ours else tuple(_part(plan, branch) for branch in branches)
    witnesses = tuple(replace(one, labels={label: one.labels[label] for label in by}) for one in witnesses)

    def truth(witness: Witness, value: float, seconds: int) -> Series:
        return level(signal, witness, value, seconds)

    bad, good = (0, 1) if flag else (_SOME, 0)
    cases = witness_cases(
        plan, knob, witnesses, truth, bad, good, plain=lambda one, value, t: truth(one, 10 * value, t)
    )
    yield alert(plan, name, expr, summary, description, BOARD, (*cases, *_each_alone(plan, knob, witnesses)))


def _each_alone(plan: Plan, knob: Knob, witnesses: Sequence[Witness]) -> Iterator[Case]:
    """Where several metrics are added up, one of them is enough."""
    at = Span.of(plan, knob).late
    for witness in witnesses:
        metrics = witness.branch.source.metrics
        for metric in metrics if len(metrics) > 1 else ():
            source = replace(witness.branch.source, metrics=(metric,))
            alone = replace(witness, branch=replace(witness.branch, source=source))
            yield Case(
                f"fires for {metric.names[0].name}", alone.counter(_SOME, at), at, firing(knob, [witness.labels])
            )


def _part(plan: Plan, branch: Branch) -> Witness:
    """A part of the monitoring as it tells of itself."""
    labels = {JOB: branch.profile.engine, INSTANCE: f"{branch.profile.engine}:9"}
    return Witness(branch, sampling(plan), (labels,), labels, {})
