"""METRICS.md says what the code shows."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import inferometer_exporter
from inferometer_exporter.metrics import table
from inferometer_exporter.metrics.docs import SECTIONS, document

PAGE = Path(__file__).parents[3] / "exporter" / "METRICS.md"


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == document(), "run: python -m inferometer_exporter.metrics METRICS.md"


def test_every_family_stands_in_one_section() -> None:
    listed = Counter(family.name for _, _, families in SECTIONS for family in families)
    assert listed == Counter({family.name: 1 for family in table.FAMILIES})


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    source = Path(inferometer_exporter.__file__).parents[1]
    command = [sys.executable, "-m", "inferometer_exporter.metrics", str(tmp_path / "page.md")]
    subprocess.run(command, check=True, cwd=source)
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == document()
    refused = subprocess.run(command[:-1], check=False, cwd=source, capture_output=True, text=True)
    assert (refused.returncode, refused.stderr[:6]) == (1, "usage:")
