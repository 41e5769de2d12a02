"""Parts that are built or need a launcher: Ollama with its runners, the compiler it takes, nginx and wrk."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.parts import http
from tests.parts.binaries import YARDSTICKS, _locate
from tests.parts.debian import Collection, unpacked
from tests.parts.golang import _go
from tests.parts.kept import FetchError, kept
from tests.parts.launchers import beside_its_libraries
from tests.parts.nginx import Nginx
from tests.parts.ollama import EMBEDDING_MODEL, MODEL, SLOW_MODEL, Ollama

pytestmark = pytest.mark.real


def test_ollama_says_as_many_words_as_it_is_asked_for_and_gives_vectors() -> None:
    with Ollama() as server:
        for model in (MODEL, SLOW_MODEL):
            asked = {"model": model, "prompt": "how was it", "stream": False, "options": {"num_predict": 40}}
            answer = server.post("/api/generate", asked)
            assert (answer["done"], answer["eval_count"]) == (True, 40)
        [vector] = server.post("/api/embed", {"model": EMBEDDING_MODEL, "input": "one"})["embeddings"]
        assert len(set(vector)) > 10
        server.unload(MODEL)
        assert MODEL not in server.cli("ps").stdout.split()


def test_a_killed_ollama_leaves_no_runner_behind_and_keeps_its_models() -> None:
    with Ollama() as server:
        server.post("/api/generate", {"model": MODEL, "stream": False})
        assert len(programs_reading(server.folder)) >= 1
        server.stop()
        server.wait_for(lambda: not programs_reading(server.folder))
        server.start()
        assert server.post("/api/generate", {"model": MODEL, "stream": False})["done"] is True


def programs_reading(folder: Path) -> list[str]:
    """The command lines that name something in the folder."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


def test_nginx_passes_on_what_it_is_asked() -> None:
    with Ollama() as server, Nginx(server.address) as proxy:
        assert http.get_json(f"{proxy.url}/api/version") == server.get("/api/version")


@pytest.mark.parametrize(("command", "version"), [("nginx", "nginx/1."), ("wrk", "wrk ")])
def test_an_unpacked_program_runs_with_its_own_libraries(command: str, version: str) -> None:
    program = beside_its_libraries(unpacked(YARDSTICKS), command)
    said = subprocess.run([program, "-v"], capture_output=True, text=True, check=False)
    assert version in said.stdout + said.stderr


def compiler(folder: Path, says: str) -> Path:
    """A `go` on PATH that says its version."""
    path = folder / "go"
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("says", "taken"),
    [
        ("go version go1.26.0 linux/amd64", True),
        ("go version go1.27rc1 linux/amd64", True),
        ("go version go2.0 linux/amd64", True),
        ("go version go1.19.8 linux/amd64", False),
        ("gcc-go, a compiler of another kind", False),
    ],
)
def test_a_go_on_path_is_taken_only_where_it_is_new_enough(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, says: str, taken: bool
) -> None:
    own = compiler(tmp_path, says)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr("tests.parts.golang.unpacked", lambda collection: Path("/of-debian"))
    assert _go((1, 26)) == (own if taken else Path("/of-debian/usr/bin/go"))


def test_where_nothing_can_be_built_the_reason_and_the_remedy_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tests.parts.kept.ROOT", tmp_path)
    monkeypatch.setenv("PATH", "")
    assert _locate.__wrapped__("ollama", "new") == (
        "ollama is not on PATH, and it cannot be built: g++ is not there, which its build needs "
        "(Debian: apt-get install g++). Remedy: put ollama on PATH"
    )


def test_a_folder_is_made_once_for_each_recipe_and_never_half(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tests.parts.kept.ROOT", tmp_path)
    made: list[str] = []

    def make(content: str) -> Path:
        def into(work: Path) -> Path:
            made.append(content)
            (work / "tree").mkdir()
            (work / "tree/file").write_text(content)
            if content == "broken":
                raise FetchError("it broke")
            return work / "tree"

        return kept("thing", f"recipe of {content}", into)

    assert (make("first") / "file").read_text() == "first"
    make("first")
    with pytest.raises(FetchError):
        make("broken")
    assert (make("first") / "file").read_text() == "first"
    assert (make("second") / "file").read_text() == "second"
    assert made == ["first", "broken", "second"]
    assert not (tmp_path / "thing.partial").exists()


def test_a_recipe_says_all_that_a_collection_is_made_from() -> None:
    recipes = {
        Collection("a", suite, packages, dependencies).recipe
        for suite in ("sid", "trixie")
        for packages in (("x",), ("x", "y"))
        for dependencies in (True, False)
    }
    assert len(recipes) == 8
