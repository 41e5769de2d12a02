"""Fault 15: durations come from the monotonic clock: a clock that jumps and a process that slept make none absurd."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from tests.exporter.support.process import Exporter
from tests.exporter.support.upstream import Upstream, answering
from tests.exporter.support.wire import chunked, request

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
LINE = b'{"model":"m","message":{"content":"x"},"done":false}\n'
DONE = b'{"model":"m","message":{"content":""},"done":true,"prompt_eval_count":5,"eval_count":9}\n'
STREAM = (HEAD, chunked(LINE, last=False), chunked(LINE, last=False), chunked(DONE))
PAUSE = 0.1

# Python runs this before the program: from then on the wall clock jumps by an hour, back or forth, at each look.
JUMPING = """
import itertools, time
_real, _jumps = time.time, itertools.cycle((3600.0, -3600.0, 0.0, -86400.0))
time.time = lambda: _real() + next(_jumps)
time.time_ns = lambda: int(time.time() * 1e9)
"""


def histogram_sums(exporter: Exporter) -> list[float]:
    names = ("request_duration", "time_to_first_token", "inter_token")
    return [exporter.metrics().sum(f"inferometer_{name}_seconds_sum") for name in names]


def test_a_clock_that_jumps_changes_no_duration(upstream: Upstream, tmp_path: Path, tag: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(JUMPING)
    upstream.script = answering(*STREAM, pause=PAUSE)
    with Exporter(upstream.url, shell=f'export PYTHONPATH="{tmp_path}:$PYTHONPATH";') as exporter:
        began = time.monotonic()
        for _ in range(4):
            assert exporter.ask(request(body=b'{"model":"m"}', headers=[("X-Herd-Tags", tag)])).whole
        most = time.monotonic() - began
        rows = exporter.tagged(tag, 4)
        assert all(PAUSE * 3000 * 0.9 <= row["latency_ms"] <= most * 1000 for row in rows)
        assert all(PAUSE * 1000 * 0.9 <= row["time_to_first_token_ms"] <= row["latency_ms"] for row in rows)
        assert all(abs(row["timestamp"] - time.time()) < 90_000 for row in rows)
        assert len({round(row["timestamp"] / 600) for row in rows}) > 1, "the clock did not jump at all"
        duration, first, between = histogram_sums(exporter)
        assert 0 < between < first + between < duration <= most


def test_a_process_that_slept_measures_no_more_than_the_time_that_passed(
    exporter: Exporter, upstream: Upstream, tag: str
) -> None:
    upstream.script = answering(*STREAM, pause=PAUSE)
    began = time.monotonic()
    with exporter.wire() as wire:
        wire.send(request(body=b'{"model":"m"}', headers=[("X-Herd-Tags", tag)]))
        wire.bytes.head()
        exporter.signal(signal.SIGSTOP)
        time.sleep(1)
        exporter.signal(signal.SIGCONT)
        body = bytearray()
        wire.bytes.chunks(body)
    assert bytes(body) == LINE * 2 + DONE
    [row] = exporter.tagged(tag)
    passed = time.monotonic() - began  # after the row was written: the client has its last byte a little earlier
    assert 900 <= row["latency_ms"] <= passed * 1000
    assert 0 <= row["time_to_first_token_ms"] <= row["latency_ms"]
    assert all(0 <= one <= passed for one in histogram_sums(exporter))
    assert exporter.status("/healthz")[0] == 200
