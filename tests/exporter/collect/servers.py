"""Servers for the collectors: recorded answers by route, and what real ones said."""

from __future__ import annotations

from pathlib import Path

from tests.exporter.support.upstream import Call, Script, Upstream
from tests.exporter.support.wire import response

RECORDINGS = Path(__file__).resolve().parents[2] / "fixtures/recordings"
OLLAMA = RECORDINGS / "ollama/0.32.15"
HERD = RECORDINGS / "herd"


def recorded(name: str) -> bytes:
    """A whole answer of Ollama, head and body."""
    return (OLLAMA / f"{name}.response.txt").read_bytes()


def recorded_body(name: str) -> bytes:
    return recorded(name).partition(b"\r\n\r\n")[2]


def herd(state: str) -> bytes:
    return (HERD / f"{state}.json").read_bytes()


def routes(answers: dict[str, bytes], before: str = "") -> Script:
    """Each path has its whole answer; another one is not found, as real servers say it."""

    def script(call: Call) -> None:
        call.read()
        path = call.head.target.decode().removeprefix(before)
        call.send(answers.get(path, response(b"404 page not found", "404 Not Found")))

    return script


def paths(upstream: Upstream) -> list[str]:
    """What the collectors asked of it, in order."""
    return [call.head.target.decode() for call in upstream.polls]


OLLAMA_ANSWERS = {
    "/api/version": recorded("version"),
    "/api/ps": recorded("ps_two_loaded"),
    "/api/tags": recorded("tags"),
}


def herd_answers(status: str, queue: str, health: str) -> dict[str, bytes]:
    return {
        "/api/version": response(herd("with_node/api_version")),
        "/api/ps": response(herd("with_node/api_ps")),
        "/api/tags": response(herd("with_node/api_tags")),
        "/fleet/status": response(herd(status)),
        "/fleet/queue": response(herd(queue)),
        "/dashboard/api/health": response(herd(health)),
    }


HERD_ANSWERS = herd_answers("with_node/fleet_status", "with_node/fleet_queue", "with_node/dashboard_api_health")
