"""The seven names of Categraf's Ollama plugin, when they are asked for."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferometer_exporter.metrics.categraf import nearest_rank
from inferometer_exporter.names import Reason
from tests.exporter.metrics.scrapes import backend, filled, meters, scrape

# systems.md of the reference; Categraf writes them without client library, so nothing is added to a name.
SEVEN = {
    "ollama_requests_total",
    "ollama_requests_success",
    "ollama_requests_failed",
    "ollama_tokens_generated_total",
    "ollama_prompt_tokens_total",
    "ollama_response_duration_seconds",
    "ollama_model_load_duration_seconds",
}


def test_the_seven_names_are_there_exactly() -> None:
    assert {name for name in scrape(filled()).names if name.startswith("ollama_")} == SEVEN


def test_they_are_not_there_unless_asked_for() -> None:
    assert not [name for name in scrape(meters()).names if name.startswith("ollama_")]


def test_they_hold_all_backends_and_routes_together() -> None:
    counted = meters(backend("a"), backend("b"), categraf=True)
    for one, seconds in zip(counted.backends.values(), (1.0, 3.0), strict=True):
        model = one.settled("llama3", answered=True)
        model.duration.observe(seconds)
        for route in ("/api/chat", "/api/generate"):
            api = model.api(route)
            api.requests += 5
            api.prompt_tokens += 3
            api.completion_tokens += 2
            api.failures[Reason.TIMEOUT] += 1
    found = scrape(counted)
    told = {name: found.value(name, model="llama3") for name in SEVEN if "duration" not in name}
    assert told == {
        "ollama_requests_total": 20,
        "ollama_requests_success": 16,
        "ollama_requests_failed": 4,
        "ollama_tokens_generated_total": 8,
        "ollama_prompt_tokens_total": 12,
    }
    durations = found.values("ollama_response_duration_seconds", "quantile", model="llama3")
    assert durations == {"0.5": 1, "0.95": 3, "0.99": 3, "avg": 2, "min": 1, "max": 3}
    assert not found.all("ollama_model_load_duration_seconds"), "no load was seen, and 0 would be a lie"


@given(st.lists(st.floats(0, 1e4), min_size=1), st.sampled_from((0.5, 0.95, 0.99)))
def test_a_quantile_is_the_first_sample_that_enough_others_do_not_exceed(some: list[float], quantile: float) -> None:
    samples = sorted(some)
    value = nearest_rank(samples, quantile)
    assert value in samples
    assert sum(1 for sample in samples if sample <= value) >= quantile * len(samples) - 1e-9
    assert sum(1 for sample in samples if sample < value) < quantile * len(samples) + 1e-9


@pytest.mark.parametrize("count", [1, 999, 1000, 2500])
def test_only_the_last_thousand_samples_of_a_model_count(count: int) -> None:
    (one,) = (counted := meters(categraf=True)).backends.values()
    model = one.settled("llama3", answered=True)
    for number in range(count):
        model.duration.observe(float(number))
    found = scrape(counted).values("ollama_response_duration_seconds", "quantile", model="llama3")
    first = max(0, count - 1000)
    assert (found["min"], found["max"]) == (first, count - 1)
    assert math.isclose(found["avg"], (first + count - 1) / 2)
