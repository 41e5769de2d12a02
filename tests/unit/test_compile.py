"""The pipeline hands the plan to each writer, and what they wrote to the overlays and then to the mixin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inferometer import compile as pipeline
from inferometer.bundle import Text
from inferometer.errors import SpecError


def board(name: str) -> dict[str, Any]:
    text = {"type": "text", "id": 1, "title": "Words"}
    return {"uid": name, "title": name, "description": "About.", "schemaVersion": 42, "panels": [text]}


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Stands for a spec; its plan is the word `plan`."""
    monkeypatch.setattr(pipeline, "resolve", lambda spec: f"plan of {spec}")
    return "spec"


def test_each_writer_gets_the_plan_and_all_their_files_are_in_the_bundle(loaded: Any, tmp_path: Path) -> None:
    bundle = pipeline.compile_bundle(loaded, tmp_path, [lambda plan: {"a": f"1: {plan}"}, lambda plan: {"b": "2"}])
    assert list(bundle) == ["a", "b", "mixin.libsonnet"]
    assert bundle["a"] == Text("1: plan of spec")


def test_two_writers_of_one_file_are_a_mistake(loaded: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two writers made the same file: a"):
        pipeline.compile_bundle(loaded, tmp_path, [lambda plan: {"a": "1"}, lambda plan: {"a": "2"}])


def test_the_mixin_shows_what_the_overlays_left(loaded: Any, tmp_path: Path) -> None:
    boards = {"dashboards/kept.json": board("kept"), "dashboards/gone.json": board("gone")}
    overlay = """function(b) b + {
      'dashboards/gone.json': null,
      'dashboards/new.json': b['dashboards/kept.json'] + { uid: 'new', title: 'new' },
    }"""
    (tmp_path / "x.jsonnet").write_text(overlay)
    bundle = pipeline.compile_bundle(loaded, tmp_path, [lambda plan: boards])
    mixin = bundle["mixin.libsonnet"]
    assert isinstance(mixin, Text)
    assert "'kept.json'" in mixin.text
    assert "'new.json'" in mixin.text
    assert "'gone.json'" not in mixin.text


def test_an_overlay_that_breaks_a_board_is_told_before_anything_is_written(loaded: Any, tmp_path: Path) -> None:
    overlay = "function(b) b + { 'dashboards/a.json'+: { uid: 'b', panels: [{ type: 'stat', id: 1, title: 'Mute' }] } }"
    (tmp_path / "x.jsonnet").write_text(overlay)
    boards = {f"dashboards/{name}.json": board(name) for name in "ab"}
    with pytest.raises(SpecError) as refused:
        pipeline.compile_bundle(loaded, tmp_path, [lambda plan: boards])
    assert "dashboards/a.json: Mute: the panel has no title or no description" in str(refused.value)
    assert "another board has the uid 'b'" in str(refused.value)
