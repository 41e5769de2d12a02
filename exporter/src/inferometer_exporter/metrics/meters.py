"""What is counted, as plain objects that the event loop writes and a scrape in another thread reads.

Nothing here grows by request: names become series only within the budget, and everything beyond it is `other`.
"""

from __future__ import annotations

from threading import Lock

from inferometer_exporter.config.model import Backend, Config
from inferometer_exporter.metrics import table
from inferometer_exporter.metrics.histogram import Histogram, SampledHistogram
from inferometer_exporter.metrics.labels import Budget, clean
from inferometer_exporter.metrics.state import BackendState, StoreState
from inferometer_exporter.names import OTHER, DropReason, Reason

# Ollama tells a load time with each answer: 1 to 60 ms where the model was there already, and 250 ms for the smallest
# model that was not (recordings of 0.32). Only from here on did a request wait for a model to be loaded.
COLD_LOAD_SECONDS = 0.1

# Routes that show a listed model at 0 from the start, so that a rate sees its first request and its first failure.
MAIN_APIS = ("/v1/chat/completions", "/v1/completions")
OLLAMA_APIS = ("/api/chat", "/api/generate", "/v1/chat/completions")
SPEAKS_OLLAMA = frozenset(("ollama", "herd"))
LATEST = ":latest"

# Pairs of models that may show as fallbacks of one backend, beside `other`: clients choose the first name of a pair.
MAX_FALLBACKS = 100

# What a server tells of itself shows at most so many entries in a scrape. Loaded models beyond them add up in `other`.
MAX_LOADED = 16
MAX_LOADED_HERD = 32
MAX_NODES = 32
MAX_QUEUES = 40
MAX_CHECKS = 64
MAX_VITALS = 40

_API_SERIES = table.series(table.OF_API)
# A model's first route, and the route `other` that takes what is beyond the budget, are paid when it is admitted.
_MODEL_SERIES = table.series(table.OF_MODEL) + 2 * _API_SERIES
_HERD_SERIES = (
    table.series(table.OF_HERD)
    + MAX_NODES * table.series(table.OF_NODE)
    + MAX_QUEUES * table.series(table.OF_QUEUE)
    + MAX_CHECKS * table.series(table.OF_CHECK)
    + MAX_VITALS * table.series(table.OF_VITAL)
)


class ApiMeter:
    """Counters of one model on one route. Tokens that an answer does not tell are not added."""

    __slots__ = ("completion_tokens", "failures", "prompt_tokens", "requests")

    def __init__(self) -> None:
        self.requests = 0
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.failures: dict[str, int] = {reason.value: 0 for reason in Reason}


class ModelMeter:
    """One model of one backend. Times are seconds; `load` takes only those of at least `COLD_LOAD_SECONDS`."""

    __slots__ = ("_meters", "apis", "between", "duration", "first_token", "in_flight", "label", "load")

    def __init__(self, label: str, meters: Meters) -> None:
        sampled = SampledHistogram if meters.config.categraf else Histogram
        self.label = label
        self.in_flight = 0
        self.duration = sampled(table.DURATION_BOUNDS)
        self.first_token = Histogram(table.FIRST_TOKEN_BOUNDS)
        self.between = Histogram(table.BETWEEN_BOUNDS)
        self.load = sampled(table.LOAD_BOUNDS)
        self.apis: dict[str, ApiMeter] = {}
        self._meters = meters

    def api(self, template: str) -> ApiMeter:
        """The counters of a route, or those of the route `other` where no room is left for one more."""
        return self.apis.get(template) or self._admit(template)

    def _admit(self, template: str) -> ApiMeter:
        if not self.apis or template == OTHER or self._meters.budget.take(_API_SERIES):
            return self.apis.setdefault(template, ApiMeter())
        self._meters.rejected["api"] += 1
        return self.apis.setdefault(OTHER, ApiMeter())


class TagMeter:
    """One tag of one backend."""

    __slots__ = ("completion_tokens", "prompt_tokens", "requests")

    def __init__(self) -> None:
        self.requests = 0
        self.prompt_tokens = 0
        self.completion_tokens = 0


