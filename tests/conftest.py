"""What all tests share: the PromQL engines behind `ask`, and a loud word about every part that is not there."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

from tests.parts.binaries import Missing
from tests.parts.evaluation import Ask
from tests.parts.process import RUNNING

_LEFT_OUT = "LEFT OUT: "

# Machines differ in speed, and a build must not depend on luck: CI tries the same examples each time.
settings.register_profile("house", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("house")


@pytest.fixture(scope="session")
def ask() -> Iterator[Ask]:
    """Real PromQL engines: `ask({'up{job="a"}': "1x40"}, "sum(up)", at="10m", on="victoriametrics")`."""
    with Ask() as engines:
        yield engines


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, object, object]:
    return (yield from _loudly())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    return (yield from _loudly())


def _loudly() -> Generator[None, object, object]:
    """A test whose real part is missing is left out and listed at the end of the run. With CI set it fails."""
    try:
        return (yield)
    except Missing as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"{_LEFT_OUT}{missing}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Beside a failure stands what the servers that run wrote last."""
    report = yield
    if report.failed:
        report.sections += [(f"end of the log of {server.name}", server.log()) for server in RUNNING]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List every part that tests were left out for, and how many they were."""
    reasons: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        said = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if _LEFT_OUT in said:
            reason = said.partition(_LEFT_OUT)[2]
            reasons[reason] = reasons.get(reason, 0) + 1
    if reasons:
        terminalreporter.section("LEFT OUT: real parts are missing", sep="!", red=True, bold=True)
        for reason, count in sorted(reasons.items()):
            terminalreporter.write_line(f"{count} test{'s' if count > 1 else ''}: {reason}", red=True)
