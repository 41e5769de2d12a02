"""What is scraped: one target for each address of the spec, and for each part of the monitoring itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from inferometer import names
from inferometer.catalog import ENGINES, HOST, RECORDER, Profile
from inferometer.spec.address import Address
from inferometer.spec.model import Backend, Host, Spec
from inferometer.spec.part import Scrape

# The name by which a container reaches the machine that it runs on.
HOST_GATEWAY = "host.docker.internal"

# Samples of one scrape of the monitoring's own parts, measured on real servers (prometheus 3.5, alertmanager 0.33,
# VictoriaMetrics 1.145) and rounded up.
_SELF_SERIES = 2_000

# A scrape over its limit is lost whole, so the limit stands far above the estimate: it is there for runaway labels.
_HEADROOM = 5
_LEAST_LIMIT = 5_000


@dataclass(frozen=True, slots=True)
class Target:
    """One address to scrape.

    `job` is its `job` label, `pool` the unique name of its scrape job. `address` is what the scraper dials, `instance`
    what people read. `labels` hold backend, runtime, cluster, model where they apply. `series` is an estimate.
    """

    pool: str
    job: str
    address: str
    instance: str
    scheme: str = "http"
    path: str = "/metrics"
    labels: Mapping[str, str] = field(default_factory=dict)
    scrape: Scrape = field(default_factory=Scrape)
    series: int = _SELF_SERIES

    @property
    def sample_limit(self) -> int:
        return self.scrape.sample_limit or max(_LEAST_LIMIT, _HEADROOM * self.series)


def resolve(spec: Spec) -> tuple[Target, ...]:
    """All targets, in the spec's order: adding a backend changes nothing else."""
    inside = spec.platform == "compose"
    targets = [target for backend in spec.backends for target in _backend(spec, backend, inside)]
    if spec.recorded:
        targets.append(_exporter(spec, inside))
    targets += [_host(spec, host, inside) for host in spec.hosts]
    return (*targets, *_monitoring(spec, inside))


def _backend(spec: Spec, backend: Backend, inside: bool) -> list[Target]:
    profile = ENGINES[backend.engine]
    if not profile.sources:
        return []  # nothing to scrape there: the exporter before it is the target
    own = {names.BACKEND: backend.name, names.RUNTIME: backend.engine, **backend.labels}
    labels = _labels(own, spec.cluster_of(backend))
    pool = f"{backend.engine}/{backend.name}"
    return [
        Target(
            pool=pool + (f"/{number}" if number else "") + (f"/{model}" if model and len(backend.models) > 1 else ""),
            job=backend.engine,
            address=dialled(address, inside),
            instance=str(address),
            scheme=address.scheme,
            path=backend.scrape.path or profile.metrics_path,
            labels={**labels, **({names.MODEL: model} if model else {})},
            scrape=_of_model(backend, model),
            series=_series(profile, backend),
        )
        for number, address in enumerate(backend.targets)
        for model in _told_by_label(profile, backend)
    ]


def _told_by_label(profile: Profile, backend: Backend) -> tuple[str | None, ...]:
    """The models that the scrape itself must name, one target for each; None where the server's metrics name them.

    A server whose model nobody names gets a name all the same, or no board could choose it.
    """
    return backend.models or (names.UNNAMED,) if profile.model_label is None else (None,)


def _of_model(backend: Backend, model: str | None) -> Scrape:
    """How one of several models is asked for.

    llama-server in router mode wants `?model=`, and would load the model for it unless told otherwise.
    """
    if model is None or len(backend.models) < 2:
        return backend.scrape
    return backend.scrape.model_copy(update={"params": {"model": model, "autoload": "false", **backend.scrape.params}})


def _series(profile: Profile, backend: Backend) -> int:
    return profile.series_fixed + profile.series_per_model * max(1, len(backend.models))


def _exporter(spec: Spec, inside: bool) -> Target:
    address = spec.exporter.target
    models = sum(max(1, len(backend.models)) for backend in spec.recorded)
    return Target(
        pool=names.JOB_EXPORTER,
        job=names.JOB_EXPORTER,
        # In the compose stack the exporter is a service of its own, whatever loopback address the spec gives it.
        address=f"exporter:{address.port}" if inside and address.loopback else str(address),
        instance=str(address),
        scheme=address.scheme,
        path=spec.exporter.scrape.path or RECORDER.metrics_path,
        labels=_labels({}, spec.fleet.cluster),
        scrape=spec.exporter.scrape,
        series=RECORDER.series_fixed + RECORDER.series_per_model * models,
    )


def _host(spec: Spec, host: Host, inside: bool) -> Target:
    return Target(
        pool=f"{names.JOB_NODE}/{host.name}",
        job=names.JOB_NODE,
        address=dialled(host.target, inside),
        instance=str(host.target),
        scheme=host.target.scheme,
        path=host.scrape.path or HOST.metrics_path,
        labels=_labels({names.HOST: host.name, **host.labels}, spec.cluster_of(host)),
        scrape=host.scrape,
        series=HOST.series_fixed,
    )


def _monitoring(spec: Spec, inside: bool) -> list[Target]:
    """The monitoring's own parts; the storage and Alertmanager may live elsewhere than by default."""
    if spec.storage.kind == "prometheus":
        ports = {names.JOB_PROMETHEUS: 9090}
    else:
        ports = {names.JOB_VICTORIAMETRICS: 8428, names.JOB_VMAGENT: 8429, names.JOB_VMALERT: 8880}
    storage = next(iter(ports))
    given = {storage: spec.storage.address, names.JOB_ALERTMANAGER: spec.alerting.address}
    targets = []
    for job, port in {**ports, names.JOB_ALERTMANAGER: 9093}.items():
        address = (given.get(job) or Address("http", job if inside else "127.0.0.1", 0)).with_port(port)
        targets.append(
            Target(
                job, job, dialled(address, inside), str(address), address.scheme, labels=_labels({}, spec.fleet.cluster)
            )
        )
    return targets


def _labels(labels: Mapping[str, str], cluster: str | None) -> dict[str, str]:
    return {**labels, **({names.CLUSTER: cluster} if cluster else {})}


def dialled(address: Address, inside: bool) -> str:
    """The address as the scraper must dial it: loopback means the host, which a container knows by another name."""
    return f"{HOST_GATEWAY}:{address.port}" if inside and address.loopback else str(address)
