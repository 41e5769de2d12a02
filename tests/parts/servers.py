"""The real servers of the monitoring side: Prometheus, VictoriaMetrics, vmagent, vmalert, Alertmanager.

Each is a context manager (`process.Server`). Configurations are given as text, or as a folder that holds the file under
its usual name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from tests.parts import http
from tests.parts.binaries import Generation, find
from tests.parts.process import Server
from tests.parts.query_api import QueryApi

AGES = "100y"
"""Longer than any test's samples are old."""

_GENERATIONS: Mapping[str, Generation] = {"3": "new", "2": "old"}


class Prometheus(QueryApi, Server):
    """Prometheus 3.x ("3") or 2.53 ("2"), with the remote write receiver and reloads switched on.

    `config` is the text of prometheus.yml or a folder with that file; `rules` are files (name → text) put beside it.
    """

    name: ClassVar[str] = "prometheus"

    def __init__(
        self,
        config: str | Path = "",
        rules: Mapping[str, str] | None = None,
        version: Literal["3", "2"] = "3",
        flags: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._program = find("prometheus", _GENERATIONS[version])
        self._config = config
        self._rules = dict(rules or {})
        self._flags = tuple(flags)

    def prepare(self) -> None:
        files = {**self._rules}
        if isinstance(self._config, str):
            files["prometheus.yml"] = self._config
        _write(self.folder, files)

    def command(self) -> Sequence[str | Path]:
        folder = self._config if isinstance(self._config, Path) else self.folder
        return [
            self._program,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--storage.tsdb.retention.time={AGES}",
            f"--web.listen-address={self.address}",
            "--web.enable-lifecycle",
            "--web.enable-remote-write-receiver",
            *self._flags,
        ]

    def reload(self) -> None:
        """Read the configuration and rules again. Raises HttpError where they are refused."""
        http.request(f"{self.url}/-/reload", b"")


class VictoriaMetrics(QueryApi, Server):
    """Single-node VictoriaMetrics, of the newer suite ("new") or the one before ("old"); shows samples at once."""

    name: ClassVar[str] = "victoria-metrics"
    ready_path: ClassVar[str] = "/health"

    def __init__(self, version: Generation = "new", flags: Sequence[str] = ()) -> None:
        super().__init__()
        self._program = find("victoria-metrics", version)
        self._flags = tuple(flags)

    def command(self) -> Sequence[str | Path]:
        return [
            self._program,
            f"-storageDataPath={self.folder / 'data'}",
            f"-retentionPeriod={AGES}",
            f"-httpListenAddr={self.address}",
            "-search.latencyOffset=0s",
            "-search.disableCache",
            "-memory.allowedBytes=256MB",
            *self._flags,
        ]

    def import_prometheus(self, text: str) -> None:
        """Store samples in the text format (with times in milliseconds, or now)."""
        http.request(f"{self.url}/api/v1/import/prometheus", text.encode())

    def flush(self) -> None:
        """Show what is stored to all who ask. By itself that takes seconds, and ten after an empty answer."""
        http.request(f"{self.url}/internal/force_flush")

    def _ask(self, path: str, parameters: Mapping[str, Any]) -> Any:
        self.flush()
        return super()._ask(path, parameters)


class Vmagent(Server):
    """vmagent scraping by `config` (text of a Prometheus configuration, or a folder with prometheus.yml)."""

    name: ClassVar[str] = "vmagent"
    ready_path: ClassVar[str] = "/health"

    def __init__(
        self, config: str | Path, remote_write_url: str, version: Generation = "new", flags: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self._program = find("vmagent", version)
        self._config = config
        self._remote_write_url = remote_write_url
        self._flags = tuple(flags)

    def prepare(self) -> None:
        if isinstance(self._config, str):
            _write(self.folder, {"prometheus.yml": self._config})

    def command(self) -> Sequence[str | Path]:
        folder = self._config if isinstance(self._config, Path) else self.folder
        return [
            self._program,
            f"-promscrape.config={folder / 'prometheus.yml'}",
            f"-remoteWrite.url={self._remote_write_url}",
            f"-remoteWrite.tmpDataPath={self.folder / 'queue'}",
            "-remoteWrite.flushInterval=200ms",
            f"-httpListenAddr={self.address}",
            *self._flags,
        ]

    def targets(self) -> list[dict[str, Any]]:
        """The active targets: labels, scrapeUrl, health, lastError."""
        found: list[dict[str, Any]] = http.get_json(f"{self.url}/api/v1/targets?state=active")["data"]["activeTargets"]
        return found

    def reload(self) -> None:
        http.request(f"{self.url}/-/reload", b"")


class Vmalert(Server):
    """vmalert over rule files (name → text, or paths). Without a notifier its alerts go nowhere."""

    name: ClassVar[str] = "vmalert"
    ready_path: ClassVar[str] = "/health"

    def __init__(
        self,
        rules: Mapping[str, str] | Iterable[Path],
        datasource: str,
        notifier: str | None = None,
        remote_write: str | None = None,
        interval: str = "1s",
        version: Generation = "new",
        flags: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._program = find("vmalert", version)
        self._texts = dict(rules) if isinstance(rules, Mapping) else {}
        self._paths = () if isinstance(rules, Mapping) else tuple(rules)
        self._datasource = datasource
        self._interval = interval
        self._flags = (
            f"-notifier.url={notifier}" if notifier else "-notifier.blackhole",
            *([f"-remoteWrite.url={remote_write}", f"-remoteRead.url={remote_write}"] if remote_write else []),
            *flags,
        )

    def prepare(self) -> None:
        _write(self.folder, self._texts)

    def command(self) -> Sequence[str | Path]:
        return [
            self._program,
            *(f"-rule={path}" for path in [*(self.folder / name for name in self._texts), *self._paths]),
            f"-datasource.url={self._datasource}",
            f"-evaluationInterval={self._interval}",
            "-rule.evalDelay=0s",
            "-remoteWrite.flushInterval=200ms",
            f"-httpListenAddr={self.address}",
            *self._flags,
        ]

    def alerts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = http.get_json(f"{self.url}/api/v1/alerts")["data"]["alerts"]
        return found

    def groups(self) -> list[dict[str, Any]]:
        """The rule groups with the health and last error of each rule."""
        found: list[dict[str, Any]] = http.get_json(f"{self.url}/api/v1/rules")["data"]["groups"]
        return found


class Alertmanager(Server):
    """Alertmanager alone (no cluster), with the text of alertmanager.yml or a folder that holds it."""

    name: ClassVar[str] = "alertmanager"

    def __init__(self, config: str | Path, flags: Sequence[str] = ()) -> None:
        super().__init__()
        self._program = find("alertmanager")
        self._config = config
        self._flags = tuple(flags)

    def prepare(self) -> None:
        if isinstance(self._config, str):
            _write(self.folder, {"alertmanager.yml": self._config})

    def command(self) -> Sequence[str | Path]:
        folder = self._config if isinstance(self._config, Path) else self.folder
        return [
            self._program,
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={self.folder / 'data'}",
            f"--web.listen-address={self.address}",
            "--cluster.listen-address=",
            *self._flags,
        ]

    def alerts(self) -> list[dict[str, Any]]:
        """All alerts it holds: labels, annotations, receivers, status (state, inhibitedBy)."""
        found: list[dict[str, Any]] = http.get_json(f"{self.url}/api/v2/alerts")
        return found

    def post(self, *alerts: Mapping[str, object]) -> None:
        """Hand in alerts as Prometheus would: `{"labels": {...}, "annotations": {...}}`."""
        http.post_json(f"{self.url}/api/v2/alerts", alerts)

    def reload(self) -> None:
        http.request(f"{self.url}/-/reload", b"")


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
