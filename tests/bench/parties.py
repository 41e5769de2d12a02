"""Who stands around the exporter when it is measured: nginx as the server behind it, wrk as its clients."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.bench import machine
from tests.exporter.recorded import recorded, request_body
from tests.parts.binaries import find
from tests.parts.nginx import Worker

ANSWER = recorded("ollama/0.32.15/chat_nostream")
QUESTION = request_body("ollama/0.32.15/chat_nostream")
PATH = "/api/chat"
HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": "ollama-python/0.6.3 (x86_64 linux) Python/3.11.2",
}

_ANSWERS = """
    default_type "{kind}";
    location / {{ return 404; }}
    location = {path} {{ return 200 '{answer}'; }}
"""


class Ollama(Worker):
    """A server that gives one recorded answer of Ollama's, as quick as can be."""

    def blocks(self) -> tuple[str, str]:
        answer = ANSWER.body.decode().replace("\\", "\\\\").replace("'", "\\'")
        return "", _ANSWERS.format(path=PATH, answer=answer, kind=ANSWER.header("Content-Type"))


def pid_of(server: Worker) -> int:
    """Of nginx's first process; its worker is a child."""
    return int((server.folder / "pid").read_text())


def request(port: int) -> bytes:
    """The recorded request as Ollama's Python client sends it."""
    lines = [f"POST {PATH} HTTP/1.1", f"Host: 127.0.0.1:{port}", *(f"{name}: {text}" for name, text in HEADERS.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(QUESTION)}", "", ""]).encode() + QUESTION


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk told: requests answered, and how many a second."""

    requests: int
    rate: float


def wrk(port: int, folder: Path, seconds: int, connections: int = 32, pause: int = 0) -> Load:
    """Requests, one after another on each connection, with a pause (milliseconds) before each.

    Raises where one is not answered 200.
    """
    script = folder / "wrk.lua"
    headers = "".join(f'wrk.headers["{name}"] = "{text}"\n' for name, text in HEADERS.items())
    delay = f"function delay() return {pause} end\n" if pause else ""
    script.write_text(f'wrk.method = "POST"\nwrk.body = [==[{QUESTION.decode()}]==]\n{headers}{delay}')
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", script, f"http://127.0.0.1:{port}{PATH}"]
    process = subprocess.Popen(
        [find("wrk"), *map(str, command[1:])], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    machine.pin(process.pid, machine.OTHER_CORES)
    said = process.communicate()[0]
    counted, rate = re.search(r"(\d+) requests in", said), re.search(r"Requests/sec:\s*([\d.]+)", said)
    if process.returncode or counted is None or rate is None or "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(f"wrk failed:\n{said}")
    return Load(int(counted[1]), float(rate[1]))
