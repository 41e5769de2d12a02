"""Each selector of the generated rules finds a series in a real scrape: an alert on absent labels never fires."""

from __future__ import annotations

import re

import pytest

from inferometer import rules
from inferometer.plan import resolve
from inferometer.spec.load import loads
from tests.exporter.metrics.scrapes import filled, scrape

SPEC = """\
backends:
  - {name: gpu, ollama: "http://127.0.0.1:11434", models: [llama3]}
slos:
  - {name: availability, signal: availability, objective: 99%}
  - {name: first-token, signal: time_to_first_token, objective: 95%, threshold: 1s}
"""
EXPRESSIONS = {rule.name: rule.expr.text() for group in rules.groups(resolve(loads(SPEC))) for rule in group.rules}
SELECTOR = re.compile(r"\b(inferometer_[a-z0-9_]+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'([a-z_]+)(=~|!~|!=|=)"((?:[^"\\]|\\.)*)"')
ASKED = sorted({found.groups(default="") for text in EXPRESSIONS.values() for found in SELECTOR.finditer(text)})

# What the scrape adds to each series.
TARGET = {"job": "inferometer-exporter", "instance": "127.0.0.1:9464"}


def lets_through(operator: str, wanted: str, value: str) -> bool:
    wanted = wanted.replace("\\\\", "\\")
    whole = re.fullmatch(wanted, value) is not None if "~" in operator else wanted == value
    return whole != operator.startswith("!")


def test_the_rules_ask_for_series_of_the_exporter() -> None:
    assert {"inferometer_requests_total", "inferometer_traces_dropped_total"} <= {name for name, _ in ASKED}


@pytest.mark.parametrize(("name", "matchers"), ASKED, ids=[f"{name}{{{matchers}}}" for name, matchers in ASKED])
def test_every_selector_finds_a_series(name: str, matchers: str) -> None:
    found = [
        one
        for one in scrape(filled()).all(name)
        if all(
            lets_through(operator, wanted, {**TARGET, **one.labels}.get(label, ""))
            for label, operator, wanted in MATCHER.findall(matchers)
        )
    ]
    assert found
