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
    with exporter.wire() as wire:
        try:
            assert wire.send(request(body=b"{}")).reply().body == b"one"
        except (Torn, OSError):
            again = exporter.ask(request(body=b"{}"))
        else:
            again = wire.send(request(body=b"{}")).reply()
    assert again.body == b"two"


def test_any_number_of_interim_answers_may_come_at_once(exporter: Exporter, upstream: Upstream) -> None:
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    upstream.script = answering(hint, hint, hint * 5000 + response(b"whole"), pause=0.02)
    reply = exporter.ask(request(body=b"{}"))
    assert (reply.status, reply.body, len(reply.interim)) == (200, b"whole", 5002)


def test_every_connection_header_of_an_answer_counts(exporter: Exporter, upstream: Upstream) -> None:
    named = [("Connection", "close, X-Hop"), ("X-Hop", "1"), ("Connection", "keep-alive")]
    upstream.script = answering(response(b"x", headers=named))
    for _ in range(3):
        assert exporter.ask(request(body=b"{}")).head.headers == ((b"Content-Length", b"1"),)
    assert len({call.connection for call in upstream.calls}) == 3
