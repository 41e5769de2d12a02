"""The harness itself: what it says of an upstream, a client and a broken answer is true without an exporter between."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from tests.exporter.support.certificates import make_pair
from tests.exporter.support.process import eventually
from tests.exporter.support.upstream import Call, Upstream, answering, in_turn
from tests.exporter.support.wire import Torn, Wire, chunked, request, response

HALF = response([b"one", b"two"]).removesuffix(b"0\r\n\r\n")


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as started:
        yield started


def test_an_answer_in_single_bytes_is_read_whole(upstream: Upstream) -> None:
    answer = response([b"one", b"two"])
    upstream.fresh(answering(*(bytes([one]) for one in answer)))
    with Wire(upstream.port) as wire:
        reply = wire.send(*(bytes([one]) for one in request(body=b"abc"))).reply()
    assert (reply.status, reply.body, reply.whole) == (200, b"onetwo", True)
    assert [call.body for call in upstream.calls] == [b"abc"]


def test_an_answer_that_breaks_off_is_not_whole(upstream: Upstream) -> None:
    for broken in (HALF, response(b"abc")[:-1]):
        upstream.fresh(answering(broken, keep=False))
        with Wire(upstream.port) as wire:
            assert not wire.send(request()).reply().whole


def test_a_reset_is_told_from_a_clean_end(upstream: Upstream) -> None:
    def reset(call: Call) -> None:
        call.read()
        call.reset()

    for script, ended in ((reset, "reset"), (answering(HALF, keep=False), "fin")):
        upstream.fresh(script)
        with Wire(upstream.port) as wire:
            assert wire.send(request()).closed()
            assert wire.bytes.ended == ended


@pytest.mark.parametrize("how", ["fin", "reset"])
def test_the_upstream_notices_a_client_that_leaves(upstream: Upstream, how: Literal["fin", "reset"]) -> None:
    def wait(call: Call) -> None:
        call.read()
        call.gone()

    upstream.fresh(wait)
    wire = Wire(upstream.port).send(request(body=b"x"))
    call = upstream.call()
    time.sleep(0.05)
    assert call.gone_at is None
    left = time.monotonic()
    wire.leave(how)
    eventually(lambda: call.gone_at)
    assert call.gone_at is not None
    assert call.gone_at >= left


@pytest.mark.parametrize(
    "malformed",
    [b"GET / HTTP/1.1\nHost: a\n\n", b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n"],
)
def test_the_upstream_takes_nothing_malformed_for_a_request(upstream: Upstream, malformed: bytes) -> None:
    upstream.fresh(answering(response()))
    with Wire(upstream.port) as wire:
        assert wire.send(malformed).closed()
    assert (upstream.calls, len(upstream.torn)) == ([], 1)


def test_contradicting_lengths_are_torn(upstream: Upstream) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"abc")
    upstream.fresh(answering(head))
    with Wire(upstream.port) as wire, pytest.raises(Torn):
        wire.send(request()).reply()


def test_scripts_in_turn_serve_one_request_each(upstream: Upstream) -> None:
    upstream.fresh(in_turn(answering(response(b"1")), answering(response(b"2"))))
    with Wire(upstream.port) as wire:
        assert [wire.send(request()).reply().body for _ in range(3)] == [b"1", b"2", b"2"]
    assert {call.connection for call in upstream.calls} == {upstream.connections}


def test_the_exporters_own_looks_are_kept_apart(upstream: Upstream) -> None:
    upstream.fresh()
    before = len(upstream.polls)
    with Wire(upstream.port) as wire:
        wire.send(request("/api/ps", method="GET", headers=[("User-Agent", "inferometer-exporter/0.1.0")])).reply()
    assert (upstream.calls, len(upstream.polls)) == ([], before + 1)


def test_tls_checks_the_authority(tmp_path: Path) -> None:
    pair, other = make_pair(tmp_path / "one"), make_pair(tmp_path / "other")
    with Upstream(answering(response(b"safe")), tls=pair.server()) as upstream:
        with Wire(upstream.port, tls=pair.client()) as wire:
            assert wire.send(request()).reply().body == b"safe"
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            Wire(upstream.port, tls=other.client())
