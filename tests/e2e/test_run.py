"""`inferometer run` as a newcomer types it: the demo's traffic is recorded, shown and kept, and it ends as asked."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).parents[2]
SPEC = """\
backends:
  - {{name: desk, ollama: "http://demo:11434", models: [gemma3], listen: {0}}}
  - {{name: bench, llamacpp: "http://demo:8004", models: [qwen3], record: true, listen: {1}}}
exporter: {{address: "127.0.0.1:{2}"}}
"""
PATIENCE = 30.0


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait_until(met: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not met():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)


class Run:
    """`inferometer run` in a folder of its own."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.folder = folder
        ports = free_ports(3)
        self.page = f"http://127.0.0.1:{ports[2]}"
        (folder / "stack").mkdir(exist_ok=True)
        (folder / "stack/fleet.yaml").write_text(SPEC.format(*ports))
        self.log = folder / "log"
        path = os.pathsep.join([str(ROOT / "src"), str(ROOT / "exporter/src")])
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "inferometer", "run", *flags],
                cwd=folder, env={**os.environ, "PYTHONPATH": path}, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip

    @property
    def said(self) -> str:
        return self.log.read_text()

    def wait_for(self, words: str) -> None:
        wait_until(lambda: words in self.said or self.process.poll() is not None)
        assert words in self.said

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.page + path, timeout=10) as answer:
            text: str = answer.read().decode()
        return text

    def total(self, name: str, **labels: str) -> float:
        families = text_string_to_metric_families(self.get("/metrics"))
        samples = [sample for family in families for sample in family.samples if sample.name == name]
        return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


@contextmanager
def running(folder: Path, *flags: str) -> Iterator[Run]:
    run = Run(folder, *flags)
    try:
        yield run
    finally:
        run.process.kill()
        run.process.wait()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with running(tmp_path_factory.mktemp("demo")) as run:
        run.wait_for("The exporter runs")
        yield run
        run.process.send_signal(signal.SIGINT)
        run.process.wait(PATIENCE)


@pytest.mark.parametrize(("backend", "runtime"), [("desk", "ollama"), ("bench", "llamacpp")])
def test_requests_of_a_simulated_server_are_counted_and_grow(demo: Run, backend: str, runtime: str) -> None:
    def counted() -> float:
        return demo.total("inferometer_requests_total", backend=backend, runtime=runtime)

    wait_until(lambda: counted() > 0)
    before = counted()
    wait_until(lambda: counted() > before)


@pytest.mark.parametrize("model", ["gemma3", "qwen3"])
def test_first_tokens_and_tokens_of_the_specs_models_are_measured(demo: Run, model: str) -> None:
    wait_until(lambda: demo.total("inferometer_time_to_first_token_seconds_count", model=model) > 0)
    wait_until(lambda: demo.total("inferometer_completion_tokens_total", model=model) > 0)


def test_the_tags_of_the_simulated_clients_are_counted(demo: Run) -> None:
    wait_until(lambda: demo.total("inferometer_tag_requests_total", tag="chat") > 0)


def test_traces_are_kept_in_the_folder_that_git_ignores(demo: Run) -> None:
    def rows() -> int:
        with closing(sqlite3.connect(demo.folder / ".inferometer/traces.db")) as store:
            count: int = store.execute("SELECT count(*) FROM request_traces WHERE latency_ms > 0").fetchone()[0]
        return count

    wait_until((demo.folder / ".inferometer/traces.db").is_file)
    wait_until(lambda: rows() > 0)
    assert "/.inferometer/" in (ROOT / ".gitignore").read_text().splitlines()


def test_page_and_terminal_say_that_it_is_simulated_and_where_to_look(demo: Run) -> None:
    assert "<html" in demo.get("/")
    shown = demo.get("/") + demo.get("/api/v1/summary")
    assert "Simulated traffic" in shown
    assert "SIMULATED" in demo.said
    assert f"{demo.page}/metrics" in demo.said
    assert "OLLAMA_HOST=http://127.0.0.1:" in demo.said
    assert "OPENAI_BASE_URL=http://127.0.0.1:" in demo.said


def test_a_client_of_its_own_gets_the_simulated_servers_answer(demo: Run) -> None:
    [host] = [line.split("OLLAMA_HOST=")[1] for line in demo.said.splitlines() if "OLLAMA_HOST=" in line]
    body = json.dumps({"model": "gemma3", "prompt": "x", "stream": False, "options": {"num_predict": 2}}).encode()

    def answered() -> bool:
        try:
            with urllib.request.urlopen(f"{host}/api/generate", body, timeout=30) as answer:
                return bool(json.loads(answer.read())["eval_count"] <= 2)
        except urllib.error.HTTPError as refused:  # one in a hundred is refused as by a full server
            refused.close()
            return False

    wait_until(answered)


def test_it_ends_by_itself_after_the_time_that_was_said_with_0(tmp_path: Path) -> None:
    with running(tmp_path, "--for", "4s") as run:
        assert run.process.wait(PATIENCE) == 0
    assert "Traceback" not in run.said
    assert "Ending" in run.said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_0_and_without_a_traceback(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path) as run:
        run.wait_for("The exporter runs")
        run.process.send_signal(number)
        assert run.process.wait(PATIENCE) == 0
    assert "Traceback" not in run.said


def test_a_port_in_use_is_told_in_the_exporters_own_words_with_3(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "other.yaml").write_text(SPEC.format(*free_ports(2), port))
        with running(tmp_path, "--spec", "other.yaml") as run:
            assert run.process.wait(PATIENCE) == 3
    assert str(port) in run.said
    assert "Traceback" not in run.said
