"""Encodes samples as Prometheus remote write 1.0, the one way into Prometheus and VictoriaMetrics that keeps every bit.

The message is a protobuf WriteRequest (https://prometheus.io/docs/specs/prw/remote_write_spec/) in snappy's block
format (https://github.com/google/snappy/blob/main/format_description.txt), written by hand: tests need no library.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from tests.parts.notation import Series

HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
_LENGTH_DELIMITED, _VARINT, _FIXED64 = 2, 0, 1
_LITERAL_LIMIT = 1 << 16


def body(series: Iterable[Series], start: float) -> bytes:
    """The compressed request with all samples, whose times count from `start` (seconds since the epoch)."""
    return _snappy(b"".join(_field(1, _time_series(one, start)) for one in series))


def _time_series(series: Series, start: float) -> bytes:
    """`TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; }`; labels must be sorted by name."""
    labels = (
        _field(1, _field(1, name.encode()) + _field(2, value.encode()))
        for name, value in sorted(series.labels.items())
        if value
    )
    samples = (_field(2, _sample(round((start + offset) * 1000), value)) for offset, value in series.points)
    return b"".join([*labels, *samples])


def _sample(milliseconds: int, value: float) -> bytes:
    """`Sample { double value = 1; int64 timestamp = 2; }`."""
    return bytes([1 << 3 | _FIXED64]) + struct.pack("<d", value) + bytes([2 << 3 | _VARINT]) + _varint(milliseconds)


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | _LENGTH_DELIMITED]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _snappy(data: bytes) -> bytes:
    """A valid block, not compressed: the length, then literals of at most 64 KiB (tag 61: two bytes of length)."""
    blocks = (data[at : at + _LITERAL_LIMIT] for at in range(0, len(data), _LITERAL_LIMIT))
    return _varint(len(data)) + b"".join(bytes([61 << 2]) + struct.pack("<H", len(one) - 1) + one for one in blocks)
