"""Are the hosts well? CPU, memory and disks of the machines under the backends, through node_exporter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from inferometer.catalog import signals as s
from inferometer.catalog.signal import Ratio, Signal
from inferometer.names import CLUSTER, HOST, INSTANCE, JOB, JOB_NODE, board_uid, recorded
from inferometer.plan import Plan, View
from inferometer.promql import Binary, Expr, Selector, compare
from inferometer.rules.cases import ABOVE, BELOW, Span, alert_cases, record_cases, witness_cases
from inferometer.rules.model import Alert, Case, Group, Record, Series, alert
from inferometer.rules.traffic import CLUSTER_NAME, Witness, merged, sampling

ABOUT = "Are the hosts well? CPU, memory and disks, through node_exporter."
BOARD = f"/d/{board_uid('fleet')}"

MACHINE = (CLUSTER, HOST, INSTANCE)
MOUNT = "mountpoint"
DISK = (*MACHINE, MOUNT)

CPU_BUSY = recorded(s.HOST_CPU_BUSY.key, "rate5m")
MEMORY_USED = recorded(s.HOST_MEMORY_USED.key, "ratio")
DISK_USED = recorded(s.HOST_DISK_USED.key, "ratio")

# A disk that fills within a day by the pace of six hours is worth a look once it is half full: a model's download onto
# an empty disk looks the same.
FILL_WINDOW, FILL_AHEAD, FILL_LEAST = 6 * 3600, 24 * 3600, 0.5

_SIZE = 1e9
Truth = Callable[[Witness, float, int], Series]


def group(plan: Plan) -> Group | None:
    """The records and alerts of hosts, None where the spec names none."""
    if not plan.spec.hosts:
        return None
    view = plan.hosts(plan.rule())
    return Group("hosts", ABOUT, (*_records(plan, view), *_alerts(plan, view)), sampling(plan))


def _witness(plan: Plan, view: View, signal: Signal, *by: str) -> Witness:
    """A host as node_exporter tells of it; `by` are the labels of a result."""
    (branch,) = view.sources.branches(signal)
    labels = {CLUSTER: CLUSTER_NAME, HOST: "h1", INSTANCE: "h1:9100"}
    disk = {MOUNT: "/srv"}
    results = {**labels, **disk}
    return Witness(
        branch,
        sampling(plan),
        ({JOB: JOB_NODE, **labels},),
        {label: results[label] for label in by},
        disk if MOUNT in by else {},
    )


def _cpu(witness: Witness, value: float, seconds: int) -> Series:
    """Two cores, busy for this share of their time."""
    idle = witness.sibling(s.HOST_CPU_IDLE)
    return merged(
        *(
            told
            for core in ("0", "1")
            for told in (
                idle.counter(1 - value, seconds, cpu=core),
                witness.counter(value, seconds, cpu=core, mode="user"),
            )
        )
    )


def _memory(witness: Witness, value: float, seconds: int) -> Series:
    """Of the memory this share is in use."""
    return merged(witness.gauge(_SIZE, seconds), _left(witness, s.HOST_MEMORY_AVAILABLE, value, seconds))


def _disk(witness: Witness, value: float, seconds: int, readonly: float = 0) -> Series:
    """Of a file system this share is in use; beside it lies one in memory, full, which is nobody's disk."""
    in_memory = replace(witness, own={MOUNT: "/run", "fstype": "tmpfs"})
    return merged(
        *(
            told
            for one, used in ((witness, value), (in_memory, 1.0))
            for told in (
                one.gauge(_SIZE, seconds),
                _left(one, s.HOST_DISK_FREE, used, seconds),
                one.sibling(s.HOST_DISK_READONLY).gauge(readonly, seconds),
            )
        )
    )


def _left(witness: Witness, part: Signal, used: float, seconds: int) -> Series:
    return witness.sibling(part).gauge(_SIZE * (1 - used), seconds)


def _records(plan: Plan, view: View) -> Iterator[Record]:
    told: tuple[tuple[str, Ratio, tuple[str, ...], Truth], ...] = (
        (CPU_BUSY, s.HOST_CPU_BUSY, MACHINE, _cpu),
        (MEMORY_USED, s.HOST_MEMORY_USED, MACHINE, _memory),
        (DISK_USED, s.HOST_DISK_USED, DISK, _disk),
    )
    for name, ratio, by, truth in told:
        witness = _witness(plan, view, ratio.whole, *by)
        yield Record(name, view.ratio(ratio, *by), ratio.help, cases=record_cases(plan, (witness,), truth, 0.7))


