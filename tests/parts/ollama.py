"""A real Ollama with tiny models of random weights: `tiny` says words, `tiny-slow` too, `tiny-embed` gives vectors."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from tests.parts import http
from tests.parts.binaries import find
from tests.parts.process import Server
from tests.parts.tiny_model import tiny_model

MODEL, SLOW_MODEL, EMBEDDING_MODEL = "tiny", "tiny-slow", "tiny-embed"
CONTEXT = 2048
# Several threads wait for each other by spinning, which on a busy machine takes a hundred times longer.
_QUIET = {"num_thread": 1}
# Ollama gives up on an answer that repeats a token 30 times, as random weights do.
_SAYS_WORDS: Mapping[str, object] = {
    "template": "{{ range .Messages }}{{ .Role }}: {{ .Content }}\n{{ end }}assistant:",
    "parameters": {"repeat_penalty": 3.0, "num_predict": 64, **_QUIET},
}


class Ollama(Server):
    """Ollama on loopback with folders of its own, away from any Ollama of the machine. `settings` are variables of its
    environment, as https://docs.ollama.com/faq names them.
    """

    name: ClassVar[str] = "ollama"
    ready_path: ClassVar[str] = "/api/version"
    start_timeout: ClassVar[float] = 60

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._program = find("ollama")
        self._settings = dict(settings or {})

    def command(self) -> Sequence[str | Path]:
        return [self._program, "serve"]

    def environment(self) -> Mapping[str, str]:
        return {
            "OLLAMA_HOST": self.address,
            "OLLAMA_MODELS": str(self.folder / "models"),
            "OLLAMA_CONTEXT_LENGTH": str(CONTEXT),
            "OLLAMA_KEEP_ALIVE": "5m",
            **_alone(self.folder),
            **self._settings,
        }

    def start(self) -> None:
        super().start()
        if not self.get("/api/tags")["models"]:
            self._create(MODEL, tiny_model(), _SAYS_WORDS)
            self._create(SLOW_MODEL, tiny_model("slow"), _SAYS_WORDS)
            self._create(EMBEDDING_MODEL, tiny_model("vectors"), {"parameters": _QUIET})
            self._give_an_order()
            self.stop()  # it keeps its list in memory
            super().start()

    def get(self, path: str) -> Any:
        """What a GET of the native API answers."""
        return http.get_json(self.url + path)

    def post(self, path: str, asked: Mapping[str, object]) -> Any:
        """What a POST answers that streams nothing. Raises HttpError."""
        return json.loads(http.post_json(self.url + path, asked, timeout=60))

    def unload(self, model: str) -> None:
        """Drop a model from memory, and wait until it is gone."""
        self.post("/api/generate", {"model": model, "keep_alive": 0, "stream": False})
        self.wait_for(lambda: model not in [one["name"].partition(":")[0] for one in self.get("/api/ps")["models"]])

    def cli(self, *words: str, host: str | None = None, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Ollama's own command line, asking this server or another `host`."""
        told = {**os.environ, **_alone(self.folder), "OLLAMA_HOST": host or self.url}
        return subprocess.run(
            [self._program, *words], env=told, capture_output=True, text=True, check=False, timeout=timeout
        )

    def _create(self, model: str, weights: Path, more: Mapping[str, object]) -> None:
        content = weights.read_bytes()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        http.request(f"{self.url}/api/blobs/{digest}", content)
        files = {weights.name: digest}
        self.post("/api/create", {"model": model, "files": files, "stream": False, **more})

    def _give_an_order(self) -> None:
        """Make each model a second older than the one before: within one second its list is in any order."""
        manifests = sorted((self.folder / "models/manifests").rglob("latest"))
        first = manifests[0].stat().st_mtime
        for number, manifest in enumerate(manifests):
            os.utime(manifest, (first - number, first - number))


def _alone(home: Path) -> Mapping[str, str]:
    """Without the user's settings, history and keys, and without asking anything beyond this machine."""
    return {
        "HOME": str(home),
        "OLLAMA_NO_CLOUD": "1",
        "OLLAMA_NOPRUNE": "1",
        "OLLAMA_NOHISTORY": "1",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
