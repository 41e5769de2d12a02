"""The samples of one scrape, gathered by family: many owners add to a family, and it is written once."""

from __future__ import annotations

import math
from collections.abc import Iterator

from prometheus_client.core import Metric
from prometheus_client.samples import Sample

from inferometer_exporter.metrics.histogram import Histogram
from inferometer_exporter.metrics.table import FAMILIES, Family, Kind

Labels = dict[str, str]  # shared by many samples, so never changed

# A server may tell any number of tokens; what no float holds must not break the scrape.
_LARGEST = 2.0**63


class Page:
    """One scrape. `add` takes None for what is not known: then there is no sample."""

    def __init__(self) -> None:
        self._samples: dict[str, list[Sample]] = {}

    def add(self, family: Family, labels: Labels, value: float | None) -> None:
        """One sample of a counter or a gauge."""
        if value is not None:
            samples = self._samples.setdefault(family.name, [])
            samples.append(Sample(family.name, labels, max(-_LARGEST, min(value, _LARGEST))))

    def histogram(self, family: Family, labels: Labels, histogram: Histogram) -> None:
        """All series of a histogram. Its count is made from the same copy as its buckets, so they always agree."""
        counts, total = list(histogram.counts), histogram.total
        samples = self._samples.setdefault(family.name, [])
        bucket, below = f"{family.name}_bucket", 0
        for bound, count in zip((*histogram.bounds, math.inf), counts, strict=True):
            below += count
            samples.append(Sample(bucket, {**labels, "le": "+Inf" if bound == math.inf else repr(bound)}, below))
        samples.append(Sample(f"{family.name}_sum", labels, total))
        samples.append(Sample(f"{family.name}_count", labels, below))

    def metrics(self) -> Iterator[Metric]:
        """The families that have samples, in the table's order."""
        for family in FAMILIES:
            samples = self._samples.get(family.name)
            if samples:
                counter = family.kind is Kind.COUNTER
                name = family.name.removesuffix("_total") if counter else family.name
                metric = Metric(name, family.help, family.kind.value, family.unit)
                metric.samples = samples
                yield metric
