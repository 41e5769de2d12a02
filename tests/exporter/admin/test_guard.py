"""Who is let in: tokens, passwords, names of the port, certificates."""

from __future__ import annotations

import asyncio
import base64
import logging
import socket
from pathlib import Path
from typing import Any

import pytest

from inferometer_exporter.admin import server
from inferometer_exporter.admin.auth import known_host
from inferometer_exporter.admin.server import AdminServer
from inferometer_exporter.config.model import Address, Login, Tls
from inferometer_exporter.errors import BadEnvironment, BadInput
from inferometer_exporter.metrics.meters import Meters
from tests.exporter.admin.site import Health, Site, configured, served, serving, unpacked
from tests.exporter.store.made import until
from tests.exporter.support.certificates import make_pair
from tests.exporter.support.wire import HOST, Torn, Wire

TOKEN = "s3cret-token-of-the-test"
EVERYWHERE = (
    "/",
    "/metrics",
    "/readyz",
    "/api/v1/",
    "/api/v1/summary",
    "/api/v1/recent",
    "/static/page.js",
    "/nowhere",
)


def bearer(token: str) -> tuple[str, str]:
    return ("Authorization", f"Bearer {token}")


def basic(pair: str) -> tuple[str, str]:
    return ("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def status(site: Site, *headers: tuple[str, str], path: str = "/metrics") -> int:
    return site.get(path, headers).status


def test_everything_but_healthz_needs_the_token(tmp_path: Path) -> None:
    with serving(login=Login(token_file=written(tmp_path / "token", TOKEN + "\n"))) as site:
        assert {path: status(site, path=path) for path in EVERYWHERE} == dict.fromkeys(EVERYWHERE, 401)
        assert status(site, path="/healthz") == 200
        assert status(site, bearer(TOKEN)) == 200
        reply = site.get("/metrics")
        assert reply.head.all("WWW-Authenticate")[0] == b'Bearer realm="inferometer"'


@pytest.mark.parametrize(
    "header",
    [
        bearer(TOKEN[:-1]),
        bearer(TOKEN + "x"),
        bearer(""),
        ("Authorization", TOKEN),
        ("Authorization", f"Token {TOKEN}"),
        ("Authorization", "Basic !!!"),
        ("Authorization", "Basic"),
        ("Authorization", ""),
        basic(TOKEN),
        basic("anna:wrong"),
        bearer("Ã\xff"),
    ],
)
def test_a_wrong_login_is_refused(tmp_path: Path, header: tuple[str, str]) -> None:
    with serving(login=Login(token_file=written(tmp_path / "token", TOKEN))) as site:
        assert status(site, header) == 401


def test_a_browser_gives_the_token_as_its_password(tmp_path: Path) -> None:
    with serving(login=Login(token_file=written(tmp_path / "token", TOKEN))) as site:
        assert status(site, basic(f"anyone:{TOKEN}"), path="/") == 200


def test_user_and_password_must_both_be_right(tmp_path: Path) -> None:
    with serving(login=Login(basic_file=written(tmp_path / "basic", "anna:pa:ss\n"))) as site:
        found = [status(site, basic(pair)) for pair in ("anna:pa:ss", "ben:pa:ss", "anna:pa", "anna:", ":pa:ss")]
        assert found == [200, 401, 401, 401, 401]
        assert status(site, bearer("anna:pa:ss")) == 401


def test_a_changed_file_changes_the_login(tmp_path: Path) -> None:
    token = written(tmp_path / "token", "first")
    with serving(login=Login(token_file=token)) as site:
        assert status(site, bearer("first")) == 200
        written(tmp_path / "next", "other").replace(token)
        assert (status(site, bearer("first")), status(site, bearer("other"))) == (401, 200)


@pytest.mark.parametrize("content", [None, "", " \n"])
def test_nobody_gets_in_while_the_file_holds_no_login(
    tmp_path: Path, content: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    token = written(tmp_path / "token", TOKEN)
    with serving(login=Login(token_file=token)) as site, caplog.at_level(logging.ERROR):
        token.unlink()
        if content is not None:
            token.write_text(content)
        assert [status(site, header) for header in (bearer(TOKEN), bearer(""), basic(":"))] == [401, 401, 401]
        assert len(caplog.records) == 1
        token.write_text(TOKEN)
        assert status(site, bearer(TOKEN)) == 200


def test_no_secret_is_ever_shown_or_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    login = Login(written(tmp_path / "token", TOKEN), written(tmp_path / "basic", f"anna:{TOKEN}-too"))
    with caplog.at_level(logging.DEBUG), serving(tmp_path / "traces.db", login=login) as site:
        served(site)
        for path in ("/healthz", *EVERYWHERE):
            for header in (bearer(TOKEN), bearer(TOKEN + "x"), basic(f"anna:{TOKEN}-too")):
                reply = site.get(path, [header])
                assert TOKEN.encode() not in unpacked(reply) + repr(reply.head).encode()
    assert TOKEN not in caplog.text


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:9464", "localhost.evil.example", "127.0.0.1.evil.example"]
)
def test_a_name_that_points_to_loopback_from_outside_is_refused(host: str) -> None:
    with serving() as site:
        for path in ("/healthz", "/metrics", "/api/v1/recent"):
            reply = site.raw(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert reply.status == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9464", "127.0.0.1:9464", "[::1]:9464", "10.1.2.3", ""])
def test_addresses_and_localhost_are_known(host: str) -> None:
    with serving() as site:
        assert site.raw(f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()).status == 200


def test_a_port_that_others_reach_takes_every_name() -> None:
    assert known_host("exporter.monitoring.svc:9464", Address("0.0.0.0", 9464))
    assert not known_host("exporter.monitoring.svc:9464", Address("::1", 9464))


def test_tls_is_spoken_where_a_certificate_is_configured(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    with serving(admin_tls=Tls(pair.cert, pair.key), tls=pair.client()) as site:
        assert site.get("/metrics").status == 200
        with site.wire() as wire:
            assert [wire.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").reply().status for _ in "abc"] == [
                200
            ] * 3
        with Wire(site.server.port) as plain:
            plain.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            with pytest.raises((OSError, Torn)):
                plain.reply()


def test_a_renewed_certificate_is_shown_to_new_connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "STEP_SECONDS", 0.05)
    old, new = make_pair(tmp_path / "old"), make_pair(tmp_path / "new")
    with serving(admin_tls=Tls(old.cert, old.key), tls=old.client()) as site:
        assert site.get("/healthz").status == 200
        old.cert.write_bytes(new.cert.read_bytes())  # half of it: the old one must go on
        assert site.get("/healthz").status == 200
        old.key.write_bytes(new.key.read_bytes())
        site.tls = new.client()
        until(lambda: answers(site))


def answers(site: Site) -> bool:
    try:
        return site.get("/healthz").status == 200
    except OSError:
        return False


def refused(**settings: Any) -> str:
    config = configured(**settings)

    async def start() -> None:
        port = AdminServer(config, Meters(config), None, Health())
        try:
            await port.start()
        finally:
            await port.stop()

    with pytest.raises((BadInput, BadEnvironment)) as caught:
        asyncio.run(start())
    return str(caught.value)


def test_a_port_in_use_is_one_clear_line() -> None:
    with socket.create_server((HOST, 0)) as taken:
        said = refused(admin=Address(HOST, taken.getsockname()[1]))
    assert "Remedy: " in said
    assert "\n" not in said


def test_a_certificate_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    nothing = written(tmp_path / "cert.pem", "no certificate")
    for cert in (nothing, tmp_path / "missing.pem"):
        said = refused(admin_tls=Tls(cert, nothing))
        assert str(cert) in said
        assert "\n" not in said


def test_a_login_file_without_login_is_one_clear_line(tmp_path: Path) -> None:
    assert "a token" in refused(login=Login(token_file=written(tmp_path / "token", "\n")))
    assert "user:password" in refused(login=Login(basic_file=written(tmp_path / "basic", "anna\n")))
