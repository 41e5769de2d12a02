"""Ways from one board to the next, and the marks that events leave on every graph."""

from __future__ import annotations

from inferometer.dashboards.grafana import DATASOURCE, DashboardLink
from inferometer.dashboards.look import BAD, NEUTRAL, Json

EDITS: Json = {
    "builtIn": 1,
    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    "enable": True,
    "hide": True,
    "iconColor": "rgba(0, 211, 255, 1)",
    "name": "Annotations & Alerts",
    "type": "dashboard",
}
"""Grafana's own annotation, which every dashboard has."""


def link(title: str, url: str, *, new_tab: bool = False) -> Json:
    """A link of a panel, a number or a table cell."""
    return {"title": title, "url": url, "targetBlank": new_tab}


def drill(title: str, uid: str, variable: str) -> Json:
    """A cell's link to another board, where the clicked value is chosen; time range and datasource come along."""
    carried = f"var-{variable}=${{__value.raw:percentencode}}&${{__url_time_range}}&${{datasource:queryparam}}"
    return link(title, f"/d/{uid}?{carried}")


def menu(title: str, tag: str) -> DashboardLink:
    """A drop-down of all boards with a tag, keeping the time range and the variables."""
    return DashboardLink(title=title, tags=[tag], asDropdown=True, includeVars=True, keepTime=True)


def alerts(matchers: str) -> Json:
    """A mark where an alert starts to fire. `matchers` narrow it further, such as `backend=~"$backend"`.

    `unless … offset $__interval` leaves one mark at each start; `ALERTS` alone draws one at every step.
    """
    firing = 'ALERTS{alertstate="firing"' + (f",{matchers}" if matchers else "") + "}"
    return _marks(
        "Alerts", f"{firing} unless {firing} offset $__interval", "{{alertname}}", "{{backend}} {{model}}", BAD
    )


def restarts(expr: str) -> Json:
    """A mark where a server started; `expr` answers only at such moments and keeps the label `instance`."""
    return _marks("Restarts", expr, "Restart", "{{instance}}", NEUTRAL)


def _marks(name: str, expr: str, title: str, text: str, colour: str) -> Json:
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": colour,
        "expr": expr,
        "step": "60s",
        "titleFormat": title,
        "textFormat": text,
        "tagKeys": "severity",
        "useValueForTime": False,
    }
