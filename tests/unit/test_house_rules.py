"""What the repository promises about itself: short files, words on every module, locks, no trace of a machine."""

from __future__ import annotations

import ast
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = sorted(path for top in ("src", "tests", "exporter") for path in (ROOT / top).rglob("*.py"))
LOCKS = {lock: f"requirements/{lock}.txt" for lock in ("run", "dev")} | {"exporter": "exporter/requirements.txt"}
MAX_LINES = 300

OWN = (".ci", "docs", "exporter", "requirements", "src", "tests", "stack/examples")
"""Folders whose files people write. Generated ones follow the user's spec, which may name any path."""

RECORDED = ROOT / "tests/fixtures/recordings"
"""What real servers said, which is kept as it was said."""

MACHINE = re.compile(
    r"(?<![\w.}/-])/(?:root|work|home|Users)/[\w.]"
    r"|deb\.debian\.org|(?:test\.)?pypi\.org/simple|files\.pythonhosted|registry\.npmjs|proxy\.golang"
)


def own_files() -> Iterator[Path]:
    yield from (path for path in ROOT.iterdir() if path.is_file())
    for top in OWN:
        for folder, folders, names in os.walk(ROOT / top):
            folders[:] = [name for name in folders if name not in ("__pycache__", ".venv", "node_modules")]
            yield from (Path(folder, name) for name in names if not Path(folder).is_relative_to(RECORDED))


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_python_file_is_longer_than_300_lines() -> None:
    lengths = {relative(path): len(text_of(path).splitlines()) for path in PYTHON}
    assert lengths
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


def test_every_module_says_what_it_is_for() -> None:
    sources = {relative(path): text_of(path) for path in PYTHON}
    assert [name for name, source in sources.items() if source and not ast.get_docstring(ast.parse(source))] == []


def test_no_file_names_a_machine_or_the_host_of_a_package_index() -> None:
    found = [
        f"{relative(path)}:{number}: {line.strip()[:100]}"
        for path in sorted(own_files())
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if MACHINE.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("line", ["cd /" + "work/main", "https://" + "pypi.org" + "/simple", "'/" + "root/.ssh'"])
def test_a_machine_is_recognised(line: str) -> None:
    assert MACHINE.search(line)


@pytest.mark.parametrize("line", ["docs/work/plan.md", "https://example.org/home/x", "/etc/prometheus/rules"])
def test_what_is_no_machine_is_left_alone(line: str) -> None:
    assert not MACHINE.search(line)


def lock_path(lock: str) -> Path:
    return ROOT / LOCKS[lock]


def requirements(lock: str) -> dict[str, str]:
    """Name and pinned version → the requirement's whole entry."""
    text = re.sub(r"^\s*#.*\n", "", text_of(lock_path(lock)), flags=re.MULTILINE)
    entries = re.split(r"\n(?=\S)", text.strip())
    return {entry.split()[0]: entry for entry in entries}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_requirement_has_one_version_and_hashes(lock: str) -> None:
    for name, entry in requirements(lock).items():
        assert re.fullmatch(r"[a-z0-9.-]+==[\w.+!]+", name), f"{name} is not pinned"
        assert "--hash=sha256:" in entry, f"{name} has no hash"


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_name_no_index(lock: str) -> None:
    assert re.findall(r"--(?:extra-)?index-url|--trusted-host|--find-links|://", text_of(lock_path(lock))) == []


@pytest.mark.parametrize("lock", ["run", "exporter"])
def test_all_locks_agree(lock: str) -> None:
    assert requirements(lock).keys() <= requirements("dev").keys()


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    for lock, wanted in {
        "run": project["dependencies"],
        "exporter": exporter_dependencies(),
        "dev": project["dependencies"] + project["optional-dependencies"]["dev"] + exporter_dependencies(),
    }.items():
        locked = {name.split("==")[0] for name in requirements(lock)}
        names = {re.split(r"[<>=!~;\[ ]", one)[0].lower().replace("_", "-") for one in wanted}
        assert names - locked == set(), f"not in {LOCKS[lock]}: run `make lock`"


def exporter_dependencies() -> list[str]:
    dependencies: list[str] = tomllib.loads(text_of(ROOT / "exporter/pyproject.toml"))["project"]["dependencies"]
    return dependencies


def test_the_exporter_depends_on_five_packages_at_most() -> None:
    assert len(exporter_dependencies()) <= 5


def test_every_dependency_has_its_reason() -> None:
    """As the design asks: a page says what each is for."""
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    page = text_of(ROOT / "docs/decisions/0001-dependencies.md").lower()
    every = [*project["dependencies"], *project["optional-dependencies"]["dev"], *exporter_dependencies()]
    assert [one for one in every if f"| {re.split(r'[<>=!]', one)[0].lower()} |" not in page] == []


def test_changelog_keeps_its_form() -> None:
    """https://keepachangelog.com: a title, an Unreleased section first, dated versions, six kinds of change."""
    text = text_of(ROOT / "CHANGELOG.md")
    assert text.startswith("# Changelog\n")
    sections = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert sections[0] == "[Unreleased]"
    assert [one for one in sections[1:] if not re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", one)] == []
    kinds = set(re.findall(r"^### (.*)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_every_make_target_has_its_line_of_help() -> None:
    text = text_of(ROOT / "Makefile")
    targets = set(re.findall(r"^([a-z]\w*):(?!=)", text, re.MULTILINE))
    helped = set(re.findall(r"^([a-z]\w*):[^#\n]*## \S.*\.$", text, re.MULTILINE))
    phony = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert {"build", "check", "run", "setup", "test"} <= targets
    assert targets - helped == set()
    assert targets == set(phony[0].split())


@pytest.mark.parametrize("page", sorted((ROOT / "docs/decisions").glob("*.md")), ids=lambda page: page.stem)
def test_decision_pages_say_what_was_turned_down(page: Path) -> None:
    assert re.fullmatch(r"\d{4}(-[a-z0-9]+)+", page.stem)
    text = text_of(page)
    assert text.startswith("# ")
    assert "turned down" in text.lower()


def test_decision_pages_have_distinct_numbers() -> None:
    numbers = [page.name[:4] for page in (ROOT / "docs/decisions").glob("*.md")]
    assert sorted(numbers) == sorted(set(numbers))
