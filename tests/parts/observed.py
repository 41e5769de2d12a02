"""The real servers that are watched (llama-server, node_exporter), and a receiver of Alertmanager's notifications."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar

from tests.parts import http
from tests.parts.binaries import find
from tests.parts.listening import Listening
from tests.parts.process import Server
from tests.parts.tiny_model import tiny_model


class NodeExporter(Server):
    """node_exporter of this machine."""

    name: ClassVar[str] = "node_exporter"
    ready_path: ClassVar[str] = "/"

    def __init__(self, flags: Sequence[str] = ()) -> None:
        super().__init__()
        self._program = find("node_exporter")
        self._flags = tuple(flags)

    def command(self) -> Sequence[str | Path]:
        return [self._program, f"--web.listen-address={self.address}", *self._flags]

    def metrics(self) -> str:
        """The exposition, in the text format."""
        return http.request(f"{self.url}/metrics").decode()


class LlamaServer(Server):
    """llama-server with a tiny model of random weights, or another: real inference, real metrics."""

    name: ClassVar[str] = "llama-server"
    ready_path: ClassVar[str] = "/health"
    start_timeout: ClassVar[float] = 60

    def __init__(
        self, model: Path | None = None, parallel: int = 2, metrics: bool = True, flags: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self._program = find("llama-server")
        self._model = model or tiny_model()
        self._flags = (f"--parallel={parallel}", *(["--metrics"] if metrics else []), *flags)

    def command(self) -> Sequence[str | Path]:
        options = [word for flag in self._flags for word in flag.split("=", 1)]  # it takes no `--option=value`
        return [
            self._program, "--model", self._model, "--host", "127.0.0.1", "--port", str(self.port),
            "--threads", "1", "--no-warmup", "--alias", "tiny", *options,
        ]  # fmt: skip

    def metrics(self) -> str:
        """The exposition, in the text format."""
        return http.request(f"{self.url}/metrics").decode()

    def chat(self, prompt: str, max_tokens: int = 16, stream: bool = False) -> dict[str, Any]:
        """One chat completion: the server's answer. A stream's chunks come under `chunks`, with the last one's `usage`.

        `usage` holds prompt_tokens and completion_tokens as the server counted them. Raises HttpError.
        """
        asked: dict[str, Any] = {
            "model": "tiny",
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": max_tokens,
            "ignore_eos": True,
            "cache_prompt": False,
        }
        if stream:
            asked |= {"stream": True, "stream_options": {"include_usage": True}}
        answer = http.post_json(f"{self.url}/v1/chat/completions", asked, timeout=120)
        if not stream:
            whole: dict[str, Any] = json.loads(answer)
            return whole
        events = (line.removeprefix(b"data: ") for line in answer.splitlines() if line.startswith(b"data: "))
        chunks = [json.loads(event) for event in events if event != b"[DONE]"]
        return {"chunks": chunks, "usage": chunks[-1].get("usage")}


class WebhookReceiver(Listening):
    """An HTTP server that keeps every JSON body posted to it, as Alertmanager's webhook receiver sends them."""

    def __init__(self) -> None:
        self.notifications: list[dict[str, Any]] = []
        self._arrived = threading.Condition()
        super().__init__(self._handler())

    @property
    def url(self) -> str:
        return f"http://{self.address}/"

    def wait(self, wanted: Callable[[dict[str, Any]], bool], timeout: float = 30) -> dict[str, Any]:
        """The first notification that is wanted, as soon as it is there. Raises TimeoutError, naming what came."""
        end = time.monotonic() + timeout
        with self._arrived:
            while True:
                for one in self.notifications:
                    if wanted(one):
                        return one
                if not self._arrived.wait(end - time.monotonic()):
                    raise TimeoutError(f"no such notification within {timeout} s, only: {self.notifications}")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver._arrived:
                    receiver.notifications.append(json.loads(body))
                    receiver._arrived.notify_all()
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the notifications themselves are the log."""

        return Handler
