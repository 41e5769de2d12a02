"""A Docker engine where one answers, and an image with Python to build on: a pulled one, else one made of packages."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.parts.binaries import Missing, find
from tests.parts.debian import Collection, unpacked
from tests.parts.kept import FetchError

OFFICIAL = "python:3.13-slim-bookworm"
# What a Python image needs for building: a shell, the core utilities, pip. Unpacked, no script of a package is run.
MADE = Collection(
    "python-image", "trixie", ("base-files", "coreutils", "dash", "libc-bin", "python3", "python3-pip"), True
)


class DockerFailed(Exception):
    """A docker command failed; the text is the end of what it wrote."""


class Engine:
    """The engine that the command `docker` speaks to. Raises Missing where there is none."""

    def __init__(self) -> None:
        docker = shutil.which("docker")
        remedy = "Remedy: start one (on Debian: apt-get install docker.io, then dockerd as root)"
        if docker is None:
            raise Missing(f"docker is not on PATH. {remedy}")
        self._docker = docker
        try:
            self.run("version", timeout=30)
        except (DockerFailed, subprocess.TimeoutExpired):
            raise Missing(f"no Docker engine answers. {remedy}") from None

    def run(self, *words: str | Path, timeout: float = 120) -> str:
        """What a docker command wrote. Raises DockerFailed."""
        return _output([self._docker, *map(str, words)], timeout)

    def inspect(self, thing: str) -> dict[str, Any]:
        """All that the engine knows of an image or a container."""
        found: list[dict[str, Any]] = json.loads(self.run("inspect", thing))
        return found[0]

    def build(self, context: Path, tag: str, arguments: Mapping[str, str]) -> None:
        """Build with BuildKit, through the plugin where it is there, else through Debian's. Raises DockerFailed."""
        flags = [f"--build-arg={name}={value}" for name, value in arguments.items()]
        _output([*self._builder(), "build", "--load", f"--tag={tag}", *flags, str(context)], timeout=600)

    def python_image(self) -> str:
        """An image with Python and pip: the official one where it is there or can be pulled."""
        for words in (["image", "inspect", OFFICIAL], ["pull", "--quiet", OFFICIAL]):
            try:
                self.run(*words, timeout=300)
            except DockerFailed:
                continue
            return OFFICIAL
        return self._made()

    def _made(self) -> str:
        try:
            folder = unpacked(MADE)
        except FetchError as error:
            raise Missing(f"{OFFICIAL} cannot be pulled, and Debian's Python cannot be had: {error}") from error
        # What the script of ca-certificates would write, and pip reads even where it asks nobody.
        authorities = sorted((folder / "usr/share/ca-certificates").rglob("*.crt"))
        (folder / "etc/ssl/certs/ca-certificates.crt").write_text("".join(one.read_text() for one in authorities))
        image = "inferometer-test/python:made"
        tar = ["tar", "--create", "--owner=0", "--group=0", "--numeric-owner", f"--directory={folder}", "."]
        with subprocess.Popen(tar, stdout=subprocess.PIPE) as packed:
            _output([self._docker, "import", "-", image], 120, packed.stdout)
        return image

    def _builder(self) -> list[str]:
        try:
            self.run("buildx", "version")
        except DockerFailed:
            return [str(find("docker-buildx"))]
        return [self._docker, "buildx"]


def _output(command: list[str], timeout: float, given: Any = subprocess.DEVNULL) -> str:
    done = subprocess.run(
        command,
        stdin=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
        env={**os.environ, "BUILDKIT_PROGRESS": "plain"},
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-3000:]
        raise DockerFailed(f"{' '.join(command[1:3])} failed with exit code {done.returncode}:\n{said}")
    return done.stdout
