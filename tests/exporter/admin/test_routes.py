"""What each route of the admin port answers, with which headers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics

from inferometer_exporter.admin.page import FILES
from inferometer_exporter.admin.server import routes
from inferometer_exporter.config.model import Login
from tests.exporter.admin.site import Site, headers, served, serving, unpacked
from tests.exporter.store.made import fill, trace

GZIP = ("Accept-Encoding", "br, gzip;q=0.8")
OPENMETRICS = ("Accept", "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5")
API = [route["path"] for route in json.loads(json.dumps(routes()))["routes"]]
STRICT = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    path = tmp_path_factory.mktemp("store") / "traces.db"
    fill(
        path, trace(tags=("chat-ui",)), trace(status="failed", http_status=500, error_message="the server answered 500")
    )
    with serving(path) as running:
        served(running)
        yield running


EVERY = ["/", "/metrics", "/healthz", "/readyz", "/nowhere", "/api/v1/", "/api/v1/nothing", *FILES, *API]


@pytest.mark.parametrize("path", sorted(set(EVERY)))
def test_every_answer_has_the_strict_headers(site: Site, path: str) -> None:
    for method in ("GET", "HEAD", "POST"):
        found = headers(site.get(path, [("Origin", "https://elsewhere.example")], method))
        assert found.items() >= STRICT.items()
        assert not [name for name in found if name.startswith("access-control") or name in ("server", "set-cookie")]


def test_refusals_have_the_strict_headers_too(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("x")
    with serving(login=Login(token_file=token)) as guarded:
        large = b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"x" * 99999
        for sent in (b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", large):
            assert headers(guarded.raw(sent)).items() >= STRICT.items()
        assert headers(guarded.get("/")).items() >= STRICT.items()


def test_metrics_are_text_unless_openmetrics_is_asked_for(site: Site) -> None:
    plain = site.get("/metrics")
    assert plain.head.get("Content-Type") == b"text/plain; version=0.0.4; charset=utf-8"
    assert b"# TYPE inferometer_requests_total counter\n" in plain.body
    opened = site.get("/metrics", [OPENMETRICS])
    assert (opened.head.get("Content-Type") or b"").startswith(b"application/openmetrics-text; version=1.0.0")
    families = read_openmetrics(opened.body.decode())  # type: ignore[no-untyped-call]  # it has no types
    assert "inferometer_requests" in {family.name for family in families}


@pytest.mark.parametrize("path", ["/metrics", "/", "/static/page.css"])
def test_large_answers_are_packed_for_those_who_take_gzip(site: Site, path: str) -> None:
    packed, plain = site.get(path, [GZIP]), site.get(path)
    assert packed.head.get("Content-Encoding") == b"gzip"
    assert plain.head.get("Content-Encoding") is None
    assert len(packed.body) < len(plain.body)
    assert unpacked(packed)[:300] == plain.body[:300]
    assert b"Accept-Encoding" in (plain.head.get("Vary") or b"")


@pytest.mark.parametrize("accepted", ["gzip;q=0", "gzip;q=0.0, *;q=0", "br", "identity", "", "xgzip"])
def test_nothing_is_packed_for_those_who_do_not_take_gzip(site: Site, accepted: str) -> None:
    assert site.get("/metrics", [("Accept-Encoding", accepted)]).head.get("Content-Encoding") is None


def test_small_answers_are_never_packed(site: Site) -> None:
    assert site.get("/healthz", [GZIP]).body == b"ok\n"


def test_readiness_tells_each_problem_in_a_line_and_life_goes_on(site: Site) -> None:
    assert (site.get("/readyz").status, site.get("/readyz").body) == (200, b"ready\n")
    site.health.lines = ["store: the disk is full", "backend box: the server does not answer"]
    try:
        reply = site.get("/readyz")
        assert (reply.status, reply.body.decode().splitlines()) == (503, site.health.lines)
        assert site.get("/healthz").status == 200
        assert site.json("/api/v1/summary")["problems"] == site.health.lines
    finally:
        site.health.lines = []


@pytest.mark.parametrize("path", API)
def test_every_route_that_the_api_lists_answers(site: Site, path: str) -> None:
    assert isinstance(site.json(path), dict)


@pytest.mark.parametrize(
    "path",
    [
        "/static/../server.py",
        "/static/%2e%2e/server.py",
        "/static/..%2fserver.py",
        "/static//page.js",
        "/static/page.js/",
        "/static/",
        "/static/page.html",
        "//etc/passwd",
        "/../../etc/passwd",
        "/%00",
        "/api/v1/recent/",
        "/api/v2/recent",
        "/Metrics",
    ],
)
def test_what_is_not_listed_is_not_found(site: Site, path: str) -> None:
    reply = site.get(path)
    assert reply.status == 404
    assert set(json.loads(reply.body)) == {"error"}


def test_rows_tell_the_traces(site: Site) -> None:
    failed, completed = site.json("/api/v1/recent")["rows"]
    assert (failed["status"], failed["error_message"]) == ("failed", "the server answered 500")
    assert (completed["model"], completed["tags"], completed["completion_tokens"]) == ("tiny", ["chat-ui"], 16)
    assert [row["status"] for row in site.json("/api/v1/failures")["rows"]] == ["failed"]
    assert [row["id"] for row in site.json(f"/api/v1/recent?before={failed['id']}")["rows"]] == [completed["id"]]
    assert [row["id"] for row in site.json("/api/v1/recent?tag=chat-ui&status=completed")["rows"]] == [completed["id"]]
    (model,) = site.json("/api/v1/models?hours=1")["rows"]
    assert (model["name"], model["requests"], model["failures"]) == ("tiny", 2, 1)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("recent?limit=0", "limit must be a whole number from 1 to 1000"),
        ("recent?limit=1001", "limit must be"),
        ("recent?limit=-1", "limit must be"),
        ("recent?limit=1e2", "limit must be"),
        ("recent?limit=%D9%A3", "limit must be"),
        ("recent?limit=" + "9" * 5000, "limit must be"),
        ("recent?limit=", "limit must be"),
        ("recent?before=x", "before must be the id of a row"),
        ("recent?before=" + "9" * 19, "before must be"),
        ("recent?status=done", "one of completed, failed, client_disconnected"),
        ("recent?model=", "model must be 1 to 256 characters"),
        ("recent?tag=" + "x" * 257, "tag must be"),
        ("recent?limit=1&limit=2", "twice"),
        ("recent?order=id", "allowed are: limit, before, model, status, tag, backend"),
        ("recent?limit", "name=value"),
        ("recent?model=%ff", "name=value"),
        ("models?hours=nan", "hours must be a number from 0.1 to 9600"),
        ("models?hours=inf", "hours must be"),
        ("models?hours=0", "hours must be"),
        ("days?days=401", "days must be a number from 1 to 400"),
        ("models?" + "&".join(f"a{n}=1" for n in range(50)), "name=value"),
    ],
)
def test_a_wrong_parameter_is_a_400_that_names_what_is_allowed(site: Site, query: str, said: str) -> None:
    reply = site.get(f"/api/v1/{query}")
    assert reply.status == 400
    assert said in json.loads(reply.body)["error"]


def test_a_parameter_with_quotes_is_only_a_value(site: Site) -> None:
    assert site.json("/api/v1/recent?model=%27%20OR%201%3D1--")["rows"] == []


def test_without_a_store_the_api_says_so() -> None:
    with serving(None) as bare:
        reply = bare.get("/api/v1/recent")
        assert reply.status == 404
        assert "without a store" in json.loads(reply.body)["error"]
        assert bare.json("/api/v1/summary")["store"]["kept"] is False


def test_a_store_that_is_no_database_is_a_503(tmp_path: Path) -> None:
    broken = tmp_path / "traces.db"
    broken.write_bytes(b"no database" * 1000)
    with serving(broken) as torn:
        assert torn.get("/api/v1/recent").status == 503
        assert torn.get("/metrics").status == 200


def test_a_hostile_model_name_is_data_on_every_route(tmp_path: Path) -> None:
    evil = "</script><img src=x onerror=alert(1)>"
    path = tmp_path / "traces.db"
    fill(path, trace(model=evil, original_model=evil, tags=(evil,), node_id=evil))
    with serving(path) as hostile:
        served(hostile, model=evil)
        for route in ("/api/v1/recent", "/api/v1/models", "/api/v1/tags", "/api/v1/summary"):
            reply = hostile.get(route)
            assert reply.head.get("Content-Type") == b"application/json"
            assert json.loads(reply.body)
        assert evil.encode() not in b"".join(hostile.get(path).body for path in FILES)


def test_the_page_has_no_way_to_turn_text_into_markup() -> None:
    """What the content security policy would not catch, is not written at all."""
    folder = Path(__file__).parents[3] / "exporter/src/inferometer_exporter/admin/static"
    sources = {path.name: path.read_text() for path in folder.iterdir()}
    assert {name for name, _ in FILES.values()} == set(sources)
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser|srcdoc"
        r"|setTimeout\(\s*[\"'`]|\son\w+=|style=|javascript:"
    )
    assert {name: forbidden.findall(source) for name, source in sources.items() if forbidden.findall(source)} == {}
    outside = {
        url for source in sources.values() for url in re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"'`)]*", source)
    }
    assert outside == {"http://www.w3.org/2000/svg"}
    assert {name: len(source.splitlines()) for name, source in sources.items() if len(source.splitlines()) > 300} == {}


def test_the_page_asks_only_for_files_and_questions_that_exist() -> None:
    folder = Path(__file__).parents[3] / "exporter/src/inferometer_exporter/admin/static"
    scripts = "".join(path.read_text() for path in folder.glob("*.js"))
    asked = {f"/api/v1/{name}" for name in re.findall(r'\bask\("([\w-]+)"', scripts)}
    assert len(asked) >= 10
    assert asked <= set(API)
    markup = (folder / "page.html").read_text()
    named = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', markup))
    named |= {"/static/" + name for name in re.findall(r'from "\./([\w.]+)"', scripts)}
    assert named == {path for path in FILES if path != "/"}
