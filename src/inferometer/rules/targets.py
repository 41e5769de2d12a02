"""Is everything there that the spec lists, and does it tell something?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from inferometer.catalog import signals as s
from inferometer.names import BACKEND, CLUSTER, JOB, JOB_EXPORTER, RUNTIME, board_uid
from inferometer.plan import Plan, Target
from inferometer.promql import Binary, Call, Expr, Matcher, Selector, compare
from inferometer.rules import expected
from inferometer.rules.cases import ABOVE, BELOW, Span, alert_cases, firing, witness_cases
from inferometer.rules.expected import EXPECTED, SAME, SAMPLE_LIMIT, labels_of, told_up
from inferometer.rules.model import Alert, Case, Group, Series, alert
from inferometer.rules.telemetry import telemetry_dead
from inferometer.rules.testfile import series
from inferometer.rules.traffic import constant, level, merged, sampling, servers

ABOUT = "Is everything there that the spec lists, and does it tell something?"
BOARD = f"/d/{board_uid('fleet')}"

FLAPPING_WINDOW = 1800
_LONG = 400  # samples: longer than any case here
SERVER = "{{ $labels.backend }} ({{ $labels.instance }})"
TARGET = "{{ $labels.job }} at {{ $labels.instance }}"


def group(plan: Plan) -> Group:
    """The records of what is expected, and the alerts on what is not there."""
    return Group("targets", ABOUT, (*expected.records(plan), *_alerts(plan)), sampling(plan))


def _alerts(plan: Plan) -> Iterator[Alert]:
    engines = [target for target in plan.targets if RUNTIME in target.labels]
    exporter = [target for target in plan.targets if target.job == JOB_EXPORTER]
    others = [target for target in plan.targets if RUNTIME not in target.labels and target not in exporter]
    up = Selector("up", (Matcher(RUNTIME, "!=", ""),))
    if engines:
        yield from _down(
            plan,
            "BackendDown",
            compare(up, "==", 0),
            engines,
            told_up(others[0], constant(0, _LONG)),
            f"{SERVER} is down",
            "The server does not answer its scrapes: it is off, out of reach or hangs.",
        )
    yield from _unreachable(plan)
    if exporter:
        yield from _down(
            plan,
            "ExporterDown",
            compare(Selector("up", (Matcher(JOB, "=", JOB_EXPORTER),)), "==", 0),
            exporter,
            told_up(others[0], constant(0, _LONG)),
            f"{TARGET} is down",
            "Requests pass through the exporter: while it is down they may all fail, and nobody counts them.",
        )
    rest = (Matcher(RUNTIME, "=", ""), Matcher(JOB, "!=", JOB_EXPORTER))
    ours = Binary("and", compare(Selector("up", rest), "==", 0), Selector(EXPECTED), on=SAME)
    yield from _down(
        plan,
        "TargetDown",
        ours,
        others,
        merged(
            *(
                told_up(one, constant(0, _LONG))
                for one in (*engines[:1], *exporter, replace(others[0], job="elsewhere"))
            )
        ),
        f"{TARGET} is down",
        "A part of the monitoring or a host does not answer its scrapes; what it tells is missing.",
    )
    yield from _missing(plan)
    if engines:
        yield from _flapping(plan, up, engines[0], others[0])
    yield from _near_limit(plan)
    yield from telemetry_dead(plan)


def _down(
    plan: Plan, name: str, expr: Expr, targets: Sequence[Target], beside: Series, summary: str, description: str
) -> Iterator[Alert]:
    """An alert on `up` of these targets; those `beside` are down too, and another alert's matter."""
    knob = plan.settings[name]
    if not knob.enabled:
        return
    span, target = Span.of(plan, knob), targets[0]
    steps = span.late // sampling(plan)

    def told(values: str) -> Series:
        return merged(beside, told_up(target, values))

    soon_back = f"{constant(1, 4)} {constant(0, max(0, span.early // sampling(plan) - 1))} {constant(1, steps)}"
    cases = alert_cases(
        knob,
        span,
        lambda _: told(constant(0, steps)),
        lambda _: told(constant(1, steps)),
        [labels_of(target)],
        *([Case("is silent when it is soon back", told(soon_back), span.late)] if span.early > 0 else []),
    )
    yield alert(plan, name, expr, summary, description, BOARD, cases)


