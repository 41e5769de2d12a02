"""Which alert silences which, on a real Alertmanager: alerts are posted, and what it holds back is read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pytest

from inferometer.catalog.knobs import KNOBS
from tests.unit.stack import trees
from tests.unit.stack.running import Alertmanager, Tree

Labels = Mapping[str, str]

SPEC = """\
backends:
  - {name: solo, vllm: 10.0.0.1}
  - {name: pair, vllm: [10.0.1.1, 10.0.1.2]}
  - {name: desk, ollama: 10.0.0.3}
  - {name: router, openai: 10.0.0.4, behind: [solo]}
  - {name: pairs, openai: 10.0.0.5, behind: [pair]}
  - {name: many, openai: 10.0.0.6, behind: [solo, desk]}
"""


def alert(text: str) -> dict[str, str]:
    """`BackendDown backend=solo instance=a` as labels; the severity is critical unless it says otherwise."""
    name, *rest = text.split()
    return {"alertname": name, "severity": "critical", **dict(one.split("=") for one in rest)}


# Cause, consequence, whether it is silent.
CASES = [
    # A backend of one server explains its models; another backend or cluster does not matter.
    ("BackendDown job=vllm instance=1 backend=solo", "ErrorRatioHigh backend=solo model=m", True),
    ("BackendDown job=vllm instance=1 backend=solo", "QueueLong backend=solo model=n severity=warning", True),
    ("BackendDown job=vllm instance=1 backend=solo", "ErrorRatioHigh backend=desk model=m", False),
    ("BackendDown job=vllm instance=1 backend=solo cluster=a", "ErrorRatioHigh backend=solo cluster=b", False),
    ("BackendDown job=vllm instance=1 backend=solo", "HostDiskFull instance=h mountpoint=/", False),
    ("BackendDown job=vllm instance=1 backend=solo", "SloBurnFast slo=fast", False),
    ("BackendDown job=vllm instance=1 backend=solo", "Watchdog severity=info", False),
    # Two causes do not silence each other.
    ("BackendDown job=vllm instance=1 backend=solo", "BackendDown job=vllm instance=2 backend=solo", False),
    ("BackendDown job=llamacpp instance=1 backend=solo", "BackendUnreachable backend=solo runtime=ollama", True),
    ("BackendUnreachable backend=solo runtime=ollama", "BackendDown job=llamacpp instance=1 backend=solo", False),
    # A replica explains what is said of itself, not what the backend does without it.
    ("BackendDown job=vllm instance=1 backend=pair", "ErrorRatioHigh backend=pair model=m", False),
    ("BackendDown job=vllm instance=1 backend=pair", "TelemetryDead job=vllm instance=1 backend=pair", True),
    ("BackendDown job=vllm instance=1 backend=pair", "TelemetryDead job=vllm instance=2 backend=pair", False),
    # The exporter's view.
    ("BackendUnreachable backend=desk runtime=ollama", "ErrorRatioHigh backend=desk model=m", True),
    ("BackendUnreachable backend=desk runtime=ollama", "TargetDown job=e instance=e severity=warning", False),
    # Other servers.
    ("TargetDown job=node instance=h severity=warning", "HostCpuBusy job=node instance=h severity=warning", True),
    ("TargetMissing job=vllm instance=1", "ScrapeNearLimit job=vllm instance=1 severity=warning", True),
    ("TargetDown job=node instance=h severity=warning", "HostCpuBusy job=node instance=i severity=warning", False),
    ("TargetDown severity=warning", "SloBurnSlow severity=warning slo=a", False),
    # The same trouble said twice.
    ("SloBurnFast slo=a", "SloBurnSlow slo=a severity=warning", True),
    ("SloBurnFast slo=a", "SloBurnSlow slo=b severity=warning", False),
    ("HostDiskFull instance=h mountpoint=/", "HostDiskWillFill instance=h mountpoint=/ severity=warning", True),
    ("HostDiskFull instance=h mountpoint=/", "HostDiskWillFill instance=h mountpoint=/x severity=warning", False),
    ("QueueStuck backend=desk model=m", "QueueLong backend=desk model=m severity=warning", True),
    ("QueueStuck backend=desk model=m", "QueueLong backend=desk model=n severity=warning", False),
    ("QueueStuck backend=desk model=m", "ErrorRatioHigh backend=desk model=m", False),
    ("Mine backend=desk", "Mine backend=desk severity=warning", True),
    ("Mine backend=desk", "Mine backend=solo severity=warning", False),
    ("Mine backend=desk", "Yours backend=desk severity=warning", False),
    ("Mine backend=desk severity=warning", "Mine backend=desk", False),
    # The only server behind a gateway explains it, one of several or one of replicas does not.
    ("BackendDown job=vllm instance=1 backend=solo", "ErrorRatioHigh backend=router model=m", True),
    ("BackendDown job=vllm instance=1 backend=solo", "BackendUnreachable backend=router runtime=openai", False),
    ("BackendDown job=vllm instance=1 backend=solo", "TargetMissing job=x instance=2 backend=router", False),
    ("BackendDown job=vllm instance=1 backend=solo", "ErrorRatioHigh backend=many model=m", False),
    ("BackendDown job=vllm instance=1 backend=pair", "ErrorRatioHigh backend=pairs model=m", False),
]  # fmt: skip


@pytest.fixture(scope="module")
def manager() -> Iterator[Alertmanager]:
    with Alertmanager(Tree(SPEC)) as running:
        yield running


@pytest.mark.real
@pytest.mark.parametrize(("cause", "consequence", "silent"), CASES)
def test_an_alert_silences_its_consequences_and_nothing_else(
    manager: Alertmanager, cause: str, consequence: str, silent: bool
) -> None:
    both = [alert(cause), alert(consequence)]
    # A third is silenced by the first for sure (the general rule of severities): once it is, all rules have been asked.
    probe = {**both[0], "alertname": "Probe"}
    probed = {**probe, "severity": "info"}
    posted = [{"labels": labels} for labels in (*both, {**probe, "severity": "critical"}, probed)]
    manager.post(*posted)

    def held_back(labels: Labels) -> bool:
        [found] = [one for one in manager.alerts() if one["labels"] == labels]
        return bool(found["status"]["inhibitedBy"])

    try:
        manager.wait_for(lambda: len(manager.alerts()) == 4 and held_back(probed))
        assert held_back(both[1]) is silent
    finally:
        manager.post(*({**one, "endsAt": "2020-01-01T00:00:00Z"} for one in posted))
        manager.wait_for(lambda: not manager.alerts())


def test_every_alert_named_in_a_rule_is_one_of_the_catalog() -> None:
    rules = trees.data(SPEC, "stack/alertmanager/alertmanager.yml")["inhibit_rules"]
    matchers = [matcher for rule in rules for side in ("source_matchers", "target_matchers") for matcher in rule[side]]
    named = {
        name
        for matcher in matchers
        if matcher.startswith("alertname")
        for name in re.findall(r"[A-Za-z]+", matcher.split("~")[-1].split("=")[-1])
    }
    assert named - KNOBS.keys() == set()
    assert len(named) > 5


def test_a_rule_that_compares_labels_asks_for_them_first() -> None:
    """A label that both lack counts as equal: without this a rule would silence everything."""
    rules = trees.data(SPEC, "stack/alertmanager/alertmanager.yml")["inhibit_rules"]
    for rule in rules:
        compared = set(rule["equal"]) - {"cluster"}
        if not compared or "alertname" in compared:
            continue
        asked = {matcher.split("=")[0].rstrip("!~") for matcher in rule["target_matchers"]}
        assert compared & asked, rule
