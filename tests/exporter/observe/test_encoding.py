"""Compressed answers are read as they come; what is unknown, broken or a bomb is said to be unreadable."""

from __future__ import annotations

import gzip
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferometer_exporter.observe.encoding import STEP, TOTAL_LIMIT, Inflater, Unreadable
from tests.exporter.observe.answers import JSON, SSE, STREAMS, WHOLE, Case, heard, opened, told


def raw_deflate(data: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-15)
    return deflater.compress(data) + deflater.flush()


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "GZIP": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    " deflate ": raw_deflate,
    "identity": bytes,
}


@pytest.mark.parametrize("encoding", ENCODERS)
@pytest.mark.parametrize("case", STREAMS + WHOLE, ids=str)
def test_an_encoded_answer_tells_all_in_pieces_of_any_size(case: Case, encoding: str) -> None:
    encoded = ENCODERS[encoding](case.body)
    for size in (1, 2, 64, len(encoded)):
        pieces = [encoded[at : at + size] for at in range(0, len(encoded), size)]
        told(case, heard(case.api, pieces, case.content_type, encoding))


def test_token_events_of_a_flushed_gzip_stream_come_when_their_piece_comes() -> None:
    deflater = zlib.compressobj(wbits=31)
    pieces = []
    for _ in range(3):
        event = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
        pieces.append(deflater.compress(event) + deflater.flush(zlib.Z_SYNC_FLUSH))
    stream = heard("/v1/chat/completions", pieces, SSE, "gzip")
    assert stream.answer.first_token_at == 1.0
    assert stream.gaps == [1.0, 1.0]


@pytest.mark.parametrize("encoding", ["br", "compress", "gzip, gzip", "nonsense", "*"])
def test_an_unknown_encoding_is_unreadable_and_tells_nothing(encoding: str) -> None:
    case = STREAMS[0]
    stream = heard(case.api, [case.body], case.content_type, encoding)
    answer = stream.answer
    assert not answer.readable
    assert (stream.counts, answer.model, answer.first_token_at, stream.gaps) == ((None, None), None, None, [])
    assert (answer.stream, answer.finished, answer.error) == (True, False, False)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_what_is_not_encoded_as_it_says_is_unreadable(encoding: str) -> None:
    case = WHOLE[0]
    whole = heard(case.api, [case.body, b"more"], JSON, encoding)
    assert not whole.answer.readable
    assert whole.counts == (None, None)
    assert whole.answer.held == 0


def test_what_was_told_before_the_damage_holds() -> None:
    case = STREAMS[0]
    deflater = zlib.compressobj(wbits=31)
    good = deflater.compress(case.body) + deflater.flush(zlib.Z_SYNC_FLUSH)
    stream = heard(case.api, [good, b"\xff" * 50], case.content_type, "gzip")
    assert not stream.answer.readable
    assert stream.counts == (case.prompt, case.completion)


def test_bytes_after_the_end_of_the_encoded_answer_change_nothing() -> None:
    case = STREAMS[0]
    told(case, heard(case.api, [gzip.compress(case.body) + b"trailing", b"bytes"], case.content_type, "gzip"))


@pytest.mark.parametrize("content_type", [JSON, SSE])
@pytest.mark.parametrize("filler", [b"x", b"\n", b"data: {}\n\n"])
def test_a_bomb_is_unreadable_and_costs_no_memory(content_type: str, filler: bytes) -> None:
    bomb = gzip.compress(filler * (100 * 2**20 // len(filler)))
    listener = opened("/v1/chat/completions", content_type, "gzip")
    tracemalloc.start()
    try:
        listener.answer.feed(bomb, 1.0)
        listener.answer.end(2.0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert not listener.answer.readable
    assert listener.answer.held == 0
    assert peak < 12 * 2**20  # a step of 64 KiB as single lines is some 6 MiB of Python objects


def test_a_piece_that_grows_beyond_all_text_is_unreadable() -> None:
    bomb = gzip.compress(b" " * 8 * 2**20)
    assert not heard("/v1/completions", [bomb], JSON, "gzip").answer.readable


@pytest.mark.parametrize("beyond", [1, 3, 4, 5, 100, 256, 257, 514])
def test_what_the_decompressor_still_holds_after_a_full_step_is_not_lost(beyond: int) -> None:
    inflater = Inflater(b"deflate")
    assert sum(len(piece) for piece in inflater.pieces(raw_deflate(b"x" * (STEP + beyond)))) == STEP + beyond


def test_a_slow_bomb_is_unreadable_at_the_total_limit() -> None:
    inflater, deflater = Inflater(b"gzip"), zlib.compressobj(wbits=31)
    half = 2**19
    came = 0

    def drip() -> None:
        nonlocal came
        for _ in range(2 * TOTAL_LIMIT // half):
            piece = deflater.compress(b"x" * half) + deflater.flush(zlib.Z_SYNC_FLUSH)
            came += sum(len(plain) for plain in inflater.pieces(piece))

    with pytest.raises(Unreadable):
        drip()
    assert TOTAL_LIMIT - half <= came <= TOTAL_LIMIT


def test_a_body_that_grows_by_less_than_the_bounds_is_read() -> None:
    text = Random(4).randbytes(2**20).hex().encode() * 5
    body = b'{"model":"m","text":"%s","usage":{"prompt_tokens":3,"completion_tokens":5}}' % text
    assert heard("/v1/completions", [gzip.compress(body)], JSON, "gzip").counts == (3, 5)


@given(data=st.binary(max_size=300_000), size=st.integers(1, 100_000))
def test_steps_are_bounded_and_join_to_the_original(data: bytes, size: int) -> None:
    data = data * 3
    inflater, encoded = Inflater(b"deflate"), zlib.compress(data)
    pieces = [p for at in range(0, len(encoded), size) for p in inflater.pieces(encoded[at : at + size])]
    assert all(len(piece) <= STEP for piece in pieces)
    assert b"".join(pieces) == data


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="Python 3.14 and later read zstd")
def test_zstd_is_unreadable_where_python_has_none() -> None:
    case = STREAMS[0]
    assert not heard(case.api, [case.body], case.content_type, "zstd").answer.readable


@pytest.mark.skipif(sys.version_info < (3, 14), reason="zstd comes with Python 3.14")
def test_zstd_is_read_where_python_has_it() -> None:
    if sys.version_info >= (3, 14):
        from compression import zstd

        for case in STREAMS + WHOLE:
            encoded = zstd.compress(case.body)
            for size in (1, 64, len(encoded)):
                pieces = [encoded[at : at + size] for at in range(0, len(encoded), size)]
                told(case, heard(case.api, pieces, case.content_type, "zstd"))
