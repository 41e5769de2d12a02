"""Lines and events come out whole whatever the pieces; a line that is too long costs no memory and hides no other."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inferometer_exporter.observe.framing import Body, Events, Framing, Lines
from inferometer_exporter.observe.kept import LIMIT
from tests.exporter.observe.answers import NDJSON, SSE, heard, opened

MIB = 2**20


def framed(framing: Framing, pieces: list[bytes]) -> list[bytes]:
    """All that comes out and is not empty."""
    return [part for piece in pieces for part in framing.split(piece) if part] + [
        part for part in framing.rest() if part
    ]


def expected_events(text: bytes) -> list[list[bytes]]:
    """The standard's algorithm in plain words, for text with LF and CRLF; the end is taken for an empty line."""
    events: list[list[bytes]] = []
    data: list[bytes] = []
    for line in [*(line.removesuffix(b"\r") for line in text.split(b"\n")), b""]:
        if line.startswith(b"data:"):
            data += line[5:].split()
        elif not line:
            events.append(data)
            data = []
    return [event for event in events if event]


LINES = [b"data: {1}", b"data:{2}", b"data:", b"data", b": c", b"event: x", b"id: 1", b"", b"", b"", b"x"]
TEXT = st.lists(
    st.tuples(st.sampled_from(LINES), st.sampled_from([b"\n", b"\n", b"\r\n"])).map(b"".join), max_size=8
).map(b"".join)


@example(b"data: {1}\ndata:{2}\n\n", b"", [])
@example(b"xdata: {1}\n\ndata: {2}\n\n", b"", [1, 12])
@given(text=TEXT, end=st.sampled_from([b"", b"data: {3}", b"da"]), cuts=st.lists(st.integers(0, 60), max_size=4))
def test_events_are_those_of_the_standard_at_every_cut(text: bytes, end: bytes, cuts: list[int]) -> None:
    text += end
    several = sorted(min(cut, len(text)) for cut in cuts)
    for at in ([0, *several, len(text)], *([0, cut, len(text)] for cut in range(len(text)))):
        pieces = [text[start:stop] for start, stop in pairwise(at)]
        found = [event.split() for event in framed(Events(), pieces)]  # white space means nothing to JSON
        assert [event for event in found if event] == expected_events(text)


@given(text=st.lists(st.sampled_from([b"a", b"bc", b"\n"]), max_size=20).map(b"".join), size=st.integers(1, 9))
def test_lines_are_those_of_the_text_at_every_cut(text: bytes, size: int) -> None:
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert framed(Lines(), pieces) == [line for line in text.split(b"\n") if line]


def test_several_data_lines_are_one_event() -> None:
    body = b'data: {"model":"m",\ndata: "choices":[{"delta":{"content":"a"}}]}\n\n'
    answer = heard("/v1/chat/completions", [body], SSE).answer
    assert (answer.model, answer.first_token_at) == ("m", 1.0)


@pytest.mark.parametrize("piece", [1000, 2**14, 2**16, 2**18, 2**23])
@pytest.mark.parametrize(("content_type", "mark"), [(NDJSON, b""), (SSE, b"data: ")])
def test_a_line_beyond_the_limit_is_left_out_and_the_next_one_is_read(
    piece: int, content_type: str, mark: bytes
) -> None:
    body = mark + b"x" * (3 * MIB) + b"\n\n" + mark + b'{"model":"m","done":true,"eval_count":5}\n\n'
    listener = opened("/api/chat", content_type)
    for at in range(0, len(body), piece):
        listener.answer.feed(body[at : at + piece], 1.0)
        assert listener.answer.held <= LIMIT + 2**16
    listener.answer.end(2.0)
    assert (listener.answer.model, listener.counts) == ("m", (None, 5))


def test_data_lines_without_an_end_are_held_up_to_the_limit() -> None:
    events = Events()
    for _ in range(100):
        events.split(b"data: " + b"x" * 2**16 + b"\n")
        assert events.held <= LIMIT + 2**17


def test_a_body_of_any_size_is_held_up_to_the_limit() -> None:
    body = Body()
    for _ in range(200):
        body.split(b"x" * 2**16)
        assert body.held <= LIMIT + 2**16


def test_100_000_lines_leave_nothing_behind() -> None:
    listener = opened("/api/chat", NDJSON)
    gaps = 0
    for number in range(100_000):
        listener.answer.feed(b'{"model":"m","message":{"content":"a"},"done":false}\n', float(number))
        gaps += len(listener.gaps)
        listener.gaps.clear()
    assert listener.answer.held == 0
    assert gaps == 99_999


@given(
    pieces=st.lists(
        st.binary(max_size=60) | st.sampled_from([b"data: {", b"}\n\n", b'"model":', b"\n", b"\\"]), max_size=8
    ),
    api=st.sampled_from(["/api/chat", "/v1/chat/completions", "/v1/responses", "/v1/messages", "/api/embed"]),
    content_type=st.sampled_from([NDJSON, SSE, "application/json", "text/html"]),
    encoding=st.sampled_from(["", "gzip", "deflate", "br", "zstd"]),
)
def test_any_bytes_are_taken_and_tell_no_counts(
    pieces: list[bytes], api: str, content_type: str, encoding: str
) -> None:
    told = heard(api, pieces, content_type, encoding)
    assert told.counts == (None, None)
    assert told.answer.held <= sum(len(piece) for piece in pieces)
