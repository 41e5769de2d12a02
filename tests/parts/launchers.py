"""How an unpacked program is run outside the place for which Debian built it. Each function gives the path to run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.parts.debian import Collection, unpacked

LLAMA = Collection("llama", "sid", ("llama.cpp-tools",), dependencies=True)


def plain(folder: Path, command: str) -> Path:
    """As it is: Go programs need nothing around them."""
    return folder / "usr/bin" / command


def docker_plugin(folder: Path, command: str) -> Path:
    """As it is: a plugin of Docker's command line runs by itself too."""
    return folder / "usr/libexec/docker/cli-plugins" / command


def through_own_loader(folder: Path, command: str) -> Path:
    """With the C library of the suite it comes from, which may be newer than the machine's.

    ggml looks for its back ends beside the running executable, which here is the loader. A copy of the loader among the
    back ends lets ggml choose the one that suits the CPU by itself.
    """
    backends = next(folder.glob("usr/lib/*/ggml/backends*"))
    libraries = backends.parents[1]
    loader = next(libraries.glob("ld-linux-*.so.*"))
    if not (backends / loader.name).exists():
        _put(backends / loader.name, loader.read_bytes())
    return _loaded(folder, command, backends / loader.name, (libraries, libraries / "llama"), plain(folder, command))


def beside_its_libraries(folder: Path, command: str) -> Path:
    """With the C library of the suite it comes from, for a program that looks for nothing beside itself."""
    loader = next(folder.glob("usr/lib/*/ld-linux-*.so.*"))
    program = next(path for place in ("bin", "sbin") if (path := folder / "usr" / place / command).exists())
    return _loaded(folder, command, loader, (loader.parent,), program)


def with_llama_tools(folder: Path, command: str) -> Path:
    """Ollama runs what lies in `../lib/ollama`: llama-server for each model, llama-quantize to check one. Debian's do.

    Where Ollama is killed its runners would go on, so that the kernel is asked to end them too.
    """
    tied = "setpriv --pdeathsig KILL -- " if shutil.which("setpriv") else ""
    for tool in ("llama-server", "llama-quantize"):
        place = folder / "lib/ollama" / tool
        place.parent.mkdir(parents=True, exist_ok=True)
        _script(place, f'exec {tied}"{through_own_loader(unpacked(LLAMA), tool)}" "$@"')
    return folder / "bin" / command


def with_own_templates(folder: Path, command: str) -> Path:
    """Debian's Alertmanager opens its templates in a fixed folder, and refuses every configuration without them.

    A copy of the program names an open file descriptor in that folder's place (a path of the same length, filled up
    with slashes), and a script opens the unpacked folder under that number.
    """
    built_for = b"/usr/share/prometheus/alertmanager"
    program = plain(folder, command).read_bytes()
    if built_for not in program:
        return plain(folder, command)
    moved = folder / command
    if not moved.exists():
        _put(moved, program.replace(built_for, b"/proc/self/fd/9".ljust(len(built_for), b"/")))
    templates = folder / built_for.decode().lstrip("/")
    return _script(folder / f"{command}.sh", f'exec 9< "{templates}"\nexec "{moved}" "$@"')


def _loaded(folder: Path, command: str, loader: Path, libraries: Sequence[Path], program: Path) -> Path:
    """A script that runs the program through the loader, with its libraries."""
    search = ":".join(map(str, libraries))
    line = f'exec "{loader}" --argv0 {command} --library-path "{search}" "{program}" "$@"'
    return _script(folder / f"{command}.sh", line)


def _script(path: Path, text: str) -> Path:
    if not path.exists():
        _put(path, f"#!/bin/sh\n{text}\n".encode())
    return path


def _put(path: Path, content: bytes) -> None:
    """Write a program in one step: other test workers may be about to run it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.chmod(0o755)
    draft.rename(path)
