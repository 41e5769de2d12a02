"""The recorded signals of serving: one number for each backend and model, on which alerts stand.

An alert is then one comparison of a record, so that what it says can be asked for by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inferometer.catalog import signals as s
from inferometer.catalog.signal import Kind, Ratio, Signal
from inferometer.names import BACKEND, CLUSTER, MODEL, RUNTIME, recorded
from inferometer.plan import RULE_WINDOW, Plan
from inferometer.promql import Expr, Selector, compare
from inferometer.rules.cases import ABOVE, Truth, name_cases, record_cases
from inferometer.rules.model import Record, Series
from inferometer.rules.traffic import Witness, level, merged, requests, servers

FLEET = (CLUSTER, RUNTIME, BACKEND, MODEL)
Q = 0.95

# A share or a quantile of fewer requests than ten in five minutes says nothing.
LEAST_PACE = round(10 / RULE_WINDOW, 4)
ENOUGH = LEAST_PACE * ABOVE
"""Requests per second in an alert's case: just enough where it asks for a least number."""

PACE = 20.0  # requests per second in a record's case


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recorded signal: `operation` names it, `value` is that of its case."""

    signal: Signal | Ratio
    operation: str
    value: float

    @property
    def name(self) -> str:
        return recorded(self.signal.key, self.operation)

    @property
    def selector(self) -> Selector:
        return Selector(self.name)

    @property
    def is_ratio(self) -> bool:
        return isinstance(self.signal, Ratio)

    @property
    def is_quantile(self) -> bool:
        return isinstance(self.signal, Signal) and self.signal.kind is Kind.HISTOGRAM

    def expr(self, plan: Plan) -> Expr:
        view = plan.rule()
        if isinstance(self.signal, Ratio):
            return view.ratio(self.signal, *FLEET)
        if self.signal.kind is Kind.HISTOGRAM:
            # Without traffic Prometheus answers NaN and VictoriaMetrics nothing: the comparison leaves nothing in both.
            return compare(view.quantile(self.signal, Q, *FLEET), ">=", 0)
        return view.rate(self.signal, *FLEET) if self.signal.kind is Kind.COUNTER else view.level(self.signal, *FLEET)

    def truth(self, pace: float = ENOUGH) -> Truth:
        """Servers at which the signal has a value, with `pace` requests per second where it is about requests."""
        signal = self.signal
        if isinstance(signal, Ratio):
            return _share_of_requests(signal.part, pace)
        if signal.kind is Kind.HISTOGRAM:
            return _quantile(signal, pace)
        if signal is s.REQUESTS:
            return lambda witness, value, seconds: requests(
                witness, good=value / 2, failed=value / 4, left=value / 4, seconds=seconds
            )
        return lambda witness, value, seconds: level(signal, witness, value, seconds)

    def plain_truth(self) -> Truth:
        """As `truth`, and so much of it that a rule's window need not be full."""
        truth = self.truth(PACE)
        if isinstance(self.signal, Signal) and self.signal.kind is Kind.COUNTER:
            return lambda witness, value, seconds: truth(witness, 10 * value, seconds)
        return truth

    def witnesses(self, plan: Plan, *values: float) -> Sequence[Witness]:
        """The servers of the cases: those that can show these values, where a histogram's bounds set limits."""
        every = servers(plan, self.signal)
        return [w for w in every if not self.is_quantile or all(w.can_show(Q, value) for value in values)]

    def rule(self, plan: Plan) -> Record | None:
        """The rule, or None where nobody in this fleet tells the signal."""
        witnesses = self.witnesses(plan, self.value)
        if not witnesses:
            return None
        return Record(
            self.name,
            self.expr(plan),
            self.signal.help,
            cases=(
                *record_cases(plan, witnesses, self.truth(PACE), self.value),
                *name_cases(plan, witnesses, self.truth(PACE), self.value, *([0] if self.is_ratio else [])),
            ),
        )


def _share_of_requests(part: Signal, pace: float) -> Truth:
    """`value` of all requests end as `part`, and some of the others in a way that must not be mixed up with it."""

    def truth(witness: Witness, value: float, seconds: int) -> Series:
        bad, other = value * pace, (1 - value) * pace
        spared = other / 4 if value else 0.0
        failed, left = (bad, spared) if part is s.ERRORS else (spared, bad)
        return requests(witness, good=other - spared, failed=failed, left=left, seconds=seconds)

    return truth


def _quantile(signal: Signal, pace: float) -> Truth:
    def truth(witness: Witness, value: float, seconds: int) -> Series:
        observed = witness.sibling(signal).quantile(Q, value, pace, seconds)
        return merged(observed, requests(witness, good=pace, failed=0, seconds=seconds))

    return truth


RATE = "rate5m"
P95 = "p95_5m"
REQUESTS = Recorded(s.REQUESTS, RATE, PACE)
ERROR_RATIO = Recorded(s.ERROR_RATIO, RATE, 0.06)
DISCONNECTS = Recorded(s.DISCONNECT_RATIO, RATE, 0.15)
REJECTIONS = Recorded(s.REJECTIONS, RATE, 0.4)
TOKENS_OUT = Recorded(s.TOKENS_OUT, RATE, 120.0)
STEPS = Recorded(s.STEPS, RATE, 40.0)
FIRST_TOKEN = Recorded(s.TIME_TO_FIRST_TOKEN, P95, 0.6)
TOKEN_GAP = Recorded(s.TIME_PER_OUTPUT_TOKEN, P95, 0.12)
QUEUE_TIME = Recorded(s.QUEUE_TIME, P95, 0.6)
RUNNING = Recorded(s.RUNNING, "sum", 7)
WAITING = Recorded(s.WAITING, "sum", 3)
KV_CACHE = Recorded(s.KV_CACHE_USAGE, "max", 0.5)
PREEMPTIONS = Recorded(s.PREEMPTIONS, RATE, 0.2)
RECORDS = (
    REQUESTS,
    ERROR_RATIO,
    DISCONNECTS,
    REJECTIONS,
    TOKENS_OUT,
    STEPS,
    FIRST_TOKEN,
    TOKEN_GAP,
    QUEUE_TIME,
    RUNNING,
    WAITING,
    KV_CACHE,
    PREEMPTIONS,
)
