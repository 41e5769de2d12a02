"""What the README shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from inferometer.errors import SpecError
from inferometer.plan import resolve
from inferometer.spec.load import loads

README = (Path(__file__).parents[2] / "README.md").read_text()
YAML = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)

MISTAKEN = """\
backends:
  - name: gpu-1
    vllm: http://10.0.0.1:8000
slos:
  - {name: fast, signal: time_to_first_token, objective: 95%, threshold: 800ms}
alerts:
  ErorRatioHigh: {threshold: 2%}
"""


def test_the_first_screen_has_the_two_commands_and_the_shortest_spec() -> None:
    first_screen = README.splitlines()[:45]
    assert any(line.startswith("make run") for line in first_screen)
    assert any(line.startswith("make test") for line in first_screen)
    assert YAML[0].count("\n") <= 4
    assert YAML[0] in "\n".join(first_screen) + "\n"


@pytest.mark.parametrize("text", YAML, ids=range(len(YAML)))
def test_every_spec_that_it_shows_is_a_spec(text: str) -> None:
    assert resolve(loads(text)).targets


def test_the_errors_that_it_shows_are_the_errors() -> None:
    with pytest.raises(SpecError) as error:
        resolve(loads(MISTAKEN, "stack/fleet.yaml"))
    assert f"```\n{error.value}\n```" in README


def test_the_files_and_folders_that_it_names_are_there() -> None:
    root = Path(__file__).parents[2]
    named = set(re.findall(r"`((?:stack|docs|tests|alerts|dashboards)/[\w./-]*)`", README))
    # A fleet has one of the two storages.
    named -= {"stack/prometheus/", "stack/victoriametrics/"}
    assert named
    assert [name for name in sorted(named) if not (root / name).exists()] == []


def test_links_lead_somewhere() -> None:
    root = Path(__file__).parents[2]
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert links
    assert [link for link in links if not (root / link).exists()] == []
