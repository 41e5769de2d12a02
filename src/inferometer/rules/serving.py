"""Is it serving, is it fast, is it full? Alerts on the recorded signals of each backend and model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from inferometer.catalog import signals as s
from inferometer.catalog.signal import Signal
from inferometer.names import RUNTIME, board_uid
from inferometer.plan import Plan
from inferometer.promql import Binary, Expr, compare
from inferometer.rules import records as r
from inferometer.rules.cases import ABOVE, BELOW, Span, Truth, alert_cases, witness_cases
from inferometer.rules.model import Alert, Case, Group, Series, alert
from inferometer.rules.traffic import Witness, level, merged, sampling, servers

ABOUT = "Is it serving, is it fast, is it full? Recorded signals by backend and model, and the alerts on them."
WHO = "{{ $labels.model }} on {{ $labels.backend }}"
CHOSEN = "var-model={{ $labels.model | urlquery }}&var-backend={{ $labels.backend | urlquery }}"
BOARD = f"/d/{board_uid('model')}?{CHOSEN}"

SHARE = "{{ $value | humanizePercentage }}"
TIME = "{{ $value | humanizeDuration }}"
NUMBER = "{{ $value | humanize }}"


def group(plan: Plan) -> Group:
    """The records and the alerts of serving. Those that nobody in this fleet can tell of are left out."""
    records = [record.rule(plan) for record in r.RECORDS]
    return Group("serving", ABOUT, (*(record for record in records if record), *_alerts(plan)), sampling(plan))


def _alerts(plan: Plan) -> Iterator[Alert]:
    yield from _over(
        plan,
        "ErrorRatioHigh",
        r.ERROR_RATIO,
        f"{SHARE} of requests fail: {WHO}",
        "Requests to this model end in an error. Clients that left are not counted.",
        enough=True,
    )
    yield from _over(
        plan,
        "ClientsLeaving",
        r.DISCONNECTS,
        f"{SHARE} of clients leave: {WHO}",
        "Clients hang up before their answer is complete: often because the first token takes too long.",
        enough=True,
    )
    yield from _over(
        plan,
        "RequestsRefused",
        r.REJECTIONS,
        f"{NUMBER} requests/s are refused: {WHO}",
        "The engine's queue is full and it turns requests away.",
    )
    yield from _over(
        plan,
        "FirstTokenSlow",
        r.FIRST_TOKEN,
        f"First tokens take {TIME}: {WHO}",
        "Five of 100 requests wait longer than this for their first token.",
        enough=True,
    )
    yield from _over(
        plan,
        "TokensSlow",
        r.TOKEN_GAP,
        f"{TIME} between tokens: {WHO}",
        "Five of 100 gaps between two tokens are longer than this.",
        enough=True,
    )
    yield from _over(
        plan,
        "QueueTimeLong",
        r.QUEUE_TIME,
        f"Requests wait {TIME}: {WHO}",
        "Five of 100 requests wait longer than this before the engine begins with them.",
        enough=True,
    )
    yield from _over(
        plan,
        "QueueLong",
        r.WAITING,
        f"{NUMBER} requests wait: {WHO}",
        "More requests arrive than the backend can compute.",
    )
    yield from _over(
        plan,
        "KvCacheSaturated",
        r.KV_CACHE,
        f"KV cache {SHARE} full: {WHO}",
        "There is no room for more sequences: requests queue, and running ones may be thrown out.",
    )
    yield from _over(
        plan,
        "Preemptions",
        r.PREEMPTIONS,
        f"{NUMBER} preemptions/s: {WHO}",
        "The engine throws running requests out of its batch and computes them again later.",
    )
    yield from _queue_stuck(plan)
    yield from _no_progress(plan)


def _over(
    plan: Plan, name: str, record: r.Recorded, summary: str, description: str, *, enough: bool = False
) -> Iterator[Alert]:
    """An alert on a record above its threshold; `enough` asks for a least number of requests beside it."""
    knob = plan.settings[name]
    limit = plan.settings.limit(name) if knob.threshold is not None else 0.0
    bad, good = limit * ABOVE, limit * BELOW
    witnesses = record.witnesses(plan, bad, good)
    if not knob.enabled or not witnesses or record.rule(plan) is None:
        return
    expr: Expr = compare(record.selector, ">", limit)
    cases = witness_cases(plan, knob, witnesses, record.truth(), bad, good, plain=record.plain_truth())
    if enough:
        expr = Binary("and", expr, compare(r.REQUESTS.selector, ">=", r.LEAST_PACE))
        cases = (*cases, _few(plan, name, witnesses, record.truth(r.LEAST_PACE * BELOW), bad))
    yield alert(plan, name, expr, summary, description, BOARD, cases)


def _few(plan: Plan, name: str, witnesses: Sequence[Witness], truth: Truth, bad: float) -> Case:
    at = Span.of(plan, plan.settings[name]).late
    return Case("is silent with few requests", merged(*(truth(witness, bad, at) for witness in witnesses)), at)


def _queue_stuck(plan: Plan) -> Iterator[Alert]:
    """Requests wait and none runs: up, and not serving, which `up` cannot see."""
    expr = Binary("and", compare(r.WAITING.selector, ">", 0), compare(r.RUNNING.selector, "==", 0))
    yield from _pair(
        plan,
        "QueueStuck",
        expr,
        (s.WAITING, s.RUNNING),
        bad=(4, 0),
        good=(4, 1),
        summary=f"{{{{ $value }}}} requests wait and none runs: {WHO}",
        description="The server answers its scrapes and computes nothing.",
    )


def _no_progress(plan: Plan) -> Iterator[Alert]:
    """Requests run and no batch is computed.

    Steps, not tokens: llama.cpp counts the tokens of an answer when it ends, and an embedding has none.
    """
    expr = Binary("and", compare(r.RUNNING.selector, ">", 0), compare(r.STEPS.selector, "==", 0))
    yield from _pair(
        plan,
        "NoProgress",
        expr,
        (s.RUNNING, s.STEPS),
        bad=(2, 0),
        good=(2, 1),
        summary=f"{{{{ $value }}}} requests run and nothing is computed: {WHO}",
        description="The server hangs: requests are in its batch and the engine takes no step.",
    )


def _pair(
    plan: Plan,
    name: str,
    expr: Expr,
    signals: tuple[Signal, Signal],
    *,
    bad: tuple[float, float],
    good: tuple[float, float],
    summary: str,
    description: str,
) -> Iterator[Alert]:
    """An alert on two signals of one server: `bad` and `good` are their values; an idle server has 0 of both."""
    knob = plan.settings[name]
    heard = {signal: {witness.labels[RUNTIME]: witness for witness in servers(plan, signal)} for signal in signals}
    runtimes = [runtime for runtime in heard[signals[0]] if runtime in heard[signals[1]]]
    if not knob.enabled or not runtimes:
        return

    def told(values: tuple[float, float], seconds: int, restart: bool = False) -> Series:
        return merged(
            *(
                level(signal, replace(heard[signal][runtime], restart=restart), value, seconds)
                for runtime in runtimes
                for signal, value in zip(signals, values, strict=True)
            )
        )

    span = Span.of(plan, knob)
    cases = alert_cases(
        knob,
        span,
        lambda seconds: told(bad, seconds),
        lambda seconds: told(good, seconds),
        [heard[signals[0]][runtime].labels for runtime in runtimes],
        Case("is silent through a restart", told(good, span.late, restart=True), span.late),
        Case("is silent when idle", told((0, 0), span.late), span.late),
    )
    yield alert(plan, name, expr, summary, description, BOARD, cases)
