"""The real servers of these tests, each with an exporter before it, once for all tests of a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.exporter.real.servers import Recorded
from tests.exporter.support.process import Exporter
from tests.parts.observed import LlamaServer
from tests.parts.ollama import Ollama


@pytest.fixture(scope="session", autouse=True)
def _no_proxy_of_the_machine() -> Iterator[None]:
    """Clients read the environment: what they ask here is on loopback."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("NO_PROXY", "no_proxy"):
            patch.setenv(name, "127.0.0.1")
        yield


@pytest.fixture(scope="session")
def ollama() -> Iterator[Recorded[Ollama]]:
    with Ollama() as server, Exporter(server.url, config=config("ollama", "tiny")) as exporter:
        yield Recorded(server, exporter)


@pytest.fixture(scope="session")
def llama() -> Iterator[Recorded[LlamaServer]]:
    # A prompt that is asked again would be read from a cache, which its usage tells.
    flags = ("--no-cache-prompt", "--cache-ram=0")
    with (
        LlamaServer(parallel=1, flags=flags) as server,
        Exporter(server.url, config=config("llamacpp", "tiny")) as exporter,
    ):
        yield Recorded(server, exporter)


def config(engine: str, *models: str) -> str:
    """An exporter.yaml as the harness fills it in, whose backend is looked at each second."""
    return (
        "admin: {admin}\nstore: {store}\npoll: 1s\nbackends:\n"
        f"  - {{{{name: box, engine: {engine}, listen: '{{proxy}}', urls: ['{{upstream}}'], models: {[*models]}}}}}\n"
    )
