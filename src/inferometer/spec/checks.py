"""Checks across a spec: names that must be unique or exist, circles, addresses scraped twice.

They look at the file's data and not at the model, so that they speak also when something else is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from inferometer.errors import did_you_mean
from inferometer.spec.address import Address, parse_address
from inferometer.spec.engines import ENGINES
from inferometer.spec.listen import parse_listen
from inferometer.spec.model import EXPORTER_PORT, HOST_PORT, Exporter, Storage
from inferometer.spec.scalars import Plain
from inferometer.spec.source import Finding, Path
from inferometer.units import format_duration, parse_duration

_METRICS = "/metrics"
_EXAMPLE = 'the shortest spec is "backends: [{name: box, ollama: http://127.0.0.1:11434}]"'


def check(data: Mapping[str, Any]) -> Iterator[Finding]:
    """Everything wrong between the parts of the (expanded) data. Parts of a wrong kind are passed over."""
    yield from _something_to_watch(data)
    for key in ("backends", "hosts", "slos"):
        yield from _unique(rows(data, key))
    yield from _aliases(data)
    yield from _behind(data)
    yield from _slos(data)
    yield from _alerting(data)
    yield from _addresses(data)
    yield from _listening(data)
    yield from _timeouts(data)


def text(value: Any) -> str | None:
    """The text of a scalar, None for anything else."""
    return value.text if isinstance(value, Plain) else value if isinstance(value, str) else None


def section(data: Any, key: str) -> Mapping[str, Any]:
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, dict) else {}


def rows(data: Mapping[str, Any], *keys: str) -> list[tuple[Path, Mapping[str, Any]]]:
    """The mappings of a list with their paths."""
    for key in keys[:-1]:
        data = section(data, key)
    items = data.get(keys[-1]) if isinstance(data, dict) else None
    entries = enumerate(items if isinstance(items, list) else ())
    return [((*keys, index), item) for index, item in entries if isinstance(item, dict)]


def texts(row: Mapping[str, Any], key: str) -> list[tuple[int, str]]:
    """The texts in a list under a key, with their indexes."""
    items = row.get(key)
    return [(i, t) for i, item in enumerate(items if isinstance(items, list) else ()) if (t := text(item)) is not None]


def _names(data: Mapping[str, Any], *keys: str) -> list[str]:
    return [name for _, row in rows(data, *keys) if (name := text(row.get("name"))) is not None]


def _something_to_watch(data: Mapping[str, Any]) -> Iterator[Finding]:
    if not data.get("backends") and not data.get("hosts"):
        yield Finding("IM203", (), 'a spec needs "backends" or "hosts"', _EXAMPLE)


def _unique(named: list[tuple[Path, Mapping[str, Any]]]) -> Iterator[Finding]:
    seen: set[str] = set()
    for path, row in named:
        name = text(row.get("name"))
        if name is not None and name in seen:
            yield Finding("IM210", (*path, "name"), f'the name "{name}" is taken already', "give each its own name")
        seen.add(name or "")


def _aliases(data: Mapping[str, Any]) -> Iterator[Finding]:
    models = section(data, "models")
    owners = {name: name for name in models}
    for model, known in models.items():
        for index, alias in texts(known if isinstance(known, dict) else {}, "aliases"):
            if alias in owners:
                taken = "a model's name" if alias in models else f'an alias of "{owners[alias]}"'
                at = ("models", model, "aliases", index)
                yield Finding("IM210", at, f'"{alias}" is {taken} already', "leave it out here")
            owners.setdefault(alias, model)


def _unknown(path: Path, what: str, name: str, choices: list[str]) -> Finding:
    hint = did_you_mean(name, [choice for choice in choices if choice != name])
    return Finding("IM211", path, f'there is no {what} "{name}"', hint)


def _behind(data: Mapping[str, Any]) -> Iterator[Finding]:
    names = _names(data, "backends")
    edges: dict[str, list[tuple[Path, str]]] = {}
    for path, row in rows(data, "backends"):
        own = text(row.get("name"))
        for index, name in texts(row, "behind"):
            at = (*path, "behind", index)
            if name == own:
                yield Finding("IM212", at, f'"{name}" cannot stand behind itself', "leave it out")
            elif name not in names:
                yield _unknown(at, "backend", name, [other for other in names if other != own])
            elif own is not None:
                edges.setdefault(own, []).append((at, name))
    yield from _circles(edges)


def _circles(edges: Mapping[str, list[tuple[Path, str]]]) -> Iterator[Finding]:
    """One finding for each edge that closes a circle. A walk with a stack of its own: chains may be long."""
    done: set[str] = set()
    for start in edges:
        trail: dict[str, Iterator[tuple[Path, str]]] = {} if start in done else {start: iter(edges[start])}
        while trail:
            current = next(reversed(trail))
            step = next(trail[current], None)
            if step is None:
                done.add(current)
                del trail[current]
            elif step[1] in trail:
                names = list(trail)
                circle = [*names[names.index(step[1]) :], step[1]]
                yield Finding("IM212", step[0], f"a circle: {' → '.join(circle)}", "leave out the one that is not so")
            elif step[1] not in done:
                trail[step[1]] = iter(edges.get(step[1], ()))


def _slos(data: Mapping[str, Any]) -> Iterator[Finding]:
    backends = rows(data, "backends")
    models = section(data, "models")
    known = list(models)
    known += [alias for model in models.values() if isinstance(model, dict) for _, alias in texts(model, "aliases")]
    known += [name for _, row in backends for _, name in texts(row, "models")]
    engines = list(dict.fromkeys(engine for _, row in backends if (engine := text(row.get("engine"))) is not None))
    for path, row in rows(data, "slos"):
        for index, name in texts(row, "models"):
            if name not in known:
                yield _unknown((*path, "models", index), "model", name, known)
        for index, name in texts(row, "backends"):
            if name not in _names(data, "backends"):
                yield _unknown((*path, "backends", index), "backend", name, _names(data, "backends"))
        for index, name in texts(row, "engines"):
            if name in ENGINES and name not in engines:
                hint = did_you_mean(name, engines)
                yield Finding("IM211", (*path, "engines", index), f'no backend has the engine "{name}"', hint)


def _alerting(data: Mapping[str, Any]) -> Iterator[Finding]:
    receivers = _names(data, "alerting", "receivers")
    yield from _unique(rows(data, "alerting", "receivers"))
    default = text(section(data, "alerting").get("default"))
    if default is not None and default not in receivers:
        yield _unknown(("alerting", "default"), "receiver", default, receivers)
    for path, row in rows(data, "alerting", "routes"):
        name = text(row.get("receiver"))
        if name is not None and name not in receivers:
            yield _unknown((*path, "receiver"), "receiver", name, receivers)
    for path, row in rows(data, "alerting", "receivers"):
        slack = row.get("slack")
        for index, one in enumerate(slack if isinstance(slack, list) else [slack]):
            if isinstance(one, dict) and "channel" in one and one["channel"] is None:
                hint = 'quote it ("#llm"): "#" begins a comment'
                yield Finding("IM205", (*path, "slack", index, "channel"), "the channel is empty", hint)


def _addresses(data: Mapping[str, Any]) -> Iterator[Finding]:
    seen: dict[tuple[object, ...], str] = {}
    for path, owner, row, default in _scraped(data):
        address = _address(row, path, default)
        if address is None:
            continue
        scrape = section(row, "scrape")
        params = tuple(sorted((key, text(value)) for key, value in section(scrape, "params").items() if text(value)))
        host = "localhost" if address.loopback else address.host
        target = (host, address.port, text(scrape.get("path")) or _METRICS, params)
        if target in seen:
            message = f"{address} is scraped for {seen[target]} already"
            yield Finding("IM213", path, message, "each target has one owner")
        seen.setdefault(target, owner)


def _scraped(data: Mapping[str, Any]) -> Iterator[tuple[Path, str, Mapping[str, Any], int | None]]:
    """Every address with its owner, the owner's data, and the port it has if none is written."""
    for path, row in rows(data, "backends"):
        engine = ENGINES.get(text(row.get("engine")) or "")
        for index, _ in texts(row, "addresses"):
            port = engine.port if engine else None
            yield (*path, "addresses", index), f'backend "{text(row.get("name"))}"', row, port
    for path, row in rows(data, "hosts"):
        yield (*path, "address"), f'host "{text(row.get("name"))}"', row, HOST_PORT
    if any(_recorded(row) for _, row in rows(data, "backends")):
        exporter = {"address": str(Exporter().target), **section(data, "exporter")}
        yield ("exporter", "address"), "the exporter", exporter, EXPORTER_PORT


