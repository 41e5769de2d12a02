"""Herd's answers, read from recordings of a real router; and what is missing, null or wrong in them harms nothing."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferometer_exporter.collect import herd
from inferometer_exporter.collect.fields import Object, decoded
from inferometer_exporter.metrics.state import HerdCheck, HerdNode, HerdQueue
from tests.exporter.collect import servers

GIB = 1024**3
STATES = ("no_node/{}", "with_node/{}", "node_down/backend_down_{}", "node_down/node_b_killed_{}")


def told(name: str) -> Object:
    whole = decoded(servers.herd(name))
    assert whole is not None
    return whole


def test_a_node_is_read_with_memory_in_bytes() -> None:
    assert herd.nodes(told("with_node/fleet_status")) == (
        HerdNode(
            name="node-a",
            status="online",
            models_loaded=1,
            requests_active=0,
            memory_total=23.54 * GIB,
            memory_used=1.33 * GIB,
            memory_available=22.21 * GIB,
            pressure="normal",
            cpu=90.1 / 100,
        ),
    )


def test_a_dead_backend_shows_in_its_models_though_its_node_reads_online() -> None:
    nodes = herd.nodes(told("node_down/backend_down_fleet_status"))
    assert [(node.name, node.status, node.models_loaded) for node in nodes] == [
        ("node-a", "online", 0),
        ("node-b", "online", 0),
    ]


def test_loaded_models_are_counted_in_the_list_and_not_as_herd_counts_them() -> None:
    whole: Object = {"nodes": [{"node_id": "n", "models_loaded_count": 3, "ollama": {"models_loaded": [{}]}}]}
    assert [node.models_loaded for node in herd.nodes(whole)] == [1]


def test_a_node_whose_agent_is_dead_is_offline() -> None:
    nodes = herd.nodes(told("node_down/node_b_killed_fleet_status"))
    assert [(node.name, node.status) for node in nodes] == [("node-a", "online"), ("node-b", "offline")]


def test_queues_are_read_by_node_and_model() -> None:
    assert herd.queues(told("node_down/backend_down_fleet_queue")) == (
        HerdQueue("node-a", "tiny:latest", 0, 0, 17, 0, 0),
        HerdQueue("node-b", "tiny:latest", 0, 0, 0, 3, 0),
    )


def test_every_check_is_read_with_its_node() -> None:
    assert herd.checks(told("node_down/node_b_killed_dashboard_api_health")) == (
        HerdCheck("node_offline", "critical", "node-b"),
        HerdCheck("anthropic_no_chat_model", "warning"),
        HerdCheck("num_ctx_unmanaged", "warning"),
        HerdCheck("underutilized_memory", "info", "node-a"),
        HerdCheck("context_protection_active", "info"),
    )


def test_a_check_that_nobody_knows_passes_through() -> None:
    whole: Object = {"recommendations": [{"check_id": "new_in_0_99", "severity": "dire", "node_id": "n"}]}
    assert herd.checks(whole) == (HerdCheck("new_in_0_99", "dire", "n"),)


def test_vitals_are_the_numbers_and_null_is_left_out() -> None:
    vitals = herd.vitals(told("no_node/dashboard_api_health"))
    assert vitals["health_score"] == 100
    assert "avg_ttft_ms" not in vitals
    assert herd.vitals(told("with_node/dashboard_api_health"))["avg_ttft_ms"] == 41.1


def test_a_herd_without_nodes_has_none() -> None:
    assert herd.nodes(told("no_node/fleet_status")) == ()
    assert herd.queues(told("no_node/fleet_queue")) == ()
    assert herd.checks(told("no_node/dashboard_api_health")) == ()


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything in a JSON value."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(inner for step, one in steps for inner in places(one, (*path, step)))]


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
WHOLE = [
    told(state.format(name))
    for state in STATES
    for name in ("fleet_status", "fleet_queue", "dashboard_api_health")
    if (servers.HERD / f"{state.format(name)}.json").exists()
]


@given(st.data())
def test_a_recording_with_anything_in_any_place_is_still_read(data: st.DataObject) -> None:
    whole = copy.deepcopy(data.draw(st.sampled_from(WHOLE)))
    path = data.draw(st.sampled_from([path for path in places(whole) if path]))
    inner: Any = whole
    for step in path[:-1]:
        inner = inner[step]
    if isinstance(inner, dict) and data.draw(st.booleans()):
        del inner[path[-1]]
    else:
        inner[path[-1]] = data.draw(ODD)
    for node in herd.nodes(whole):
        sizes = (node.memory_total, node.memory_used, node.memory_available, node.cpu, node.models_loaded)
        assert node.name.isprintable()
        assert all(size is None or 0 <= size < 2**100 for size in sizes)
    assert all(queue.node and queue.model for queue in herd.queues(whole))
    assert all(check.check_id and check.severity.isprintable() for check in herd.checks(whole))
    assert all(isinstance(number, int | float) for number in herd.vitals(whole).values())


@given(st.binary() | st.text().map(str.encode) | st.just(b"[" * 100_000) | st.just(b'{"a":' * 100_000))
def test_what_is_no_json_object_is_nothing(body: bytes) -> None:
    whole = decoded(body)
    assert whole is None or isinstance(whole, dict)


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"null", b"{", b"\xff", b'{"a": "\xff"}', b"<html>", b"[" * 99_999])
def test_a_body_that_is_no_object_is_none(body: bytes) -> None:
    assert decoded(body) is None


def test_a_herd_cannot_fill_the_memory() -> None:
    many: Object = {
        "nodes": [{"node_id": f"n{number}" * 1000} for number in range(10_000)],
        "queues": {str(number): {"node_id": "n", "model": f"m{number}"} for number in range(10_000)},
        "recommendations": [{"check_id": f"c{number}"} for number in range(10_000)],
        "vitals": {f"v{number}": 1 for number in range(10_000)},
    }
    assert len(herd.nodes(many)) <= 2000
    assert max(len(node.name) for node in herd.nodes(many)) <= 256
    assert len(herd.queues(many)) <= 2000
    assert len(herd.checks(many)) <= 2000
    assert len(herd.vitals(many)) <= 100
