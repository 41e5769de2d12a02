"""The short way for heads of answers that repeat gives what the long way gives, or nothing."""

from __future__ import annotations

import httptools
from hypothesis import example, given, settings
from hypothesis import strategies as st

from inferometer_exporter.proxy.head import AnswerHeads, read_answer_head

_STATUS = st.sampled_from([b"HTTP/1.1 200 OK", b"HTTP/1.1 201 OK", b"HTTP/1.0 200 OK", b"HTTP/1.1 304 OK"])
_LENGTH = st.sampled_from(["0", "1", "12", "12", "012", "", "+1", "1 ", "1_2", "1,1", "1" * 17]).map(
    "Content-Length: {}".format
)
_OTHER = st.sampled_from(
    [
        *("Date: Sat, 21 Nov 2026 00:44:40 GMT", "Date: Sat, 21 Nov 2026 00:44:41 GMT", "Content-Type: text/plain"),
        *("Transfer-Encoding: chunked", "Connection: keep-alive", "Connection: close", "Connection: Date"),
        *("Keep-Alive: timeout=5", "X-Fleet-Node: one", "X-Length: 12", "X-Content-Length: 1", "content-length: 12"),
    ]
)


def _head(status: bytes, lines: list[str]) -> bytes:
    return b"\r\n".join([status, *(line.encode() for line in lines)])


def _accepted(head: bytes) -> bool:
    try:
        httptools.HttpResponseParser(object()).feed_data(head + b"\r\n\r\n")
    except httptools.HttpParserError:
        return False
    return True


@st.composite
def _alike(draw: st.DrawFn) -> list[bytes]:
    """Heads that differ in their first line, in their length, or in a header after it."""
    first, before, after = draw(_STATUS), draw(st.lists(_OTHER, max_size=1)), draw(_OTHER)

    def head() -> bytes:
        line = draw(_STATUS) if draw(st.integers(0, 3)) == 0 else first
        last = draw(_OTHER) if draw(st.integers(0, 3)) == 0 else after
        return _head(line, [*before, draw(_LENGTH if draw(st.integers(0, 5)) else _OTHER), last])

    return [head() for _ in range(4)]


@settings(max_examples=500)
@given(_alike())
@example([b"HTTP/1.1 304 N\r\nContent-Length: 0", b"HTTP/1.1 304 N\r\nContent-Length: 5"])
def test_a_head_is_only_taken_for_known_where_reading_it_gives_the_same(answers: list[bytes]) -> None:
    heads = AnswerHeads()
    for head in answers:
        known = heads.known(head)
        if known is not None:
            assert _accepted(head)
            read = read_answer_head(head, False)
            known.fields = {**known.fields, b"content-length": read.fields.get(b"content-length", b"")}  # in `length`
            read.fields.setdefault(b"content-length", b"")
            assert known == read
        elif _accepted(head):
            heads.read(head)


@given(st.lists(st.integers(0, 10**15 - 1), min_size=2, max_size=5))
def test_heads_that_differ_in_their_length_alone_are_read_once(lengths: list[int]) -> None:
    heads = AnswerHeads()
    first, *others = (
        _head(b"HTTP/1.1 200 OK", ["Date: now", f"Content-Length: {length}", "A: b"]) for length in lengths
    )
    heads.read(first)
    for length, head in zip(lengths[1:], others, strict=True):
        known = heads.known(head)
        assert known is not None
        assert (known.length, known.raw) == (length, head)
