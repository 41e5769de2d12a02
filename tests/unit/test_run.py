"""Running the exporter on this machine: what it is told, and what is said where it cannot run."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from inferometer import cli
from inferometer.demo import Stage, simulated
from inferometer.plan import Plan, resolve
from inferometer.run import HOME, CannotRun, configuration, exit_code, installed, run
from inferometer.spec.load import loads
from inferometer_exporter.config.load import load

DEMO = "backends: [{name: a, ollama: 'http://demo:11434'}, {name: b, vllm: 'demo:8000'}, {name: c, openai: far}]\n"
OWN = "backends: [{name: box, ollama: 'http://127.0.0.1:11434', listen: 11500}]\n"


def plan(spec: str) -> Plan:
    return resolve(loads(spec))


def configured(spec: str, folder: Path = Path("stack")) -> dict[str, Any]:
    """The configuration while the stage of the spec is set."""
    made = plan(spec)

    async def make() -> dict[str, Any]:
        stage = Stage(simulated(made))
        await stage.start()
        try:
            return configuration(made, folder, stage)
        finally:
            await stage.stop()

    return asyncio.run(make())


def test_a_users_servers_are_recorded_at_their_own_addresses_and_nothing_is_simulated() -> None:
    config = configured(OWN)
    [backend] = config["backends"]
    assert (backend["urls"], backend["listen"]) == (["http://127.0.0.1:11434"], "127.0.0.1:11500")
    assert config["admin"] == "127.0.0.1:9464"
    assert "notice" not in config
    assert "expose" not in config
    assert "tags" not in config


def test_servers_of_the_host_demo_are_simulated_and_the_page_says_which() -> None:
    config = configured(DEMO)
    simulated_one, far = config["backends"]
    assert simulated_one["urls"][0].startswith("http://127.0.0.1:")
    assert far["urls"] == ["http://far:80"]
    assert config["notice"].startswith("Simulated traffic: ")
    assert "clients of a are" in config["notice"]


def test_tags_of_the_spec_come_before_those_of_the_simulation() -> None:
    assert configured(DEMO + "exporter: {tags: [mine]}\n")["tags"] == ["mine"]


def test_limits_of_the_spec_hold_for_the_traces_here(tmp_path: Path) -> None:
    config = configured(OWN + "exporter: {retention: 3d}\n")
    file = tmp_path / "exporter.yaml"
    file.write_text(yaml.safe_dump(config))
    store = load(file).store
    assert store.retention == 3 * 86_400
    assert store.path is not None
    assert store.path.resolve() == (tmp_path / "traces.db").resolve()


def test_files_that_the_spec_names_are_looked_for_beside_it(tmp_path: Path) -> None:
    config = configured(OWN + "exporter: {scrape: {auth: {bearer_file: secrets/token}}}\n", tmp_path)
    assert config["login"] == {"token_file": str((tmp_path / "secrets/token").resolve())}


def test_the_metrics_are_on_loopback_whatever_address_containers_know() -> None:
    assert configured(OWN + "exporter: {address: 'monitor:9500'}\n")["admin"] == "127.0.0.1:9500"
    on_a_host = "platform: host\n" + OWN + "exporter: {address: '10.0.0.1:9500'}\n"
    assert configured(on_a_host)["admin"] == "10.0.0.1:9500"


def test_without_the_exporter_the_remedy_is_told_with_exit_code_3(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(CannotRun, match="pip install") as told:
        installed()
    assert told.value.exit_code == 3


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / HOME).write_text("a file")
    with pytest.raises(CannotRun, match=HOME):
        run(plan(OWN), tmp_path / "fleet.yaml", tmp_path, 1)


@pytest.mark.parametrize(
    ("code", "asked", "ours"),
    [
        (0, True, 0),
        (3, False, 3),
        (-signal.SIGTERM, True, 0),
        (-signal.SIGTERM, False, 143),
        (-signal.SIGKILL, True, 137),
    ],
)
def test_the_exit_code_is_the_exporters_unless_we_ended_it_ourselves(code: int, asked: bool, ours: int) -> None:
    assert exit_code(code, asked) == ours


def test_an_exporter_that_had_to_be_killed_did_not_end_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(None, True) == 137
    assert "was killed" in capsys.readouterr().err


def test_a_fleet_that_nothing_records_has_nothing_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fleet.yaml").write_text("backends: [{name: a, vllm: h}]\n")
    with pytest.raises(SystemExit) as left:
        cli.main(["run", "--spec", "fleet.yaml"])
    assert left.value.code == 0
    assert "nothing to run" in capsys.readouterr().out
    assert (tmp_path / "dashboards/fleet.json").is_file()


def test_a_time_that_is_none_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        cli.main(["run", "--for", "20"])
    assert left.value.code == 2
    assert "write 20s" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
