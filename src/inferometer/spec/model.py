"""The spec: one file that describes a fleet, as immutable values. Durations are in seconds, sizes in bytes."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from pydantic import Field, field_validator, model_validator

from inferometer.names import RECORDER_LABELS
from inferometer.spec.address import Address
from inferometer.spec.engines import ENGINES
from inferometer.spec.fields import (
    Amount,
    Count,
    Currency,
    EngineName,
    Flag,
    Interval,
    Name,
    Objective,
    Refused,
    Sampling,
    Size,
    Text,
    Version,
    Where,
    WholeSeconds,
)
from inferometer.spec.labels import External, OwnLabelName
from inferometer.spec.listen import Listen
from inferometer.spec.part import OrEmpty, Part, RemoteWrite, Scrape
from inferometer.spec.routing import Alerting, Alerts

AVAILABILITY = "availability"
SloSignal: TypeAlias = Literal[
    "time_to_first_token", "time_per_output_token", "request_duration", "queue_time", "availability"
]
HOST_PORT = 9100
EXPORTER_PORT = 9464
DAY = 86400


class Fleet(Part):
    """What the fleet as a whole is called; these become external labels."""

    noun: ClassVar[str] = "the fleet section"

    name: Name = Field("llm", description="The fleet's name.")
    environment: External = Field("production", description="Such as production or staging.")
    cluster: External | None = Field(None, description="The cluster of every backend that names none.")
    labels: dict[OwnLabelName, External] = Field({}, description="Further external labels.")


class Backend(Part):
    """A running server or a group of replicas."""

    noun: ClassVar[str] = "a backend"

    name: Name = Field(description="The backend's name; no other has it.")
    engine: EngineName = Field(description="The kind of server.")
    version: Version | None = Field(None, description="The server's version; any supported one if left out.")
    addresses: tuple[Where, ...] = Field(min_length=1, description="Where its replicas listen.")
    cluster: Text | None = Field(None, description="The cluster, if it is another than the fleet's.")
    labels: dict[OwnLabelName, Text] = Field({}, description="Further labels of its targets.")
    models: tuple[Text, ...] = Field((), description="The models it serves; for servers that do not say it themselves.")
    behind: tuple[Name, ...] = Field((), description="The backends that stand behind this gateway or router.")
    record: Flag | None = Field(None, description="Whether our exporter stands before it and records requests.")
    listen: Listen | None = Field(
        None,
        description="Where clients send requests instead of to the server, if recorded: port or host:port.",
    )
    scrape: Scrape = Field(default_factory=Scrape, description="How its metrics are fetched.")

    @field_validator("record")
    @classmethod
    def _seen_by_somebody(cls, record: bool | None, info: object) -> bool | None:
        engine = ENGINES.get(getattr(info, "data", {}).get("engine", ""))
        if record is False and engine and not engine.measured:
            hint = "leave it out: the exporter stands before it by default"
            raise Refused(f"{engine.title} has no metrics of its own, so nothing would see it", hint)
        return record

    @model_validator(mode="after")
    def _labels_beside_the_exporters(self) -> Backend:
        for name in self.labels if self.recorded else ():
            if name in RECORDER_LABELS:
                message = f'the label "{name}" is taken: the exporter before this backend gives it'
                raise Refused(message, "choose another name", path=("labels", name))
        return self

    @property
    def targets(self) -> tuple[Address, ...]:
        """Its addresses, each with its port."""
        return tuple(address.with_port(ENGINES[self.engine].port) for address in self.addresses)

    @property
    def recorded(self) -> bool:
        """Whether our exporter stands before it."""
        return not ENGINES[self.engine].measured if self.record is None else self.record


class Price(Part):
    """What a model's tokens cost by list."""

    noun: ClassVar[str] = "a price"

    currency: Currency = Field(description="The currency by ISO 4217.")
    prompt_per_million: Amount = Field(0.0, description="For a million prompt tokens.")
    completion_per_million: Amount = Field(0.0, description="For a million generated tokens.")


class Model(Part):
    """What is known of a model."""

    noun: ClassVar[str] = "a model"

    aliases: tuple[Text, ...] = Field((), description="Other names that clients ask for it by.")
    owner: Text | None = Field(None, description="Who answers for it.")
    price: Price | None = Field(None, description="Its list price.")


