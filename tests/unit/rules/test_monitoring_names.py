"""What the monitoring's own parts are said to tell was recorded from them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from inferometer.catalog import MONITORING, Profile

RECORDINGS = Path(__file__).resolve().parents[2] / "fixtures/recordings"
PARTS = sorted({part.engine: part for parts in MONITORING.values() for part in parts}.items())


@pytest.mark.parametrize(("name", "part"), PARTS, ids=[name for name, _ in PARTS])
def test_every_metric_of_a_part_is_in_its_recording(name: str, part: Profile) -> None:
    (recording,) = (RECORDINGS / name).glob("*/metrics.txt")
    recorded = set(re.findall(r"^([a-zA-Z_:][\w:]*)", recording.read_text(), re.MULTILINE))
    claimed = {metric.names[0].name for source in part.sources.values() for metric in source.metrics}
    assert claimed
    assert claimed <= recorded