def _recorded(row: Mapping[str, Any]) -> bool:
    engine, record = ENGINES.get(text(row.get("engine")) or ""), row.get("record")
    return record.value is True if isinstance(record, Plain) else engine is not None and not engine.measured


def _address(row: Mapping[str, Any], path: Path, default: int | None) -> Address | None:
    written = row["addresses"][path[-1]] if isinstance(path[-1], int) else row.get(str(path[-1]))
    try:
        return parse_address(text(written) or "").with_port(default)
    except ValueError:
        return None


def _listening(data: Mapping[str, Any]) -> Iterator[Finding]:
    """The exporter listens for each recorded backend's clients on a port that nobody on its machine has."""
    taken = {
        address.port: owner
        for path, owner, row, default in _scraped(data)
        if (address := _address(row, path, default)) is not None and (address.loopback or path[0] == "exporter")
    }
    for path, row in rows(data, "backends"):
        written = text(row.get("listen"))
        if written is None:
            continue
        at = (*path, "listen")
        if text(row.get("engine")) in ENGINES and not _recorded(row):
            hint = 'write "record: true", or leave it out'
            yield Finding("IM216", at, "the exporter does not stand before this backend", hint, on_key=True)
        try:
            port = parse_listen(written).port
        except ValueError:
            continue
        if port in taken:
            yield Finding("IM215", at, f"port {port} is taken by {taken[port]} already", "choose another port")
        taken.setdefault(port, f'backend "{text(row.get("name"))}"')


def _timeouts(data: Mapping[str, Any]) -> Iterator[Finding]:
    usual = _seconds(section(data, "storage").get("scrape_interval")) or Storage().scrape_interval
    sections = [*rows(data, "backends"), *rows(data, "hosts"), (("exporter",), section(data, "exporter"))]
    for path, row in sections:
        scrape = section(row, "scrape")
        interval, timeout = _seconds(scrape.get("interval")) or usual, _seconds(scrape.get("timeout"))
        if timeout is not None and timeout > interval:
            message = f"a scrape may take at most its interval, {format_duration(interval)}"
            yield Finding("IM214", (*path, "scrape", "timeout"), message, "lower it, or write a longer interval")


def _seconds(value: Any) -> float | None:
    try:
        return parse_duration(text(value) or "")
    except ValueError:
        return None
