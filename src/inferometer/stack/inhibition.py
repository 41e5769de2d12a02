"""Which alert silences which: the cause is told, its consequences are not.

An `equal` label that both alerts lack counts as equal, so a rule must ask for the labels it compares. Alertmanager lets
no alert that fits both sides of a rule be silenced by another that does. Across rules it does not look: two alerts that
could silence each other would both be lost, so of each pair only one may silence the other.
"""

from __future__ import annotations

from inferometer import names
from inferometer.plan import Plan

DOWN = "BackendDown"
UNREACHABLE = "BackendUnreachable"

Rule = dict[str, object]


def rules(plan: Plan) -> list[Rule]:
    """The inhibition rules: general ones first, then one for each gateway with a single server behind it."""
    return [_server(), _backend(plan), _recorded(), *_PAIRS, _severity(), *_gateways(plan)]


def rule(source: list[str], target: list[str], *equal: str) -> Rule:
    """Alerts that fit `target` are silent while one that fits `source` fires with the same `equal` labels."""
    return {"source_matchers": source, "target_matchers": target, "equal": list(equal)}


def _server() -> Rule:
    """A server that is gone explains all that is said of that server."""
    gone = [f'alertname=~"{DOWN}|ExporterDown|TargetDown|TargetMissing"']
    return rule(gone, ['instance=~".+"', 'job=~".+"'], names.CLUSTER, names.JOB, names.INSTANCE)


def _backend(plan: Plan) -> Rule:
    """A backend of one server that is down explains all that is said of the backend and of its models.

    Where there are replicas the others still serve, and what they do badly must be heard.
    """
    replicated = [f'backend!="{backend.name}"' for backend in plan.spec.backends if len(backend.addresses) > 1]
    down = [f'alertname="{DOWN}"', *replicated]
    return rule(down, ['backend=~".+"'], names.CLUSTER, names.BACKEND)


def _recorded() -> Rule:
    """The same seen from the exporter, which reaches none of the backend's servers."""
    others = [f'alertname!~"{DOWN}|{UNREACHABLE}"', 'backend=~".+"']
    return rule([f'alertname="{UNREACHABLE}"'], others, names.CLUSTER, names.BACKEND)


_PAIRS = (
    # Nothing is computed: that answers are slow or requests wait is the same trouble.
    rule(
        ['alertname=~"QueueStuck|NoProgress"'],
        ['alertname=~"QueueLong|QueueTimeLong|FirstTokenSlow|TokensSlow"', 'backend=~".+"'],
        names.CLUSTER,
        names.BACKEND,
        names.MODEL,
    ),
    rule(['alertname="SloBurnFast"'], ['alertname="SloBurnSlow"', 'slo=~".+"'], names.CLUSTER, names.SLO),
    rule(
        ['alertname="HostDiskFull"'],
        ['alertname="HostDiskWillFill"', 'instance=~".+"', 'mountpoint=~".+"'],
        names.CLUSTER,
        names.INSTANCE,
        "mountpoint",
    ),
)

# What tells one alert of a name from another.
_SUBJECT = (names.CLUSTER, names.JOB, names.INSTANCE, names.BACKEND, names.MODEL, names.SLO, "mountpoint", "device")


def _severity() -> Rule:
    """The same alert about the same thing: once is enough. A label that neither has is no difference."""
    return rule(['severity="critical"'], ['severity=~"warning|info"'], "alertname", *_SUBJECT)


def _gateways(plan: Plan) -> list[Rule]:
    """The only server behind a gateway is down: that explains the gateway's failures, not its own absence."""
    single = {backend.name for backend in plan.spec.backends if len(backend.addresses) == 1}
    return [
        rule(
            [f'alertname=~"{DOWN}|{UNREACHABLE}"', f'backend="{gateway.behind[0]}"'],
            [f'alertname!~"{DOWN}|{UNREACHABLE}|TargetMissing"', f'backend="{gateway.name}"'],
        )
        for gateway in plan.spec.backends
        if len(gateway.behind) == 1 and gateway.behind[0] in single
    ]
