"""What Ollama and OpenAI-compatible servers tell of their models, by recordings."""

from __future__ import annotations

from inferometer_exporter.collect import answers
from inferometer_exporter.collect.fields import Object, decoded
from inferometer_exporter.metrics.state import Loaded
from tests.exporter.collect import servers


def told(body: bytes) -> Object:
    whole = decoded(body)
    assert whole is not None
    return whole


def test_loaded_models_have_their_sizes() -> None:
    assert answers.loaded(told(servers.recorded_body("ps_two_loaded"))) == (
        Loaded("tinyembed:latest", 14795406, 0),
        Loaded("tinyj:latest", 4886363, 0),
    )


def test_nothing_loaded_is_an_empty_list() -> None:
    assert answers.loaded(told(servers.recorded_body("ps_empty"))) == ()


def test_a_size_of_0_from_herd_is_not_known() -> None:
    assert answers.loaded(told(servers.herd("with_node/api_ps"))) == (Loaded("tiny:latest", None, None),)


def test_a_model_on_two_nodes_takes_the_memory_of_both() -> None:
    two: Object = {"models": [{"name": "a", "size": 5, "size_vram": 2}, {"name": "a", "size": 7, "size_vram": 3}]}
    assert answers.loaded(two) == (Loaded("a", 12, 5),)


def test_a_sum_with_an_unknown_part_is_not_known() -> None:
    two: Object = {"models": [{"name": "a", "size": 5}, {"name": "a", "size": 7, "size_vram": 3}]}
    assert answers.loaded(two) == (Loaded("a", 12, None),)


def test_available_models_are_named() -> None:
    assert answers.available(told(servers.recorded_body("tags"))) == ("tiny:latest",)
    assert answers.available(told(servers.herd("with_node/api_tags"))) == ("tiny:latest",)
    assert answers.listed(told(servers.recorded_body("v1_models"))) == ("tiny:latest",)


def test_herds_version_is_its_own_and_not_ollamas() -> None:
    assert answers.version(told(servers.recorded_body("version"))) == "0.32.15"
    assert answers.version(told(servers.herd("with_node/api_version"))) == "0.11.4"


def test_null_and_odd_entries_are_passed_over() -> None:
    odd: Object = {"models": [None, 1, {}, {"name": None}, {"name": "a", "size": -1, "size_vram": True}]}
    assert answers.loaded(odd) == (Loaded("a", None, None),)
    assert answers.loaded({"models": None}) == ()
    assert answers.listed({"data": "x"}) == ()
