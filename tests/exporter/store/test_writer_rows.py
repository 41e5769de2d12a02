"""How many traces the store says that it holds."""

from __future__ import annotations

import time
from pathlib import Path

from inferometer_exporter.config.model import Store
from inferometer_exporter.store.writer import TraceStore
from inferometer_exporter.trace import Trace


def test_the_store_tells_how_many_traces_it_holds(tmp_path: Path) -> None:
    store = TraceStore(Store(path=tmp_path / "traces.db"), lambda reason, count: None)
    assert store.rows is None, "it is not known before it was looked at"
    store.open()
    try:
        for _ in range(321):
            store.add(Trace(time.time(), "box", "/api/chat", "m", "m", "box", "completed", 1.0))
        end = time.monotonic() + 20
        while store.rows != 321:
            assert time.monotonic() < end, f"after 20 s it says {store.rows}"
            time.sleep(0.05)
    finally:
        assert store.close(10)
