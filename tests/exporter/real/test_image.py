"""The exporter's image, built from its Dockerfile: runs as nobody with a read-only root, is healthy, ends in order."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.exporter.support.process import ROOT, eventually
from tests.parts import http
from tests.parts.docker import DockerFailed, Engine

pytestmark = [pytest.mark.real, pytest.mark.slow]

EXPORTER = ROOT / "exporter"
NAME = f"inferometer-test-{os.getpid()}"
HARDENED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--memory=128m")
OWN_MEGABYTES = 40
"""What the image may add to its base: mostly the event loop's compiled code."""


@dataclass(frozen=True)
class Image:
    engine: Engine
    tag: str
    base: str


@dataclass(frozen=True)
class Container:
    """A running container, with the addresses at which its ports are published."""

    engine: Engine
    name: str

    def url(self, port: int) -> str:
        return f"http://{self.engine.run('port', self.name, str(port)).split()[0]}"

    def health(self) -> str:
        status: str = self.engine.inspect(self.name)["State"]["Health"]["Status"]
        return status


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """Built without a network, from wheels beside the sources, as the Dockerfile says."""
    engine = Engine()
    base = engine.python_image()
    context = tmp_path_factory.mktemp("context")
    for name in ("Dockerfile", ".dockerignore", "requirements.txt"):
        shutil.copy(EXPORTER / name, context)
    shutil.copytree(EXPORTER / "src", context / "src")
    fetch_wheels(context / "wheels", engine.run("run", "--rm", "--entrypoint=python3", base, "--version").split()[1])
    tag = f"{NAME}:built"
    engine.build(context, tag, {"BASE_IMAGE": base, "PIP_NO_INDEX": "1", "VERSION": "0.0.test"})
    try:
        yield Image(engine, tag, base)
    finally:
        engine.run("image", "rm", "--force", tag)


def fetch_wheels(folder: Path, python: str) -> None:
    """The locked wheels for a version of Python, fetched by the pip of the test run."""
    machine = os.uname().machine
    platforms = [f"--platform={kind}_{machine}" for kind in ("manylinux2014", "manylinux_2_17", "manylinux_2_28")]
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
            *("--require-hashes", "--only-binary=:all:", f"--python-version={'.'.join(python.split('.')[:2])}"),
            *("--implementation=cp", *platforms, f"--dest={folder}", f"--requirement={EXPORTER / 'requirements.txt'}"),
        ],
        check=True,
    )


@pytest.fixture(scope="module")
def container(image: Image) -> Iterator[Container]:
    """An exporter before a web server in its own container: the first port is the proxy's, the second the admin's."""
    engine, name = image.engine, NAME
    engine.run(
        *("run", "--detach", f"--name={name}", *HARDENED, f"--volume={name}:/var/lib/inferometer"),
        *("--health-interval=1s", "--publish=127.0.0.1::11436", "--publish=127.0.0.1::9464", image.tag),
        *("--backend=http://127.0.0.1:8000", "--engine=openai", "--expose"),
        *("--listen=0.0.0.0:11436", "--admin=0.0.0.0:9464"),
    )
    try:
        engine.run("exec", "--detach", name, "python3", "-m", "http.server", "8000", "--bind=127.0.0.1")
        yield Container(engine, name)
    finally:
        engine.run("rm", "--force", name)
        with suppress(DockerFailed):
            engine.run("volume", "rm", name)


def test_it_becomes_healthy_by_its_own_check(container: Container) -> None:
    eventually(lambda: container.health() == "healthy", timeout=60, what="healthy")


def test_it_forwards_and_tells_metrics(container: Container) -> None:
    page = eventually(lambda: answer(container.url(11436)), timeout=30, what="an answer through the proxy")
    assert b"Directory listing" in page
    metrics = http.request(f"{container.url(9464)}/metrics").decode()
    assert re.search(r'^inferometer_build_info\{.*version="\d', metrics, re.MULTILINE)
    assert "inferometer_traces_dropped_total" in metrics


def answer(url: str) -> bytes:
    try:
        return http.request(url, timeout=5)
    except (OSError, http.HttpError):
        return b""


def test_it_runs_as_nobody_with_its_traces_as_the_only_thing_it_may_write(container: Container) -> None:
    def inside(code: str) -> str:
        return container.engine.run("exec", container.name, "python3", "-c", code).strip()

    assert inside("import os; print(os.getuid(), os.getgid())") == "65532 65532"
    assert inside("import os; print(os.path.exists('/var/lib/inferometer/traces.db'))") == "True"
    with pytest.raises(DockerFailed, match="Read-only file system"):
        inside("open('/tmp/x', 'w')")


def test_its_modules_are_compiled_so_that_a_read_only_root_starts_as_fast(container: Container) -> None:
    code = "import inferometer_exporter.app as a, os; print(os.path.exists(a.__cached__))"
    assert container.engine.run("exec", container.name, "python3", "-c", code).strip() == "True"


def test_it_is_small_and_says_what_it_is(image: Image, capsys: pytest.CaptureFixture[str]) -> None:
    built, base = (image.engine.inspect(name) for name in (image.tag, image.base))
    own = (built["Size"] - base["Size"]) / 2**20
    with capsys.disabled():
        print(f"\nThe image has {built['Size'] / 2**20:.0f} MiB, {own:.1f} MiB of them beside {image.base}.")
    assert own < OWN_MEGABYTES
    settings = built["Config"]
    assert settings["User"] == "65532:65532"
    assert settings["WorkingDir"] == "/var/lib/inferometer"
    assert not settings.get("Volumes")
    assert settings["Labels"]["org.opencontainers.image.version"] == "0.0.test"
    assert settings["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_a_wrong_flag_is_told_in_one_line_with_exit_code_2(image: Image) -> None:
    with pytest.raises(DockerFailed, match=r"exit code 2:\n.*--wrong") as told:
        image.engine.run("run", "--rm", *HARDENED, image.tag, "--wrong")
    assert len(str(told.value).splitlines()) == 2


def test_it_ends_in_order_when_told_to(container: Container) -> None:
    container.engine.run("stop", "--time=30", container.name)
    state = container.engine.inspect(container.name)["State"]
    assert (state["ExitCode"], state["OOMKilled"]) == (0, False)
