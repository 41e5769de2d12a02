"""The generated files in the repository are what stack/fleet.yaml gives: the one test that reads the user's spec."""

from __future__ import annotations

import re
from pathlib import Path

from inferometer.bundle import OVERLAYS, compare, report
from inferometer.compile import compile_bundle
from inferometer.names import SPEC
from inferometer.spec.load import load

ROOT = Path(__file__).parents[2]


def test_the_generated_files_are_what_the_spec_gives() -> None:
    bundle = compile_bundle(load(ROOT / SPEC), ROOT / OVERLAYS)
    changes = compare(bundle, ROOT)
    assert not changes, f"run `make`:\n{report(changes)}"


def test_no_other_test_reads_the_users_spec() -> None:
    # A user edits the spec and runs `make`: whatever reads it must hold for every spec.
    reads = re.compile(r"ROOT\s*/\s*(SPEC|[\"']stack)")
    readers = {path.name for path in (ROOT / "tests").rglob("test_*.py") if reads.search(path.read_text())}
    assert readers == {Path(__file__).name}
