"""Fault 5: a client that leaves ends its request upstream at once, whatever phase it is in and however it leaves."""

from __future__ import annotations

import time
from typing import Literal

import pytest

from tests.exporter.support.process import Exporter, eventually
from tests.exporter.support.upstream import Call, Script, Upstream, answering
from tests.exporter.support.wire import request, response

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
LINE = b'{"model":"m","message":{"content":"x"},"done":false}\n'
PIECE = b"%x\r\n%s\r\n" % (len(LINE), LINE)
PROMPT = 1.0
"""Seconds within which the upstream must be told. The bench measures the 100 ms that are promised."""

How = Literal["fin", "reset"]


def silent(call: Call) -> None:
    """Takes the request, and thinks until it is alone."""
    call.read()
    call.gone()


def half(call: Call) -> None:
    """Begins a stream and goes on thinking."""
    call.read()
    call.send(HEAD, PIECE)
    call.gone()


def half_body(call: Call) -> None:
    """Waits for a body that does not end."""
    call.gone()


PHASES: dict[str, tuple[Script, bytes, bool]] = {
    "before the first byte of a stream": (silent, request(body=b'{"model":"m"}'), False),
    "while waiting for a whole answer": (silent, request(body=b'{"model":"m","stream":false}'), False),
    "while waiting on /v1": (silent, request("/v1/chat/completions", b'{"model":"m"}'), False),
    "in mid-stream": (half, request(body=b'{"model":"m"}'), True),
    "while waiting on a route that is not metered": (silent, request("/api/pull", b'{"model":"m"}'), False),
    "in the middle of its body": (half_body, request(body=b'{"model":"m"}' + b"x" * 100)[:-50], False),
}


@pytest.mark.parametrize("how", ["fin", "reset"])
@pytest.mark.parametrize("phase", PHASES)
def test_the_upstream_is_told_at_once(exporter: Exporter, upstream: Upstream, phase: str, how: How) -> None:
    upstream.script, data, reads = PHASES[phase]
    wire = exporter.wire().send(data)
    call = upstream.call()
    if reads:
        wire.bytes.head()
    time.sleep(0.1)
    assert call.gone_at is None
    left = time.monotonic()
    wire.leave(how)
    eventually(lambda: call.gone_at)
    assert call.gone_at is not None
    assert call.gone_at - left <= PROMPT
    assert len(upstream.calls) == 1


@pytest.mark.parametrize("how", ["fin", "reset"])
@pytest.mark.parametrize("phase", [name for name in PHASES if "not metered" not in name])
def test_it_is_recorded_as_the_clients_own_leaving(
    exporter: Exporter, upstream: Upstream, tag: str, phase: str, how: How
) -> None:
    script, data, reads = PHASES[phase]
    upstream.script = script
    before = exporter.metrics()
    wire = exporter.wire().send(data.replace(b"\r\n", f"\r\nX-Herd-Tags: {tag}\r\n".encode(), 1))
    upstream.call()
    if reads:
        wire.bytes.head()
    wire.leave(how)
    [row] = exporter.tagged(tag)
    assert row["status"] == "client_disconnected"
    after = exporter.metrics()
    failures = "inferometer_request_failures_total"
    assert after.sum(failures, reason="client_disconnected") - before.sum(failures, reason="client_disconnected") == 1
    assert after.sum(failures) - before.sum(failures) == 1
    assert after.sum("inferometer_requests_total") - before.sum("inferometer_requests_total") == 1


def test_nothing_is_in_flight_after_clients_have_left(exporter: Exporter, upstream: Upstream) -> None:
    upstream.script = half
    wires = [exporter.wire().send(request(body=b'{"model":"m"}')) for _ in range(30)]
    upstream.call(29)
    eventually(lambda: exporter.metrics().sum("inferometer_requests_in_flight") == 30)
    for number, wire in enumerate(wires):
        wire.leave("fin" if number % 2 else "reset")
    eventually(lambda: exporter.metrics().sum("inferometer_requests_in_flight") == 0)
    eventually(lambda: sum(call.gone_at is not None for call in upstream.calls) == 30)


def test_a_client_that_only_stops_sending_gets_its_answer_or_is_taken_for_gone(
    exporter: Exporter, upstream: Upstream
) -> None:
    """Half-closed is not told from closed by FIN; what matters is that nothing hangs."""
    upstream.script = answering(response(b"{}"), pause=0.05)
    with exporter.wire(timeout=3) as wire:
        wire.send(request(body=b"{}")).half_close()
        assert wire.closed(3)


def test_a_client_that_leaves_after_its_answer_is_no_failure(exporter: Exporter, upstream: Upstream, tag: str) -> None:
    upstream.script = answering(response(b'{"model":"m","message":{"content":"x"},"done":true,"eval_count":1}'))
    wire = exporter.wire().send(request(body=b'{"model":"m"}', headers=[("X-Herd-Tags", tag)]))
    assert wire.reply().whole
    wire.leave("reset")
    [row] = exporter.tagged(tag)
    assert row["status"] == "completed"


def test_connections_whose_client_left_are_not_used_again(exporter: Exporter, upstream: Upstream) -> None:
    upstream.script = half
    wire = exporter.wire().send(request(body=b'{"model":"m"}'))
    wire.bytes.head()
    wire.leave("reset")
    eventually(lambda: upstream.call().gone_at)
    upstream.script = answering(response(b'{"fresh":true}'))
    assert exporter.ask(request(body=b"{}")).body == b'{"fresh":true}'
