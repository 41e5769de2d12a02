"""Rules: `write` gives the rule files of a plan, their test cases and a runbook page for each alert."""

from __future__ import annotations

from inferometer.names import ALERT_TESTS, ALERTS, RUNBOOKS
from inferometer.plan import Plan
from inferometer.rules import host, monitoring, serving, slo, targets
from inferometer.rules.model import Alert, Case, Expected, Group, Record
from inferometer.rules.runbook import pages
from inferometer.rules.testfile import cases_file


def groups(plan: Plan) -> tuple[Group, ...]:
    """All rules of a plan: a group is a file, and its rules are evaluated in order."""
    every = (targets.group(plan), serving.group(plan), *slo.groups(plan), host.group(plan), monitoring.group(plan))
    return tuple(group for group in every if group is not None and group.rules)


def write(plan: Plan) -> dict[str, object]:
    """`alerts/<group>.yaml`, `alerts/tests/<group>.yaml` and `alerts/runbooks/<Alert>.md`."""
    every = groups(plan)
    rules: dict[str, object] = {f"{ALERTS}/{group.name}.yaml": group.to_file() for group in every}
    cases: dict[str, object] = {f"{ALERT_TESTS}/{group.name}.yaml": cases_file(group) for group in every}
    return rules | cases | {f"{RUNBOOKS}/{name}.md": text for name, text in pages(plan, every).items()}


__all__ = ["Alert", "Case", "Expected", "Group", "Record", "groups", "write"]
