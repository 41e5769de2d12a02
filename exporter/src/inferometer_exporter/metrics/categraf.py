"""The seven metrics of Categraf's Ollama plugin by their own names, for boards that people have on them.

Success and failure counters have no `_total` there, and quantiles are gauges with words among their values.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from inferometer_exporter.metrics import table as t
from inferometer_exporter.metrics.histogram import Histogram, SampledHistogram
from inferometer_exporter.metrics.meters import Meters, ModelMeter
from inferometer_exporter.metrics.page import Labels, Page


def collect(page: Page, meters: Meters) -> None:
    """Add the seven by model, over all backends."""
    models: dict[str, list[ModelMeter]] = {}
    for backend in meters.backends.values():
        for model in list(backend.models.values()):
            models.setdefault(model.label, []).append(model)
    for label, same in models.items():
        _model(page, {"model": label}, same)


def _model(page: Page, labels: Labels, same: list[ModelMeter]) -> None:
    apis = [api for model in same for api in list(model.apis.values())]
    failed = sum(sum(api.failures.values()) for api in apis)
    requests = sum(api.requests for api in apis)
    page.add(t.OLLAMA_REQUESTS, labels, requests)
    page.add(t.OLLAMA_SUCCESS, labels, requests - failed)
    page.add(t.OLLAMA_FAILED, labels, failed)
    page.add(t.OLLAMA_GENERATED, labels, sum(api.completion_tokens for api in apis))
    page.add(t.OLLAMA_PROMPT, labels, sum(api.prompt_tokens for api in apis))
    for family, histograms in (
        (t.OLLAMA_DURATION, [model.duration for model in same]),
        (t.OLLAMA_LOAD, [model.load for model in same]),
    ):
        for quantile, value in _quantiles(histograms):
            page.add(family, {**labels, "quantile": quantile}, value)


def _quantiles(histograms: list[Histogram]) -> Iterator[tuple[str, float]]:
    """The value of each of `table.QUANTILES`; nothing before the first sample."""
    samples = sorted(x for one in histograms if isinstance(one, SampledHistogram) for x in one.samples())
    if samples:
        words = {"avg": math.fsum(samples) / len(samples), "min": samples[0], "max": samples[-1]}
        for quantile in t.QUANTILES:
            yield quantile, words[quantile] if quantile in words else nearest_rank(samples, float(quantile))


def nearest_rank(samples: list[float], quantile: float) -> float:
    """The smallest sample that at least this share of the sorted samples does not exceed."""
    return samples[max(0, math.ceil(quantile * len(samples)) - 1)]
