"""What a platform or a storage cannot do with a spec's wishes: found before a file is written."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from inferometer.catalog.signal import version
from inferometer.errors import Problem
from inferometer.spec.load import Source
from inferometer.spec.model import Spec
from inferometer.spec.part import Auth, Header, RemoteWrite, Scrape, Tls

# The folder beside the spec that containers see.
SECRETS = "secrets"

# "Scraping: Add the ability to set custom `http_headers` in config": prometheus/prometheus, CHANGELOG.md, 2.55.0.
HEADERS_SINCE = (2, 55)

# Which key of each kind of receiver names a file.
RECEIVER_FILES = {
    "slack": "webhook_file",
    "email": "password_file",
    "pagerduty": "routing_key_file",
    "webhook": "url_file",
}

# VictoriaMetrics refuses less (-retentionPeriod cannot be smaller than a day).
LEAST_RETENTION = 86_400

Path = tuple[str | int, ...]
Client = Scrape | RemoteWrite


def problems(spec: Spec, source: Source) -> list[Problem]:
    """Everything that the storage or the platform of this spec cannot do."""
    return [*_storage(spec, source), *_headers(spec, source), *_files(spec, source)]


def _clients(spec: Spec) -> Iterator[tuple[Path, Client]]:
    """Each part of the spec that says how to reach a server, with its place."""
    yield from ((("backends", index, "scrape"), backend.scrape) for index, backend in enumerate(spec.backends))
    yield ("exporter", "scrape"), spec.exporter.scrape
    yield from ((("hosts", index, "scrape"), host.scrape) for index, host in enumerate(spec.hosts))
    yield from ((("storage", "remote_write", index), remote) for index, remote in enumerate(spec.storage.remote_write))


def _storage(spec: Spec, source: Source) -> Iterator[Problem]:
    storage = spec.storage
    if storage.version is not None and _version(storage.version) is None:
        hint = 'write it as the server prints it, such as "3.5"'
        yield source.problem("IM305", ("storage", "version"), f'"{storage.version}" is no version', hint)
    if storage.kind != "victoriametrics":
        return
    if storage.retention_size is not None:
        hint = "leave it out, and keep samples for a shorter time"
        yield source.problem("IM307", ("storage", "retention_size"), "VictoriaMetrics has no limit of size", hint)
    if storage.retention < LEAST_RETENTION:
        what = "VictoriaMetrics keeps samples for at least a day"
        yield source.problem("IM307", ("storage", "retention"), what, "write 1d or more")


def _headers(spec: Spec, source: Source) -> Iterator[Problem]:
    for path, client in _clients(spec):
        if not client.headers:
            continue
        at = (*path, "headers")
        if spec.storage.kind == "victoriametrics":
            hint = 'log in with "auth:", or use storage: {kind: prometheus}'
            yield source.problem("IM307", at, "vmagent cannot read the value of a header from a file", hint)
        elif (known := _version(spec.storage.version)) is not None and known < HEADERS_SINCE:
            hint = 'use Prometheus 2.55 or later, or log in with "auth:"'
            yield source.problem("IM306", at, f"Prometheus {spec.storage.version} cannot send headers from files", hint)


def _files(spec: Spec, source: Source) -> Iterator[Problem]:
    """Containers see `stack/secrets` and nothing else of the spec's folder: a file elsewhere is missed in silence."""
    if spec.platform != "compose":
        return
    for path, file in (*_client_files(spec), *_receiver_files(spec)):
        inside = posixpath.normpath(file)
        if not file.startswith("/") and not inside.startswith(f"{SECRETS}/"):
            # The path is not repeated: what stands there by mistake may be the secret itself.
            hint = f"move it there and write {SECRETS}/ and its name"
            yield source.problem("IM308", path, f"containers see no file of this folder outside {SECRETS}/", hint)


def _client_files(spec: Spec) -> Iterator[tuple[Path, str]]:
    for path, client in _clients(spec):
        yield from _auth_files((*path, "auth"), client.auth)
        yield from _tls_files((*path, "tls"), client.tls)
        yield from _header_files((*path, "headers"), client.headers)


def _auth_files(path: Path, auth: Auth | None) -> Iterator[tuple[Path, str]]:
    if auth and auth.bearer_file:
        yield (*path, "bearer_file"), auth.bearer_file
    if auth and auth.basic:
        yield (*path, "basic", "password_file"), auth.basic.password_file


def _tls_files(path: Path, tls: Tls | None) -> Iterator[tuple[Path, str]]:
    if tls:
        files = {"ca_file": tls.ca_file, "cert_file": tls.cert_file, "key_file": tls.key_file}
        yield from (((*path, key), file) for key, file in files.items() if file)


def _header_files(path: Path, headers: dict[str, Header]) -> Iterator[tuple[Path, str]]:
    yield from (((*path, name, "file"), header.file) for name, header in headers.items())


def _receiver_files(spec: Spec) -> Iterator[tuple[Path, str]]:
    for index, receiver in enumerate(spec.alerting.receivers):
        for kind, key in RECEIVER_FILES.items():
            for number, way in enumerate(getattr(receiver, kind)):
                if file := getattr(way, key):
                    yield ("alerting", "receivers", index, kind, number, key), file
    watchdog = spec.alerting.watchdog
    if watchdog and watchdog.url_file:
        yield ("alerting", "watchdog", "url_file"), watchdog.url_file


def _version(text: str | None) -> tuple[int, ...] | None:
    try:
        return version(text) if text else None
    except ValueError:
        return None
