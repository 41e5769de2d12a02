"""Fault 12: SIGTERM lets streams finish and loses no trace; a second one ends it at once."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from tests.exporter.support.process import Exporter, eventually
from tests.exporter.support.upstream import Call, Upstream, answering
from tests.exporter.support.wire import chunked, request, response

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
LINE = b'{"model":"m","message":{"content":"x"},"done":false}\n'
DONE = b'{"model":"m","message":{"content":""},"done":true,"done_reason":"stop","prompt_eval_count":5,"eval_count":9}\n'


class Gate:
    """A stream that begins at once and ends when it is told to."""

    def __init__(self) -> None:
        self.open = threading.Event()

    def __call__(self, call: Call) -> None:
        call.read()
        call.send(HEAD, chunked(LINE, last=False))
        self.open.wait(20)
        call.send(chunked(LINE, DONE))


SHORT = """
admin: {admin}
store: {store}
timeouts: {{grace: 1s}}
backends:
  - {{name: box, engine: ollama, urls: ["{upstream}"], listen: "{proxy}"}}
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_live_stream_finishes_and_is_recorded(upstream: Upstream, tag: str, number: signal.Signals) -> None:
    gate = upstream.script = Gate()
    with Exporter(upstream.url) as exporter, exporter.wire() as wire:
        wire.send(request(body=b'{"model":"m"}', headers=[("X-Herd-Tags", tag)]))
        head = wire.bytes.head()
        eventually(lambda: exporter.status("/readyz")[0] == 200)
        exporter.signal(number)
        eventually(lambda: exporter.status("/readyz")[0] == 503, timeout=2)
        assert exporter.status("/healthz")[0] == 200
        assert exporter.running
        gate.open.set()
        body = bytearray()
        wire.bytes.chunks(body)
        assert (head.status, bytes(body)) == (200, LINE * 2 + DONE)
        assert exporter.exit_code() == 0
        [row] = exporter.tagged(tag)
        assert (row["status"], row["completion_tokens"]) == ("completed", 9)


def test_no_new_client_is_taken_while_it_ends(upstream: Upstream) -> None:
    gate = upstream.script = Gate()
    with Exporter(upstream.url) as exporter, exporter.wire() as wire:
        wire.send(request(body=b'{"model":"m"}'))
        wire.bytes.head()
        exporter.signal(signal.SIGTERM)

        def refuses() -> bool:
            try:
                exporter.wire().leave("fin")
            except ConnectionRefusedError:
                return True
            return False

        eventually(refuses, timeout=2)
        gate.open.set()
        assert exporter.exit_code() == 0


def test_idle_kept_connections_do_not_hold_it(upstream: Upstream) -> None:
    upstream.script = answering(response(b"{}"))
    with Exporter(upstream.url) as exporter, exporter.wire() as wire, exporter.wire():
        wire.send(request(body=b"{}")).reply()
        exporter.signal(signal.SIGTERM)
        began = time.monotonic()
        assert exporter.exit_code() == 0
        assert time.monotonic() - began < 2


def test_a_second_signal_ends_it_within_a_second(upstream: Upstream, tag: str) -> None:
    gate = upstream.script = Gate()
    with Exporter(upstream.url) as exporter, exporter.wire() as wire:
        wire.send(request(body=b'{"model":"m"}', headers=[("X-Herd-Tags", tag)]))
        wire.bytes.head()
        exporter.signal(signal.SIGTERM)
        time.sleep(0.3)
        assert exporter.running
        exporter.signal(signal.SIGTERM)
        began = time.monotonic()
        exporter.exit_code()
        assert time.monotonic() - began <= 1
        gate.open.set()
        assert not any(row["status"] == "completed" for row in exporter.rows("tags LIKE ?", f"%{tag}%"))


def test_a_stream_that_outlasts_the_grace_is_cut_and_recorded(upstream: Upstream, tag: str) -> None:
    gate = upstream.script = Gate()
    with Exporter(upstream.url, config=SHORT) as exporter, exporter.wire() as wire:
        wire.send(request(body=b'{"model":"m"}', headers=[("X-Herd-Tags", tag)]))
        wire.bytes.head()
        exporter.signal(signal.SIGTERM)
        began = time.monotonic()
        assert exporter.exit_code() == 0
        assert 0.8 <= time.monotonic() - began <= 4
        assert wire.closed(1)
        assert b"0\r\n\r\n" not in wire.bytes.seen
        gate.open.set()
        [row] = exporter.tagged(tag)
        assert row["status"] != "completed"


def test_no_trace_of_the_last_moment_is_lost(upstream: Upstream) -> None:
    upstream.script = answering(response(DONE))
    with Exporter(upstream.url) as exporter:
        with exporter.wire() as wire:
            for _ in range(300):
                wire.send(request(body=b'{"model":"m"}')).reply()
        exporter.signal(signal.SIGTERM)
        assert exporter.exit_code() == 0
        assert len(exporter.rows()) == 300


def test_it_starts_again_at_once_on_the_same_ports(upstream: Upstream) -> None:
    upstream.script = answering(response(DONE))
    with Exporter(upstream.url) as exporter:
        exporter.ask(request(body=b'{"model":"m"}'))
        exporter.signal(signal.SIGTERM)
        assert exporter.exit_code() == 0
        port = exporter.proxy_port
        exporter.start()
        assert exporter.proxy_port == port
        assert exporter.ask(request(body=b'{"model":"m"}')).status == 200
