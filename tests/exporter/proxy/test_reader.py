"""Requests are read alike however they are cut: the short way for heads that repeat must not change what is read."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from inferometer_exporter.proxy.head import Refused, RequestHead
from inferometer_exporter.proxy.reader import RequestReader

_A = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
_B = b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n"
_LENGTH = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: %b\r\n\r\n"
_CHUNKED = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
_CLOSE = b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
_UPGRADE = b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
_UPGRADE_BODY = b"POST /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nab"

_PIECES = st.sampled_from(
    [
        *(_A, _B, _CHUNKED, _CLOSE, _UPGRADE, _UPGRADE_BODY, b"\r\n", b"\r\n\r\n"),
        b"POST /a HTTP/1.1\r\nHost: x\r\n\r\n",
        *(_LENGTH % length for length in (b"0", b"2", b"002", b"", b" 2", b"2 ", b"+2", b"2,2", b"1" * 17)),
        *(b"ab", b"2\r\nab\r\n", b"0\r\n\r\n", _A[:20], _A[20:]),
        b"POST /a HTTP/1.1\r\nHost: x\r\ncontent-length: 2\r\n\r\n",
        b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\ncontent-length: 2\r\n\r\n",
        b"POST /a HTTP/1.1\r\nContent-Length: 2\r\nHost: x\r\n\r\n",
        b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /a HTTP/1.0\r\nHost: x\r\n\r\n",
    ]
)
_READS = st.lists(st.lists(_PIECES, min_size=1, max_size=4).map(b"".join), min_size=1, max_size=6)


class _Told:
    """What a reader told, in order; the pieces of one body joined."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self._body = b""

    def request_began(self) -> None:
        self.told.append("began")

    def request_head(self, head: RequestHead, length: bytes | None) -> None:
        self._body = b""
        self.told.append((head.method, head.target, head.lines, head.chunked, head.keep, length))

    def request_body(self, piece: bytes) -> None:
        self._body += piece

    def request_end(self) -> None:
        self.told.append(("ended", self._body))


def _read(reads: list[bytes]) -> list[object]:
    told = _Told()
    reader = RequestReader(told)
    try:
        for data in reads:
            reader.feed(data)
    except Refused as refused:
        told.told.append(refused.status)
    return told.told


def _single(reads: list[bytes]) -> list[bytes]:
    """The same in single bytes: no read holds a head, so that the parser sees them all."""
    return [bytes([byte]) for data in reads for byte in data]


@given(_READS)
@example([_A + _B, _A])
@example([_CHUNKED + b"0\r\n\r\n" + _B, _CHUNKED, _A])
@example([b"\r\n\r\n" + _A, b"\r\n\r\n"])
@example([_LENGTH % b"2" + b"ab", _LENGTH % b"" + b"ab"])
@example([_CLOSE, _CLOSE])
@example([_UPGRADE + _A, _A, _UPGRADE_BODY + _B, _B, _UPGRADE_BODY])
def test_requests_are_read_as_the_parser_reads_them_however_they_are_cut(reads: list[bytes]) -> None:
    assert _read(reads) == _read(_single(reads))


def test_any_number_of_requests_may_come_in_one_read() -> None:
    many = 8000  # what one read of 256 KiB holds
    for request in (_A, _UPGRADE):
        assert _read([request, request * many]).count(("ended", b"")) == many + 1
