"""`kill -9` under load, 200 times: every row that was committed is there, and the file is whole."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.exporter.store.made import ask

# Writes as fast as it can, and tells after each batch how many rows this run has committed.
_WRITER = """
import sys, os
from pathlib import Path
from inferometer_exporter.config.model import Store
from inferometer_exporter.store.file import StoreFile
from tests.exporter.store.made import trace
path, run = Path(sys.argv[1]), int(sys.argv[2])
file = StoreFile(Store(path), path)
number = 0
while True:
    size = 1 + number % 100
    file.write([trace(http_status=run, prompt_tokens=number + place) for place in range(size)])
    number += size
    os.write(1, b"%d\\n" % number)
    if number % 7 == 0:
        file.care()
"""


def _killed(path: Path, run: int, after: float) -> int:
    """Rows that one writer said it had committed before it was killed, `after` seconds from its first word."""
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path), str(run)],
        stdout=subprocess.PIPE, env={"PYTHONPATH": ":".join(sys.path)},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        said = process.stdout.readline()
        time.sleep(after)
        process.kill()
        said += process.stdout.read()
    return int(said[: said.rindex(b"\n")].split(b"\n")[-1])


def _check(path: Path, committed: dict[int, int]) -> None:
    rows = dict(ask(path, "SELECT http_status, count(*) FROM request_traces GROUP BY http_status"))
    missing = {run: (count, rows.get(run, 0)) for run, count in committed.items() if rows.get(run, 0) < count}
    assert not missing
    assert ask(path, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize("kills", [8, pytest.param(200, marks=pytest.mark.slow)])
def test_no_committed_row_is_lost_when_the_writer_is_killed(tmp_path: Path, kills: int) -> None:
    path, chance, committed = tmp_path / "traces.db", random.Random(4), {}
    for run in range(kills):
        committed[run] = _killed(path, run, after=chance.uniform(0, 0.05))
        if run % 25 == 0:
            _check(path, committed)
    _check(path, committed)
    assert sum(committed.values()) > kills
    # The next start makes up for sums that were not written.
    run = kills
    committed[run] = _killed(path, run, after=0.01)
    rows = ask(path, "SELECT count(*) FROM request_traces WHERE id <= (SELECT id FROM rolled_up)")
    assert ask(path, "SELECT sum(requests) FROM rollups WHERE kind = 'total'") == rows
