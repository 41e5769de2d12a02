"""The hosts' row: the machines under the backends, through node_exporter."""

from __future__ import annotations

from inferometer.catalog import signals as s
from inferometer.dashboards.frame import board, row
from inferometer.dashboards.kit import Kit
from inferometer.dashboards.layout import Board, Row
from inferometer.names import INSTANCE
from inferometer.plan import Plan

NAMED = (INSTANCE,)
DISK = (INSTANCE, "mountpoint")


def hosts(plan: Plan) -> Board:
    """The board of a spec that names hosts and no server."""
    return board(plan, "hosts", "LLM hosts", "Are the machines well?", [host_row(plan, collapsed=False)])


def host_row(plan: Plan, collapsed: bool = True) -> Row | None:
    """A row of the machines, None where the spec names no host."""
    if not plan.spec.hosts:
        return None
    kit = Kit(plan, plan.hosts(plan.board()))
    return row(
        "Are the hosts well?",
        kit.by("CPU busy", s.HOST_CPU_BUSY, "Share of all cores' time in use.", *NAMED, alert="HostCpuBusy", maximum=1),
        kit.by("Memory used", s.HOST_MEMORY_USED, "Share of memory that cannot be given out any more.", *NAMED, alert="HostMemoryLow", maximum=1),
        kit.by("Disk used", s.HOST_DISK_USED, "Share of each file system in use.", *DISK, alert="HostDiskFull", maximum=1),
        kit.by("Load", s.HOST_LOAD, "Processes that want to run, mean of one minute.", *NAMED),
        kit.by("Received", s.HOST_RECEIVED, "Bytes per second from the network.", *NAMED),
        kit.by("Sent", s.HOST_SENT, "Bytes per second to the network.", *NAMED),
        collapsed=collapsed,
    )
