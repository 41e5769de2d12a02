"""Bad input: one clear line for each problem and exit code 2 or 3; what may heal by itself runs and says so."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.exporter.support.process import Exporter, eventually, run
from tests.exporter.support.upstream import Upstream, answering
from tests.exporter.support.wire import HOST, request, response
from tests.parts.process import free_port

BACKEND = ("--backend", "http://127.0.0.1:9", "--engine", "ollama")
FILE = """
admin: 127.0.0.1:9464
store: none
backends: [{name: box, engine: ollama, urls: ["http://127.0.0.1:9"], listen: "127.0.0.1:11436"}]
"""


def refused(code: int, *arguments: str | Path, cwd: Path | None = None) -> str:
    """What it says, on standard error only, of what it does not take."""
    done = run(*arguments, cwd=cwd)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()
    return done.stderr.strip()


def ports() -> tuple[str, ...]:
    return ("--listen", f"{HOST}:{free_port()}", "--admin", f"{HOST}:{free_port()}")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((*BACKEND, "--stroe", "x.db"), "--stroe"),
        (("--backend", "127.0.0.1:11434", "--engine", "ollama"), "127.0.0.1:11434"),
        (("--backend", "ftp://a", "--engine", "ollama"), "ftp"),
        (("--backend", "http://a", "--engine", "olama"), "olama"),
        ((*BACKEND, "--listen", "127.0.0.1:99999"), "99999"),
        ((*BACKEND, "--listen", "nowhere"), "nowhere"),
        ((*BACKEND, "--listen", "127.0.0.1:4000", "--admin", "127.0.0.1:4000"), "4000"),
        ((*BACKEND, "--retention", "soon"), "soon"),
        ((*BACKEND, "--ca-file", "no-such.pem"), "--ca-file"),
        ((*BACKEND, "--proxy-cert", "no-such.pem"), "proxy"),
        ((*BACKEND, "--token-file", "no-such-token"), "--token-file"),
        (("--config", "no-such.yaml"), "no-such.yaml"),
        ((), "--backend"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_flag_is_one_line_that_names_it(arguments: tuple[str, ...], word: str, tmp_path: Path) -> None:
    said = refused(2, *arguments, cwd=tmp_path)
    last = said.splitlines()[-1]
    assert word in last
    assert not [line for line in said.splitlines() if line.startswith(" ") and "usage" not in said]


def test_a_password_in_an_address_is_refused_and_not_printed() -> None:
    assert "hunter2" not in refused(2, "--backend", "http://me:hunter2@a", "--engine", "ollama")


@pytest.mark.parametrize("taken", ["--listen", "--admin"])
def test_a_port_in_use_is_the_environments_fault(taken: str, tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as other:
        address = f"{HOST}:{other.getsockname()[1]}"
        said = refused(3, *BACKEND, *ports(), taken, address, "--store", tmp_path / "traces.db")
    assert address in said
    assert len(said.splitlines()) == 1


CONFIGS: dict[str, tuple[str, str]] = {
    "an unknown key": (FILE + "stroe: x\n", "store"),
    "an unknown key of a backend": (FILE.replace("urls:", "url: x, urls:"), "urls"),
    "a key twice": (FILE + "store: other.db\n", "exporter.yaml:5"),
    "no YAML": ("backends: [", "exporter.yaml:"),
    "nothing": ("", "backends"),
    "a list": ("- a\n", "exporter.yaml"),
    "an unknown engine": (FILE.replace("ollama", "olama"), "ollama"),
    "a wrong type": (FILE.replace("store: none", "store: [1]"), "store"),
    "a reserved label": (FILE.replace("urls:", "labels: {model: x}, urls:"), "model"),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_wrong_configuration_says_where_and_what(name: str, tmp_path: Path) -> None:
    text, word = CONFIGS[name]
    (tmp_path / "exporter.yaml").write_text(text)
    said = refused(2, "--config", "exporter.yaml", cwd=tmp_path)
    assert "exporter.yaml" in said
    assert word in said


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "exporter.yaml").write_text(FILE.replace("ollama", "olama") + "stroe: x\npoll: never\n")
    lines = refused(2, "--config", "exporter.yaml", cwd=tmp_path).splitlines()
    assert len(lines) == 3


def test_check_config_says_yes_or_no_and_opens_nothing(tmp_path: Path) -> None:
    good = FILE.replace("none", "traces.db")
    (tmp_path / "exporter.yaml").write_text(good)
    assert run("--config", "exporter.yaml", "--check-config", cwd=tmp_path).returncode == 0
    (tmp_path / "exporter.yaml").write_text(good + "stroe: x\n")
    assert "stroe" in refused(2, "--config", "exporter.yaml", "--check-config", cwd=tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["exporter.yaml"]


def newer(store: Path) -> None:
    with closing(sqlite3.connect(store)) as database:
        database.execute("PRAGMA user_version = 9999")


def another_programs(store: Path) -> None:
    with closing(sqlite3.connect(store)) as database:
        database.execute("CREATE TABLE recipes (title TEXT)")
        database.commit()


@pytest.mark.parametrize("make", [newer, another_programs])
def test_a_store_that_is_not_ours_is_refused_and_left_as_it_is(make: Callable[[Path], None], tmp_path: Path) -> None:
    store = tmp_path / "traces.db"
    make(store)
    before = store.read_bytes()
    said = refused(2, *BACKEND, *ports(), "--store", store)
    assert "traces.db" in said
    assert len(said.splitlines()) == 1
    assert store.read_bytes() == before


@pytest.mark.parametrize("place", ["no-such-folder/traces.db", "."])
def test_a_store_that_cannot_be_made_is_one_line(place: str, tmp_path: Path) -> None:
    done = run(*BACKEND, *ports(), "--store", tmp_path / place)
    assert done.returncode in (2, 3)
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


OFTEN = """
admin: {admin}
store: {store}
poll: 1s
backends:
  - {{name: box, engine: ollama, urls: ["{upstream}"], listen: "{proxy}"}}
"""


def test_an_unreachable_backend_heals_by_itself() -> None:
    with Upstream(answering(response(b"{}"))) as upstream:
        port = upstream.port
    with Exporter(f"http://{HOST}:{port}", config=OFTEN) as exporter:
        assert exporter.ask(request(body=b"{}")).status == 502
        status, said = exporter.status("/readyz")
        assert (status, "box" in said) == (503, True)
        with Upstream(answering(response(b"{}")), port=port):
            assert exporter.ask(request(body=b"{}")).status == 200
            eventually(lambda: exporter.status("/readyz")[0] == 200, timeout=35)
