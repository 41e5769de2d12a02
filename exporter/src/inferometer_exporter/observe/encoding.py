"""Reads compressed answers piece by piece, with a bound on what comes out: a small answer may hide a huge one."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator

if sys.version_info >= (3, 14):
    from compression import zstd

# Bytes that come out at once, and in all.
STEP = 2**16
TOTAL_LIMIT = 2**26
# How much a piece may grow, beyond a first MiB. Text is compressed by 5 to 30; more is no text, and would hold the
# event loop up.
GROWTH = 60

# Of zstd's window: 8 MiB, which is all that HTTP allows (RFC 9659).
_ZSTD_WINDOW_LOG = 23


class Unreadable(Exception):
    """The answer's encoding is not known, is broken, or grows beyond the bounds."""


class Inflater:
    """One answer's decompressor. `encoding` is the header Content-Encoding; raises Unreadable where it is not known.

    gzip, deflate (with zlib's frame, or raw as some servers send it) and, from Python 3.14, zstd. What follows the end
    of the compressed data is left out, as clients do.
    """

    __slots__ = ("_decompress", "_total")

    def __init__(self, encoding: bytes) -> None:
        self._total = 0
        opener = _OPENERS.get(encoding)
        if opener is None:
            raise Unreadable
        self._decompress = opener()

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What comes out of a piece, at most `STEP` bytes at once. Raises Unreadable."""
        room = 2**20 + GROWTH * len(data)
        try:
            for piece in self._decompress(data):
                room -= len(piece)
                self._total += len(piece)
                if room < 0 or self._total > TOTAL_LIMIT:
                    raise Unreadable
                yield piece
        except _DAMAGE as error:
            raise Unreadable from error


class _Zlib:
    """`window` is zlib's wbits: 31 for gzip, None for deflate, where the first byte tells which of two forms it is."""

    __slots__ = ("_inner", "_window")

    def __init__(self, window: int | None) -> None:
        self._window = window
        self._inner: zlib._Decompress | None = None

    def __call__(self, data: bytes) -> Iterator[bytes]:
        if self._inner is None:
            if not data:
                return
            framed = data[0] & 0x0F == 8 and data[0] >> 4 <= 7  # RFC 1950: method 8, window up to 32 KiB
            self._inner = zlib.decompressobj(self._window or (15 if framed else -15))
        while not self._inner.eof:
            piece = self._inner.decompress(data, STEP)
            data = self._inner.unconsumed_tail
            yield piece
            if not data and len(piece) < STEP:
                break


_Opener = Callable[[], Callable[[bytes], Iterator[bytes]]]
_DAMAGE: tuple[type[Exception], ...] = (zlib.error,)
_OPENERS: dict[bytes, _Opener] = {
    b"gzip": lambda: _Zlib(31),
    b"x-gzip": lambda: _Zlib(31),
    b"deflate": lambda: _Zlib(None),
}

if sys.version_info >= (3, 14):

    class _Zstd:
        __slots__ = ("_inner",)

        def __init__(self) -> None:
            bounds: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
            self._inner = zstd.ZstdDecompressor(options=bounds)

        def __call__(self, data: bytes) -> Iterator[bytes]:
            while not self._inner.eof:
                piece = self._inner.decompress(data, STEP)
                data = b""
                yield piece
                if self._inner.needs_input:
                    break

    _DAMAGE = (zlib.error, zstd.ZstdError)
    _OPENERS[b"zstd"] = _Zstd