def _alerts(plan: Plan, view: View) -> Iterator[Alert]:
    share = "{{ $value | humanizePercentage }}"
    host, disk = "{{ $labels.host }}", "{{ $labels.mountpoint }} on {{ $labels.host }}"
    yield from _over(
        plan,
        "HostCpuBusy",
        CPU_BUSY,
        _witness(plan, view, s.HOST_CPU, *MACHINE),
        _cpu,
        f"{host}: {share} of CPU time in use",
        "All cores are busy; servers on this host get slow.",
    )
    yield from _over(
        plan,
        "HostMemoryLow",
        MEMORY_USED,
        _witness(plan, view, s.HOST_MEMORY, *MACHINE),
        _memory,
        f"{host}: {share} of memory in use",
        "The kernel will soon swap, or kill the largest process: often the server.",
    )
    disk_witness = _witness(plan, view, s.HOST_DISK, *DISK)
    yield from _over(
        plan,
        "HostDiskFull",
        DISK_USED,
        disk_witness,
        _disk,
        f"{disk}: {share} in use",
        "Downloads of models, logs and databases fail when it is full.",
        writable(view),
    )
    yield from _will_fill(plan, view, disk_witness, f"{disk} is full within a day at this pace")


def writable(view: View) -> Expr:
    """The file systems that can be written to: a read-only image is always full."""
    return compare(view.level(s.HOST_DISK_READONLY, *DISK), "==", 0)


def _over(
    plan: Plan,
    name: str,
    record: str,
    witness: Witness,
    truth: Truth,
    summary: str,
    description: str,
    only: Expr | None = None,
) -> Iterator[Alert]:
    knob = plan.settings[name]
    if not knob.enabled:
        return
    limit = plan.settings.limit(name)
    expr: Expr = compare(Selector(record), ">", limit)
    more: tuple[Case, ...] = ()
    if only is not None:
        expr, at = Binary("and", expr, only), Span.of(plan, knob).late
        more = (Case("is silent for a read-only image", _disk(witness, 1, at, readonly=1), at),)
    cases = witness_cases(plan, knob, (witness,), truth, limit * ABOVE, limit * BELOW)
    yield alert(plan, name, expr, summary, description, BOARD, (*cases, *more))


def _will_fill(plan: Plan, view: View, witness: Witness, summary: str) -> Iterator[Alert]:
    name = "HostDiskWillFill"
    knob = plan.settings[name]
    if not knob.enabled:
        return
    free = view.over(plan.window(FILL_WINDOW)).forecast(s.HOST_DISK_FREE, FILL_AHEAD, *DISK)
    filling = Binary("and", compare(free, "<", 0), compare(Selector(DISK_USED), ">", FILL_LEAST))
    span = Span.of(plan, knob)

    def told(used: float, pace: float, seconds: int, readonly: float = 0) -> Series:
        """`used` at first, and filling at `pace` times the speed that takes a day for what is then free."""
        free = _SIZE * (1 - used)
        step = free * pace * sampling(plan) / FILL_AHEAD
        shrinking = {
            name: f"{free:.3f}-{step:.6f}x{seconds // sampling(plan)}"
            for name in _left(witness, s.HOST_DISK_FREE, 0, 0)
        }
        return {**_disk(witness, used, seconds, readonly), **shrinking}

    used, half_empty = FILL_LEAST * ABOVE, FILL_LEAST * 0.92
    cases = alert_cases(
        knob,
        span,
        lambda seconds: told(used, 1.05, seconds),
        lambda seconds: told(used, 0.9, seconds),
        [witness.labels],
        Case("is silent on a disk that is half empty", told(half_empty, 1.05, span.late), span.late),
        Case("is silent for a read-only image", told(used, 1.05, span.late, readonly=1), span.late),
    )
    yield alert(
        plan,
        name,
        Binary("and", filling, writable(view)),
        summary,
        "By the pace of the last six hours nothing is left in a day.",
        BOARD,
        cases,
    )
