"""The trace API when the store is slow or too much is asked, and the port when a part of it fails."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from inferometer_exporter.admin import traces
from inferometer_exporter.metrics.meters import Meters
from inferometer_exporter.store.reader import QueryTooSlow, TraceReader
from tests.exporter.admin.site import serving
from tests.exporter.store.made import until
from tests.exporter.support.wire import request


def test_more_questions_than_may_wait_are_turned_away_and_metrics_still_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, running = threading.Event(), []

    def slow(self: TraceReader, statement: str, *values: Any) -> list[Any]:
        running.append(statement)
        assert free.wait(20)
        return []

    monkeypatch.setattr(TraceReader, "_ask", slow)
    monkeypatch.setattr(traces, "MAX_WAITING", 4)
    with serving(tmp_path / "traces.db") as site:
        wires = [site.wire().send(request("/api/v1/recent", method="GET")) for _ in range(4)]
        try:
            until(lambda: len(running) == 2)
            until(lambda: site.get("/api/v1/slowest").status == 503)
            refused = site.get("/api/v1/slowest")
            assert refused.head.get("Retry-After") == b"1"
            assert site.get("/metrics").status == 200
            assert len(running) == 2
            free.set()
            assert [wire.reply().status for wire in wires] == [200] * 4
            assert site.get("/api/v1/slowest").status == 200
        finally:
            free.set()
            for wire in wires:
                wire.leave("fin")


def test_questions_of_clients_that_left_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()

    def slow(self: TraceReader, statement: str, *values: Any) -> list[Any]:
        assert free.wait(20)
        return []

    monkeypatch.setattr(TraceReader, "_ask", slow)
    monkeypatch.setattr(traces, "MAX_WAITING", 4)
    with serving(tmp_path / "traces.db") as site:
        wires = [site.wire().send(request("/api/v1/recent", method="GET")) for _ in range(4)]
        try:
            until(lambda: len(site.server._clients.open) == 4)
            for wire in wires:
                wire.leave("reset")
            until(lambda: not site.server._clients.open)
            with site.wire() as stays:
                stays.send(request("/api/v1/recent", method="GET"))
                until(lambda: site.server._clients.open)
                free.set()
                assert stays.reply().status == 200
        finally:
            free.set()
            for wire in wires:
                wire.leave("fin")


def test_an_answer_that_takes_too_long_is_a_503_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(self: TraceReader, statement: str, *values: Any) -> list[Any]:
        raise QueryTooSlow

    monkeypatch.setattr(TraceReader, "_ask", late)
    with serving(tmp_path / "traces.db") as site:
        reply = site.get("/api/v1/models")
        assert reply.status == 503
        assert "fewer hours" in json.loads(reply.body)["error"]


def test_a_fault_of_ours_is_a_500_that_tells_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with serving() as site, caplog.at_level(logging.DEBUG):

        def broken(meters: Meters, accept: str) -> tuple[bytes, str]:
            raise ValueError("inner words")

        monkeypatch.setattr("inferometer_exporter.admin.server.render", broken)
        reply = site.get("/metrics")
        assert reply.status == 500
        assert b"inner words" not in reply.body
        assert "inner words" not in caplog.text
        assert "ValueError" in caplog.text
        assert site.get("/healthz").status == 200
