"""The part of a spec that says who is told what: receivers, routes, the watchdog, and the knobs of alerts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar, Literal, TypeAlias

from pydantic import ConfigDict, Field, field_validator, model_validator

from inferometer.spec.fields import (
    Duration,
    Email,
    File,
    Flag,
    Interval,
    Name,
    Refused,
    Scale,
    Text,
    Threshold,
    Url,
    Where,
)
from inferometer.spec.labels import LabelName
from inferometer.spec.part import OneOrMore, OrEmpty, Part, exactly_one

Severity: TypeAlias = Literal["critical", "warning", "info"]

REGEX_MARK = "~"
# Valid in Python's `re` but not in RE2, which Alertmanager uses: look-around, back references, possessive repeats.
_NOT_RE2 = re.compile(r"\(\?(<?[=!]|>|\(|P=|#)|\\[1-9]|[*+?}]\+")


class Slack(Part):
    """A channel in Slack."""

    noun: ClassVar[str] = "a slack receiver"

    webhook_file: File = Field(description="The file that holds the incoming webhook's URL.")
    channel: Text | None = Field(None, description='The channel, quoted: "#llm". The webhook\'s own if left out.')


class EmailTo(Part):
    """Addresses that get an e-mail."""

    noun: ClassVar[str] = "an email receiver"

    to: Email = Field(description="One address, or several with commas between.")
    sender: Email = Field(alias="from", description="The address that it comes from.")
    smarthost: Text = Field(description="The mail server, host:port.", examples=["mail.example.org:587"])
    username: Text | None = Field(None, description="The user's name at the mail server; needs password_file.")
    password_file: File | None = Field(None, description="The file that holds the password; needs username.")
    require_tls: Flag = Field(True, description="Send over TLS only.")

    @field_validator("smarthost")
    @classmethod
    def _host_and_port(cls, smarthost: str) -> str:
        match = re.fullmatch(r"[A-Za-z0-9_.-]+:([0-9]{1,5})", smarthost)
        if match is None or not 1 <= int(match[1]) <= 65535:
            raise Refused("this is no host:port", "write it as mail.example.org:587")
        return smarthost

    @model_validator(mode="after")
    def _whole_login(self) -> EmailTo:
        if (self.username is None) != (self.password_file is None):
            given, missing = ("username", "password_file") if self.username else ("password_file", "username")
            raise Refused(f'"{given}" needs "{missing}" beside it', code="IM203", path=(given,))
        return self


class PagerDuty(Part):
    """A service in PagerDuty."""

    noun: ClassVar[str] = "a pagerduty receiver"

    routing_key_file: File = Field(description="The file that holds the integration's routing key (Events API v2).")


class Webhook(Part):
    """A URL that gets Alertmanager's JSON."""

    noun: ClassVar[str] = "a webhook receiver"

    url: Url | None = Field(None, description="The URL, if it is no secret.")
    url_file: File | None = Field(None, description="The file that holds the URL.")

    @model_validator(mode="after")
    def _one_url(self) -> Webhook:
        exactly_one({"url": self.url, "url_file": self.url_file}, self.noun)
        return self


class Watchdog(Webhook):
    """A service outside that complains when it no longer hears from the monitoring."""

    noun: ClassVar[str] = "a watchdog"


class Receiver(Part):
    """Somebody who is told, by one way or several; each way is a mapping or a list of mappings."""

    noun: ClassVar[str] = "a receiver"

    name: Name = Field(description="The name that routes use.")
    slack: OneOrMore[Slack] = Field((), description="Channels in Slack.")
    email: OneOrMore[EmailTo] = Field((), description="E-mail.")
    pagerduty: OneOrMore[PagerDuty] = Field((), description="Services in PagerDuty.")
    webhook: OneOrMore[Webhook] = Field((), description="URLs that get Alertmanager's JSON.")

    @model_validator(mode="after")
    def _tells_somebody(self) -> Receiver:
        if not (self.slack or self.email or self.pagerduty or self.webhook):
            hint = 'add slack, email, pagerduty or webhook; an alert that nobody wants is turned off under "alerts"'
            raise Refused("this receiver tells nobody", hint, "IM203")
        return self


