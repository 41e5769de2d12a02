"""Meters for tests, and scrapes of them read back by prometheus-client's own parsers."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text
from prometheus_client.samples import Sample

from inferometer_exporter.config.model import Address, Backend, Config
from inferometer_exporter.metrics.exposition import render
from inferometer_exporter.metrics.meters import Meters
from inferometer_exporter.metrics.state import HerdCheck, HerdNode, HerdQueue, HerdState, Loaded
from inferometer_exporter.names import DropReason, Reason

OPENMETRICS = "application/openmetrics-text;version=1.0.0"
LIMIT = Config(backends=()).series_limit
URL = "http://127.0.0.1:11434"


def backend(name: str = "gpu", engine: str = "ollama", models: tuple[str, ...] = (), **labels: str) -> Backend:
    return Backend(name, engine, (URL,), Address("127.0.0.1", 11436), models, labels)


def meters(*backends: Backend, tags: tuple[str, ...] = (), limit: int = LIMIT, categraf: bool = False) -> Meters:
    return Meters(Config(backends=backends or (backend(),), tags=tags, series_limit=limit, categraf=categraf))


@dataclass(frozen=True)
class Scrape:
    """A scrape's families, and its samples by name and labels."""

    families: tuple[Metric, ...]

    @property
    def samples(self) -> list[Sample]:
        return [sample for family in self.families for sample in family.samples]

    @property
    def names(self) -> set[str]:
        """The names of samples; a histogram's is that of the family."""
        return {f.name if f.type == "histogram" else sample.name for f in self.families for sample in f.samples}

    def all(self, name: str, **labels: str) -> list[Sample]:
        """The samples of this name that have these labels among theirs."""
        return [one for one in self.samples if one.name == name and labels.items() <= one.labels.items()]

    def value(self, name: str, **labels: str) -> float | None:
        """The value of the only such sample; None where there is none."""
        found = self.all(name, **labels)
        assert len(found) <= 1, found
        return found[0].value if found else None

    def values(self, name: str, label: str, **labels: str) -> dict[str, float]:
        """The values of such samples by one label that tells them apart."""
        found = self.all(name, **labels)
        result = {one.labels[label]: one.value for one in found}
        assert len(result) == len(found), found
        return result


def scrape(counted: Meters) -> Scrape:
    """A scrape in text format."""
    body, _ = render(counted, "text/plain")
    return Scrape(tuple(read_text(body.decode())))


def scrape_openmetrics(counted: Meters) -> Scrape:
    """A scrape in OpenMetrics, whose parser is strict about names, kinds, units and order."""
    body, _ = render(counted, OPENMETRICS)
    return Scrape(tuple(read_openmetrics(body.decode())))  # type: ignore[no-untyped-call]  # it has no types


def series_of(samples: Iterable[Sample]) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    """What identifies each series."""
    return [(one.name, tuple(sorted(one.labels.items()))) for one in samples]


def filled() -> Meters:
    """Meters of which every family has a series: an Ollama, a Herd, tags, a fallback, a store, Categraf's names."""
    result = meters(
        backend("gpu", "ollama", models=("llama3",)),
        backend("pool", "herd", cluster="south"),
        tags=("app-1",),
        categraf=True,
    )
    now = time.monotonic()
    for name, one in result.backends.items():
        model = one.settled("llama3:latest", answered=True)
        model.in_flight += 1
        for histogram in (model.duration, model.first_token, model.between, model.load):
            histogram.observe(0.7)
        api = model.api("/api/chat")
        api.requests += 2
        api.prompt_tokens += 11
        api.completion_tokens += 7
        api.failures[Reason.UPSTREAM_ERROR] += 1
        one.tagged(("app-1", "app-2"), 11, 7)
        one.fell_back("llama3", f"{name}-small")
        one.unmetered += 1
        one.state.up, one.state.addresses = True, {URL: True}
        one.state.checked_at = one.state.loaded_at = now
        one.state.version = "0.32.15"
        one.state.loaded = (Loaded("llama3:latest", 5_000, 4_000),)
    result.backends["pool"].state.herd = HerdState(
        nodes=(HerdNode("node-a", "online", 1, 2, 100.0, 40.0, 60.0, "normal", 0.9),),
        nodes_at=now,
        queues=(HerdQueue("node-a", "llama3:latest", 1, 2, 3, 4, 5),),
        queues_at=now,
        checks=(HerdCheck("context_waste", "warning"),),
        vitals={"nodes_total": 1.0},
        checks_at=now,
    )
    result.store.rows, result.store.bytes, result.store.writable = 10, 4096, True
    result.dropped(DropReason.DISK_FULL, 3)
    return result
