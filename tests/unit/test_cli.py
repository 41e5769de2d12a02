"""The commands say what they did in plain text, and leave with a code that tells what kind of trouble there was."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from inferometer import cli
from inferometer.bundle import Bundle, FolderError, from_values
from inferometer.bundle.staging import locked
from inferometer.errors import Position, Problem, SpecError
from inferometer.spec.load import loads

BOARD = {"schemaVersion": 42, "panels": [{"type": "stat", "title": "Requests"}]}
RULES = {"groups": [{"name": "g", "rules": [{"alert": "Down", "expr": "up == 0"}, {"record": "a:b", "expr": "a"}]}]}
JOBS = {"scrape_configs": [{"job_name": "a", "static_configs": [{"targets": ["a:1", "b:1"]}]}]}
MADE = {"dashboards/fleet.json": BOARD, "alerts/serving.yaml": RULES, "stack/prometheus/prometheus.yml": JOBS}

Outcome = tuple[int, str, str]


class Compiler:
    """Stands for everything from the spec to the bundle: gives the bundle it holds, or raises."""

    def __init__(self) -> None:
        self.bundle: Bundle | BaseException = from_values(MADE)
        self.spec = loads("backends: [{name: a, vllm: h}]").spec
        self.asked: tuple[str, Path] | None = None

    def __call__(self, loaded: SimpleNamespace, overlays: Path) -> Bundle:
        self.asked = loaded.path, overlays
        if isinstance(self.bundle, BaseException):
            raise self.bundle
        return self.bundle


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Compiler:
    fake = Compiler()
    compile_module, load_module = ModuleType("compile"), ModuleType("load")
    vars(compile_module).update(compile_bundle=fake)
    vars(load_module).update(load=lambda path: SimpleNamespace(path=str(path), spec=fake.spec))
    monkeypatch.setitem(sys.modules, "inferometer.compile", compile_module)
    monkeypatch.setitem(sys.modules, "inferometer.spec", load_module)
    monkeypatch.chdir(tmp_path)
    return fake


@pytest.fixture
def run(compiler: Compiler, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    def run(*arguments: str) -> Outcome:
        with pytest.raises(SystemExit) as left:
            cli.main(arguments)
        said = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return left.value.code, said.out, said.err

    return run


def test_build_says_what_it_made_and_what_changed(run: Callable[..., Outcome], tmp_path: Path) -> None:
    code, out, err = run("build")
    assert (code, err) == (0, "")
    assert "1 board with 1 panel, 1 alert, 1 recording rule, 2 targets to scrape: 3 files." in out
    assert "+ dashboards/fleet.json" in out
    assert "3 added" in out
    assert (tmp_path / "dashboards/fleet.json").is_file()


def test_build_says_when_nobody_would_be_told_of_alerts(compiler: Compiler, run: Callable[..., Outcome]) -> None:
    assert "Nobody is told of alerts yet" in run("build")[1]
    told = "alerting: {receivers: [{name: ops, webhook: {url: 'http://h/x'}}]}"
    compiler.spec = loads("backends: [{name: a, vllm: h}]\n" + told).spec
    assert "Nobody" not in run("build")[1]


def test_build_says_when_nothing_changed(run: Callable[..., Outcome]) -> None:
    run("build")
    code, out, _ = run("build")
    assert code == 0
    assert "All files were up to date." in out
    assert "added" not in out


def test_the_spec_and_the_overlays_beside_it_and_the_folder_can_be_named(
    run: Callable[..., Outcome], compiler: Compiler, tmp_path: Path
) -> None:
    assert run("build", "--spec", "elsewhere/our.yaml", "--out", "made")[0] == 0
    assert compiler.asked == ("elsewhere/our.yaml", Path("elsewhere/overlays"))
    assert (tmp_path / "made/dashboards/fleet.json").is_file()
    run("check")
    assert compiler.asked == ("stack/fleet.yaml", Path("stack/overlays"))


def test_check_passes_after_a_build_and_writes_nothing(run: Callable[..., Outcome], tmp_path: Path) -> None:
    run("build")
    before = {place: place.stat().st_mtime_ns for place in tmp_path.rglob("*")}
    assert run("check") == (0, "The generated files are up to date.\n", "")
    assert {place: place.stat().st_mtime_ns for place in tmp_path.rglob("*")} == before


def test_check_leaves_with_1_and_the_remedy_when_files_are_stale(
    run: Callable[..., Outcome], compiler: Compiler, tmp_path: Path
) -> None:
    run("build")
    compiler.bundle = from_values(MADE | {"alerts/new.md": "new"})
    code, out, _ = run("check")
    assert code == 1
    assert "+ alerts/new.md" in out
    assert "Run `make`" in out
    assert not (tmp_path / "alerts/new.md").exists()


def test_check_tells_a_file_that_was_edited_by_hand_from_a_stale_one(
    run: Callable[..., Outcome], tmp_path: Path
) -> None:
    run("build")
    (tmp_path / "alerts/serving.yaml").write_text("mine")
    code, out, _ = run("check")
    assert code == 1
    assert "! alerts/serving.yaml" in out
    assert "overlay" in out


def test_build_refuses_to_overwrite_an_edit_by_hand_and_force_does_it(
    run: Callable[..., Outcome], tmp_path: Path
) -> None:
    run("build")
    (tmp_path / "alerts/serving.yaml").write_text("mine")
    code, out, err = run("build")
    assert (code, out) == (1, "")
    assert "alerts/serving.yaml: edited by hand" in err
    assert (tmp_path / "alerts/serving.yaml").read_text() == "mine"
    assert run("build", "--force")[0] == 0
    assert run("check")[0] == 0


def test_diff_shows_lines_only_when_asked_and_leaves_with_0(run: Callable[..., Outcome], tmp_path: Path) -> None:
    code, out, _ = run("diff")
    assert code == 0
    assert "@@" not in out
    code, out, _ = run("diff", "--full")
    assert code == 0
    assert '+ "schemaVersion": 42,' in out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["build", "run", "check", "diff"])
def test_bad_input_leaves_with_2_and_all_problems_and_nothing_written(
    run: Callable[..., Outcome], compiler: Compiler, tmp_path: Path, command: str
) -> None:
    problems = [Problem("IM201", f"unknown key {key}", Position("fleet.yaml", 1, 1)) for key in "ab"]
    compiler.bundle = SpecError(problems)
    code, out, err = run(command)
    assert (code, out) == (2, "")
    assert "unknown key a" in err
    assert "unknown key b" in err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["nothing"], ["build", "--nothing"], ["check", "--full"]])
def test_a_wrong_command_line_leaves_with_2_and_its_usage(run: Callable[..., Outcome], arguments: list[str]) -> None:
    code, _, err = run(*arguments)
    assert code == 2
    assert "Usage: inferometer" in err


def test_a_folder_that_cannot_be_written_leaves_with_3_and_one_line(
    run: Callable[..., Outcome], tmp_path: Path
) -> None:
    (tmp_path / "made").write_text("a file")
    code, out, err = run("build", "--out", "made")
    assert (code, out) == (3, "")
    assert err.count("\n") == 1
    assert "made" in err


def test_a_folder_that_another_build_holds_leaves_with_3(run: Callable[..., Outcome], tmp_path: Path) -> None:
    with locked(tmp_path):
        code, _, err = run("build")
    assert code == FolderError.exit_code == 3
    assert "another inferometer" in err


def test_an_interrupt_leaves_with_130_and_no_traceback(run: Callable[..., Outcome], compiler: Compiler) -> None:
    compiler.bundle = KeyboardInterrupt()
    code, _, err = run("build")
    assert code == 130
    assert err.strip() == "Interrupted."


def test_a_mistake_of_ours_is_not_hidden(compiler: Compiler) -> None:
    compiler.bundle = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        cli.main(["build"])


@pytest.mark.parametrize(("no_color", "coloured"), [(None, True), ("", True), ("1", False)])
def test_a_terminal_gets_colours_unless_no_color_is_set(
    run: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch, no_color: str | None, coloured: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color is not None:
        monkeypatch.setenv("NO_COLOR", no_color)
    assert "\x1b[" not in run("diff")[1]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert ("\x1b[32m+ " in run("diff")[1]) is coloured


def test_help_needs_none_of_the_slow_libraries() -> None:
    code = (
        "import sys; from inferometer.cli import main\n"
        "try: main(['build', '--help'])\n"
        "except SystemExit: print(sorted({'yaml', 'pydantic', 'grafanalib', '_jsonnet', 'rich'} & set(sys.modules)))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert told.stdout.startswith("Usage: ")
    assert told.stdout.endswith("\n[]\n")


@pytest.mark.parametrize("command", ["build", "run", "check", "diff"])
def test_every_option_has_help(command: str) -> None:
    for parameter in cli.commands.commands[command].params:
        assert getattr(parameter, "help", None), parameter.name