class BackendMeters:
    """One backend: its models, its tags, and what the collectors know of it in `state`."""

    def __init__(self, backend: Backend, meters: Meters) -> None:
        self.backend = backend
        self.labels = {**backend.labels, "backend": backend.name, "runtime": backend.engine}
        self.state = BackendState()
        self.unmetered = 0
        self.fallbacks: dict[tuple[str, str], int] = {}
        self._meters = meters
        self._short = backend.engine in SPEAKS_OLLAMA
        self.models: dict[str, ModelMeter] = {}  # by label
        self._names: dict[str, ModelMeter] = {}  # by label and by other spellings of listed names
        self.other = self._add(OTHER)
        main = OLLAMA_APIS if self._short else MAIN_APIS
        self.other.api(main[0])
        for name in backend.models:
            self._add(name).apis.update((template, ApiMeter()) for template in main)
        for name in backend.models if self._short else ():
            self._names.setdefault(name.removesuffix(LATEST), self._names[name])
            self._names.setdefault(name + LATEST, self._names[name])
        by_label = {clean(tag): TagMeter() for tag in meters.config.tags}
        self.tags: dict[str, TagMeter] = by_label
        self._tag_of = {tag: by_label[clean(tag)] for tag in meters.config.tags}
        herd = backend.engine == "herd"
        self.max_loaded = MAX_LOADED_HERD if herd else MAX_LOADED
        meters.budget.plan(
            table.series(table.OF_BACKEND)
            + len(set(backend.urls)) * table.series(table.OF_ADDRESS)
            + len(self.models) * meters.model_series
            + (len(self.models) - 1) * (len(main) - 1) * _API_SERIES
            + len(self.tags) * table.series(table.OF_TAG)
            + table.series(table.OF_FALLBACK)  # from `other` to `other`
            + (self.max_loaded + 1) * table.series(table.OF_LOADED)
            + (_HERD_SERIES if herd else 0)
        )

    def asked(self, model: str | None) -> ModelMeter:
        """The meter for a request that has just come: the model's own where it has one, else `other`."""
        return self._find(model) or self.other

    def settled(self, model: str | None, answered: bool) -> ModelMeter:
        """The meter for a request that has ended; `answered` tells that the server answered it with 2xx.

        A model gets its own when a server answered for it, or tells that it can serve it, as long as there is room.
        Where a name is folded into `other`, that counts as a rejected label value.
        """
        meter = self._find(model)
        if meter is not None:
            return meter
        label = self.label(model or "")
        known = self.state.known
        heard = answered or model in known or label in known or label + LATEST in known
        if heard and self._meters.budget.take(self._meters.model_series):
            return self._add(label)
        self._meters.rejected["model"] += 1
        return self.other

    def label(self, model: str) -> str:
        """The label of a model's name, whether it has a meter or not."""
        meter = self._names.get(model)
        if meter is not None:
            return meter.label
        label = clean(model)
        if self._short:
            label = label.removesuffix(LATEST)
        meter = self._names.get(label)
        return meter.label if meter is not None else label or OTHER

    def tagged(self, tags: tuple[str, ...], prompt: int | None, completion: int | None) -> None:
        """Count a finished request for those of its tags that the configuration names; the store has them all.

        Other tags are the normal case, so they are not counted as rejected.
        """
        if not tags or not self._tag_of:
            return
        for meter in {id(found): found for tag in tags if (found := self._tag_of.get(tag))}.values():
            meter.requests += 1
            meter.prompt_tokens += prompt or 0
            meter.completion_tokens += completion or 0

    def fell_back(self, asked: str, served: str) -> None:
        """Count a request that was answered by another model than the one asked for."""
        pair = (self.label(asked), self.label(served))
        if pair not in self.fallbacks:
            pair = self._admit(pair)
        self.fallbacks[pair] = self.fallbacks.get(pair, 0) + 1

    def _admit(self, pair: tuple[str, str]) -> tuple[str, str]:
        """The pair, or what stands for it: names that clients make up must not hide which model served."""
        folded, rejected = (OTHER, pair[1]), self._meters.rejected
        if len(self.fallbacks) < MAX_FALLBACKS and self._meters.budget.take(table.series(table.OF_FALLBACK)):
            return pair
        rejected["from_model"] += 1
        if folded in self.fallbacks:
            return folded
        if pair[1] in self.models and self._meters.budget.take(table.series(table.OF_FALLBACK)):
            return folded
        rejected["to_model"] += 1
        return (OTHER, OTHER)

    def _find(self, model: str | None) -> ModelMeter | None:
        """The meter of a name; a request without a name is `other`."""
        if not model:
            return self.other
        return self._names.get(model) or self._names.get(self.label(model))

    def _add(self, label: str) -> ModelMeter:
        meter = self.models.get(label)
        if meter is None:
            meter = self.models[label] = self._names[label] = ModelMeter(label, self._meters)
        return meter


class Meters:
    """All that the exporter counts. `loop` names the event loop in use; the app keeps `store` up to date."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.loop = "asyncio"
        self.store = StoreState()
        self.rejected = dict.fromkeys(table.REJECTABLE, 0)
        self.traces_dropped = {reason.value: 0 for reason in DropReason}
        self._lock = Lock()
        self.budget = Budget(config.series_limit)
        self.model_series = _MODEL_SERIES + (table.series(table.OF_CATEGRAF) if config.categraf else 0)
        self.budget.plan(len(table.PROCESS) + table.series(table.OF_EXPORTER))
        self.backends = {backend.name: BackendMeters(backend, self) for backend in config.backends}

    def dropped(self, reason: str, count: int = 1) -> None:
        """Count traces that were not written, by a word of `names.DropReason`. Called from the store's thread too."""
        with self._lock:
            self.traces_dropped[reason] += count
