"""Our exporter's configuration: where it listens, and the servers that it stands before."""

from __future__ import annotations

from inferometer import names
from inferometer.plan import Plan
from inferometer.plan.targets import dialled
from inferometer.spec.model import Backend
from inferometer.stack import places

# Where clients send their requests instead of to the server.
PROXY_PORT = 11436


def write(plan: Plan) -> dict[str, object]:
    """exporter.yaml where any backend is recorded, else nothing."""
    return {f"{places.EXPORTER}/exporter.yaml": config(plan)} if plan.recorder else {}


def config(plan: Plan) -> dict[str, object]:
    """The configuration as data. In a container it listens on all addresses of the container, elsewhere on loopback."""
    inside = plan.spec.platform == "compose"
    admin = plan.spec.exporter.target
    return {
        "listen": f"{'0.0.0.0' if inside else '127.0.0.1'}:{PROXY_PORT}",
        "admin": f"0.0.0.0:{admin.port}" if inside else str(admin),
        "store": "/var/lib/inferometer/traces.db" if inside else "traces.db",
        "backends": [
            {
                "name": backend.name,
                "engine": backend.engine,
                "urls": [f"{address.scheme}://{dialled(address, inside)}" for address in backend.targets],
                "models": list(backend.models),
                **_labels(backend),
            }
            for backend in plan.spec.recorded
        ],
    }


def _labels(backend: Backend) -> dict[str, object]:
    """Labels for every series of this backend: a backend that is scraped itself has them on its target."""
    cluster = {names.CLUSTER: backend.cluster} if backend.cluster else {}
    labels = {**backend.labels, **cluster}
    return {"labels": labels} if labels else {}