class Slo(Part):
    """A service level objective."""

    noun: ClassVar[str] = "an SLO"

    name: Name = Field(description="The objective's name; no other has it.")
    signal: SloSignal = Field(description="What is promised.")
    objective: Objective = Field(description="The share of requests that must be good, such as 99%.")
    threshold: Interval | None = Field(None, description="A good request is at most this slow. Not for availability.")
    window: WholeSeconds = Field(30 * DAY, description="The time over which it is promised, from 1d to 90d.")
    models: tuple[Text, ...] = Field((), description="Only these models.")
    backends: tuple[Name, ...] = Field((), description="Only these backends.")
    engines: tuple[EngineName, ...] = Field((), description="Only these kinds of server.")
    min_events: Count = Field(10, description="Requests that a burn alert's short window must hold before it may fire.")

    @field_validator("window")
    @classmethod
    def _sensible_window(cls, window: int) -> int:
        if not DAY <= window <= 90 * DAY:
            raise Refused("a window lasts from 1d to 90d", "30d is usual")
        return window

    @model_validator(mode="after")
    def _threshold_with_latency(self) -> Slo:
        if self.signal == AVAILABILITY and self.threshold is not None:
            raise Refused(
                "availability has no threshold: a request fails or it does not", "leave it out", path=("threshold",)
            )
        if self.signal != AVAILABILITY and self.threshold is None:
            raise Refused(f'an SLO on {self.signal} needs "threshold"', "such as threshold: 1s", "IM203")
        return self


class Host(Part):
    """A machine with a node_exporter."""

    noun: ClassVar[str] = "a host"

    name: Name = Field(description="The host's name; no other has it.")
    address: Where = Field(description=f"Where its node_exporter listens; port {HOST_PORT} if left out.")
    cluster: Text | None = Field(None, description="The cluster, if it is another than the fleet's.")
    labels: dict[OwnLabelName, Text] = Field({}, description="Further labels of its target.")
    scrape: Scrape = Field(default_factory=Scrape, description="How its metrics are fetched.")

    @property
    def target(self) -> Address:
        return self.address.with_port(HOST_PORT)


class Exporter(Part):
    """Our exporter, which is used when any backend is recorded."""

    noun: ClassVar[str] = "the exporter section"

    address: Where = Field(
        default_factory=lambda: Address("http", "127.0.0.1", EXPORTER_PORT),
        description=f"Where it shows its metrics; 127.0.0.1:{EXPORTER_PORT} if left out.",
    )
    scrape: Scrape = Field(default_factory=Scrape, description="How its metrics are fetched.")
    tags: tuple[Text, ...] = Field((), description="The tags of requests that become labels; all are in its traces.")
    retention: WholeSeconds | None = Field(None, description="How long its traces are kept; 7d if left out.")
    max_size: Size | None = Field(None, description="How much its traces may take on the disk; 512MB if left out.")

    @property
    def target(self) -> Address:
        return self.address.with_port(EXPORTER_PORT)


class Storage(Part):
    """What keeps the samples."""

    noun: ClassVar[str] = "the storage section"

    kind: Literal["prometheus", "victoriametrics"] = Field("prometheus", description="The database.")
    version: Version | None = Field(None, description="Its version; any supported one if left out.")
    retention: WholeSeconds = Field(31 * DAY, description="How long samples are kept; at least an SLO's window.")
    retention_size: Size | None = Field(None, description="How much they may take on the disk.")
    scrape_interval: Sampling = Field(15, description="Time between two scrapes.")
    evaluation_interval: Sampling | None = Field(
        None, description="Time between two evaluations of rules; as scrape_interval."
    )
    address: Where | None = Field(None, description="Where its own metrics are; by platform if left out.")
    remote_write: tuple[RemoteWrite, ...] = Field((), description="Where samples are sent besides.")

    @property
    def rule_interval(self) -> float:
        """Seconds between two evaluations of rules."""
        return self.scrape_interval if self.evaluation_interval is None else self.evaluation_interval


class Spec(Part):
    """The whole file."""

    noun: ClassVar[str] = "a spec"

    fleet: Fleet = Field(default_factory=Fleet, description="What the fleet as a whole is called.")
    platform: Literal["compose", "host"] = Field(
        "compose", description="Where the monitoring runs: in containers, or directly."
    )
    backends: tuple[Backend, ...] = Field((), description="The servers.")
    exporter: Exporter = Field(default_factory=Exporter, description="Our exporter, for backends that are recorded.")
    models: dict[Text, OrEmpty[Model]] = Field({}, description="What is known of models, by name.")
    slos: tuple[Slo, ...] = Field((), description="Service level objectives.")
    hosts: tuple[Host, ...] = Field((), description="The machines.")
    storage: Storage = Field(default_factory=Storage, description="What keeps the samples.")
    alerting: Alerting = Field(default_factory=Alerting, description="Who is told, and how often.")
    alerts: Alerts = Field(default_factory=Alerts, description="Knobs of the alerts.")

    @property
    def recorded(self) -> tuple[Backend, ...]:
        """The backends that our exporter stands before."""
        return tuple(backend for backend in self.backends if backend.recorded)

    def cluster_of(self, part: Backend | Host) -> str | None:
        """The cluster of a backend or host: its own, or the fleet's."""
        return part.cluster or self.fleet.cluster

    def model_named(self, name: str) -> str:
        """The name under which a model stands in the spec: an alias leads to its model, another name to itself."""
        return next((model for model, known in self.models.items() if name in known.aliases), name)
