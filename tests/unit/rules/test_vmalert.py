"""The rule files and their cases, in the hands of vmalert and vmalert-tool."""

from __future__ import annotations

from pathlib import Path

import pytest

from inferometer.rules import groups
from tests.parts.binaries import Generation, find
from tests.unit.rules.plans import WHOLE, fixture, lay_out, plan, quick, run, with_
from tests.unit.rules.test_promtool import TWO_MODELS_OF_ONE_SERVER

pytestmark = pytest.mark.real

LONGEST = 75 * 60
"""Seconds of the longest case that is run."""

FLEETS = {
    "first-light": fixture("first-light"),
    "shortest": fixture("shortest"),
    "two models of one server": plan(TWO_MODELS_OF_ONE_SERVER),
    "victoriametrics": with_(WHOLE, "storage: {kind: victoriametrics}"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "generation"), [("victoriametrics", "new"), ("shortest", "old")])
def test_cases_hold_in_vmalert_tool(
    name: str, generation: Generation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It runs the same files, but calls the section of expressions by another name."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # it keeps its samples, and a lock, in one place for all runs
    cases = lay_out(quick(groups(FLEETS[name]), LONGEST), tmp_path, section="metricsql_expr_test")
    files = [f"--files={path}" for path in cases]
    assert run(find("vmalert-tool", generation), "unittest", "--disableAlertgroupLabel", *files) == ""


@pytest.mark.parametrize("generation", ["new", "old"])
@pytest.mark.parametrize("name", FLEETS)
def test_vmalert_takes_the_rules(name: str, generation: Generation, tmp_path: Path) -> None:
    lay_out(groups(FLEETS[name]), tmp_path)
    assert run(find("vmalert", generation), "-dryRun", f"-rule={tmp_path}/*.yaml", "-rule.validateTemplates") == ""
