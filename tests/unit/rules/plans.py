"""Plans to write rules from, and the real tools that run what was written."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from inferometer.bundle.yaml_text import yaml_text
from inferometer.plan import Plan, resolve
from inferometer.rules import Alert, Group, Record, groups
from inferometer.rules.testfile import cases_file
from inferometer.spec.load import load, loads

SPECS = Path(__file__).resolve().parents[2] / "fixtures/specs"

WHOLE = """
fleet: {name: llm, cluster: berlin}
backends:
  - {name: gpu, vllm: ["http://10.0.0.1:8000", "http://10.0.0.2:8000"]}
  - {name: box, ollama: "http://10.0.0.3:11434"}
slos:
  - {name: first-token, signal: time_to_first_token, objective: 99%, threshold: 1s, engines: [vllm]}
hosts:
  - {name: h1, address: "10.0.0.1:9100"}
"""
"""Everything that has a rule, once: an engine with metrics of its own, one without, an objective, a host."""


def fixture(name: str) -> Plan:
    return resolve(load(SPECS / f"{name}.yaml"))


def plan(text: str) -> Plan:
    return resolve(loads(text))


def with_(text: str, more: str) -> Plan:
    return plan(f"{text}\n{more}")


def lay_out(written: Iterable[Group], folder: Path, section: str = "promql_expr_test") -> list[Path]:
    """The groups' rule files in `folder` and their cases in `folder/tests`; returns the paths of the latter."""
    tests = folder / "tests"
    tests.mkdir(parents=True, exist_ok=True)
    paths = []
    for group in written:
        (folder / f"{group.name}.yaml").write_text(yaml_text(group.to_file()))
        cases = yaml_text(cases_file(group)).replace("promql_expr_test:", f"{section}:")
        paths.append(tests / f"{group.name}.yaml")
        paths[-1].write_text(cases)
    return paths


def quick(written: Iterable[Group], longest: int) -> list[Group]:
    """The groups without the cases that last longer than so many seconds: vmalert-tool takes its time for each."""

    def kept(rule: Alert | Record) -> Alert | Record:
        return replace(rule, cases=tuple(case for case in rule.cases if case.at <= longest))

    return [replace(group, rules=tuple(kept(rule) for rule in group.rules)) for group in written]


def run(*command: str | Path) -> str:
    """What the tool said, empty where it was content."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=600)
    return "" if done.returncode == 0 else f"{done.stdout}{done.stderr}" or f"exit code {done.returncode}"


def group_named(source: Plan, name: str) -> Group:
    (found,) = (group for group in groups(source) if group.name == name)
    return found
