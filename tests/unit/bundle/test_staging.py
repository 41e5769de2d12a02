"""Whatever stops a command at whatever step, the tree ends as the old or the new; one command works at a time."""

from __future__ import annotations

import errno
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inferometer.bundle import STAGING, Bundle, FolderError, compare, from_values, settle, write
from inferometer.bundle.staging import locked
from tests.unit.bundle import steps
from tests.unit.bundle.folders import NEW, OLD, expected, refused, tree
from tests.unit.bundle.steps import stop_at
from tests.unit.bundle.strategies import bundles


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def disk_full() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_second_command_in_the_folder_is_turned_away_with_the_first_ones_number(out: Path) -> None:
    with locked(out), pytest.raises(FolderError, match=rf"another inferometer \(process {os.getpid()}\)"), locked(out):
        pass
    write(from_values(OLD), out)
    assert tree(out) == expected(from_values(OLD))


@settings(deadline=None, max_examples=60)
@given(bundles, bundles, st.integers(0, 60), st.integers(0, 30))
def test_a_full_disk_at_any_step_leaves_the_old_tree_or_the_new_one(
    old: Bundle, new: Bundle, step: int, repair: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        write(old, out)
        for number, task in ((step, lambda: write(new, out)), (repair, lambda: settle(out))):
            with stop_at(number, disk_full):
                refusal = refused(task)
            assert refusal is None or "No space left on device" in str(refusal)
        settle(out)
        assert tree(out) in (expected(old), expected(new))
        assert not (out / STAGING).exists()


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    work = tmp_path_factory.mktemp("killed")
    driver = [sys.executable, steps.__file__ or "", str(work), json.dumps(OLD), json.dumps(NEW)]
    subprocess.run(driver, check=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    return [folder for folder in work.iterdir() if folder.name != "start"]


def test_killed_at_any_step_and_again_while_repairing_the_tree_is_the_old_or_the_new_one(killed: list[Path]) -> None:
    old, new = expected(from_values(OLD)), expected(from_values(NEW))
    torn, outcomes = 0, set()
    for out in killed:
        torn += tree(out) not in (old, new)
        settle(out)
        assert tree(out) in (old, new), out.name
        assert not (out / STAGING).exists()
        outcomes.add(tree(out) == new)
    # The test means something only if some kill fell into the middle, and if both ends were seen.
    assert torn > 0
    assert outcomes == {False, True}


def test_killed_at_a_random_moment_the_tree_is_the_old_or_the_new_one(out: Path) -> None:
    trees = [from_values({f"{path}/{number}": text * 999 for path in "abcd" for number in range(40)}) for text in "xy"]
    whole = [expected(bundle) for bundle in trees]
    code = (
        "import sys; from pathlib import Path; from inferometer.bundle import from_values, write\n"
        "trees = [from_values({f'{p}/{n}': t * 999 for p in 'abcd' for n in range(40)}) for t in 'xy']\n"
        "while True:\n"
        "    for tree in trees: write(tree, Path(sys.argv[1])); print(flush=True)\n"
    )
    for delay in (0.0, 0.003, 0.007, 0.011, 0.017, 0.023):
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        with subprocess.Popen([sys.executable, "-c", code, out], stdout=subprocess.PIPE, env=environment) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(delay)
            writer.kill()
        settle(out)
        assert tree(out) in whole


def test_an_edit_made_after_a_change_was_cut_short_is_kept_and_told(tmp_path: Path) -> None:
    def cut_short(step: int) -> Path:
        out = tmp_path / str(step)
        write(from_values(OLD), out)
        with stop_at(step, disk_full):
            refused(lambda: write(from_values(NEW), out))
        return out

    # The first step whose failure comes after the commit, before the first rename.
    out = next(out for out in map(cut_short, itertools.count()) if (out / STAGING / "journal.json").exists())
    assert (out / "changed").read_text() == "1"
    (out / "changed").write_text("mine")
    settle(out)
    assert tree(out) == expected(from_values(NEW)) | {"changed": b"mine"}
    assert compare(from_values(NEW), out).edited == ("changed",)


def test_a_journal_that_is_not_ours_changes_nothing(out: Path, tmp_path: Path) -> None:
    write(from_values(OLD), out)
    victim = tmp_path / "victim"
    victim.write_text("1")
    (out / STAGING).mkdir()
    row = {"path": "../victim", "staged": None, "before": None}
    (out / STAGING / "journal.json").write_text(json.dumps([row]))
    with pytest.raises(FolderError, match="not a journal of ours"):
        settle(out)
    assert victim.exists()
