"""What the collectors last learnt of a backend, and the app of its store: plain data that a scrape only reads.

A scrape runs in another thread. So a tuple or mapping is never changed in place, but replaced by a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Loaded:
    """One model in a server's memory. Sizes are bytes; None where the server does not say."""

    model: str
    size_bytes: int | None = None
    vram_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class HerdNode:
    """One node of a Herd. Memory is in bytes, `cpu` is a ratio (1 = all cores busy); None where Herd does not say.

    `status` is Herd's word (online, degraded, offline), `pressure` too (normal, warning, critical).
    """

    name: str
    status: str
    models_loaded: int | None = None
    requests_active: int | None = None
    memory_total: float | None = None
    memory_used: float | None = None
    memory_available: float | None = None
    pressure: str | None = None
    cpu: float | None = None


@dataclass(frozen=True, slots=True)
class HerdQueue:
    """One queue of a Herd: requests for one model on one node. The last three count since Herd's start."""

    node: str
    model: str
    pending: int | None = None
    in_flight: int | None = None
    completed: int | None = None
    failed: int | None = None
    rejected: int | None = None


@dataclass(frozen=True, slots=True)
class HerdCheck:
    """One finding of Herd's health report. `check_id` and `severity` are Herd's words; no node: the whole fleet."""

    check_id: str
    severity: str
    node: str = ""


@dataclass(slots=True)
class HerdState:
    """What a Herd router tells. Each `…_at` is the monotonic second of the answer that the fields above it are from."""

    nodes: tuple[HerdNode, ...] = ()
    nodes_at: float | None = None
    queues: tuple[HerdQueue, ...] = ()
    queues_at: float | None = None
    checks: tuple[HerdCheck, ...] = ()
    vitals: Mapping[str, float] = field(default_factory=dict)  # as `vitals` of the health report names them
    checks_at: float | None = None


@dataclass(slots=True)
class BackendState:
    """What is known of one backend. `up` and the addresses are None or absent until the first look.

    `checked_at` and `loaded_at` are monotonic seconds: the last look's end, and the last list of loaded models.
    """

    up: bool | None = None
    addresses: Mapping[str, bool] = field(default_factory=dict)  # by URL as configured
    checked_at: float | None = None
    version: str = ""
    loaded: tuple[Loaded, ...] = ()
    loaded_at: float | None = None
    known: tuple[str, ...] = ()  # models that the server can serve, by its own names
    herd: HerdState | None = None


@dataclass(slots=True)
class StoreState:
    """The trace store as the app last saw it. None: not known, or no store is configured."""

    rows: int | None = None
    bytes: int | None = None
    writable: bool | None = None  # False while traces are not written
