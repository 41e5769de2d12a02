"""Configurations for properties, and the YAML that says one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from inferometer_exporter.config.fields import RESERVED_LABELS
from inferometer_exporter.config.model import ENGINES, Address, Backend, Config, Store, Timeouts

LINES = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=20).filter(
    lambda text: text == text.strip() and text.isprintable()
)
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True)
LABELS = st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True).filter(lambda name: name not in RESERVED_LABELS)
SECONDS = st.integers(1, 3600).map(float) | st.floats(1, 3600).map(lambda number: round(number, 3))
URLS = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["http", "https"]),
    st.sampled_from(["10.0.0.1", "box", "gpu-1.example.org", "[fd00::1]"]),
    st.sampled_from(["", ":8000", ":65535"]),
    st.sampled_from(["", "/openai", "/a/b~c/%20"]),
)
HOSTS = st.sampled_from(["127.0.0.1", "::1", "localhost", "127.8.9.1"])


@st.composite
def configs(draw: st.DrawFn) -> Config:
    """Configurations that can be, with a port for each listener and without files."""
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    ports = iter(draw(st.lists(st.integers(1, 65535), min_size=len(names) + 1, max_size=len(names) + 1, unique=True)))
    return Config(
        backends=tuple(
            Backend(
                name=name,
                engine=draw(st.sampled_from(ENGINES)),
                urls=tuple(draw(st.lists(URLS, min_size=1, max_size=3, unique=True))),
                listen=Address(draw(HOSTS), next(ports)),
                models=tuple(draw(st.lists(LINES, max_size=3, unique=True))),
                labels=draw(st.dictionaries(LABELS, LINES, max_size=3)),
                inject_usage=draw(st.booleans()),
            )
            for name in names
        ),
        admin=Address(draw(HOSTS), next(ports)),
        store=Store(
            draw(st.none() | LINES.filter(lambda text: text != "none").map(Path)),
            draw(st.integers(60, 10**8)) * 1.0,
            draw(st.integers(2**20, 2**40)),
        ),
        expose=draw(st.booleans()),
        tags=tuple(draw(st.lists(LINES, max_size=3, unique=True))),
        series_limit=draw(st.integers(200, 1_000_000)),
        categraf=draw(st.booleans()),
        notice=draw(st.just("") | LINES),
        poll=draw(SECONDS),
        timeouts=draw(st.builds(Timeouts, SECONDS, SECONDS, SECONDS, st.integers(0, 2**40), SECONDS, SECONDS)),
        log_format=draw(st.sampled_from(["text", "json"])),
    )


def written(config: Config) -> str:
    """YAML that says the configuration, by PyYAML's own writer."""
    said: dict[str, Any] = {
        "admin": str(config.admin),
        "expose": config.expose,
        "store": {
            "path": "none" if config.store.path is None else str(config.store.path),
            "retention": config.store.retention,
            "max_size": config.store.max_bytes,
        },
        "tags": list(config.tags),
        "series_limit": config.series_limit,
        "categraf": config.categraf,
        "poll": config.poll,
        "timeouts": {name: getattr(config.timeouts, name) for name in Timeouts.__slots__},
        "log_format": config.log_format,
        "backends": [
            {
                "name": backend.name,
                "engine": backend.engine,
                "listen": str(backend.listen),
                "urls": list(backend.urls),
                "models": list(backend.models),
                "labels": backend.labels,
                "inject_usage": backend.inject_usage,
            }
            for backend in config.backends
        ],
    }
    if config.notice:
        said["notice"] = config.notice
    return yaml.safe_dump(said, allow_unicode=True, sort_keys=False)
