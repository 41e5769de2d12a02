"""The exporter's configuration is one that the exporter itself reads, and tells clients where to go."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from inferometer.names import RECORDER_LABELS, RESERVED_LABELS
from inferometer.spec.model import DAY
from inferometer_exporter.config.fields import RESERVED_LABELS as REFUSED_LABELS
from inferometer_exporter.config.load import load
from inferometer_exporter.config.model import Config, Store
from tests.unit.stack import trees

FILE = "stack/exporter/exporter.yaml"
BOX = "backends: [{name: box, ollama: 'http://127.0.0.1:11434'}]\n"


def read(spec: str, folder: Path) -> Config:
    """The configuration as the exporter reads it, with the secrets that it names laid out."""
    written = trees.data(spec, FILE)
    place = folder / FILE
    place.parent.mkdir(parents=True)
    place.write_text(yaml.safe_dump(written))
    if "login" in written:
        secret = place.parent / written["login"]["token_file"]
        secret.parent.mkdir(exist_ok=True)
        secret.write_text("token")
        secret.chmod(0o600)
    return load(place)


@pytest.mark.parametrize(
    ("platform", "listens", "admin", "server"),
    [
        ("compose", ["0.0.0.0:11436", "0.0.0.0:11437"], "0.0.0.0:9464", "http://host.docker.internal:11434"),
        ("host", ["127.0.0.1:11436", "127.0.0.1:11437"], "127.0.0.1:9464", "http://127.0.0.1:11434"),
    ],
)
def test_the_exporter_stands_before_recorded_backends_only(
    platform: str, listens: list[str], admin: str, server: str
) -> None:
    config = trees.data(trees.full(platform=platform), FILE)
    assert config["admin"] == admin
    assert config["backends"] == [
        {
            "name": "desk",
            "engine": "ollama",
            "listen": listens[0],
            "urls": [server],
            "models": ["llama3.2", "qwen3"],
        },
        {
            "name": "front",
            "engine": "openai",
            "listen": listens[1],
            "urls": ["http://10.0.0.9:4000"],
            "models": [],
            "labels": {"pool": "p1", "cluster": "us"},
        },
    ]


def specs() -> list[str]:
    """Every fixture with a recorded backend, and the spec that says everything."""
    texts = [path.read_text() for path in sorted(trees.SPECS.glob("*.yaml"))]
    texts += [trees.full(platform=platform) for platform in ("compose", "host")]
    return [text for text in texts if trees.plan(text).recorder]


@pytest.mark.parametrize("spec", specs(), ids=lambda spec: spec.splitlines()[0])
def test_the_exporter_reads_what_is_written(spec: str, tmp_path: Path) -> None:
    config = read(spec, tmp_path)
    plan = trees.plan(spec)
    assert [one.name for one in config.backends] == [one.name for one in plan.spec.recorded]
    assert [one.listen.port for one in config.backends] == [proxy.address.port for proxy in plan.proxies]
    assert config.admin.port == plan.spec.exporter.target.port


def test_what_the_spec_says_of_the_exporter_arrives(tmp_path: Path) -> None:
    spec = (
        "platform: host\n"
        "backends: [{name: far, openai: 'https://10.0.0.9', listen: '10.0.0.1:8000'}]\n"
        "exporter: {tags: [a, b], retention: 365d, max_size: 2GB, scrape: {auth: {bearer_file: secrets/token}}}\n"
    )
    config = read(spec, tmp_path)
    [backend] = config.backends
    assert config.tags == ("a", "b")
    assert (config.store.retention, config.store.max_bytes) == (365 * DAY, 2 * 2**30)
    assert config.login.token_file is not None
    assert config.login.token_file.resolve() == (tmp_path / "stack/secrets/token").resolve()
    assert (str(backend.listen), config.expose) == ("10.0.0.1:8000", True)


def test_the_authorities_of_a_server_with_https_are_those_of_its_scrape() -> None:
    far = "backends: [{name: far, openai: 'https://10.0.0.9', scrape: {tls: {ca_file: secrets/ca.pem}}}]\n"
    [backend] = trees.data(far, FILE)["backends"]
    assert backend["ca_file"] == "../secrets/ca.pem"


def test_without_limits_the_exporter_keeps_its_own(tmp_path: Path) -> None:
    store = read(BOX, tmp_path).store
    assert (store.retention, store.max_bytes) == (Store().retention, Store().max_bytes)
    assert (Store().retention, Store().max_bytes) == (7 * DAY, 512 * 2**20), "the schema tells these defaults"


def test_on_a_host_only_an_address_that_the_spec_names_is_exposed() -> None:
    loopback = trees.data(f"platform: host\n{BOX}", FILE)
    assert "expose" not in loopback
    for wide in ("10.0.0.1:9464", "0.0.0.0:9464"):
        assert trees.data(f"platform: host\n{BOX}exporter: {{address: '{wide}'}}\n", FILE)["expose"] is True


def test_the_readme_tells_clients_of_each_backend_where_to_go() -> None:
    told = trees.files(trees.full())["stack/exporter/README.md"].decode()
    assert "| desk | http://127.0.0.1:11434 | `OLLAMA_HOST=http://127.0.0.1:11436` |" in told
    assert "| front | http://10.0.0.9:4000 | `OPENAI_BASE_URL=http://127.0.0.1:11437/v1` |" in told


def test_no_label_that_a_spec_may_give_is_one_that_the_exporter_refuses() -> None:
    assert REFUSED_LABELS - {*RESERVED_LABELS, *RECORDER_LABELS} == set()
