"""Fault 18: loopback unless the user says otherwise, and two ports that know nothing of each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.exporter.support.process import Exporter, run
from tests.exporter.support.upstream import Upstream, answering
from tests.exporter.support.wire import HOST, Wire, request, response
from tests.parts import http
from tests.parts.process import free_port

BACKEND = ("--backend", "http://127.0.0.1:9", "--engine", "ollama", "--store", "none")


def listening(pid: int) -> set[str]:
    """Addresses on which a process listens, as /proc tells: hexadecimal, IPv4 and IPv6."""
    sockets = {str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir() if file.is_symlink()}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                found.add(fields[1].split(":")[0])
    return found


def test_it_listens_on_loopback_only(exporter: Exporter) -> None:
    assert listening(exporter.pid) == {"0100007F"}


def wide(*options: str | Path) -> tuple[str | Path, ...]:
    return (*BACKEND, *options)


@pytest.mark.parametrize("address", ["0.0.0.0", "[::]", "192.0.2.1"])
@pytest.mark.parametrize("port", ["--listen", "--admin"])
def test_listening_wider_is_refused_without_a_word_of_consent(address: str, port: str) -> None:
    other = {"--listen": "--admin", "--admin": "--listen"}[port]
    done = run(*wide(port, f"{address}:{free_port()}", other, f"{HOST}:{free_port()}"))
    assert done.returncode == 2
    assert "Remedy" in done.stderr
    assert address.strip("[]") in done.stderr
    assert "Traceback" not in done.stderr


WIDE = """
admin: {admin}
store: {store}
expose: true
backends:
  - {{name: box, engine: ollama, urls: ["{upstream}"], listen: "{proxy}"}}
  - {{name: wide, engine: ollama, urls: ["{upstream}"], listen: "0.0.0.0:%d"}}
"""


def test_listening_wider_is_done_with_a_word_of_consent(upstream: Upstream) -> None:
    upstream.script = answering(response(b"{}"))
    port = free_port()
    with Exporter(upstream.url, config=WIDE % port) as exporter:
        assert listening(exporter.pid) == {"0100007F", "00000000"}
        with Wire(port) as wire:
            assert wire.send(request(body=b"{}")).reply().status == 200


def test_the_admin_port_asks_for_the_token(upstream: Upstream, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("opensesame\n")
    token.chmod(0o600)
    with Exporter(upstream.url, "--token-file", token) as exporter:
        assert exporter.status("/healthz")[0] == 200
        for path in ("/metrics", "/", "/api/v1/recent", "/readyz"):
            assert exporter.status(path)[0] == 401
        assert http.request(exporter.url + "/metrics", headers={"Authorization": "Bearer opensesame"})
        with pytest.raises(http.HttpError, match="401"):
            http.request(exporter.url + "/metrics", headers={"Authorization": "Bearer open"})


def test_the_admin_port_forwards_nothing(exporter: Exporter, upstream: Upstream) -> None:
    for path in ("/api/chat", "/api/tags", "/v1/models"):
        assert exporter.status(path)[0] == 404
    assert upstream.calls == []
