"""Rules and their test cases as data, and their form in a rule file.

The subset is what Prometheus and VictoriaMetrics both take. Rules that build on each other stand in order in one group.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from inferometer.catalog.knobs import Knob
from inferometer.names import PRODUCT, RUNBOOKS, SEVERITY
from inferometer.plan import Plan
from inferometer.promql import Expr
from inferometer.units import format_duration

Labels = Mapping[str, str]
Series = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Expected:
    """One sample that must be there: its labels without the name, and its value."""

    labels: Labels
    value: float


@dataclass(frozen=True, slots=True)
class Case:
    """Input series in promtool's notation, and what must be seen at `at` seconds: for an alert, each that fires.

    An alert's expected value is always 1; an empty `expected` means silence.
    """

    name: str
    series: Series
    at: int
    expected: tuple[Expected, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """A recording rule; `help` says what it is in one sentence. Rules of one name share the cases of the first."""

    name: str
    expr: Expr
    help: str
    labels: Labels = field(default_factory=dict)
    cases: tuple[Case, ...] = ()

    def to_rule(self) -> dict[str, object]:
        rule: dict[str, object] = {"record": self.name, "expr": self.expr.pretty()}
        return rule | ({"labels": dict(self.labels)} if self.labels else {})


@dataclass(frozen=True, slots=True)
class Alert:
    """An alerting rule: `knob` gives its name, severity and threshold, `patience` and `keep` are in seconds.

    `summary` and `description` are templates of what a person is told; `board` is the board to open, with its
    variables, and `runbook` the page to read: URLs where the spec says what is where, else paths.
    """

    knob: Knob
    expr: Expr
    summary: str
    description: str
    board: str
    runbook: str
    patience: int
    keep: int = 0
    labels: Labels = field(default_factory=dict)
    cases: tuple[Case, ...] = ()

    @property
    def name(self) -> str:
        return self.knob.alert

    def to_rule(self) -> dict[str, object]:
        rule: dict[str, object] = {"alert": self.name, "expr": self.expr.pretty()}
        if self.patience:
            rule["for"] = format_duration(self.patience)
        if self.keep:
            rule["keep_firing_for"] = format_duration(self.keep)
        rule["labels"] = {SEVERITY: self.knob.severity, **self.labels}
        rule["annotations"] = {
            "summary": self.summary,
            "description": self.description,
            "runbook_url": self.runbook,
            "dashboard_url": self.board,
        }
        return rule


def alert(
    plan: Plan,
    name: str,
    expr: Expr,
    summary: str,
    description: str,
    board: str,
    cases: tuple[Case, ...],
    **labels: str,
) -> Alert:
    """An alert as the plan's settings want it: its patience is scaled like every time of a rule."""
    knob = plan.settings[name]
    patience, keep = plan.settings.patience(knob.patience), plan.settings.patience(knob.keep)
    grafana, runbooks = plan.spec.alerting.grafana or "", plan.spec.alerting.runbooks or RUNBOOKS
    runbook = f"{runbooks.rstrip('/')}/{name}.md"
    return Alert(knob, expr, summary, description, grafana.rstrip("/") + board, runbook, patience, keep, labels, cases)


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated in order; `about` heads the file. `step` is the seconds between samples in its cases."""

    name: str
    about: str
    rules: tuple[Record | Alert, ...]
    step: int

    @property
    def alerts(self) -> tuple[Alert, ...]:
        return tuple(rule for rule in self.rules if isinstance(rule, Alert))

    @property
    def records(self) -> tuple[Record, ...]:
        return tuple(rule for rule in self.rules if isinstance(rule, Record))

    @property
    def title(self) -> str:
        """The group's name in the rule file: unique among other people's groups."""
        return f"{PRODUCT}-{self.name}"

    def to_file(self) -> dict[str, object]:
        return {"groups": [{"name": self.title, "rules": [rule.to_rule() for rule in self.rules]}]}
