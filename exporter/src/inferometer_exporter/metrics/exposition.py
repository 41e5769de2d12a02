"""A scrape's answer: text or OpenMetrics, as the scraper asks."""

from __future__ import annotations

from inferometer_exporter.metrics.meters import Meters


def render(meters: Meters, accept: str) -> tuple[bytes, str]:
    """The body and its content type for an `Accept` header. May run in any thread, beside the one that counts."""
    # prometheus_client costs 5 MB of memory and 0.1 s: the first scrape pays, not the start.
    from prometheus_client.exposition import choose_encoder
    from prometheus_client.process_collector import ProcessCollector
    from prometheus_client.registry import CollectorRegistry

    from inferometer_exporter.metrics.collector import MetersCollector

    registry = CollectorRegistry()
    registry.register(MetersCollector(meters))
    ProcessCollector(registry=registry)
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type
