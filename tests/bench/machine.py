"""What the kernel tells of processes and of this machine."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from inferometer_exporter import __version__
from tests.parts.binaries import locate

TICK = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))
# What is measured has one core for itself; whoever sends and answers shares the others.
OWN_CORE = {CORES[-1]}
OTHER_CORES = set(CORES[:-1]) or set(CORES)


def family(pid: int) -> list[int]:
    """A process and its children."""
    return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def cpu_seconds(pid: int) -> float:
    """User and system seconds of a process and its children, with all of their threads. In steps of 10 ms."""
    ticks = 0
    for one in family(pid):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICK


def pin(pid: int, cores: set[int]) -> None:
    """Bind every thread of a process and of its children."""
    for one in family(pid):
        for thread in Path(f"/proc/{one}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cores)


def resident(pid: int) -> float:
    """Resident memory in MB (10^6 bytes)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def described() -> str:
    """This machine and the programs, in one line."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "unknown"
    )
    try:
        loop = f"uvloop {version('uvloop')}"
    except PackageNotFoundError:
        loop = "no uvloop"
    memory = next(int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal"))
    return (
        f"{len(CORES)} cores ({model}), {memory / 1e6:.0f} GB, Linux {platform.release().partition('-')[0]}, "
        f"Python {platform.python_version()}, {loop}, inferometer-exporter {__version__}, "
        f"nginx {locate('nginx').version}, wrk {locate('wrk').version}"
    )


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
