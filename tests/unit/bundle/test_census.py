"""What was made is counted by kind, each thing once."""

from __future__ import annotations

from inferometer.bundle import Bundle, Census, census, from_values


def test_panels_inside_rows_count_and_rows_do_not() -> None:
    row = {"type": "row", "panels": [{"type": "stat"}, {"type": "stat"}]}
    board = {"schemaVersion": 42, "panels": [{"type": "stat"}, row, {"type": "row", "panels": []}]}
    assert census(from_values({"a.json": board, "b.json": board})) == Census(2, 6, 0, 0, 0)


def test_alerts_and_records_are_counted_apart_and_test_files_are_not_rules() -> None:
    rules = {"groups": [{"name": "a", "rules": [{"alert": "A"}, {"record": "b"}, {"record": "c"}]}]}
    tests = {"rule_files": [], "tests": [{"alert_rule_test": [{"alertname": "A"}]}]}
    assert census(from_values({"a.yaml": rules, "tests/a.yaml": tests})) == Census(0, 0, 1, 2, 0)


def test_a_target_counts_once_however_many_collectors_scrape_it() -> None:
    jobs = {"scrape_configs": [
        {"job_name": "vllm", "static_configs": [{"targets": ["a:1", "b:1"]}, {"targets": ["c:1"]}]},
        {"job_name": "node", "static_configs": [{"targets": ["a:1"]}]},
        {"job_name": "found", "file_sd_configs": []},
    ]}  # fmt: skip
    assert census(from_values({"prometheus.yml": jobs, "vmagent.yml": jobs})).targets == 4


def test_an_empty_bundle_counts_nothing() -> None:
    assert census(Bundle({})) == Census(0, 0, 0, 0, 0)
