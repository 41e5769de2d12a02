"""What servers that speak Ollama's or OpenAI's API tell of themselves and of their models."""

from __future__ import annotations

from collections.abc import Iterable

from inferometer_exporter.collect.fields import Object, count, parts, text
from inferometer_exporter.metrics.state import Loaded


def version(told: Object) -> str:
    """Of `/api/version`. Herd tells Ollama's version too: its own counts."""
    return text(told, "herd_version") or text(told, "version")


def loaded(told: Object) -> tuple[Loaded, ...]:
    """Of `/api/ps`. Herd rounds sizes to hundredths of a GiB, so 0 is one that is not known; it has no `size_vram`."""
    return merged(
        Loaded(name, count(model, "size") or None, count(model, "size_vram"))
        for model in parts(told, "models")
        if (name := text(model, "name") or text(model, "model"))
    )


def available(told: Object) -> tuple[str, ...]:
    """The models of `/api/tags`."""
    names = (text(model, "name") or text(model, "model") for model in parts(told, "models"))
    return tuple(dict.fromkeys(name for name in names if name))


def listed(told: Object) -> tuple[str, ...]:
    """The models of `/v1/models`."""
    names = (text(model, "id") for model in parts(told, "data"))
    return tuple(dict.fromkeys(name for name in names if name))


def merged(models: Iterable[Loaded]) -> tuple[Loaded, ...]:
    """Each model once: one that is loaded in several places takes the memory of all of them."""
    found: dict[str, Loaded] = {}
    for model in models:
        other = found.get(model.model)
        if other is not None:
            model = Loaded(
                model.model, _sum(other.size_bytes, model.size_bytes), _sum(other.vram_bytes, model.vram_bytes)
            )
        found[model.model] = model
    return tuple(found.values())


def _sum(one: int | None, other: int | None) -> int | None:
    """A part that is not known makes the sum unknown."""
    return None if one is None or other is None else one + other
