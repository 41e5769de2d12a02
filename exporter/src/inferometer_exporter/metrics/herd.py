"""What a Herd router tells, as samples: each list has a limit, so that a Herd cannot fill the scrape."""

from __future__ import annotations

from collections import Counter

from inferometer_exporter.metrics import meters as m
from inferometer_exporter.metrics import table as t
from inferometer_exporter.metrics.labels import clean
from inferometer_exporter.metrics.meters import BackendMeters
from inferometer_exporter.metrics.page import Labels, Page
from inferometer_exporter.metrics.state import HerdNode, HerdQueue, HerdState
from inferometer_exporter.metrics.times import fresh, since

# Herd itself makes its health report every 30 s (Herd 0.11), so it is not asked for more often.
_REPORT_SECONDS = 30.0
_WORST_FIRST = {"critical": 0, "warning": 1, "info": 2}


def collect(page: Page, backend: BackendMeters, state: HerdState, up: bool, now: float, stale: float) -> int:
    """Add what is fresh, and return how many entries found no room."""
    labels = backend.labels
    page.add(t.STATUS_AGE, labels, since(state.nodes_at, now))
    page.add(t.CHECKS_AGE, labels, since(state.checks_at, now))
    hidden = 0
    if up and fresh(state.nodes_at, now, stale):
        hidden += _nodes(page, labels, state.nodes)
    if up and fresh(state.queues_at, now, stale):
        hidden += _queues(page, backend, state.queues)
    if up and fresh(state.checks_at, now, max(stale, 3 * _REPORT_SECONDS)):
        hidden += _report(page, labels, state)
    return hidden


def _nodes(page: Page, labels: Labels, nodes: tuple[HerdNode, ...]) -> int:
    by_name = {clean(node.name): node for node in nodes}
    for name in sorted(by_name)[: m.MAX_NODES]:
        node, of_node = by_name[name], {**labels, "node": name}
        page.add(t.NODE_STATUS, {**of_node, "status": clean(node.status)}, 1)
        if node.pressure:
            page.add(t.NODE_PRESSURE, {**of_node, "pressure": clean(node.pressure)}, 1)
        page.add(t.NODE_LOADED, of_node, node.models_loaded)
        page.add(t.NODE_ACTIVE, of_node, node.requests_active)
        page.add(t.NODE_TOTAL, of_node, node.memory_total)
        page.add(t.NODE_USED, of_node, node.memory_used)
        page.add(t.NODE_AVAILABLE, of_node, node.memory_available)
        page.add(t.NODE_CPU, of_node, node.cpu)
    return max(0, len(by_name) - m.MAX_NODES)


def _queues(page: Page, backend: BackendMeters, queues: tuple[HerdQueue, ...]) -> int:
    by_name = {(clean(queue.node), backend.label(queue.model)): queue for queue in queues}
    for name in sorted(by_name)[: m.MAX_QUEUES]:
        queue, of_queue = by_name[name], {**backend.labels, "node": name[0], "model": name[1]}
        page.add(t.QUEUE_PENDING, of_queue, queue.pending)
        page.add(t.QUEUE_IN_FLIGHT, of_queue, queue.in_flight)
        page.add(t.QUEUE_COMPLETED, of_queue, queue.completed)
        page.add(t.QUEUE_FAILED, of_queue, queue.failed)
        page.add(t.QUEUE_REJECTED, of_queue, queue.rejected)
    return max(0, len(by_name) - m.MAX_QUEUES)


def _report(page: Page, labels: Labels, state: HerdState) -> int:
    """The findings, the worst first, and the vitals."""
    found = Counter((clean(one.severity), clean(one.check_id), clean(one.node)) for one in state.checks)
    ranked = sorted(found, key=lambda one: (_WORST_FIRST.get(one[0], len(_WORST_FIRST)), one))
    for severity, check, node in ranked[: m.MAX_CHECKS]:
        told = {**labels, "check_id": check, "severity": severity, "node": node}
        page.add(t.CHECK, told, found[severity, check, node])
    vitals = {clean(name): value for name, value in state.vitals.items()}
    for name in sorted(vitals)[: m.MAX_VITALS]:
        page.add(t.VITAL, {**labels, "kind": name}, vitals[name])
    return max(0, len(found) - m.MAX_CHECKS) + max(0, len(vitals) - m.MAX_VITALS)
