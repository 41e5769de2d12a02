"""How quick the builder is: `python -m tests.bench.builder`. Each figure stands beside a reference.

The reference is a bare start of the interpreter, interleaved with what is measured, so that a busy machine slows both.
Nothing here passes or fails: machines differ, and a table is for reading.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROUNDS = 5


@dataclass(frozen=True)
class Run:
    """Wall seconds of one process and its peak of memory in MiB."""

    seconds: float
    mebibytes: float


@dataclass(frozen=True)
class Figure:
    """What was measured: medians of seconds, and of a bare interpreter in the same rounds."""

    title: str
    limit: str
    seconds: float
    reference: float
    mebibytes: float


def run(*arguments: str | Path) -> Run:
    """A Python process from start to end. Raises CalledProcessError where it fails."""
    begin = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(arguments))
    return Run(seconds, usage.ru_maxrss / 1024)


def measure(title: str, limit: str, command: Callable[[], Run], rounds: int = ROUNDS) -> Figure:
    """Rounds of the command and of the reference in turn; the first round only warms the caches."""
    pairs = [(command(), run("-c", "pass")) for _ in range(rounds + 1)][1:]
    return Figure(
        title,
        limit,
        statistics.median(own.seconds for own, _ in pairs),
        statistics.median(reference.seconds for _, reference in pairs),
        max(own.mebibytes for own, _ in pairs),
    )


def large_fleet(backends: int, models: int) -> str:
    """A spec of so many vLLM backends, each with its own models."""
    lines = ["platform: host", "backends:"]
    for number in range(backends):
        named = ", ".join(f"model-{number}-{model}" for model in range(models))
        address = f"10.{number // 250}.{number % 250}.1"
        lines += [f"  - {{name: box-{number}, vllm: '{address}', models: [{named}]}}"]
    return "\n".join(lines) + "\n"


MANY_BOARDS = """
from inferometer import dashboards
from inferometer.bundle import from_values
from inferometer.dashboards.panels import Query, lines
from inferometer.dashboards.layout import Board, Row
def panel(n):
    query = Query(f"sum by (model) (rate(m{n}[5m]))", "{{model}}")
    return lines(f"Panel {n}", "What it shows.", [query], "s", width=8)
def board(n):
    return Board(f"uid-{n}", f"Board {n}", "About.", [Row("", *[panel(k) for k in range(30)])])
import time; begin = time.perf_counter()
from_values({f"dashboards/{n}.json": board(n).json() for n in range(100)}).rendered()
print(time.perf_counter() - begin)
"""

MANY_RULES = """
from inferometer.bundle import from_values
from inferometer.promql import Matcher, Selector, compare, rate, total
def rule(n):
    expr = compare(total(rate(Selector("m_total", (Matcher("backend", "=", f"b{n}"),)), "5m"), "model"), ">", 1)
    return {"alert": f"Alert{n}", "expr": expr.pretty(), "for": "5m", "labels": {"severity": "warning"}}
import time; begin = time.perf_counter()
from_values({"alerts/many.yaml": {"groups": [{"name": "many", "rules": [rule(n) for n in range(10_000)]}]}}).rendered()
print(time.perf_counter() - begin)
"""


def inside(code: str) -> Callable[[], Run]:
    """Runs code that prints its own seconds: the start of the interpreter and the imports are left out."""

    def command() -> Run:
        printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
        return Run(float(printed.stdout), 0)

    return command


def figures(folder: Path) -> Iterator[Figure]:
    spec, out, large = ROOT / "stack/fleet.yaml", folder / "out", folder / "large.yaml"
    large.write_text(large_fleet(1000, 50))

    def tool(*words: str | Path) -> Callable[[], Run]:
        return lambda: run("-m", "inferometer", *words)

    yield measure("inferometer --help", "≤ 0.25 s", tool("--help"))
    yield measure("build, the committed fleet", "≤ 1.5 s", tool("build", "--spec", spec, "--out", out))
    yield measure("check, the committed fleet", "≤ 1.5 s", tool("check", "--spec", spec, "--out", out))
    many = folder / "many"
    build_many = tool("build", "--spec", large, "--out", many)
    yield measure("build, 1,000 backends × 50 models", "≤ 5 s, ≤ 300 MB", build_many, 2)
    yield measure("100 boards × 30 panels, to bytes", "≤ 0.6 s", inside(MANY_BOARDS))
    yield measure("10,000 rules, to bytes", "≤ 1 s", inside(MANY_RULES))


def main() -> None:
    print(f"{'':36} {'figure':>16} {'median':>9} {'× python start':>15} {'peak':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for figure in figures(Path(folder)):
            memory = f"{figure.mebibytes:.0f} MiB" if figure.mebibytes else ""
            ratio = figure.seconds / figure.reference
            timed = f"{figure.seconds:>7.2f} s {ratio:>14.1f}×"
            print(f"{figure.title:36} {figure.limit:>16} {timed} {memory:>9}", flush=True)


if __name__ == "__main__":
    main()
