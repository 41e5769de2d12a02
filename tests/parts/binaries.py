"""Finds the real programs that tests run: on PATH first, else from Debian's newer suites, else built from source.

See `debian.py` and `golang.py`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from tests.parts import launchers
from tests.parts.debian import Collection, unpacked
from tests.parts.golang import Module, built
from tests.parts.kept import FetchError, versions

Generation = Literal["new", "old"]

NEW = Collection(
    "sid",
    "sid",
    ("prometheus", "prometheus-alertmanager", "prometheus-node-exporter", "promtool", "victoria-metrics"),
)
OLD = Collection("trixie", "trixie", ("prometheus", "promtool", "victoria-metrics"))
YARDSTICKS = Collection("yardsticks", "sid", ("nginx", "wrk"), dependencies=True)
BUILDX = Collection("buildx", "sid", ("docker-buildx",))
OLLAMA = Module(
    name="ollama",
    path="github.com/ollama/ollama",
    version="0.32.15",
    oldest_go=(1, 26),
    version_variable="github.com/ollama/ollama/version.Version",
)


@dataclass(frozen=True, slots=True)
class Part:
    """A program: its names on PATH (the project's own first, Debian's last), and the package that holds it.

    `majors` is set where the major version tells the generations apart. `launcher` makes the unpacked program run.
    `version_flag` makes it tell its version.
    """

    commands: tuple[str, ...]
    package: str
    collections: Mapping[Generation, Collection | Module]
    majors: Mapping[Generation, int] = field(default_factory=lambda: MappingProxyType({}))
    launcher: Callable[[Path, str], Path] = launchers.plain
    version_flag: str = "--version"


_BOTH: Mapping[Generation, Collection] = MappingProxyType({"new": NEW, "old": OLD})
_ONE: Mapping[Generation, Collection] = MappingProxyType({"new": NEW})
_YARDSTICKS: Mapping[Generation, Collection] = MappingProxyType({"new": YARDSTICKS})
_PROMETHEUS: Mapping[Generation, int] = MappingProxyType({"new": 3, "old": 2})

PARTS: Mapping[str, Part] = MappingProxyType(
    {
        "prometheus": Part(("prometheus",), "prometheus", _BOTH, _PROMETHEUS),
        "promtool": Part(("promtool",), "promtool", _BOTH, _PROMETHEUS),
        "alertmanager": Part(
            ("alertmanager", "prometheus-alertmanager"),
            "prometheus-alertmanager",
            _ONE,
            launcher=launchers.with_own_templates,
        ),
        "amtool": Part(("amtool",), "prometheus-alertmanager", _ONE),
        "victoria-metrics": Part(("victoria-metrics-prod", "victoria-metrics"), "victoria-metrics", _BOTH),
        "vmagent": Part(("vmagent-prod", "vmagent"), "victoria-metrics", _BOTH),
        "vmalert": Part(("vmalert-prod", "vmalert"), "victoria-metrics", _BOTH),
        "vmalert-tool": Part(("vmalert-tool-prod", "vmalert-tool"), "victoria-metrics", _BOTH),
        "node_exporter": Part(("node_exporter", "prometheus-node-exporter"), "prometheus-node-exporter", _ONE),
        "llama-server": Part(
            ("llama-server",),
            "llama.cpp-tools",
            MappingProxyType({"new": launchers.LLAMA}),
            launcher=launchers.through_own_loader,
        ),
        "docker-buildx": Part(
            ("docker-buildx",),
            "docker-buildx",
            MappingProxyType({"new": BUILDX}),
            launcher=launchers.docker_plugin,
            version_flag="version",
        ),
        "ollama": Part(("ollama",), "ollama", MappingProxyType({"new": OLLAMA}), launcher=launchers.with_llama_tools),
        "nginx": Part(("nginx",), "nginx", _YARDSTICKS, launcher=launchers.beside_its_libraries, version_flag="-v"),
        "wrk": Part(("wrk",), "wrk", _YARDSTICKS, launcher=launchers.beside_its_libraries, version_flag="-v"),
    }
)


class Missing(Exception):
    """A part cannot be had here. Tests that meet it are left out loudly, and fail where CI is set (see conftest.py)."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where a part was found, and its version as far as it is known."""

    path: Path
    version: str


def find(name: str, generation: Generation = "new") -> Path:
    """The program's path. "old" is the generation before: Prometheus 2.53, VictoriaMetrics 1.112. Raises Missing."""
    return locate(name, generation).path


def locate(name: str, generation: Generation = "new") -> Found:
    """As `find`, with the version. Raises Missing, with the reason and the remedy."""
    found = _locate(name, generation)
    if isinstance(found, str):
        raise Missing(found)
    return found


@cache
def _locate(name: str, generation: Generation) -> Found | str:
    """The part, or the reason why it is not there: told once a process, since a failing download takes its time."""
    part = PARTS[name]
    major = part.majors.get(generation)
    wanted = f"{name} {major}.x" if major else name
    if generation == "new" or major:
        for command in part.commands:
            path = shutil.which(command)
            if path and (found := _on_path(Path(path), part.version_flag, major)):
                return found
    source = part.collections[generation]
    try:
        folder = built(source) if isinstance(source, Module) else unpacked(source)
    except FetchError as error:
        failed = "it cannot be built" if isinstance(source, Module) else "its Debian package cannot be had"
        return f"{wanted} is not on PATH, and {failed}: {error}. Remedy: put {wanted} on PATH"
    return Found(part.launcher(folder, part.commands[-1]), versions(folder)[part.package])


def _on_path(path: Path, flag: str, major: int | None) -> Found | None:
    """The program if it is of the generation asked for."""
    said = subprocess.run([path, flag], capture_output=True, text=True, check=False, timeout=20)
    version = re.search(r"\d+\.\d+\.\d+", said.stdout + said.stderr)
    if major and not (version and version[0].startswith(f"{major}.")):
        return None
    return Found(path, version[0] if version else "unknown")
