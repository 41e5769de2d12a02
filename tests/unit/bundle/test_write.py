"""Writing touches only what changed, and loses no person's work."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inferometer.bundle import MANIFEST, STAGING, Bundle, FolderError, HandEditError, compare, from_values, write
from tests.unit.bundle.folders import NEW, OLD, expected, refused, tree
from tests.unit.bundle.strategies import PATHS, bundles


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@settings(deadline=None)
@given(bundles, bundles)
def test_the_folder_holds_the_bundle_and_its_manifest_whatever_was_generated_before(old: Bundle, new: Bundle) -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        write(old, out)
        write(new, out)
        found = tree(out)
        manifest = json.loads(found.pop(MANIFEST))
        assert found == new.rendered()
        assert list(manifest) == list(new)
        assert not (out / STAGING).exists()
        assert not compare(new, out)


@settings(deadline=None)
@given(bundles, bundles)
def test_the_changes_that_are_foretold_are_those_that_are_made(old: Bundle, new: Bundle) -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        write(old, out)
        foretold = compare(new, out)
        assert foretold == write(new, out)
        assert set(foretold.added) == new.keys() - old.keys()
        assert set(foretold.removed) == old.keys() - new.keys()
        assert set(foretold.changed) == {path for path in old.keys() & new.keys() if old[path] != new[path]}
        assert foretold.edited == ()


def test_a_file_that_did_not_change_keeps_its_time(out: Path) -> None:
    write(from_values(OLD), out)
    os.utime(out / "same", ns=(1, 1))
    os.utime(out / "changed", ns=(1, 1))
    write(from_values(NEW), out)
    assert (out / "same").stat().st_mtime_ns == 1
    assert (out / "changed").stat().st_mtime_ns != 1


def test_nothing_is_touched_when_all_is_up_to_date(out: Path) -> None:
    write(from_values(OLD), out)
    for place in out.rglob("*"):
        os.utime(place, ns=(1, 1))
    assert not write(from_values(OLD), out)
    assert {place.stat().st_mtime_ns for place in out.rglob("*")} == {1}


@settings(deadline=None)
@given(
    bundles,
    bundles,
    st.dictionaries(st.sampled_from(PATHS), st.sampled_from(["x", "y", "hand"]) | st.none(), max_size=3),
)
def test_no_edit_by_hand_is_ever_lost_without_force(old: Bundle, new: Bundle, edits: dict[str, str | None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        write(old, out)
        for path, text in edits.items():
            place = out / path
            if text is None:
                place.unlink() if place.is_file() else None
            elif not place.is_dir() and not any(parent.is_file() for parent in place.parents):
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(text)
        edited = tree(out)
        precious = {
            path
            for path, content in edited.items()
            if path != MANIFEST and not path.endswith("/")
            and content not in (old.rendered().get(path), new.rendered().get(path))
        }  # fmt: skip
        at_stake = precious & (old.keys() | new.keys())
        refusal = refused(lambda: write(new, out))
        if refusal:
            assert tree(out) == edited
            assert not isinstance(refusal, HandEditError) or {*refusal.edited, *refusal.foreign} >= at_stake
        else:
            assert not at_stake
            assert {path: edited[path] for path in precious} == {path: tree(out).get(path) for path in precious}


def test_a_refusal_names_each_file_and_the_ways_out(out: Path) -> None:
    write(from_values(OLD), out)
    (out / "changed").write_text("mine")
    (out / "gone/deep/a").write_text("mine")
    (out / "fresh/deep").mkdir(parents=True)
    (out / "fresh/deep/a").write_text("mine")
    before = tree(out)
    with pytest.raises(HandEditError) as refusal:
        write(from_values(NEW), out)
    assert tree(out) == before
    assert refusal.value.edited == ("changed", "gone/deep/a")
    assert refusal.value.foreign == ("fresh/deep/a",)
    for word in ("changed: edited", "gone/deep/a: edited", "fresh/deep/a: not made", "--force", "overlay", "spec"):
        assert word in str(refusal.value)


def test_force_overwrites_and_removes_edited_files(out: Path) -> None:
    write(from_values(OLD), out)
    (out / "changed").write_text("mine")
    (out / "gone/deep/a").write_text("mine")
    assert set(write(from_values(NEW), out, force=True).edited) == {"changed", "gone/deep/a"}
    assert tree(out) == expected(from_values(NEW))


def test_a_link_in_the_place_of_a_file_is_a_persons_and_is_not_followed(out: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("1")
    write(from_values(OLD), out)
    (out / "changed").unlink()
    (out / "changed").symlink_to(elsewhere)
    with pytest.raises(HandEditError, match="changed: edited"):
        write(from_values(NEW), out)
    write(from_values(NEW), out, force=True)
    assert elsewhere.read_text() == "1"
    assert not (out / "changed").is_symlink()


@pytest.mark.parametrize("force", [False, True])
def test_what_stands_in_the_way_is_refused_before_anything_changes(out: Path, tmp_path: Path, force: bool) -> None:
    write(from_values(OLD), out)
    (out / "folder/mine").write_text("mine")
    (out / "fresh").symlink_to(tmp_path)
    before = tree(out)
    with pytest.raises(FolderError) as refusal:
        write(from_values(NEW), out, force=force)
    assert "folder: a folder lies where a file is to be written" in str(refusal.value)
    assert "fresh: a link" in str(refusal.value)
    assert tree(out) == before


def test_a_folder_without_permission_is_refused_before_anything_changes(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(from_values(OLD), out)
    before = tree(out)
    # Root may write anywhere, so the system's answer is put in its mouth.
    monkeypatch.setattr(os, "access", lambda place, mode: Path(place).name != "folder")
    with pytest.raises(FolderError, match="folder: no permission to write"):
        write(from_values({}), out)
    assert tree(out) == before


def test_a_file_where_a_folder_is_needed_is_refused(out: Path) -> None:
    out.mkdir()
    (out / "fresh").write_text("mine")
    with pytest.raises(FolderError, match="fresh: a file lies where a folder is to be made"):
        write(from_values(NEW), out)


@pytest.mark.parametrize("content", ["<<<<<<< ours", "[]", '{"a": 1}'])
def test_a_manifest_that_is_not_ours_is_refused_with_the_remedy(out: Path, content: str) -> None:
    write(from_values(OLD), out)
    (out / MANIFEST).write_text(content)
    with pytest.raises(FolderError, match=r"manifest\.json is not readable.*--force"):
        write(from_values(NEW), out)


def test_a_manifest_cannot_make_us_remove_a_file_outside_the_tree(out: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("1")
    write(from_values({"a": "1"}), out)
    hashes = json.loads((out / MANIFEST).read_text())
    (out / MANIFEST).write_text(json.dumps(hashes | {"../victim": hashes["a"], str(victim): hashes["a"]}))
    write(from_values({}), out)
    assert victim.exists()
