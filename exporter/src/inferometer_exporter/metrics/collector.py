"""From the meters to samples: a custom collector that copies what is counted at the moment of the scrape."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from inferometer_exporter import __version__
from inferometer_exporter.metrics import categraf, herd
from inferometer_exporter.metrics import table as t
from inferometer_exporter.metrics.labels import clean
from inferometer_exporter.metrics.meters import BackendMeters, Meters, ModelMeter
from inferometer_exporter.metrics.page import Labels, Page
from inferometer_exporter.metrics.state import BackendState, Loaded
from inferometer_exporter.metrics.times import fresh, since
from inferometer_exporter.names import OTHER

# What a server told of itself is shown for so many polls, each taken as 10 s at least.
STALE_POLLS = 3
_SHORTEST_POLL = 10.0

_PYTHON = ".".join(str(part) for part in sys.version_info[:3])


class MetersCollector(Collector):
    """All series of the exporter. Collecting reads only; the event loop may go on counting meanwhile."""

    def __init__(self, meters: Meters) -> None:
        self._meters = meters

    def describe(self) -> Iterable[Metric]:
        """Nothing: the registry is ours alone, so no names need to be compared."""
        return ()

    def collect(self) -> Iterable[Metric]:
        meters, page = self._meters, Page()
        now = time.monotonic()
        _exporter(page, meters)
        for backend in meters.backends.values():
            _backend(page, backend, now, STALE_POLLS * max(meters.config.poll, _SHORTEST_POLL))
            for model in list(backend.models.values()):
                _model(page, {**backend.labels, "model": model.label}, model)
        if meters.config.categraf:
            categraf.collect(page, meters)
        return page.metrics()


def _exporter(page: Page, meters: Meters) -> None:
    page.add(t.BUILD_INFO, {"version": __version__, "python": _PYTHON, "loop": meters.loop}, 1)
    for reason, count in meters.traces_dropped.items():
        page.add(t.TRACES_DROPPED, {"reason": reason}, count)
    for label, count in meters.rejected.items():
        page.add(t.LABELS_REJECTED, {"label": label}, count)
    page.add(t.STORE_ROWS, {}, meters.store.rows)
    page.add(t.STORE_BYTES, {}, meters.store.bytes)
    page.add(t.STORE_WRITABLE, {}, meters.store.writable)


def _backend(page: Page, backend: BackendMeters, now: float, stale: float) -> None:
    state, labels = backend.state, backend.labels
    page.add(t.UNMETERED, labels, backend.unmetered)
    page.add(t.BACKEND_UP, labels, state.up)
    page.add(t.CHECK_AGE, labels, since(state.checked_at, now))
    if state.up and state.version:
        page.add(t.BACKEND_INFO, {**labels, "version": clean(state.version)}, 1)
    for url in dict.fromkeys(backend.backend.urls):
        page.add(t.ADDRESS_UP, {**labels, "address": url}, state.addresses.get(url))
    for (asked, served), count in list(backend.fallbacks.items()):
        page.add(t.FALLBACKS, {**labels, "from_model": asked, "to_model": served}, count)
    for tag, meter in backend.tags.items():
        page.add(t.TAG_REQUESTS, {**labels, "tag": tag}, meter.requests)
        page.add(t.TAG_TOKENS, {**labels, "tag": tag, "kind": "prompt"}, meter.prompt_tokens)
        page.add(t.TAG_TOKENS, {**labels, "tag": tag, "kind": "completion"}, meter.completion_tokens)
    hidden = 0
    if state.up and fresh(state.loaded_at, now, stale):
        hidden += _loaded(page, backend, state)
    if state.herd is not None and backend.backend.engine == "herd":
        hidden += herd.collect(page, backend, state.herd, bool(state.up), now, stale)
    page.add(t.HIDDEN, labels, hidden)


def _loaded(page: Page, backend: BackendMeters, state: BackendState) -> int:
    """The models in memory, largest first; those beyond the limit add up in `other`. Returns how many those are.

    The same model on several addresses or nodes is one series: its sizes add up.
    """
    by_label: dict[str, list[Loaded]] = {}
    for one in state.loaded:
        by_label.setdefault(backend.label(one.model), []).append(one)
    sizes = {label: _sizes(same) for label, same in by_label.items()}
    ranked = sorted(sizes, key=lambda label: (label == OTHER, -(sizes[label][0] or 0), label))
    for label in ranked[: backend.max_loaded]:
        _memory(page, {**backend.labels, "model": label}, 1, *sizes[label])
    beyond = ranked[backend.max_loaded :]
    if beyond:
        rest = _sizes(one for label in beyond for one in by_label[label])
        _memory(page, {**backend.labels, "model": OTHER}, len(beyond), *rest)
    return len(beyond)


def _memory(page: Page, labels: Labels, loaded: int, size: int | None, vram: int | None) -> None:
    page.add(t.MODEL_LOADED, labels, loaded)
    page.add(t.MODEL_SIZE, labels, size)
    page.add(t.MODEL_VRAM, labels, vram)


def _model(page: Page, labels: Labels, model: ModelMeter) -> None:
    page.add(t.IN_FLIGHT, labels, model.in_flight)
    page.histogram(t.DURATION, labels, model.duration)
    page.histogram(t.FIRST_TOKEN, labels, model.first_token)
    page.histogram(t.BETWEEN, labels, model.between)
    page.histogram(t.LOAD, labels, model.load)
    for api, meter in list(model.apis.items()):
        of_api = {**labels, "api": api}
        # Failures before requests: a request is counted first, so no scrape shows more failures than requests.
        for reason, count in meter.failures.items():
            page.add(t.FAILURES, {**of_api, "reason": reason}, count)
        page.add(t.REQUESTS, of_api, meter.requests)
        page.add(t.PROMPT_TOKENS, of_api, meter.prompt_tokens)
        page.add(t.COMPLETION_TOKENS, of_api, meter.completion_tokens)


def _sizes(models: Iterable[Loaded]) -> tuple[int | None, int | None]:
    """Memory and GPU memory of them all. A part that is not known makes the sum unknown."""
    models = tuple(models)
    sizes = [one.size_bytes for one in models if one.size_bytes is not None]
    vrams = [one.vram_bytes for one in models if one.vram_bytes is not None]
    return sum(sizes) if len(sizes) == len(models) else None, sum(vrams) if len(vrams) == len(models) else None
