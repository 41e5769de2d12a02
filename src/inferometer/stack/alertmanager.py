"""Alertmanager (0.27 and later): who is told of what, how often, and what silences what."""

from __future__ import annotations

import json
from collections.abc import Iterable

from inferometer import names
from inferometer.plan import Plan
from inferometer.spec.routing import Alerting, EmailTo, PagerDuty, Receiver, Route, Slack, Webhook
from inferometer.stack import inhibition, messages, places
from inferometer.units import format_duration

# Names that no receiver of a spec can have, since theirs hold no slash.
NOBODY = "inferometer/nobody"
WATCHDOG = "inferometer/watchdog"

# A storm makes one message for each alert and severity of a cluster, however many backends are in it.
GROUP_BY = ("alertname", names.SEVERITY, names.CLUSTER)


def write(plan: Plan) -> dict[str, object]:
    """alertmanager.yml, the templates of its messages and its flags."""
    return {
        f"{places.ALERTMANAGER}/alertmanager.yml": config(plan),
        f"{places.ALERTMANAGER}/templates/inferometer.tmpl": messages.TEMPLATES,
        f"{places.ALERTMANAGER}/flags": places.flags_text(flags(plan)),
    }


def flags(plan: Plan) -> tuple[str, ...]:
    """Flags for Alertmanager, started in its folder. Where its data lies is left to who starts it."""
    return (
        "--config.file=alertmanager.yml",
        # One server alone: without this it opens a port for its peers on every interface.
        "--cluster.listen-address=",
        *places.listen(plan, names.JOB_ALERTMANAGER, "--web.listen-address"),
    )


def config(plan: Plan) -> dict[str, object]:
    """alertmanager.yml as data."""
    alerting = plan.spec.alerting
    return {
        "templates": ["templates/*.tmpl"],
        "route": {
            "receiver": alerting.default_receiver or NOBODY,
            "group_by": list(GROUP_BY),
            "group_wait": format_duration(alerting.group_wait),
            "group_interval": format_duration(alerting.group_interval),
            "repeat_interval": format_duration(alerting.repeat_interval),
            "routes": [_watchdog_route(alerting), *(_route(route) for route in alerting.routes)],
        },
        "inhibit_rules": inhibition.rules(plan),
        "receivers": list(_receivers(alerting)),
    }


def _watchdog_route(alerting: Alerting) -> dict[str, object]:
    """First, so that no route of the spec takes the sign of life. It never goes to people."""
    return {
        "receiver": WATCHDOG if alerting.watchdog else NOBODY,
        "matchers": [matcher("alertname", "=", "Watchdog")],
        "group_wait": "0s",
        # A message leaves when a group's turn comes and the last one is older than repeat_interval: every 60 to 90 s.
        "group_interval": "30s",
        "repeat_interval": "1m",
    }


def _route(route: Route) -> dict[str, object]:
    result: dict[str, object] = {
        "receiver": route.receiver,
        "matchers": [matcher(label, operator, value) for label, operator, value in route.matchers],
    }
    return result | ({"continue": True} if route.continue_ else {})


def matcher(label: str, operator: str, value: str) -> str:
    """One matcher, quoted so that the classic and the UTF-8 parser of Alertmanager read the same."""
    return f"{label}{operator}{json.dumps(value, ensure_ascii=False)}"


def _receivers(alerting: Alerting) -> Iterable[dict[str, object]]:
    yield {"name": NOBODY}
    if alerting.watchdog:
        yield {"name": WATCHDOG, "webhook_configs": [_webhook(alerting.watchdog, resolved=False)]}
    yield from (_receiver(receiver) for receiver in alerting.receivers)


def _receiver(receiver: Receiver) -> dict[str, object]:
    result: dict[str, object] = {"name": receiver.name}
    ways: dict[str, list[dict[str, object]]] = {
        "slack_configs": [_slack(slack) for slack in receiver.slack],
        "email_configs": [_email(email) for email in receiver.email],
        "pagerduty_configs": [_pagerduty(pagerduty) for pagerduty in receiver.pagerduty],
        "webhook_configs": [_webhook(webhook) for webhook in receiver.webhook],
    }
    return result | {key: configs for key, configs in ways.items() if configs}


def _slack(slack: Slack) -> dict[str, object]:
    return {
        "send_resolved": True,
        "api_url_file": places.file(slack.webhook_file),
        **({"channel": slack.channel} if slack.channel else {}),
        "title": messages.TITLE,
        # Its default is the address by which Alertmanager knows itself, which leads nowhere outside a container.
        "title_link": "",
        "fallback": messages.TITLE,
        "text": messages.TEXT,
    }


def _email(email: EmailTo) -> dict[str, object]:
    password = places.file(email.password_file) if email.password_file else None
    login = {"auth_username": email.username, "auth_password_file": password}
    return {
        "send_resolved": True,
        "to": email.to,
        "from": email.sender,
        "smarthost": email.smarthost,
        **{key: value for key, value in login.items() if value},
        "require_tls": email.require_tls,
        "headers": {"Subject": messages.TITLE},
        "html": messages.HTML,
        "text": messages.TEXT,
    }


def _pagerduty(pagerduty: PagerDuty) -> dict[str, object]:
    return {
        "send_resolved": True,
        "routing_key_file": places.file(pagerduty.routing_key_file),
        "client": names.TITLE,
        "client_url": "",
        "description": messages.TITLE,
        "severity": messages.PAGERDUTY_SEVERITY,
        "details": {"text": messages.TEXT},
    }


def _webhook(webhook: Webhook, *, resolved: bool = True) -> dict[str, object]:
    where = {"url": webhook.url} if webhook.url else {"url_file": places.file(webhook.url_file or "")}
    return {"send_resolved": resolved, **where}