def _unreachable(plan: Plan) -> Iterator[Alert]:
    knob, witnesses = plan.settings["BackendUnreachable"], servers(plan, s.BACKEND_UP)
    if not knob.enabled or not witnesses:
        return
    expr = compare(plan.rule().level(s.BACKEND_UP, CLUSTER, RUNTIME, BACKEND), "==", 0)
    cases = witness_cases(plan, knob, witnesses, lambda w, value, t: level(s.BACKEND_UP, w, value, t), bad=0, good=1)
    yield alert(
        plan,
        "BackendUnreachable",
        expr,
        "{{ $labels.backend }} is out of the exporter's reach",
        "The exporter answers, and the server behind it does not: every request to it fails.",
        BOARD,
        cases,
    )


def _missing(plan: Plan) -> Iterator[Alert]:
    """No `up` at all: the scraper does not even try. Up or down is another alert's matter."""
    knob = plan.settings["TargetMissing"]
    if not knob.enabled:
        return
    span, missing = Span.of(plan, knob), plan.targets[0]
    every = [labels_of(target) for target in plan.targets]
    held = constant(1, span.late // sampling(plan))
    rest = merged(*(told_up(target, held) for target in plan.targets[1:]))
    cases = [
        Case("fires", rest, span.late, firing(knob, [labels_of(missing)])),
        Case("fires for every target without data", {}, span.late, firing(knob, every)),
        Case("is silent when a target is down", {**rest, **told_up(missing, held.replace("1", "0", 1))}, span.late),
    ]
    if span.early > 0:
        cases.append(Case("waits its time", rest, span.early))
    expr = Binary("unless", Selector(EXPECTED), Selector("up"), on=SAME)
    yield alert(
        plan,
        "TargetMissing",
        expr,
        f"{TARGET} is not scraped",
        "The spec lists it and the scraper does not know it: an old configuration runs.",
        BOARD,
        tuple(cases),
    )


def _flapping(plan: Plan, up: Selector, target: Target, other: Target) -> Iterator[Alert]:
    knob, step = plan.settings["BackendFlapping"], sampling(plan)
    if not knob.enabled:
        return
    limit, window = plan.settings.limit("BackendFlapping"), plan.settings.window(FLAPPING_WINDOW)
    span = Span.of(plan, knob, FLAPPING_WINDOW)
    changes = int(limit) + 1
    held = max(1, (window // step - 1) // changes)  # samples between two changes: the window always holds enough

    def told(times: int, held: int) -> str:
        """So many changes, one every `held` samples, and quiet after the last."""
        return " ".join(constant((turn + 1) % 2, held - 1) for turn in range(times)) + f" {constant(times % 2, _LONG)}"

    often = told(span.late // (held * step) + 2, held)
    busy = merged(told_up(target, often), told_up(other, often))
    quiet = told_up(target, constant(1, _LONG))
    cases = alert_cases(knob, span, lambda _: busy, lambda _: quiet, [labels_of(target)])
    # VictoriaMetrics counts a series' first sample as a change too: so it is up for a window's length before.
    before = span.late // step
    allowed = told_up(target, f"{constant(1, before)} {told(changes, 2)}")
    few = Case("is silent after as many changes as it allows", allowed, (before + 2 * changes + 2) * step)
    expr = compare(Call("changes", (up.over(plan.window(FLAPPING_WINDOW)),)), ">", limit)
    yield alert(
        plan,
        "BackendFlapping",
        expr,
        f"{SERVER} went up and down {{{{ $value }}}} times",
        "The server starts, answers and dies again: clients lose their requests each time.",
        BOARD,
        (*cases, few),
    )


def _near_limit(plan: Plan) -> Iterator[Alert]:
    name = "ScrapeNearLimit"
    knob, target = plan.settings[name], plan.targets[0]
    if not knob.enabled:
        return
    limit, span = plan.settings.limit(name), Span.of(plan, knob)
    steps = span.late // sampling(plan)

    def told(share: float) -> Series:
        return {
            series("scrape_samples_post_metric_relabeling", labels_of(target)): constant(
                share * target.sample_limit, steps
            )
        }

    share = Binary(
        "/", Selector("scrape_samples_post_metric_relabeling"), Selector(SAMPLE_LIMIT), on=SAME, group_left=()
    )
    cases = alert_cases(knob, span, lambda _: told(limit * ABOVE), lambda _: told(limit * BELOW), [labels_of(target)])
    yield alert(
        plan,
        name,
        compare(share, ">", limit),
        f"{TARGET} fills {{{{ $value | humanizePercentage }}}} of its sample limit",
        "A scrape over the limit is thrown away whole: all metrics of this target would be gone.",
        BOARD,
        cases,
    )
