"""Ollama Herd's own routes, read by the recordings of 0.11.4: nodes, queues and the health report.

Herd's `…_gb` of memory are GiB (`psutil` bytes / 1024³, its `common/system_metrics.py`), rounded to hundredths. A node
whose Ollama is dead still reads "online": only its loaded models are gone, so they are counted in the list itself.
"""

from __future__ import annotations

from inferometer_exporter.collect.fields import Object, count, number, part, parts, text
from inferometer_exporter.metrics.state import HerdCheck, HerdNode, HerdQueue

MAX_VITALS = 100
_GIB = 2.0**30


def nodes(told: Object) -> tuple[HerdNode, ...]:
    """Of `/fleet/status`: each node once."""
    found = (_node(node) for node in parts(told, "nodes"))
    return tuple({node.name: node for node in found if node.name}.values())


def _node(node: Object) -> HerdNode:
    memory, ollama = part(node, "memory"), part(node, "ollama")
    models = ollama.get("models_loaded")
    used = number(part(node, "cpu"), "utilization_pct")
    return HerdNode(
        name=text(node, "node_id"),
        status=text(node, "status"),
        models_loaded=len(models) if isinstance(models, list) else count(node, "models_loaded_count"),
        requests_active=count(ollama, "requests_active"),
        memory_total=_bytes(memory, "total_gb"),
        memory_used=_bytes(memory, "used_gb"),
        memory_available=_bytes(memory, "available_gb"),
        pressure=text(memory, "pressure") or None,
        cpu=None if used is None else used / 100,
    )


def _bytes(memory: Object, key: str) -> float | None:
    size = number(memory, key)
    return None if size is None else size * _GIB


def queues(told: Object) -> tuple[HerdQueue, ...]:
    """Of `/fleet/queue`, whose queues have more fields than those of `/fleet/status`."""
    found = {}
    for queue in parts(told, "queues"):
        node, model = text(queue, "node_id"), text(queue, "model")
        if node and model:
            counts = (count(queue, key) for key in ("pending", "in_flight", "completed", "failed", "rejected"))
            found[node, model] = HerdQueue(node, model, *counts)
    return tuple(found.values())


def checks(told: Object) -> tuple[HerdCheck, ...]:
    """Findings of `/dashboard/api/health`, each once, known here or not. Titles and advice are left out."""
    found = (
        HerdCheck(text(check, "check_id"), text(check, "severity"), text(check, "node_id"))
        for check in parts(told, "recommendations")
    )
    return tuple(dict.fromkeys(check for check in found if check.check_id))


def vitals(told: Object) -> dict[str, float]:
    """The numbers of `/dashboard/api/health`; null ones are left out."""
    all_vitals = part(told, "vitals")
    numbers = ((key, number(all_vitals, key)) for key in list(all_vitals)[:MAX_VITALS] if key.isidentifier())
    return {key: value for key, value in numbers if value is not None}
