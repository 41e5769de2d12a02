"""The tools of each program accept what is written for it, in the present generation and the one before."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.parts.binaries import Generation, find
from tests.unit.stack import trees

SPECS = {
    "shortest": trees.SHORTEST,
    **{f"full, {platform}": trees.full("prometheus", platform) for platform in ("compose", "host")},
}
VM_SPECS = {
    "shortest": trees.SHORTEST + "storage: {kind: victoriametrics}\n",
    **{f"full, {platform}": trees.full("victoriametrics", platform) for platform in ("compose", "host")},
}
GENERATIONS: tuple[Generation, ...] = ("new", "old")
RULES = "groups: [{name: a, rules: [{alert: Watchdog, expr: vector(1)}]}]\n"

for _path in sorted(trees.SPECS.glob("*.yaml")):
    _text = _path.read_text()
    _kind = SPECS if trees.plan(_text).spec.storage.kind == "prometheus" else VM_SPECS
    _kind[_path.stem] = _text


def run(folder: Path, program: Path, *flags: str) -> str:
    """What the program says, started in the folder. Fails with its words where it refuses."""
    done = subprocess.run([program, *flags], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def flags(folder: Path, name: str) -> list[str]:
    return (folder / name).read_text().splitlines()


@pytest.mark.real
@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_promtool_accepts_the_configuration(spec: str, generation: Generation, tmp_path: Path) -> None:
    folder = trees.lay_out(spec, tmp_path, RULES) / "stack/prometheus"
    run(folder, find("promtool", generation), "check", "config", "--syntax-only", "prometheus.yml")


@pytest.mark.real
@pytest.mark.parametrize("there", [True, False])
def test_promtool_finds_rules_and_secrets_where_the_configuration_says(there: bool, tmp_path: Path) -> None:
    spec = "backends: [{name: gpu, vllm: 10.0.0.1, scrape: {auth: {bearer_file: secrets/token}}}]\n"
    folder = trees.lay_out(spec, tmp_path, RULES) / "stack/prometheus"
    (tmp_path / "alerts/tests").mkdir()
    (tmp_path / "alerts/tests/rules.yaml").write_text("tests: []\n")
    if there:
        (tmp_path / "stack/secrets").mkdir()
        (tmp_path / "stack/secrets/token").write_text("a")
        said = run(folder, find("promtool"), "check", "config", "prometheus.yml")
        assert "1 rule files found" in said
        assert "1 rules found" in said
    else:
        with pytest.raises(AssertionError, match=r"\.\./secrets/token"):
            run(folder, find("promtool"), "check", "config", "prometheus.yml")


@pytest.mark.real
@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("spec", VM_SPECS.values(), ids=VM_SPECS)
def test_vmagent_accepts_its_configuration_and_flags(spec: str, generation: Generation, tmp_path: Path) -> None:
    folder = trees.lay_out(spec, tmp_path, RULES) / "stack/victoriametrics"
    run(folder, find("vmagent", generation), *flags(folder, "vmagent.flags"), "-dryRun")


@pytest.mark.real
@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("spec", VM_SPECS.values(), ids=VM_SPECS)
def test_vmalert_accepts_its_flags_and_finds_the_rules(spec: str, generation: Generation, tmp_path: Path) -> None:
    folder = trees.lay_out(spec, tmp_path, RULES) / "stack/victoriametrics"
    said = run(folder, find("vmalert", generation), *flags(folder, "vmalert.flags"), "-dryRun")
    assert "reading 1 files" in said


@pytest.mark.real
@pytest.mark.parametrize("spec", [*SPECS.values(), *VM_SPECS.values()])
def test_amtool_accepts_the_routing_and_the_templates(spec: str, tmp_path: Path) -> None:
    folder = trees.lay_out(spec, tmp_path) / "stack/alertmanager"
    assert "1 templates" in run(folder, find("amtool"), "check-config", "alertmanager.yml")
