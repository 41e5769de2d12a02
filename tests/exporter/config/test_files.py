"""Files that the configuration names: read when it is read, so that a slip is found before the start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from inferometer_exporter.config.files import cautions
from inferometer_exporter.config.load import load
from inferometer_exporter.config.model import Config, Login, Tls
from inferometer_exporter.errors import BadInput
from tests.exporter.support.certificates import Pair, make_pair

BACKEND = "backends: [{engine: ollama, urls: [https://a]%s}]\n"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return make_pair(tmp_path_factory.mktemp("tls"))


def read(folder: Path, text: str, backend: str = "") -> Config:
    path = folder / "exporter.yaml"
    path.write_text(BACKEND % backend + text, encoding="utf-8")
    return load(path)


def problem(folder: Path, text: str, backend: str = "") -> str:
    with pytest.raises(BadInput) as refused:
        read(folder, text, backend)
    (line,) = refused.value.problems
    return line


def test_a_token_file_is_found_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    assert read(tmp_path, "login: {token_file: token}").login == Login(token_file=tmp_path / "token")


@pytest.mark.parametrize(
    ("key", "content", "message"),
    [
        ("token_file", "", "is empty"),
        ("token_file", " \n", "is empty"),
        ("token_file", "two words", "does not hold one word"),
        ("basic_file", "secret", "one line user:password"),
        ("basic_file", ":secret", "one line user:password"),
        ("basic_file", "me:", "one line user:password"),
        ("basic_file", "me:secret\nyou:secret", "one line user:password"),
    ],
)
def test_a_login_file_that_says_no_login_is_refused(tmp_path: Path, key: str, content: str, message: str) -> None:
    (tmp_path / "file").write_text(content)
    line = problem(tmp_path, f"login: {{{key}: file}}")
    assert message in line
    assert "secret" not in line


def make_folder(path: Path) -> None:
    path.mkdir()


def make_large(path: Path) -> None:
    path.write_bytes(b"x" * (2**20 + 1))


def make_nothing(path: Path) -> None:
    """The file is not there."""


@pytest.mark.parametrize("make", [make_folder, make_large, make_nothing])
def test_what_is_no_small_file_is_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "file")
    assert "exporter.yaml:2: login.token_file: names a file that " in problem(tmp_path, "login: {token_file: file}")


def test_two_kinds_of_login_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("me:secret")
    assert "names both files" in problem(tmp_path, "login: {token_file: file, basic_file: file}")


def test_a_certificate_with_its_key_is_accepted(tmp_path: Path, pair: Pair) -> None:
    config = read(
        tmp_path, f"proxy_tls: {{cert_file: {pair.cert}, key_file: {pair.key}}}", f", ca_file: {pair.authority}"
    )
    assert config.proxy_tls == Tls(pair.cert, pair.key)
    assert config.backends[0].ca_file == pair.authority


def test_a_key_of_another_certificate_is_refused(tmp_path: Path, pair: Pair) -> None:
    other = make_pair(tmp_path / "other")
    line = problem(tmp_path, f"admin_tls: {{cert_file: {pair.cert}, key_file: {other.key}}}")
    assert "no certificate and its key" in line


def test_authorities_that_are_no_certificates_are_refused(tmp_path: Path, pair: Pair) -> None:
    assert "holds no certificates" in problem(tmp_path, "", f", ca_file: {pair.key}")


def test_a_login_opens_the_admin_port_but_not_the_proxy_to_the_network(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret")
    login = "login: {token_file: token}\n"
    assert read(tmp_path, login + "admin: 0.0.0.0:9464").admin.host == "0.0.0.0"
    assert "backends[0].listen" in problem(tmp_path, login, ", listen: '0.0.0.0:11436'")


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True)])
def test_a_secret_that_everybody_can_read_is_a_caution(tmp_path: Path, mode: int, warned: bool) -> None:
    (tmp_path / "token").write_text("secret")
    (tmp_path / "token").chmod(mode)
    lines = cautions(read(tmp_path, "login: {token_file: token}"))
    assert [str(tmp_path / "token") in line and "chmod 600" in line for line in lines] == [True] * warned
