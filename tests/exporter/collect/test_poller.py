"""The collectors against servers on raw sockets: what is asked, how often, what is never sent, and what is learnt."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from inferometer_exporter.collect import look
from inferometer_exporter.collect.fields import Object
from inferometer_exporter.collect.routes import ASKED, Route
from inferometer_exporter.config.model import ENGINES
from inferometer_exporter.metrics.state import Loaded
from tests.exporter.collect.servers import HERD_ANSWERS, OLLAMA_ANSWERS, herd_answers, paths, recorded, routes
from tests.exporter.collect.watched import Watched
from tests.exporter.support.upstream import Call, Upstream
from tests.exporter.support.wire import response


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as one:
        yield one


def test_ollama_is_asked_for_its_version_its_loaded_and_its_known_models(upstream: Upstream) -> None:
    upstream.polled = routes(OLLAMA_ANSWERS)
    state = Watched("ollama", upstream.url).look(0)
    assert state.up is True
    assert state.addresses == {upstream.url: True}
    assert state.version == "0.32.15"
    assert state.loaded == (Loaded("tinyembed:latest", 14795406, 0), Loaded("tinyj:latest", 4886363, 0))
    assert state.known == ("tiny:latest",)
    assert state.herd is None
    assert state.checked_at is not None
    assert state.loaded_at is not None


def test_herd_gives_nodes_queues_and_checks(upstream: Upstream) -> None:
    upstream.polled = routes(HERD_ANSWERS)
    state = Watched("herd", upstream.url).look(0)
    assert state.version == "0.11.4"
    assert state.herd is not None
    assert [node.name for node in state.herd.nodes] == ["node-a"]
    assert [(queue.node, queue.model, queue.completed) for queue in state.herd.queues] == [
        ("node-a", "tiny:latest", 17)
    ]
    assert "context_waste" in {check.check_id for check in state.herd.checks}
    assert state.herd.vitals["health_score"] == 74


@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_but_get_is_ever_sent_and_never_to_a_route_that_acts(upstream: Upstream, engine: str) -> None:
    upstream.polled = routes(HERD_ANSWERS | {"/health": response(b"{}"), "/v1/models": recorded("v1_models")})
    Watched(engine, upstream.url).look(0, 10, 20, 70)
    upstream.polled = routes({}, before="/x")
    Watched(engine, f"{upstream.url}/x").look(0, 10, 20, 70)
    assert {call.head.method for call in upstream.polls} == {"GET"}
    assert all(call.read() == b"" for call in upstream.polls)
    asked = {path.removeprefix("/x") for path in paths(upstream)}
    assert asked == {asking.route.value for asking in ASKED[engine]}
    assert not [path for path in asked if "briefing" in path or "settings" in path]


def test_no_route_that_acts_can_be_asked_for() -> None:
    assert not [route for route in Route if "briefing" in route.value or "settings" in route.value]


def test_every_engine_has_its_routes() -> None:
    assert ASKED.keys() == set(ENGINES)


def test_herds_health_is_asked_for_at_most_every_30_seconds(upstream: Upstream) -> None:
    upstream.polled = routes(HERD_ANSWERS)
    watched = Watched("herd", upstream.url)
    asked = []
    for at in range(0, 100, 10):
        before = len(upstream.polls)
        watched.look(at)
        if "/dashboard/api/health" in paths(upstream)[before:]:
            asked.append(at)
    assert asked == [0, 30, 60, 90]


def test_herds_health_is_not_asked_for_sooner_after_a_failure_or_an_outage(upstream: Upstream) -> None:
    failing = HERD_ANSWERS | {"/dashboard/api/health": response(b"", "500 Internal Server Error")}
    upstream.polled = routes(failing)
    watched = Watched("herd", upstream.url)
    watched.look(0, 10)
    upstream.polled = Call.reset
    watched.look(15)
    upstream.polled = routes(HERD_ANSWERS)
    watched.look(20)
    assert paths(upstream).count("/dashboard/api/health") == 1
    watched.look(30)
    assert paths(upstream).count("/dashboard/api/health") == 2


def test_known_models_are_asked_for_once_a_minute(upstream: Upstream) -> None:
    upstream.polled = routes(OLLAMA_ANSWERS)
    Watched("ollama", upstream.url).look(*range(0, 70, 10))
    assert paths(upstream).count("/api/tags") == 2
    assert paths(upstream).count("/api/ps") == 7


def test_a_route_that_fails_is_asked_less_and_less_but_twice_a_minute(upstream: Upstream) -> None:
    upstream.polled = routes(OLLAMA_ANSWERS | {"/api/ps": response(b"not json")})
    watched = Watched("ollama", upstream.url)
    asked = []
    for at in range(0, 130, 10):
        before = len(upstream.polls)
        watched.look(at)
        if "/api/ps" in paths(upstream)[before:]:
            asked.append(at)
    assert asked == [0, 10, 30, 60, 90, 120]
    assert watched.state.up is True


def test_a_server_that_is_down_loses_its_models_and_is_seen_again_at_the_next_look(upstream: Upstream) -> None:
    upstream.polled = routes(HERD_ANSWERS)
    watched = Watched("herd", upstream.url)
    watched.look(0)
    upstream.polled = Call.reset
    state = watched.look(10)
    assert (state.up, state.loaded, state.known, state.version) == (False, (), (), "")
    assert state.herd is not None
    assert (state.herd.nodes, state.herd.queues, state.herd.checks, state.herd.vitals) == ((), (), (), {})
    assert state.herd.nodes_at is not None
    upstream.polled = routes(HERD_ANSWERS)
    state = watched.look(20)
    assert state.up is True
    assert len(state.loaded) == 1
    assert len(state.herd.nodes if state.herd else ()) == 1


def test_what_is_asked_for_seldom_is_asked_for_at_once_when_a_server_is_back(upstream: Upstream) -> None:
    upstream.polled = routes(OLLAMA_ANSWERS)
    watched = Watched("ollama", upstream.url)
    watched.look(0)
    upstream.polled = Call.reset
    watched.look(10)
    upstream.polled = routes(OLLAMA_ANSWERS)
    assert watched.look(20).known == ("tiny:latest",)


def test_a_fault_at_one_address_hides_nothing_of_the_others(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.polled = routes(OLLAMA_ANSWERS)
    good, faults = look._READ[Route.OLLAMA_PS], [RuntimeError()]

    def read(told: look.Told, body: Object, now: float) -> None:
        if faults:
            raise faults.pop()
        good(told, body, now)

    monkeypatch.setitem(look._READ, Route.OLLAMA_PS, read)
    watched = Watched("ollama", upstream.url, f"{upstream.url}/")
    with pytest.raises(RuntimeError):
        watched.look(0)
    assert watched.state.up is True
    assert len(watched.state.addresses) == 2


def test_a_model_that_is_unloaded_is_gone(upstream: Upstream) -> None:
    upstream.polled = routes(OLLAMA_ANSWERS)
    watched = Watched("ollama", upstream.url)
    assert len(watched.look(0).loaded) == 2
    upstream.polled = routes(OLLAMA_ANSWERS | {"/api/ps": recorded("ps_empty")})
    assert watched.look(10).loaded == ()


def test_a_dead_ollama_behind_a_living_herd_shows_in_the_models(upstream: Upstream) -> None:
    dead = "node_down/backend_down_"
    upstream.polled = routes(herd_answers(f"{dead}fleet_status", f"{dead}fleet_queue", f"{dead}dashboard_api_health"))
    state = Watched("herd", upstream.url).look(0)
    assert state.herd is not None
    assert [(node.status, node.models_loaded) for node in state.herd.nodes] == [("online", 0), ("online", 0)]


@pytest.mark.parametrize(
    ("status", "up"),
    [
        *[("200 OK", True), ("302 Found", True), ("401 Unauthorized", True), ("403 Forbidden", True)],
        *[("404 Not Found", True), ("503 Service Unavailable", True)],
        *[("500 Internal Server Error", False), ("502 Bad Gateway", False), ("504 Gateway Timeout", False)],
    ],
)
def test_up_means_that_the_server_answers(upstream: Upstream, status: str, up: bool) -> None:
    upstream.polled = routes({"/v1/models": response(b"{}", status)})
    assert Watched("openai", upstream.url).look(0).up is up


def test_a_backend_is_up_while_one_of_its_addresses_is(upstream: Upstream) -> None:
    upstream.polled = routes(OLLAMA_ANSWERS)
    with Upstream() as other:
        other.polled = routes(OLLAMA_ANSWERS)
        watched = Watched("ollama", other.url, upstream.url)
        assert watched.look(0).loaded[0] == Loaded("tinyembed:latest", 2 * 14795406, 0)
    state = watched.look(10)
    assert state.up is True
    assert state.addresses == {other.url: False, upstream.url: True}
    assert state.loaded[0] == Loaded("tinyembed:latest", 14795406, 0)


def test_a_change_of_state_is_told_once_and_without_the_servers_words(
    upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "inferometer_exporter")
    upstream.polled = routes(OLLAMA_ANSWERS)
    watched = Watched("ollama", upstream.url)
    watched.look(0, 10, 20)
    upstream.polled = routes({"/api/version": response(b"secret words", "500 Internal Server Error")})
    watched.look(30, 40, 50)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", f"desk answers at {upstream.url}"),
        ("WARNING", f"desk does not answer at {upstream.url}: it answers 500"),
    ]
