"""Routes that no alert can take, since what they ask for is nothing that an alert of this fleet can carry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from inferometer import names
from inferometer.catalog.knobs import KNOBS
from inferometer.errors import Problem, did_you_mean
from inferometer.spec.load import Source
from inferometer.spec.model import Spec
from inferometer.spec.routing import Severity


def problems(spec: Spec, source: Source) -> Iterator[Problem]:
    """Exact values of labels whose values are known. Regular expressions are left alone."""
    known = {
        names.SEVERITY: ("severity", get_args(Severity)),
        names.BACKEND: ("backend", [backend.name for backend in spec.backends]),
        names.HOST: ("host", [host.name for host in spec.hosts]),
        names.SLO: ("SLO", [slo.name for slo in spec.slos]),
        "alertname": ("alert", list(KNOBS)),
    }
    for index, route in enumerate(spec.alerting.routes):
        for label, operator, value in route.matchers:
            what, values = known.get(label, ("", ()))
            if what and operator == "=" and value not in values:
                message = f'there is no {what} "{value}", so no alert takes this route'
                at = ("alerting", "routes", index, "match", label)
                yield source.problem("IM311", at, message, did_you_mean(value, values))
