"""Who is told of which alert: asked of amtool, and seen at receivers that a real Alertmanager sends to."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.parts.binaries import find
from tests.parts.observed import WebhookReceiver
from tests.unit.stack import trees
from tests.unit.stack.running import Alertmanager, Tree

NOBODY, WATCHDOG = "inferometer/nobody", "inferometer/watchdog"

# One server, no receiver; a receiver and no route; everything (routes: critical → pager and on; gpu of team ml → ml).
QUIET = trees.SHORTEST
PLAIN = trees.SHORTEST + "alerting: {receivers: [{name: ops, webhook: {url: 'http://10.0.0.5/'}}]}\n"
FULL = trees.full()


def told(folder: Path, labels: str) -> str:
    """The receivers of an alert with these labels (`a=b c=d`), as amtool says."""
    asked = [str(find("amtool")), "config", "routes", "test", "--config.file=alertmanager.yml", *labels.split()]
    done = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=True, timeout=30)
    return done.stdout.strip()


@pytest.mark.real
@pytest.mark.parametrize(
    ("spec", "labels", "receivers"),
    [
        (QUIET, "alertname=BackendDown severity=critical backend=box", NOBODY),
        (QUIET, "alertname=Watchdog severity=info", NOBODY),
        (PLAIN, "alertname=BackendDown severity=critical backend=box", "ops"),
        (PLAIN, "alertname=Watchdog severity=info", NOBODY),
        (FULL, "alertname=Watchdog severity=info", WATCHDOG),
        (FULL, "alertname=Watchdog severity=critical", WATCHDOG),
        (FULL, "alertname=BackendDown severity=critical backend=box", "pager"),
        (FULL, "alertname=BackendDown severity=critical backend=gpu team=ml", "pager,ml"),
        (FULL, "alertname=QueueLong severity=warning backend=gpu team=ml", "ml"),
        (FULL, "alertname=QueueLong severity=warning backend=gpu. team=ml", "ml"),
        (FULL, "alertname=QueueLong severity=warning backend=gpux team=ml", "ops"),
        (FULL, 'alertname=QueueLong severity=warning backend="odd" team=ml', "ops"),
        (FULL, r'alertname=QueueLong severity=warning backend="\"odd\"" team=ml', "ml"),
        (FULL, "alertname=QueueLong severity=warning backend=gpu team=other", "ops"),
        (FULL, "alertname=LabelValuesRejected severity=info", "ops"),
        (FULL, "severity=critical", "pager"),
        (FULL, "", "ops"),
    ],
)
def test_an_alert_reaches_these_receivers(spec: str, labels: str, receivers: str, tmp_path: Path) -> None:
    assert told(trees.lay_out(spec, tmp_path) / "stack/alertmanager", labels) == receivers


def test_the_root_route_groups_a_storm_and_goes_on_to_no_other() -> None:
    route = trees.data(FULL, "stack/alertmanager/alertmanager.yml")["route"]
    assert route["group_by"] == ["alertname", "severity", "cluster"]
    assert "continue" not in route
    assert (route["group_wait"], route["group_interval"], route["repeat_interval"]) == ("10s", "5m", "4h")


def test_no_receiver_of_a_spec_can_take_the_name_of_ours() -> None:
    """Names of the spec hold no slash; ours do."""
    receivers = trees.data(FULL, "stack/alertmanager/alertmanager.yml")["receivers"]
    assert [one["name"] for one in receivers] == [NOBODY, WATCHDOG, "ops", "pager", "ml"]


STORM = """\
backends: [{name: a, vllm: 10.0.0.1}]
alerting:
  receivers: [{name: ops, webhook: {url_file: secrets/hook}}]
  watchdog: {url_file: secrets/watchdog}
  group_wait: 1s
"""


@pytest.mark.real
def test_a_hundred_backends_down_are_one_message_and_the_watchdog_is_another() -> None:
    down = [
        {
            "labels": {
                "alertname": "BackendDown",
                "severity": "critical",
                "backend": f"b{number}",
                "instance": f"{number}",
            }
        }
        for number in range(100)
    ]
    with WebhookReceiver() as ops, WebhookReceiver() as watchdog:
        with Alertmanager(Tree(STORM, {"hook": ops.url, "watchdog": watchdog.url})) as manager:
            manager.post(*down, {"labels": {"alertname": "Watchdog", "severity": "info"}})
            first = ops.wait(lambda one: True)
            life = watchdog.wait(lambda one: True)
        assert len(first["alerts"]) == 100
        assert len(ops.notifications) == 1
        assert [alert["labels"]["alertname"] for alert in life["alerts"]] == ["Watchdog"]
        assert len(watchdog.notifications) == 1


@pytest.mark.real
def test_alertmanager_says_that_it_is_ready_without_a_secret_and_then_loses_the_message() -> None:
    """Why the README beside the file says so, and why there is an alert on failing notifications."""
    with WebhookReceiver() as watchdog, Alertmanager(Tree(STORM, {"watchdog": watchdog.url})) as manager:
        manager.post({"labels": {"alertname": "BackendDown", "severity": "critical"}})
        manager.wait_for(lambda: "no such file" in manager.log(200))
        assert "../secrets/hook" in manager.log(200)
