"""A message leads to the board and to the runbook: by URL where the spec says where they are."""

from __future__ import annotations

from inferometer.plan import resolve
from inferometer.rules import groups
from inferometer.spec.load import loads

FLEET = "backends: [{name: a, vllm: h}]\n"


def links(text: str) -> dict[str, tuple[str, str]]:
    alerts = [alert for group in groups(resolve(loads(text))) for alert in group.alerts]
    return {alert.name: (alert.runbook, alert.board) for alert in alerts}


def test_without_addresses_they_are_paths_of_the_repository_and_of_grafana() -> None:
    runbook, board = links(FLEET)["FirstTokenSlow"]
    assert runbook == "alerts/runbooks/FirstTokenSlow.md"
    assert board.startswith("/d/inferometer-model?")


def test_with_addresses_they_can_be_clicked() -> None:
    where = "alerting: {grafana: 'https://g.example/', runbooks: 'https://wiki.example/llm'}\n"
    for name, (runbook, board) in links(FLEET + where).items():
        assert runbook == f"https://wiki.example/llm/{name}.md"
        assert board.startswith("https://g.example/d/inferometer-")
