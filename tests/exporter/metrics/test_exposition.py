"""What a scrape shows is what was counted, in every format, while counting goes on."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

import inferometer_exporter
from inferometer_exporter import __version__
from inferometer_exporter.metrics import table
from inferometer_exporter.metrics.exposition import render
from inferometer_exporter.names import DropReason, Reason
from tests.exporter.metrics.scrapes import OPENMETRICS, filled, meters, scrape, scrape_openmetrics, series_of


def test_every_family_of_the_table_is_shown_with_its_kind_labels_and_help() -> None:
    found = scrape_openmetrics(filled())
    families = {family.name: family for family in found.families}
    for told in table.FAMILIES:
        name = told.name.removesuffix("_total") if told.kind is table.Kind.COUNTER else told.name
        family = families.pop(name)
        assert (family.type, family.documentation, family.unit) == (told.kind.value, told.help, told.unit)
        for sample in family.samples:
            assert set(sample.labels) - {"le", "cluster"} == set(told.labels), told.name
    assert {name for name in families if not name.startswith("process_")} == set()


def test_the_number_of_series_of_a_family_is_what_the_budget_is_planned_with() -> None:
    counted = filled()
    found = scrape(counted)
    for group in (table.OF_EXPORTER, table.OF_MODEL, table.OF_API, table.OF_TAG, table.OF_NODE, table.OF_QUEUE):
        for told in group:
            family = next(f for f in found.families if f.name in (told.name, told.name.removesuffix("_total")))
            ends = {"_bucket", "_sum", "_count"} if told.kind is table.Kind.HISTOGRAM else {""}
            assert {sample.name for sample in family.samples} == {told.name + end for end in ends}
            extra = set(told.labels[-1:]) if told.each > 1 else set()
            owners = {
                tuple(sorted((k, v) for k, v in one.labels.items() if k not in extra | {"le"}))
                for one in family.samples
            }
            assert len(family.samples) == told.series * len(owners), told.name
    assert {n for n in found.names if n.startswith("process_")} == set(table.PROCESS)


def test_both_formats_show_the_same_series() -> None:
    counted = filled()
    assert sorted(series_of(scrape(counted).samples)) == sorted(series_of(scrape_openmetrics(counted).samples))


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain;version=0.0.4", "text/plain; version=0.0.4; charset=utf-8"),
        (OPENMETRICS, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
    ],
)
def test_the_scraper_chooses_the_format(accept: str, content_type: str) -> None:
    body, told = render(filled(), accept)
    assert told.startswith(content_type)
    assert body.endswith(b"# EOF\n") == ("openmetrics" in content_type)


def test_a_fresh_exporter_shows_its_heartbeat_and_all_reasons_at_0() -> None:
    found = scrape(meters())
    (info,) = found.all("inferometer_build_info")
    assert (info.value, info.labels["version"], info.labels["loop"]) == (1, __version__, "asyncio")
    dropped = found.values("inferometer_traces_dropped_total", "reason")
    assert dropped == {reason.value: 0 for reason in DropReason}
    assert found.values("inferometer_label_values_rejected_total", "label") == dict.fromkeys(table.REJECTABLE, 0)
    for name in ("inferometer_backend_up", "inferometer_backend_check_age_seconds", "inferometer_store_rows"):
        assert found.value(name) is None, "not known is not 0"


def test_dropped_traces_are_counted_by_reason() -> None:
    counted = meters()
    counted.dropped(DropReason.LOCKED, 5)
    counted.dropped(DropReason.LOCKED)
    found = scrape(counted).values("inferometer_traces_dropped_total", "reason")
    assert {reason: count for reason, count in found.items() if count} == {"locked": 6}


def test_a_backends_own_labels_are_on_each_of_its_series_and_on_no_other() -> None:
    for sample in scrape(filled()).samples:
        assert ("cluster" in sample.labels) == (sample.labels.get("backend") == "pool"), sample


def test_a_number_that_no_float_holds_does_not_break_the_scrape() -> None:
    (one,) = (counted := meters()).backends.values()
    one.other.api("/api/chat").prompt_tokens += 10**400
    assert scrape(counted).value("inferometer_prompt_tokens_total", model="other") == 2.0**63


def test_scrapes_are_consistent_while_another_thread_counts() -> None:
    (one,) = (counted := meters()).backends.values()
    done = threading.Event()

    def count() -> None:
        number = 0
        while not done.is_set():
            model = one.settled(f"model-{number % 60}", answered=True)
            api = model.api("/api/chat" if number % 3 else "/api/generate")
            api.requests += 1
            api.failures[Reason.RESET] += 1
            model.between.observe(number % 10 / 10)
            one.fell_back(f"model-{number}", "model-1")
            number += 1

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    counter = threading.Thread(target=count)
    counter.start()
    try:
        scrapes = [scrape(counted) for _ in range(5)]
    finally:
        done.set()
        counter.join()
        sys.setswitchinterval(interval)
    for found in scrapes:
        whole = found.values("inferometer_inter_token_seconds_bucket", "model", le="+Inf")
        assert whole == found.values("inferometer_inter_token_seconds_count", "model")
        for failed in found.all("inferometer_request_failures_total", reason="upstream_reset"):
            labels = {label: value for label, value in failed.labels.items() if label != "reason"}
            requests = found.value("inferometer_requests_total", **labels)
            assert requests is not None
            assert failed.value <= requests
    assert sum(one.value for one in scrapes[-1].all("inferometer_requests_total")) > 0


def test_prometheus_client_is_not_loaded_before_the_first_scrape() -> None:
    """It costs memory that the start does not have."""
    code = "import sys, inferometer_exporter.metrics.exposition; sys.exit('prometheus_client' in sys.modules)"
    source = Path(inferometer_exporter.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=source).returncode == 0
