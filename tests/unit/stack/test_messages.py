"""What people are told, as a real Alertmanager sends it to Slack, PagerDuty, a webhook and a mail server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.parts.observed import WebhookReceiver
from tests.unit.stack.mail import MailServer
from tests.unit.stack.running import Alertmanager, Tree

pytestmark = pytest.mark.real

SPEC = """\
platform: host
backends: [{{name: a, vllm: 10.0.0.1}}]
alerting:
  receivers:
    - name: ops
      slack: {{webhook_file: secrets/slack, channel: "#llm"}}
      email: {{to: ops@example.org, from: llm@example.org, smarthost: "{mail}", require_tls: false}}
      pagerduty: {{routing_key_file: secrets/pagerduty}}
      webhook: {{url_file: secrets/hook}}
  group_wait: 0s
  group_interval: 1s
"""

LABELS = {
    "alertname": "ErrorRatioHigh",
    "severity": "critical",
    "backend": "box",
    "model": "m",
    "fleet": "llm",
    "environment": "staging",
    "cluster": "eu",
}
ANNOTATIONS = {
    "summary": "7 % of requests fail: m on box <b>",
    "description": "Requests end in an error.",
    "dashboard_url": "/d/inferometer-model?var-model=m&var-backend=box",
    "runbook_url": "https://example.org/ErrorRatioHigh.md",
}
FIRING = {"labels": LABELS, "annotations": ANNOTATIONS}
TITLE = "[1 firing] ErrorRatioHigh m on box (critical), llm staging eu"
TEXT = """\
7 % of requests fail: m on box <b>
  Requests end in an error.
  Board: /d/inferometer-model?var-model=m&var-backend=box
Runbook: https://example.org/ErrorRatioHigh.md"""


@dataclass(frozen=True, slots=True)
class Told:
    """Everybody who is told, and the Alertmanager that tells them."""

    manager: Alertmanager
    slack: WebhookReceiver
    pagerduty: WebhookReceiver
    hook: WebhookReceiver
    mail: MailServer


@pytest.fixture
def told() -> Iterator[Told]:
    with telling() as everybody:
        yield everybody


@contextmanager
def telling() -> Iterator[Told]:
    with WebhookReceiver() as slack, WebhookReceiver() as pagerduty, WebhookReceiver() as hook, MailServer() as mail:
        tree = Tree(
            SPEC.format(mail=mail.address),
            {"slack": slack.url, "pagerduty": "r0uting", "hook": hook.url},
            replaced={"client: Inferometer": f"client: Inferometer\n    url: {pagerduty.url}"},
        )
        with Alertmanager(tree) as manager:
            yield Told(manager, slack, pagerduty, hook, mail)


def test_everybody_is_told_in_the_same_words(told: Told) -> None:
    told.manager.post(FIRING)
    slack = told.slack.wait(lambda one: True)
    pager = told.pagerduty.wait(lambda one: True)
    hook = told.hook.wait(lambda one: True)
    told.manager.wait_for(lambda: told.mail.messages)
    mail = told.mail.messages[0]

    [attachment] = slack["attachments"]
    assert (slack["channel"], attachment["title"], attachment["text"].strip()) == ("#llm", TITLE, TEXT)
    assert (attachment["fallback"], attachment.get("title_link", "")) == (TITLE, "")

    assert (pager["routing_key"], pager["event_action"], pager["client"]) == ("r0uting", "trigger", "Inferometer")
    assert (pager["payload"]["summary"], pager["payload"]["severity"]) == (TITLE, "critical")
    assert pager["payload"]["custom_details"]["text"].strip() == TEXT

    assert (hook["status"], hook["alerts"][0]["annotations"]) == ("firing", ANNOTATIONS)

    assert (mail["Subject"], mail["To"], mail["From"]) == (TITLE, "ops@example.org", "llm@example.org")
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert plain.get_content().replace("\r\n", "\n").strip() == TEXT
    assert html is not None
    page = html.get_content()
    assert "<b>7 % of requests fail: m on box &lt;b&gt;</b>" in page
    assert '<a href="https://example.org/ErrorRatioHigh.md">' in page
    assert "Board: /d/inferometer-model?var-model=m&amp;var-backend=box</li>" in page


def test_the_end_is_told_too(told: Told) -> None:
    told.manager.post(FIRING)
    told.manager.wait_for(lambda: told.mail.messages)
    told.manager.post({**FIRING, "endsAt": "2020-01-01T00:00:00Z"})
    told.manager.wait_for(lambda: len(told.mail.messages) == 2)
    mail = told.mail.messages[1]
    assert mail["Subject"] == "[resolved] ErrorRatioHigh m on box (critical), llm staging eu"
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert plain.get_content().replace("\r\n", "\n").strip() == (
        "Resolved: 7 % of requests fail: m on box <b>\nRunbook: https://example.org/ErrorRatioHigh.md"
    )
    assert told.hook.wait(lambda one: one["status"] == "resolved")
    assert told.pagerduty.wait(lambda one: one["event_action"] == "resolve")


def test_a_storm_is_told_shortly(told: Told) -> None:
    told.manager.post(*({**FIRING, "labels": {**LABELS, "backend": f"b{number:02}"}} for number in range(30)))
    [attachment] = told.slack.wait(lambda one: "30 firing" in one["attachments"][0]["title"])["attachments"]
    assert attachment["title"] == "[30 firing] ErrorRatioHigh m (critical), llm staging eu"
    assert attachment["text"].count("of requests fail") == 10
    assert "... 30 alerts in all" in attachment["text"]


def test_an_alert_without_annotations_is_told_by_its_name(told: Told) -> None:
    told.manager.post({"labels": {"alertname": "Mine", "severity": "page"}})
    [attachment] = told.slack.wait(lambda one: True)["attachments"]
    assert (attachment["title"], attachment["text"].strip()) == ("[1 firing] Mine (page)", "Mine")
    assert told.pagerduty.wait(lambda one: True)["payload"]["severity"] == "error"
