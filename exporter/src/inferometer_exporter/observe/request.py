"""What a request tells before its answer: the model asked for, whether it wants a stream, and its tags."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Raw, Struct

from inferometer_exporter.observe.apis import Api
from inferometer_exporter.observe.fields import NAME_LENGTH, reader

TAGS = 32
TAG_LENGTH = 128


class Asked(NamedTuple):
    """`model` is None where none was named. `stream` and `wants_usage` are what the server will make of the request.

    `has_prompt` is False only where the request was read and has neither prompt, messages nor input: Ollama then loads
    or unloads the model.
    """

    model: str | None
    stream: bool
    tags: tuple[str, ...]
    wants_usage: bool
    has_prompt: bool


class _Metadata(Struct, gc=False):
    tags: list[str] | str | None = None
    user_id: str | None = None


class _StreamOptions(Struct, gc=False):
    include_usage: bool | None = None


class _Request(Struct, gc=False):
    model: str | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    metadata: _Metadata | None = None
    user: str | None = None
    prompt: Raw = Raw()
    messages: Raw = Raw()
    input: Raw = Raw()


_read = reader(_Request)

# A string, list or object that is not empty.
_SAYS = re.compile(rb'"[^"]|\[\s*[^\s\]]|\{\s*[^\s}]')


def read_request(api: Api, body: bytes, herd_tags: str | None) -> Asked:
    """Reads a request's body, b"" where it was too long to keep, and its header X-Herd-Tags. Never raises.

    Of duplicate keys the last holds, as on the servers. Tags are Herd's (`routes/routing.py` of ollama-herd 0.11.4):
    `metadata.tags`, the header, `user` as `user:<name>`, each once; and Anthropic's `metadata.user_id` like `user`.
    Since OpenAI's metadata can hold no list, `metadata.tags` may be a comma list too.
    """
    request = _read(body) if body else None
    if request is None:
        return Asked(None, api.streams_by_default, _tags(_split(herd_tags)), False, True)
    options = request.stream_options
    return Asked(
        _name(request.model) if request.model else None,
        api.streams_by_default if request.stream is None else request.stream,
        _tags(_all_tags(request, herd_tags)) if request.metadata or request.user or herd_tags else (),
        options is not None and options.include_usage is True,
        bool(_SAYS.match(request.messages) or _SAYS.match(request.prompt) or _SAYS.match(request.input)),
    )


def _all_tags(request: _Request, herd_tags: str | None) -> Iterator[str]:
    metadata = request.metadata or _Metadata()
    yield from _split(metadata.tags) if isinstance(metadata.tags, str) else metadata.tags or ()
    yield from _split(herd_tags)
    for user in (request.user, metadata.user_id):
        if user:
            yield f"user:{user}"


def _split(tags: str | None) -> list[str]:
    return tags.split(",") if tags else []


def _tags(tags: Iterator[str] | list[str]) -> tuple[str, ...]:
    kept: dict[str, None] = {}
    for tag in tags:
        if len(kept) == TAGS:
            break
        if clean := _clean(tag.strip()[:TAG_LENGTH]):
            kept[clean] = None
    return tuple(kept)


def _name(model: str) -> str:
    return _clean(model[:NAME_LENGTH])


def _clean(text: str) -> str:
    """Text that UTF-8 can hold: headers may be decoded with half characters in them."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
