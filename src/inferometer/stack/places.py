"""Where generated files, secrets and servers lie, as the servers themselves see it.

Every path in a generated configuration is relative to the folder of that configuration, and each server is started in
that folder. So one file serves on a host and in a container, where the tree lies below `HOME` as in the repository.
Why: docs/decisions/0006-scrape-and-routing.md.
"""

from __future__ import annotations

import posixpath

from inferometer import names
from inferometer.plan import Plan, Target

# Where containers mount the folders of the tree, each at its place: stack/prometheus, stack/secrets, alerts ...
HOME = "/etc/inferometer"

PROMETHEUS = "stack/prometheus"
VICTORIAMETRICS = "stack/victoriametrics"
ALERTMANAGER = "stack/alertmanager"
GRAFANA = "stack/grafana"
EXPORTER = "stack/exporter"

# Rule files as the configurations below stack/ see them. Test files lie one folder deeper and do not match.
RULE_FILES = f"../../{names.ALERTS}/*.yaml"


def file(path: str) -> str:
    """A file that the spec names, relative to the spec's folder, as a configuration in `stack/<server>/` names it."""
    return path if path.startswith("/") else posixpath.join("..", posixpath.normpath(path))


def target(plan: Plan, job: str) -> Target:
    """The only target of a part of the monitoring. Raises LookupError where the plan has none: the caller's fault."""
    for one in plan.targets:
        if one.job == job:
            return one
    raise LookupError(f"the plan has no target of job {job}")


def url(plan: Plan, job: str) -> str:
    """Where the other parts of the monitoring reach this one."""
    one = target(plan, job)
    return f"{one.scheme}://{one.address}"


def listen(plan: Plan, job: str, flag: str) -> tuple[str, ...]:
    """The flag that keeps a server on a host to the address by which the others know it.

    In containers none is needed: the network between them is theirs, and compose publishes to loopback only.
    """
    return () if plan.spec.platform == "compose" else (f"{flag}={target(plan, job).address}",)


def flags_text(flags: tuple[str, ...]) -> str:
    return "".join(f"{flag}\n" for flag in flags)
