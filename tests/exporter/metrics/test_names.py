"""Names that others choose: which become labels, which are folded, and how they are written."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferometer_exporter.metrics.labels import clean
from inferometer_exporter.metrics.meters import BackendMeters, Meters
from inferometer_exporter.names import OTHER, Reason
from tests.exporter.metrics.scrapes import backend, meters, scrape


def only(counted: Meters) -> BackendMeters:
    (one,) = counted.backends.values()
    return one


@given(st.text(max_size=400))
def test_a_cleaned_name_is_short_and_safe_and_stays_as_it_is_when_cleaned_again(name: str) -> None:
    cleaned = clean(name)
    assert re.fullmatch(r"[A-Za-z0-9._:/@+_-]{0,128}", cleaned)
    assert len(cleaned) == min(len(name), 128)
    assert clean(cleaned) == cleaned


@given(st.from_regex(r"[A-Za-z0-9._:/@+-]{1,128}", fullmatch=True))
def test_ordinary_model_names_are_not_changed(name: str) -> None:
    assert clean(name) == name


def test_a_name_becomes_a_label_only_when_a_server_answered_for_it() -> None:
    one = only(counted := meters())
    assert one.settled("llama3", answered=False) is one.other
    assert one.settled("llama3", answered=True).label == "llama3"
    assert one.settled("llama3", answered=False).label == "llama3"
    assert counted.rejected["model"] == 1


def test_asking_alone_admits_nothing_and_rejects_nothing() -> None:
    one = only(counted := meters())
    assert one.asked("llama3") is one.other
    assert set(one.models) == {OTHER}
    assert set(counted.rejected.values()) == {0}


def test_a_name_that_the_server_can_serve_has_its_own_failures() -> None:
    one = only(meters())
    one.state.known = ("llama3:latest",)
    assert one.settled("llama3", answered=False).label == "llama3"
    assert one.settled("llama4", answered=False) is one.other


@pytest.mark.parametrize("name", [None, "", OTHER])
def test_no_name_and_the_word_other_are_other_and_not_rejected(name: str | None) -> None:
    one = only(counted := meters())
    assert one.asked(name) is one.settled(name, answered=True) is one.other
    assert set(counted.rejected.values()) == {0}


@pytest.mark.parametrize("engine", ["ollama", "herd"])
@pytest.mark.parametrize(
    ("listed", "label"), [((), "llama3"), (("llama3",), "llama3"), (("llama3:latest",), "llama3:latest")]
)
def test_latest_and_no_tag_are_one_model_for_ollama(engine: str, listed: tuple[str, ...], label: str) -> None:
    one = only(meters(backend(engine=engine, models=listed)))
    assert one.settled("llama3:latest", True) is one.settled("llama3", True) is one.asked("llama3:latest")
    assert one.asked("llama3").label == one.label("llama3") == one.label("llama3:latest") == label
    assert one.settled("llama3:8b", True).label == "llama3:8b"


def test_latest_is_part_of_the_name_for_other_servers() -> None:
    one = only(meters(backend(engine="openai")))
    assert one.settled("llama3:latest", True).label == "llama3:latest"
    assert one.settled("llama3", True).label == "llama3"


def test_listed_names_stay_as_they_are_and_are_found_as_they_are() -> None:
    one = only(meters(backend(models=("Modèle №1 (test)",))))
    assert one.asked("Modèle №1 (test)").label == "Modèle №1 (test)"
    assert {"Modèle №1 (test)", OTHER} == {
        sample.labels["model"] for sample in scrape(meters(one.backend)).all("inferometer_requests_total")
    }


def test_names_that_become_equal_share_a_series() -> None:
    one = only(meters())
    assert one.settled("a b", True) is one.settled("a\tb", True) is one.settled("a_b", True)


@pytest.mark.parametrize(
    ("engine", "api"), [("ollama", "/api/chat"), ("herd", "/api/chat"), ("vllm", "/v1/chat/completions")]
)
def test_listed_models_and_other_are_there_at_0_before_the_first_request(engine: str, api: str) -> None:
    found = scrape(meters(backend(engine=engine, models=("m",))))
    for model in ("m", OTHER):
        assert found.value("inferometer_requests_total", model=model, api=api, runtime=engine) == 0
        failures = found.values("inferometer_request_failures_total", "reason", model=model, api=api)
        assert failures == {reason.value: 0 for reason in Reason}


def test_only_configured_tags_are_counted_and_each_once_a_request() -> None:
    one = only(counted := meters(tags=("app-1", "user:ann")))
    one.tagged(("app-1", "app-1", "bomb"), 5, None)
    one.tagged(("user:ann", "app-1"), None, 3)
    found = scrape(counted)
    assert found.values("inferometer_tag_requests_total", "tag") == {"app-1": 2, "user:ann": 1}
    assert found.values("inferometer_tag_tokens_total", "kind", tag="app-1") == {"prompt": 5, "completion": 3}
    assert found.values("inferometer_tag_tokens_total", "kind", tag="user:ann") == {"prompt": 0, "completion": 3}
    assert set(counted.rejected.values()) == {0}


def test_a_fallback_counts_both_models() -> None:
    one = only(counted := meters())
    for _ in range(3):
        one.fell_back("llama3:70b", "llama3:latest")
    assert scrape(counted).value("inferometer_fallbacks_total", from_model="llama3:70b", to_model="llama3") == 3


def test_invented_fallbacks_still_tell_which_model_served() -> None:
    one = only(counted := meters())
    one.settled("small", answered=True)
    for number in range(300):
        one.fell_back(f"invented-{number}", "small")
    found = scrape(counted).values("inferometer_fallbacks_total", "from_model", to_model="small")
    assert found[OTHER] == 200
    assert sum(found.values()) == 300
    assert counted.rejected["from_model"] == 200
