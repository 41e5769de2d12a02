"""Objectives: how much of each error budget is left, and whether it burns too fast.

Bad and counted events are recorded as rates over five minutes, once; every longer window is made from these two series.
So an objective over 30 days costs two cheap series and no query reads 30 days of histograms.
"""

from __future__ import annotations

from collections.abc import Iterator

from inferometer import promql as p
from inferometer.catalog import signals as s
from inferometer.names import SLO, board_uid, recorded
from inferometer.plan import RULE_WINDOW, Objective, Plan, View
from inferometer.promql import Binary, Expr, Matcher, Number, Selector, compare
from inferometer.rules import slo_cases as cases
from inferometer.rules.burn import FAST, HOUR, SLOW, Pair, pairs
from inferometer.rules.model import Alert, Group, Record, alert
from inferometer.units import format_duration

BOARD = f"/d/{board_uid('fleet')}"
QUIET_WINDOW = 1 * HOUR

BAD = recorded("slo", "bad:rate5m")
EVENTS = recorded("slo", "events:rate5m")
BUDGET_LEFT = recorded("slo", "budget_left:ratio")


def groups(plan: Plan) -> Iterator[Group]:
    """A group for each objective, so that they are evaluated beside each other."""
    for objective in plan.objectives:
        names = (BAD, EVENTS, *(ratio_name(format_duration(window)) for window in sorted(_windows(objective))))
        truth = cases.Events(plan, objective, names)
        rules: tuple[Record | Alert, ...] = (*_records(plan, objective, truth), *_alerts(plan, objective, truth))
        yield Group(f"slo-{objective.name}", f"Objective {objective.name}. {objective.sentence}.", rules, truth.step)


def ratio_name(window: str) -> str:
    return recorded("slo", f"bad_ratio:rate{window}")


def _named(objective: Objective, name: str, window: str = "") -> Selector:
    return Selector(name, (Matcher(SLO, "=", objective.name),), window)


def _records(plan: Plan, objective: Objective, truth: cases.Events) -> Iterator[Record]:
    labels = {SLO: objective.name}
    bad, events = _measured(plan, objective)
    yield Record(BAD, bad, "Bad events per second.", labels, truth.measured(truth.bad_pace))
    yield Record(EVENTS, events, "Events per second.", labels, truth.measured(truth.pace))
    for window in sorted(_windows(objective)):
        yield Record(
            ratio_name(format_duration(window)),
            _share(plan, objective, window),
            "Share of bad events.",
            labels,
            (*truth.shared(truth.share), truth.all_good()),
        )
    spent = Binary("/", _share(plan, objective, objective.window), Number(round(objective.budget, 9)))
    left = Binary("-", Number(1), spent)
    yield Record(
        BUDGET_LEFT,
        left,
        "Share of the error budget that is left: 1 untouched, 0 used up, negative overdrawn.",
        labels,
        truth.shared(1 - truth.share / objective.budget),
    )


def _windows(objective: Objective) -> set[int]:
    fitting = pairs((*FAST, *SLOW), objective.window)
    return {RULE_WINDOW, QUIET_WINDOW} | {window for pair in fitting for window in (pair.long, pair.short)}


def _measured(plan: Plan, objective: Objective) -> tuple[Expr, Expr]:
    """Bad and all events per second, over five minutes."""
    view = View(objective.sources, plan.window(RULE_WINDOW), objective.matchers, objective.model)
    if objective.signal is None:
        return view.amounts(s.ERROR_RATIO)
    whole = view.count(objective.signal)
    return Binary("-", whole, view.within(objective.signal, objective.limit)), whole


def _share(plan: Plan, objective: Objective, seconds: int) -> Expr:
    """Bad events of all events in a window. Without traffic there is no share."""
    if seconds == RULE_WINDOW:
        return p.over(_named(objective, BAD), _named(objective, EVENTS))
    window = plan.window(seconds)
    bad, events = (p.call("sum_over_time", _named(objective, name, window)) for name in (BAD, EVENTS))
    return p.over(bad, events)


def _count(plan: Plan, objective: Objective, seconds: int) -> Expr:
    """Events in a window."""
    scaled = plan.settings.window(seconds)
    pace: Expr = _named(objective, EVENTS)
    if seconds != RULE_WINDOW:
        pace = p.call("avg_over_time", _named(objective, EVENTS, plan.window(seconds)))
    return Binary("*", pace, Number(scaled))


def _burning(plan: Plan, objective: Objective, pair: Pair) -> Expr:
    limit = round(pair.limit(objective.window, objective.budget), 9)
    long, short = (_named(objective, ratio_name(format_duration(window))) for window in (pair.long, pair.short))
    burning = Binary("and", compare(long, ">", limit), compare(short, ">", limit))
    return Binary("and", burning, compare(_count(plan, objective, pair.short), ">=", objective.min_events))


def _alerts(plan: Plan, objective: Objective, truth: cases.Events) -> Iterator[Alert]:
    share = "{{ $value | humanizePercentage }}"
    told = (
        ("SloBurnFast", FAST, "At this pace the error budget is gone within days."),
        ("SloBurnSlow", SLOW, "At this pace the error budget does not last for its window."),
    )
    for name, every, description in told:
        fitting = pairs(every, objective.window)
        if not plan.settings[name].enabled or not fitting:
            continue
        expr = p.union(_burning(plan, objective, pair) for pair in fitting)
        yield alert(
            plan,
            name,
            expr,
            f"{objective.name}: {share} of events are bad",
            f"{description} Objective: {objective.sentence}.",
            BOARD,
            truth.burn_cases(name, fitting),
        )
    name = "SloQuietFailure"
    if plan.settings[name].enabled:
        quiet = Binary(
            "and",
            compare(_named(objective, ratio_name(format_duration(QUIET_WINDOW))), ">", plan.settings.limit(name)),
            compare(_count(plan, objective, FAST[-1].short), "<", objective.min_events),
        )
        yield alert(
            plan,
            name,
            quiet,
            f"{objective.name}: few requests, and {share} of them are bad",
            "Too few requests for a burn alert, and most of them do not meet the objective.",
            BOARD,
            truth.quiet_cases(),
        )
