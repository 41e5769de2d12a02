"""A real fleet of one llama-server and one host, watched by a bundle built for it on real servers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from inferometer.bundle import write
from inferometer.compile import compile_bundle
from inferometer.spec.load import loads
from tests.parts.observed import LlamaServer, NodeExporter, WebhookReceiver
from tests.parts.servers import Alertmanager, Prometheus, VictoriaMetrics, Vmagent, Vmalert

Storage = Literal["prometheus3", "prometheus2", "victoriametrics"]
SCRAPE = 1

SPEC = """
fleet: {{name: real, cluster: here}}
platform: host
backends:
  - name: box
    llamacpp: http://{llama}
    models: [tiny]
hosts:
  - {{name: this-machine, address: "{node}"}}
storage:
  kind: {kind}
  scrape_interval: {scrape}s
  address: {storage}
alerting:
  address: {alertmanager}
  receivers: [{{name: ops, webhook: {{url: "{webhook}"}}}}]
  group_wait: 1s
  group_interval: 1s
alerts:
  scale: 0.02
"""


@dataclass
class Watched:
    """The servers of a watched fleet, and the folder of the bundle that watches them."""

    folder: Path
    llama: LlamaServer
    storage: Prometheus | VictoriaMetrics
    webhook: WebhookReceiver

    def board(self, name: str) -> dict[str, Any]:
        board: dict[str, Any] = json.loads((self.folder / "dashboards" / f"{name}.json").read_text())
        return board

    @property
    def boards(self) -> dict[str, dict[str, Any]]:
        return {path.stem: self.board(path.stem) for path in sorted((self.folder / "dashboards").glob("*.json"))}

    def value(self, expr: str) -> float | None:
        """The value of an expression with one answer, None for no answer."""
        samples = self.storage.query(expr)
        assert len(samples) <= 1, samples
        return samples[0].value if samples else None

    def wait(self, expr: str, wanted: Callable[[float | None], bool], timeout: float = 30) -> None:
        """Until the expression's value is wanted. Raises when it is not in time."""
        self.storage.wait_for(lambda: wanted(self.value(expr)) or None, timeout)


@contextmanager
def watched(kind: Storage, folder: Path) -> Iterator[Watched]:
    """Everything started and scraped once. The bundle is built again as addresses become known, as a user would."""
    with ExitStack() as stack:
        start = stack.enter_context
        llama, node, webhook = start(LlamaServer()), start(NodeExporter()), start(WebhookReceiver())
        known = {
            "llama": llama.address, "node": node.address, "webhook": webhook.url, "scrape": SCRAPE,
            "kind": "victoriametrics" if kind == "victoriametrics" else "prometheus",
            "storage": "127.0.0.1:9", "alertmanager": "127.0.0.1:9",
        }  # fmt: skip

        def build(**more: str) -> None:
            known.update(more)
            write(compile_bundle(loads(SPEC.format(**known)), folder / "no-overlays"), folder)

        build()
        alertmanager = start(Alertmanager(folder / "stack/alertmanager"))
        storage: Prometheus | VictoriaMetrics
        if kind == "victoriametrics":
            storage = start(VictoriaMetrics())
            build(alertmanager=alertmanager.address, storage=storage.address)
            start(Vmagent((folder / "stack/victoriametrics/vmagent.yml").read_text(), f"{storage.url}/api/v1/write"))
            rules = sorted((folder / "alerts").glob("*.yaml"))
            start(Vmalert(rules, storage.url, alertmanager.url, storage.url, f"{SCRAPE}s"))
        else:
            build(alertmanager=alertmanager.address)
            storage = start(Prometheus(folder / "stack/prometheus", version="3" if kind == "prometheus3" else "2"))
            build(storage=storage.address)
            storage.reload()
        fleet = Watched(folder, llama, storage, webhook)
        fleet.wait('sum(up{job=~"llamacpp|node"})', lambda value: value == 2)
        # A rate over the shortest window of a board needs a few scrapes.
        fleet.wait("min(count_over_time(node_load1[10s]))", lambda value: value is not None and value >= 5)
        yield fleet