class Route(Part):
    """Which alerts go to which receiver."""

    noun: ClassVar[str] = "a route"

    match: dict[LabelName, Text] = Field(
        min_length=1,
        description='Labels and their values, all of which must fit. A value that begins with "~" is a regex.',
    )
    receiver: Name = Field(description="The name of a receiver.")
    continue_: Flag = Field(False, alias="continue", description="Whether the routes below are looked at too.")

    @field_validator("match")
    @classmethod
    def _sound_regexes(cls, match: dict[str, str]) -> dict[str, str]:
        for label, value in match.items():
            fault = _regex_fault(value[len(REGEX_MARK) :]) if value.startswith(REGEX_MARK) else None
            if fault:
                raise Refused(fault, "the value goes by RE2's rules after the ~", path=(label,))
        return match

    @property
    def matchers(self) -> tuple[tuple[str, str, str], ...]:
        """Label, operator (`=` or `=~`) and value of each condition, in the spec's order."""
        return tuple(
            (label, "=~", value[len(REGEX_MARK) :]) if value.startswith(REGEX_MARK) else (label, "=", value)
            for label, value in self.match.items()
        )


class Alerting(Part):
    """Who is told, and how often."""

    noun: ClassVar[str] = "the alerting section"

    receivers: tuple[Receiver, ...] = Field((), description="Who can be told.")
    default: Name | None = Field(None, description="The receiver of what no route takes; the first if left out.")
    routes: tuple[Route, ...] = Field((), description="Which alerts go elsewhere; the first that fits takes an alert.")
    watchdog: Watchdog | None = Field(None, description="A URL outside that hears a steady sign of life.")
    address: Where | None = Field(None, description="Where Alertmanager listens; by platform if left out.")
    runbooks: Url | None = Field(
        None, description="Where the pages of alerts/runbooks can be read, for links in messages."
    )
    grafana: Url | None = Field(None, description="Where Grafana is, for links in messages.")
    repeat_interval: Interval = Field(14400, description="Time after which a firing alert is told again.")
    group_wait: Duration = Field(30, description="How long the first alert of a group waits for others.")
    group_interval: Interval = Field(300, description="Time between two messages about one group.")

    @property
    def default_receiver(self) -> str | None:
        """The receiver of everything unrouted; None: alerts are kept, nobody is told."""
        return self.default or (self.receivers[0].name if self.receivers else None)


class AlertKnob(Part):
    """What a fleet wants otherwise than the catalog; None: as there."""

    noun: ClassVar[str] = "an alert's settings"

    threshold: Threshold | None = Field(
        None, description="A number, a percentage or a duration; a share or seconds when read."
    )
    for_: Duration | None = Field(None, alias="for", description="How long it must hold before the alert fires.")
    severity: Severity | None = Field(None, description="How urgent it is.")
    enabled: Flag | None = Field(None, description="Whether there is such an alert at all.")


class Alerts(Part):
    """The knobs of alerts by their names, and a scale of time."""

    model_config = ConfigDict(extra="allow")

    noun: ClassVar[str] = "the alerts section"

    __pydantic_extra__: dict[str, OrEmpty[AlertKnob]] = Field(init=False)

    scale: Scale = Field(1.0, description="Every window and `for` of every alert, times this; for tests.")

    @property
    def knobs(self) -> Mapping[str, AlertKnob]:
        """The settings by the alert's name, in the spec's order."""
        return self.__pydantic_extra__


def _regex_fault(pattern: str) -> str | None:
    if _NOT_RE2.search(pattern):
        return "RE2 has no look-around, back references or possessive repeats"
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"this is no regular expression: {error}"
    return None
