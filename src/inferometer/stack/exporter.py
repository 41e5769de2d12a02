"""Our exporter's configuration: where it listens, and the servers that it stands before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from inferometer import names
from inferometer.plan import Plan, Proxy
from inferometer.plan.targets import dialled
from inferometer.spec.address import Address
from inferometer.spec.model import Exporter
from inferometer.stack import places

_EVERYWHERE = "0.0.0.0"
_TRACES = "/var/lib/inferometer/traces.db"

# What becomes of a file that the spec names.
_Place = Callable[[str], str]


def write(plan: Plan) -> dict[str, object]:
    """exporter.yaml where any backend is recorded, else nothing."""
    inside = plan.spec.platform == "compose"
    return {f"{places.EXPORTER}/exporter.yaml": config(plan, inside, places.file)} if plan.recorder else {}


def config(plan: Plan, inside: bool, file: _Place) -> dict[str, Any]:
    """The configuration as data. Inside a container it listens on all addresses of the container."""
    exporter = plan.spec.exporter
    admin = _bound(exporter.target, inside)
    listens = [_bound(proxy.address, inside) for proxy in plan.proxies]
    wide = any(address.unspecified or not address.loopback for address in (admin, *listens))
    return {
        "admin": str(admin),
        # In a container its network decides who comes in; elsewhere the spec has named the address.
        **({"expose": True} if wide else {}),
        **_login(exporter, file),
        "store": _store(exporter),
        **({"tags": list(exporter.tags)} if exporter.tags else {}),
        "backends": [
            _backend(proxy, listen, inside, file) for proxy, listen in zip(plan.proxies, listens, strict=True)
        ],
    }


def _bound(address: Address, inside: bool) -> Address:
    return Address(address.scheme, _EVERYWHERE, address.port) if inside else address


def _login(exporter: Exporter, file: _Place) -> dict[str, object]:
    """The exporter asks for the token that the scraper shows. A user with a password needs a file that holds both."""
    auth = exporter.scrape.auth
    return {"login": {"token_file": file(auth.bearer_file)}} if auth and auth.bearer_file else {}


def _store(exporter: Exporter) -> object:
    """Where traces lie, and the limits that the spec gives, in seconds and bytes."""
    given = {"retention": exporter.retention, "max_size": exporter.max_size}
    limits = {key: value for key, value in given.items() if value is not None}
    return {"path": _TRACES, **limits} if limits else _TRACES


def _backend(proxy: Proxy, listen: Address, inside: bool, file: _Place) -> dict[str, object]:
    backend = proxy.backend
    tls = backend.scrape.tls
    # Labels for every series of this backend: a backend that is scraped itself has them on its target.
    labels = {**backend.labels, **({names.CLUSTER: backend.cluster} if backend.cluster else {})}
    return {
        "name": backend.name,
        "engine": backend.engine,
        "listen": str(listen),
        "urls": [f"{address.scheme}://{dialled(address, inside)}" for address in backend.targets],
        "models": list(backend.models),
        **({"labels": labels} if labels else {}),
        **({"ca_file": file(tls.ca_file)} if tls and tls.ca_file else {}),
    }
