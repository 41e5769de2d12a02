"""Building as a user does: the same bytes everywhere, and an edited spec leaves the tests green."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "tests/fixtures/specs"

# What differs between machines and must not show. C.UTF-8 and POSIX are on every machine.
SURROUNDINGS = [
    {"PYTHONHASHSEED": "1", "TZ": "Pacific/Apia", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"},
    {"PYTHONHASHSEED": "4711", "TZ": "America/St_Johns", "LANG": "POSIX", "LC_ALL": "POSIX"},
]


def inferometer(*words: str | Path, cwd: Path, **env: str) -> str:
    """What the command printed. Raises CalledProcessError where it fails."""
    known = {**os.environ, "PYTHONPATH": str(ROOT / "src"), **env}
    command = [sys.executable, "-m", "inferometer", *map(str, words)]
    return subprocess.run(command, cwd=cwd, env=known, check=True, capture_output=True, text=True).stdout


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("spec", sorted(SPECS.glob("*.yaml")), ids=lambda path: path.stem)
def test_other_surroundings_and_another_folder_give_the_same_bytes(spec: Path, tmp_path: Path) -> None:
    trees = []
    for number, surroundings in enumerate(SURROUNDINGS):
        folder = tmp_path / f"somewhere-{number}" / ("deep" * number or "flat")
        (folder / "stack").mkdir(parents=True)
        shutil.copy(spec, folder / "stack/fleet.yaml")
        inferometer("build", cwd=folder, **surroundings)
        trees.append(tree(folder))
    assert trees[0] == trees[1]
    assert len(trees[0]) > 10


@pytest.mark.slow
def test_a_users_edit_followed_by_a_build_leaves_the_tests_green(tmp_path: Path) -> None:
    copy = tmp_path / "checkout"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, tracked.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    (copy / "stack/fleet.yaml").write_text("backends:\n  - name: mine\n    llamacpp: 192.0.2.7:8080\n")
    printed = inferometer("build", "--force", cwd=copy, PYTHONPATH=str(copy / "src"))
    assert "dashboards/engine-vllm.json" in printed, "the boards of the demo fleet are gone"
    # Every test that looks at files of the repository outside of tests/fixtures.
    readers = ["tests/unit/test_drift.py", "tests/unit/test_house_rules.py", "tests/unit/test_floors.py"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *readers],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:]
