"""Whatever clients and servers send, the scrape stays within the limit, and nothing that was counted is lost."""

from __future__ import annotations

import re
import time
import tracemalloc
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inferometer_exporter.metrics.meters import BackendMeters, Meters
from inferometer_exporter.metrics.state import HerdCheck, HerdNode, HerdQueue, HerdState, Loaded
from inferometer_exporter.names import OTHER
from inferometer_exporter.observe.apis import METERED
from tests.exporter.metrics.scrapes import LIMIT, backend, meters, scrape, series_of

APIS = [api.template for api in METERED.values()]
LIMITS = st.sampled_from([400, 1500, 2500, LIMIT])


def invented(random: Random) -> str:
    """A name of a hostile client: long, odd, and hardly ever the same."""
    alphabet = 'abcXYZ019 .:/@+-_"\\\n{}é漢\u202e'
    return "".join(random.choices(alphabet, k=random.choice((0, 1, 3, 8, 200))))


def hostile_herd(random: Random) -> HerdState:
    now, many = time.monotonic(), range(random.randrange(200))
    return HerdState(
        nodes=tuple(HerdNode(invented(random), invented(random), 1, 1, 1, 1, 1, invented(random), 1) for _ in many),
        nodes_at=now,
        queues=tuple(HerdQueue(invented(random), invented(random), 1, 1, 1, 1, 1) for _ in many),
        queues_at=now,
        checks=tuple(HerdCheck(invented(random), invented(random), invented(random)) for _ in many),
        vitals={invented(random): 1.0 for _ in many},
        checks_at=now,
    )


def send(one: BackendMeters, random: Random) -> None:
    """One request of a hostile client to a server that answers anything."""
    model = one.settled(invented(random), answered=random.random() < 0.9)
    model.api(random.choice(APIS)).requests += 1
    model.between.observe(0.01)
    one.tagged((invented(random), "app-1"), 1, 1)
    if random.random() < 0.3:
        one.fell_back(invented(random), invented(random))


def tell(one: BackendMeters, random: Random) -> None:
    """A hostile server's state."""
    state = one.state
    state.up, state.checked_at, state.loaded_at = True, time.monotonic(), time.monotonic()
    state.version = invented(random)
    state.known = tuple(invented(random) for _ in range(50))
    state.loaded = tuple(Loaded(invented(random), random.randrange(10**400), -1) for _ in range(random.randrange(200)))
    state.herd = hostile_herd(random)


def attacked(limit: int, seed: int, requests: int, categraf: bool = False) -> Meters:
    random = Random(seed)
    counted = meters(
        backend("gpu", "ollama", models=("llama3",)),
        backend("pool", "herd"),
        tags=("app-1",),
        limit=limit,
        categraf=categraf,
    )
    for _ in range(requests):
        send(random.choice(list(counted.backends.values())), random)
    for one in counted.backends.values():
        tell(one, random)
    return counted


@settings(max_examples=25, deadline=None)
@given(LIMITS, st.integers(0, 2**32), st.integers(0, 3000), st.booleans())
def test_no_traffic_shows_more_series_than_the_limit(limit: int, seed: int, requests: int, categraf: bool) -> None:
    counted = attacked(limit, seed, requests, categraf)
    samples = scrape(counted).samples
    assert len(samples) <= max(limit, counted.budget.planned)
    told = series_of(samples)
    assert len(set(told)) == len(told), "a series that is there twice breaks the scrape"
    values = {value for one in samples for label, value in one.labels.items() if label not in ("le", "address")}
    assert all(re.fullmatch(r"[A-Za-z0-9._:/@+_-]{0,128}", value) for value in values)


@settings(max_examples=10, deadline=None)
@given(LIMITS, st.integers(0, 2**32))
def test_every_request_is_counted_somewhere(limit: int, seed: int) -> None:
    found = scrape(attacked(limit, seed, requests=1000))
    assert sum(one.value for one in found.all("inferometer_requests_total")) == 1000
    assert sum(one.value for one in found.all("inferometer_inter_token_seconds_count")) == 1000
    assert sum(one.value for one in found.all("inferometer_tag_requests_total")) == 1000


def test_two_thousand_invented_models_are_cut_to_a_few_dozen_and_counted() -> None:
    (one,) = (counted := meters()).backends.values()
    for number in range(2000):
        one.settled(f"invented-{number}", answered=True).api("/api/chat").requests += 1
    found = scrape(counted).values("inferometer_requests_total", "model")
    assert 40 <= len(found) <= 60
    assert found[OTHER] == counted.rejected["model"] == 2000 - (len(found) - 1)
    assert scrape(counted).value("inferometer_label_values_rejected_total", label="model") == found[OTHER]


def test_listed_models_are_admitted_when_others_have_taken_all_the_room() -> None:
    listed = tuple(f"listed-{number}" for number in range(60))
    (one,) = (counted := meters(backend(models=listed))).backends.values()
    for number in range(100):
        one.settled(f"invented-{number}", answered=True)
    assert {one.settled(name, answered=False).label for name in listed} == set(listed)
    assert counted.budget.planned > LIMIT
    assert set(one.models) == {OTHER, *listed}


def test_routes_beyond_the_budget_are_counted_under_other() -> None:
    (one,) = (counted := meters(limit=400)).backends.values()
    model = one.settled("llama3", answered=True)
    for number in range(50):
        model.api(f"/route/{number}").requests += 1
    found = scrape(counted).values("inferometer_requests_total", "api", model="llama3")
    assert sum(found.values()) == 50
    assert found[OTHER] == counted.rejected["api"] > 0


@pytest.mark.parametrize("answered", [True, False])
def test_requests_with_ever_new_names_do_not_grow_memory(answered: bool) -> None:
    (one,) = (counted := meters(categraf=True, tags=("app-1",))).backends.values()

    def send_some(first: int, count: int) -> None:
        for number in range(first, first + count):
            model = one.settled(f"invented-{number}", answered)
            model.api(APIS[number % len(APIS)]).requests += 1
            model.duration.observe(0.1)
            one.tagged((f"tag-{number}", "app-1"), 1, 1)
            one.fell_back(f"invented-{number}", "llama3")

    send_some(0, 3000)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        send_some(3000, 20_000)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 20_000, "a byte a request would be 1 MiB within a million"
    assert counted.rejected["model"] > 20_000 - 100
