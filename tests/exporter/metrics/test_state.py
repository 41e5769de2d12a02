"""What a server told of itself is shown while it is true, and gone when it is not."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from inferometer_exporter.metrics.meters import MAX_CHECKS, MAX_LOADED, MAX_NODES, MAX_QUEUES, MAX_VITALS
from inferometer_exporter.metrics.state import HerdCheck, HerdNode, HerdQueue, HerdState, Loaded
from inferometer_exporter.names import OTHER
from tests.exporter.metrics.scrapes import URL, Scrape, backend, filled, meters, scrape

GAUGES = ("inferometer_model_loaded", "inferometer_model_size_bytes", "inferometer_model_vram_bytes")
HERD = ("inferometer_herd_node_status", "inferometer_herd_queue_pending", "inferometer_herd_check")


def with_loaded(*loaded: Loaded, engine: str = "ollama") -> Scrape:
    (one,) = (counted := meters(backend(engine=engine))).backends.values()
    one.state.up, one.state.loaded, one.state.loaded_at = True, loaded, time.monotonic()
    return scrape(counted)


def test_a_loaded_model_shows_its_memory() -> None:
    found = with_loaded(Loaded("llama3:latest", 5_000, 4_000), Loaded("phi:2b", 700))
    assert found.values("inferometer_model_loaded", "model") == {"llama3": 1, "phi:2b": 1}
    assert found.values("inferometer_model_size_bytes", "model") == {"llama3": 5_000, "phi:2b": 700}
    assert found.values("inferometer_model_vram_bytes", "model") == {"llama3": 4_000}, "not said is not 0"


def test_a_model_that_is_unloaded_is_gone_at_the_next_scrape() -> None:
    counted = filled()
    counted.backends["gpu"].state.loaded = ()
    assert not [name for name in GAUGES if scrape(counted).all(name, backend="gpu")]


def test_state_is_gone_when_the_server_is_down() -> None:
    counted = filled()
    for one in counted.backends.values():
        one.state.up = False
    found = scrape(counted)
    assert not [name for name in (*GAUGES, *HERD, "inferometer_backend_info") if found.all(name)]
    assert set(found.values("inferometer_backend_up", "backend").values()) == {0}


@pytest.mark.parametrize(("age", "there"), [(25.0, True), (35.0, False)])
def test_state_is_gone_three_polls_after_it_was_told(age: float, there: bool) -> None:
    counted = filled()
    for one in counted.backends.values():
        one.state.loaded_at = time.monotonic() - age
        if one.state.herd is not None:
            one.state.herd.nodes_at = one.state.herd.queues_at = time.monotonic() - age
    found = scrape(counted)
    assert all(bool(found.all(name)) == there for name in (*GAUGES, *HERD[:2]))


def test_the_age_of_the_last_look_is_shown_and_up_is_not_ours() -> None:
    (one,) = (counted := meters()).backends.values()
    one.state.up, one.state.checked_at, one.state.addresses = False, time.monotonic() - 40, {URL: False}
    found = scrape(counted)
    age = found.value("inferometer_backend_check_age_seconds")
    assert age is not None
    assert age >= 40
    assert found.value("inferometer_backend_up") == 0
    assert found.values("inferometer_backend_address_up", "address") == {URL: 0}
    assert found.value("inferometer_build_info") == 1


def test_addresses_that_are_not_configured_are_not_shown() -> None:
    (one,) = (counted := meters()).backends.values()
    one.state.addresses = {URL: True, "http://elsewhere": True}
    assert scrape(counted).values("inferometer_backend_address_up", "address") == {URL: 1}


def test_one_model_on_two_addresses_is_one_series_of_both_sizes() -> None:
    found = with_loaded(Loaded("llama3", 5_000, 4_000), Loaded("llama3:latest", 5_000))
    assert found.value("inferometer_model_loaded", model="llama3") == 1
    assert found.value("inferometer_model_size_bytes", model="llama3") == 10_000
    assert found.value("inferometer_model_vram_bytes", model="llama3") is None, "a part is not known"


def test_models_beyond_the_limit_add_up_in_other_the_largest_keep_their_names() -> None:
    many = [Loaded(f"m{number}", number, 1) for number in range(MAX_LOADED + 5)]
    found = with_loaded(*many)
    shown = found.values("inferometer_model_size_bytes", "model")
    assert shown == {OTHER: 0 + 1 + 2 + 3 + 4, **{f"m{n}": n for n in range(5, MAX_LOADED + 5)}}
    assert found.value("inferometer_model_loaded", model=OTHER) == 5
    assert found.value("inferometer_model_vram_bytes", model=OTHER) == 5
    assert found.value("inferometer_backend_entries_hidden") == 5


def herd(state: HerdState) -> Scrape:
    (one,) = (counted := meters(backend("pool", "herd"))).backends.values()
    now = time.monotonic()
    one.state.up, one.state.herd = True, replace(state, nodes_at=now, queues_at=now, checks_at=now)
    return scrape(counted)


def test_a_herds_checks_are_counted_by_id_severity_and_node_known_or_not() -> None:
    checks = (
        HerdCheck("node_offline", "critical", "a"),
        HerdCheck("node_offline", "critical", "a"),
        HerdCheck("new!", "odd"),
    )
    found = herd(HerdState(checks=checks))
    assert found.value("inferometer_herd_check", check_id="node_offline", severity="critical", node="a") == 2
    assert found.value("inferometer_herd_check", check_id="new_", severity="odd", node="") == 1


def test_a_node_that_says_nothing_but_its_name_shows_only_its_status() -> None:
    found = herd(HerdState(nodes=(HerdNode("a", "offline"),)))
    assert {one.name for one in found.all("inferometer_herd_node_status", node="a", status="offline")}
    assert [one.name for one in found.samples if "node" in one.labels] == ["inferometer_herd_node_status"]


def test_a_herd_cannot_fill_the_scrape_and_its_worst_findings_come_first() -> None:
    many = range(100)
    found = herd(
        HerdState(
            nodes=tuple(HerdNode(f"n{number}", "online") for number in many),
            queues=tuple(HerdQueue("n", f"m{number}", pending=number) for number in many),
            checks=(*(HerdCheck(f"c{number}", "info") for number in many), HerdCheck("worst", "critical")),
            vitals={f"v{number}": 1.0 for number in many},
        )
    )
    assert len(found.all("inferometer_herd_node_status")) == MAX_NODES
    assert len(found.all("inferometer_herd_queue_pending")) == MAX_QUEUES
    assert len(found.all("inferometer_herd_check")) == MAX_CHECKS
    assert len(found.all("inferometer_herd_vital")) == MAX_VITALS
    assert found.value("inferometer_herd_check", check_id="worst") == 1
    hidden = 401 - MAX_NODES - MAX_QUEUES - MAX_CHECKS - MAX_VITALS
    assert found.value("inferometer_backend_entries_hidden") == hidden


def test_herd_series_are_only_there_for_a_herd() -> None:
    counted = filled()
    counted.backends["gpu"].state.herd = counted.backends["pool"].state.herd
    found = [one for one in scrape(counted).samples if one.name.startswith("inferometer_herd_")]
    assert {one.labels["backend"] for one in found} == {"pool"}
