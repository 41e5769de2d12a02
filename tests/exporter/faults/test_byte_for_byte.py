"""Whatever is asked and answered arrives byte for byte: 10,000 generated requests and answers."""

from __future__ import annotations

import random
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.exporter.support.process import Exporter
from tests.exporter.support.upstream import Call, Upstream
from tests.exporter.support.wire import Head, Wire, chunked

BATCH = 50
EXAMPLES = 200
"""So many batches: 10,000 requests and as many answers."""

METHODS = ["GET", "POST", "POST", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
PATHS = [
    "/api/chat",
    "/api/generate",
    "/api/embed",
    "/v1/chat/completions",
    "/v1/messages",
    "/v1/responses",
    "/api/tags",
    "/x",
]
MEDIA = [
    "application/json",
    "application/x-ndjson",
    "text/event-stream; charset=utf-8",
    "text/html",
    "APPLICATION/JSON",
]
PATH_LETTERS = "abcXYZ019-._~!$&'()*+,;=:@%/?"
NAME_LETTERS = "abcdefgXYZ-_09!#$%&'*+.^`|~"
VALUE_LETTERS = "".join(map(chr, (*range(0x21, 0x7F), *range(0xA0, 0x100)))) + "  \t"
PIECES = [
    b'{"model":"m","stream":true}',
    b'{"message":{"content":"x"},"done":false}\n',
    b'{"done":true,"eval_count":3}\n',
    b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n',
    b"data: [DONE]\n\n",
    b"event: error\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"0\r\n\r\n",
    *(b"\r\n", b"\x00", b"\xff\xfe", b'"error"', b'"usage":', b"{", b'"', b"\\"),
]
HOP = {b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"host", b"te", b"trailer", b"upgrade"}

Pairs = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True)
class Case:
    """One request and its answer. `sizes` are those of the chunks; none means a length."""

    method: str
    target: bytes
    asked: Pairs
    body: bytes
    body_sizes: tuple[int, ...]
    status: int
    told: Pairs
    answer: bytes
    answer_sizes: tuple[int, ...]
    cuts: tuple[int, ...]

    @property
    def request(self) -> bytes:
        framing = _framing(self.body, self.body_sizes) if self.body or self.method != "GET" else (b"", b"")
        head = b"%s %s HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n" % (
            *(self.method.encode(), self.target),
            *(_lines(self.asked), framing[0]),
        )
        return head + framing[1]

    @property
    def response(self) -> bytes:
        line, body = _framing(self.answer, self.answer_sizes)
        return b"HTTP/1.1 %d Any reason\r\n%s%s\r\n%s" % (self.status, _lines(self.told), line, body)


def _lines(headers: Pairs) -> bytes:
    return b"".join(b"%s: %s\r\n" % pair for pair in headers)


def _framing(body: bytes, sizes: tuple[int, ...]) -> tuple[bytes, bytes]:
    if not sizes:
        return b"Content-Length: %d\r\n" % len(body), body
    pieces, at = [], 0
    for size in sizes:
        pieces.append(body[at : at + size])
        at += size
    return b"Transfer-Encoding: chunked\r\n", chunked(*pieces, body[at:])


def case(seed: int) -> Case:
    """What a number stands for: hypothesis draws numbers, which is quick, and gives the same case for the same one."""
    dice = random.Random(seed)

    def text(letters: str, most: int) -> str:
        return "".join(dice.choices(letters, k=dice.randrange(most)))

    def headers() -> Pairs:
        pairs = []
        for _ in range(dice.randrange(6)):
            name = dice.choice(["X-", "x-", "X-Herd-Tags", "Accept", "Cookie", "Set-Cookie"]) + text(NAME_LETTERS, 12)
            pairs.append((name.encode(), text(VALUE_LETTERS, 40).strip(" \t").encode("latin-1")))
        return tuple(pairs)

    def body() -> tuple[bytes, tuple[int, ...]]:
        whole = b"".join(dice.choices(PIECES, k=dice.randrange(12))) + dice.randbytes(dice.choice([0, 0, 1, 100, 5000]))
        whole *= dice.choice([1, 1, 1, 1, 40])
        sizes = tuple(dice.randrange(1, 200) for _ in range(dice.randrange(8)))
        return whole, sizes

    method = dice.choice(METHODS)
    sent, sent_sizes = (b"", ()) if method == "GET" else body()
    told, told_sizes = body()
    media = (b"Content-Type", dice.choice(MEDIA).encode())
    return Case(
        method=method,
        target=(dice.choice(PATHS) + dice.choice(["", "", "?", "?a=b&", "//"]) + text(PATH_LETTERS, 20)).encode(),
        asked=headers(),
        body=sent,
        body_sizes=sent_sizes,
        status=dice.choice([200, 200, 200, 201, 400, 404, 429, 500, 503, 599]),
        told=(*headers(), *((media,) if dice.random() < 0.8 else ())),
        answer=told,
        answer_sizes=told_sizes,
        cuts=tuple(dice.randrange(1, 400) for _ in range(dice.randrange(4))),
    )


def cut(data: bytes, at: tuple[int, ...]) -> list[bytes]:
    """The data in pieces of these lengths, and the rest."""
    pieces = []
    for size in at:
        pieces.append(data[:size])
        data = data[size:]
    return [piece for piece in (*pieces, data) if piece]


def of_the_end(head: Head) -> Pairs:
    return tuple(pair for pair in head.headers if pair[0].lower() not in HOP)


class Answers:
    """The upstream's side of a batch: it answers each request with the case that is next."""

    def __init__(self, cases: list[Case]) -> None:
        self.cases = iter(cases)

    def __call__(self, call: Call) -> None:
        call.read()
        case = next(self.cases)
        call.send(*cut(case.response, case.cuts))


def check(wire: Wire, upstream: Upstream, number: int, one: Case) -> None:
    """The answer that comes next is this one, and so was the request."""
    reply = wire.reply(one.method)
    assert reply.head.start == b"HTTP/1.1 %d Any reason" % one.status
    assert reply.whole
    assert reply.body == one.answer
    assert of_the_end(reply.head) == one.told
    call = upstream.calls[number]
    assert (call.head.method, call.head.target) == (one.method, one.target)
    assert call.body == one.body
    assert of_the_end(call.head) == one.asked


def seeds(count: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, 2**32), min_size=count, max_size=count)


def test_ten_thousand_requests_and_answers_arrive_byte_for_byte(exporter: Exporter, upstream: Upstream) -> None:
    @settings(max_examples=EXAMPLES, database=None, suppress_health_check=list(HealthCheck))
    @given(seeds(BATCH))
    def arrive(drawn: list[int]) -> None:
        cases = [case(seed) for seed in drawn]
        upstream.fresh(Answers(cases))
        with exporter.wire() as wire:
            for number, one in enumerate(cases):
                wire.send(*cut(one.request, one.cuts))
                check(wire, upstream, number, one)
        assert len(upstream.calls) == len(cases)
        assert upstream.torn == []

    arrive()


def test_requests_sent_all_at_once_arrive_byte_for_byte(exporter: Exporter, upstream: Upstream) -> None:
    @settings(max_examples=50, database=None, suppress_health_check=list(HealthCheck))
    @given(seeds(10))
    def arrive(drawn: list[int]) -> None:
        cases = [case(seed) for seed in drawn]
        upstream.fresh(Answers(cases))
        with exporter.wire() as wire:
            wire.send(*cut(b"".join(one.request for one in cases), cases[0].cuts))
            for number, one in enumerate(cases):
                check(wire, upstream, number, one)
        assert upstream.torn == []

    arrive()
