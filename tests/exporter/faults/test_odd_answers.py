"""Answers that are odd in their framing: two for one request, many interim ones, headers of the hop told twice."""

from __future__ import annotations

import pytest

from tests.exporter.support.process import Exporter
from tests.exporter.support.upstream import Upstream, answering, in_turn
from tests.exporter.support.wire import Torn, request, response


@pytest.mark.parametrize("first", [response(b"one"), response([b"one"])], ids=["length", "chunked"])
def test_a_second_answer_that_nobody_asked_for_is_never_the_answer_to_the_next_request(
    exporter: Exporter, upstream: Upstream, first: bytes
) -> None:
    upstream.script = in_turn(answering(first + response(b"poison")), answering(response(b"two")))
    got = []
    with exporter.wire() as wire:
        try:
            for _ in range(2):
                got.append(wire.send(request(body=b"{}")).reply().body)
        except (Torn, OSError):
            got.append(exporter.ask(request(body=b"{}")).body)
    assert got in ([b"one", b"two"], [b"two"])


def test_any_number_of_interim_answers_may_come_at_once(exporter: Exporter, upstream: Upstream) -> None:
    hints = 5000
    upstream.script = answering(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * hints + response(b"whole"))
    reply = exporter.ask(request(body=b"{}"))
    assert (reply.status, reply.body, len(reply.interim)) == (200, b"whole", hints)


def test_every_connection_header_of_an_answer_counts(exporter: Exporter, upstream: Upstream) -> None:
    head = b"HTTP/1.1 200 OK\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n"
    upstream.script = answering(head + b"x")
    for _ in range(3):
        assert exporter.ask(request(body=b"{}")).head.headers == ((b"Content-Length", b"1"),)
    assert len({call.connection for call in upstream.calls}) == 3
