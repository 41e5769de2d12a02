"""Fault 13: a scrape never waits for an upstream, and what is no longer true is no longer shown."""

from __future__ import annotations

import threading
import time

from tests.exporter.support.process import Exporter, eventually
from tests.exporter.support.upstream import Call, Upstream, answering
from tests.exporter.support.wire import request, response

OFTEN = """
admin: {admin}
store: {store}
poll: 1s
backends:
  - {{name: box, engine: ollama, urls: ["{upstream}"], listen: "{proxy}"}}
"""
LOADED = b"""{"models":[{"name":"tiny:latest","model":"tiny:latest","size":700000000,"digest":"d",
"details":{"format":"gguf","family":"llama"},"expires_at":"2026-11-21T01:49:40.4Z","size_vram":500000000,"context_length":4096}]}"""

STATE = {b"/api/ps": LOADED, b"/api/version": b'{"version":"0.32.15"}', b"/api/tags": b'{"models":[]}'}


def telling(state: dict[bytes, bytes], call: Call) -> None:
    call.read()
    call.send(response(state.get(call.head.target, b"{}")))


def test_a_scrape_answers_while_the_upstream_hangs() -> None:
    release = threading.Event()

    def hang(call: Call) -> None:
        call.read()
        release.wait(20)

    with Upstream(hang) as upstream:
        upstream.polled = hang
        with Exporter(upstream.url, config=OFTEN) as exporter, exporter.wire() as wire:
            try:
                wire.send(request(body=b'{"model":"m"}'))
                upstream.call()
                eventually(lambda: upstream.polls)
                for path in ("/metrics", "/healthz", "/metrics"):
                    began = time.monotonic()
                    assert exporter.page(path)
                    assert time.monotonic() - began < 1
                assert exporter.metrics().sum("inferometer_requests_in_flight") == 1
            finally:
                release.set()


def test_a_model_that_was_unloaded_is_gone() -> None:
    state = dict(STATE)
    with Upstream() as upstream:
        upstream.polled = lambda call: telling(state, call)
        with Exporter(upstream.url, config=OFTEN) as exporter:
            eventually(lambda: exporter.metrics().all("inferometer_model_loaded", model="tiny") == [1.0])
            metrics = exporter.metrics()
            assert metrics.all("inferometer_model_size_bytes", model="tiny") == [7e8]
            assert metrics.all("inferometer_model_vram_bytes", model="tiny") == [5e8]
            assert metrics.sum("inferometer_backend_up") == 1
            state[b"/api/ps"] = b'{"models":[]}'
            eventually(lambda: 1.0 not in exporter.metrics().all("inferometer_model_loaded", model="tiny"))
            assert exporter.metrics().all("inferometer_model_vram_bytes", model="tiny") == []


def test_a_dead_upstream_is_down_while_the_exporter_is_up() -> None:
    state = dict(STATE)
    with Upstream() as upstream:
        upstream.polled = lambda call: telling(state, call)
        with Exporter(upstream.url, config=OFTEN) as exporter:
            eventually(lambda: exporter.metrics().all("inferometer_backend_up") == [1.0])
            assert exporter.status("/readyz")[0] == 200
            upstream.stop()
            eventually(lambda: exporter.metrics().all("inferometer_backend_up") == [0.0])
            metrics = exporter.metrics()
            assert metrics.all("inferometer_model_loaded", model="tiny") in ([], [0.0])
            assert metrics.all("inferometer_model_size_bytes") == []
            assert metrics.all("inferometer_build_info") == [1.0]
            assert exporter.status("/healthz")[0] == 200
            assert exporter.status("/readyz")[0] == 503


def test_the_age_of_what_is_known_grows_while_the_upstream_is_silent() -> None:
    release = threading.Event()
    with Upstream() as upstream:

        def hang(call: Call) -> None:
            call.read()
            release.wait(20)

        with Exporter(upstream.url, config=OFTEN) as exporter:
            age = "inferometer_backend_check_age_seconds"
            eventually(lambda: exporter.metrics().all(age))
            upstream.polled = hang
            try:
                eventually(lambda: exporter.metrics().sum(age) > 1)
            finally:
                release.set()


def test_looks_never_change_anything(exporter: Exporter, shared_upstream: Upstream) -> None:
    eventually(lambda: shared_upstream.polls)
    assert {call.head.method for call in shared_upstream.polls} == {"GET"}


def test_metrics_are_not_on_the_proxys_port(exporter: Exporter, upstream: Upstream) -> None:
    upstream.script = answering(response(b"upstream"))
    for path in ("/metrics", "/healthz", "/readyz", "/"):
        assert exporter.ask(request(path, method="GET")).body == b"upstream"
    assert [call.head.target for call in upstream.calls] == [b"/metrics", b"/healthz", b"/readyz", b"/"]


def test_fifty_scrapes_at_once_are_all_answered(exporter: Exporter) -> None:
    sizes: list[int] = []
    threads = [threading.Thread(target=lambda: sizes.append(len(exporter.page("/metrics")))) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sizes) == 50
    assert min(sizes) > 0
