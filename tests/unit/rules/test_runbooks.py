"""Runbook pages: one for each alert, in four parts, with queries and settings that hold."""

from __future__ import annotations

import re

import promql_parser
import pytest
import yaml

from inferometer.catalog import ENGINES, HOST, MONITORING, RECORDER
from inferometer.catalog.knobs import KNOBS
from inferometer.plan.view import spellings
from inferometer.rules import groups, write
from inferometer.rules.runbook import prose
from inferometer.spec.load import loads
from tests.unit.rules.plans import WHOLE, plan

PARTS = ["Meaning", "Impact", "Diagnosis", "Remedy"]
WRITTEN = {path: text for path, text in write(plan(WHOLE)).items() if path.startswith("alerts/runbooks/")}

# What the scraper itself says of each target, and histograms' parts: https://prometheus.io/docs/concepts/jobs_instances/
SCRAPED = {"up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling"}


def queries(text: str) -> list[str]:
    return re.findall(r"```promql\n(.*?)\n```", text, re.DOTALL)


def known() -> set[str]:
    profiles = [*ENGINES.values(), HOST, RECORDER, *(part for parts in MONITORING.values() for part in parts)]
    metrics = [m for p in profiles for source in p.sources.values() for m in source.metrics]
    names = {spelled for metric in metrics for name in metric.names for spelled in spellings(name.name)}
    return names | {name + suffix for name in names for suffix in ("_bucket", "_count", "_sum")} | SCRAPED


@pytest.mark.parametrize("name", KNOBS)
def test_a_page_has_its_four_parts_and_a_query_or_a_command(name: str) -> None:
    text = prose(name)
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == PARTS
    assert "```promql" in text or "```sh" in text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


@pytest.mark.parametrize("name", KNOBS)
def test_queries_of_a_page_are_promql_over_metrics_that_are_known(name: str) -> None:
    records = {record.name for group in groups(plan(WHOLE)) for record in group.records}
    for query in queries(prose(name)):
        promql_parser.parse(query)
        bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(?:by|on|group_left|offset)\b\s*(?:\([^)]*\)|\w+)', "", query)
        words = set(re.findall(r"[a-z_:][\w:]*(?!\w|\s*\()", bare)) - {"and", "or", "unless"}
        assert words <= known() | records, query


def test_every_alert_of_the_plan_has_its_page_and_links_to_it() -> None:
    alerts = [alert for group in groups(plan(WHOLE)) for alert in group.alerts]
    for alert in alerts:
        annotations = alert.to_rule()["annotations"]
        assert isinstance(annotations, dict)
        assert annotations["runbook_url"] in WRITTEN
    assert len(WRITTEN) == len({alert.name for alert in alerts})


@pytest.mark.parametrize("path", WRITTEN)
def test_the_settings_on_a_page_are_a_valid_spec_and_change_nothing(path: str) -> None:
    text = WRITTEN[path]
    assert isinstance(text, str)
    shown = re.search(r"```yaml\n(.*?)\n```", text, re.DOTALL)
    assert shown
    (name,) = yaml.safe_load(shown[1])["alerts"]
    assert path == f"alerts/runbooks/{name}.md"
    spelled = loads(f"{WHOLE}\n{shown[1]}")
    again = plan(f"{WHOLE}\n{shown[1]}")
    assert spelled.spec.alerts.knobs.keys() == {name}
    assert again.settings[name] == plan(WHOLE).settings[name]


def test_a_page_shows_the_expression_in_force() -> None:
    text = WRITTEN["alerts/runbooks/KvCacheSaturated.md"]
    assert isinstance(text, str)
    assert queries(text)[0] == "inferometer:kv_cache_usage:max > 0.95"
    assert "threshold: 95%" in text
