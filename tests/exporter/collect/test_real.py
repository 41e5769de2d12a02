"""The collectors before a real Ollama: what they learn is what it does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.exporter.collect.watched import Watched
from tests.parts.observed import LlamaServer
from tests.parts.ollama import MODEL, Ollama

pytestmark = pytest.mark.real


@pytest.fixture
def ollama() -> Iterator[Ollama]:
    with Ollama() as server:
        yield server


def test_a_model_is_there_while_it_is_loaded(ollama: Ollama) -> None:
    watched = Watched("ollama", ollama.url)
    state = watched.look(0)
    assert state.version == ollama.get("/api/version")["version"]
    assert f"{MODEL}:latest" in state.known
    ollama.post("/api/generate", {"model": MODEL, "stream": False})
    (loaded,) = watched.look(10).loaded
    assert loaded.model == f"{MODEL}:latest"
    assert loaded.size_bytes == ollama.get("/api/ps")["models"][0]["size"]
    assert loaded.vram_bytes is not None
    ollama.unload(MODEL)
    assert watched.look(20).loaded == ()


def test_its_openai_routes_tell_the_same_models(ollama: Ollama) -> None:
    assert set(Watched("openai", ollama.url).look(0).known) == set(Watched("ollama", ollama.url).look(0).known)


def test_an_ollama_that_ends_is_down(ollama: Ollama) -> None:
    watched = Watched("ollama", ollama.url)
    assert watched.look(0).up is True
    ollama.stop()
    assert watched.look(10).up is False


def test_a_llama_server_tells_its_model() -> None:
    with LlamaServer(parallel=1) as server:
        state = Watched("llamacpp", server.url).look(0)
    assert state.up is True
    assert len(state.known) == 1
