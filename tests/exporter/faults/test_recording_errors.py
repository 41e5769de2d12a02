"""Fault 11, in our own code: whatever part of the recording raises, users get their answers, whole and unchanged."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.exporter.support.process import Exporter
from tests.exporter.support.upstream import Upstream, answering, ndjson
from tests.exporter.support.wire import request, response

LINE = b'{"model":"m","message":{"content":"x"},"done":false}\n'
DONE = b'{"model":"m","message":{"content":""},"done":true,"done_reason":"stop","prompt_eval_count":5,"eval_count":9}\n'
STREAM = ndjson([LINE, LINE, DONE])

# Python runs this before the program: the part of the exporter that is named raises whenever it is used.
BROKEN = """
import importlib
module = importlib.import_module("inferometer_exporter.{module}")
holder = module
*path, name = "{name}".split(".")
for one in path:
    holder = getattr(holder, one)

def broken(*arguments, **named):
    raise RuntimeError("CANARY")

setattr(holder, name, broken)
"""

PARTS = [
    ("proxy.exchange", "read_request"),
    ("proxy.exchange", "open_answer"),
    ("proxy.exchange", "record"),
    ("proxy.exchange", "read_fleet"),
    ("metrics.meters", "BackendMeters.asked"),
    ("metrics.meters", "BackendMeters.settled"),
    ("metrics.meters", "BackendMeters.tagged"),
    ("metrics.histogram", "Histogram.observe"),
    ("store.writer", "TraceStore.add"),
    ("observe.base", "Answer.feed"),
    ("observe.base", "Answer.end"),
]


@pytest.mark.parametrize(("module", "name"), PARTS, ids=[name for _, name in PARTS])
def test_an_error_in_the_recording_changes_no_answer(
    upstream: Upstream, tmp_path: Path, module: str, name: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(BROKEN.format(module=module, name=name))
    asked = request(body=b'{"model":"m"}', headers=[("X-Herd-Tags", "a,b")])
    with (
        Exporter(upstream.url, shell=f'export PYTHONPATH="{tmp_path}:$PYTHONPATH";') as exporter,
        exporter.wire() as wire,
    ):
        for _ in range(3):
            upstream.script = answering(STREAM[:90], STREAM[90:], pause=0.01)
            reply = wire.send(asked).reply()
            assert (reply.status, reply.body, reply.whole) == (200, LINE * 2 + DONE, True)
            upstream.script = answering(response(DONE))
            reply = wire.send(asked).reply()
            assert (reply.status, reply.body, reply.whole) == (200, DONE, True)
        assert exporter.status("/healthz")[0] == 200
        exporter.signal(signal.SIGTERM)
        assert exporter.exit_code() == 0
        log = exporter.log(1000)
        assert "Error in sitecustomize" not in log, "nothing was broken: the part has another name now"
        assert "CANARY" not in log
