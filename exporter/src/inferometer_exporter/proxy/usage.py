"""Token counts for streams of OpenAI's kind whose client did not ask for them: an option, off by default.

The server is asked for one more chunk (`stream_options.include_usage`), and the client does not get to see it.
"""

from __future__ import annotations

import re

import msgspec

from inferometer_exporter.observe.apis import Api, Dialect, Work

_NULL = msgspec.Raw(b"null")


class _Request(msgspec.Struct):
    stream: bool = False
    stream_options: object = None


class _Chunk(msgspec.Struct):
    choices: list[msgspec.Raw] | None = None
    usage: msgspec.Raw = _NULL


_requests = msgspec.json.Decoder(_Request)
_chunks = msgspec.json.Decoder(_Chunk)
_ADDED = b'"stream_options":{"include_usage":true}'
_EVENT_END = re.compile(rb"\r?\n\r?\n")
# An event that is longer goes through unseen: the extra chunk is some 300 bytes.
_MAX_EVENT = 64 * 1024


def wanted(api: Api | None) -> bool:
    """Whether an API's requests may be asked for usage at all."""
    return api is not None and api.dialect is Dialect.OPENAI and api.work is Work.GENERATE


def with_usage(body: bytes) -> bytes | None:
    """The body that asks for usage; None where it stays as it is: no stream, or the client said what it wants."""
    try:
        request = _requests.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if not request.stream or request.stream_options is not None or b'"stream_options"' in body:
        return None
    at = body.index(b"{") + 1  # decoded as an object with `stream`, so there is one, and a key follows
    return body[:at] + _ADDED + b"," + body[at:]


class UsageHider:
    """Takes the extra chunk out of a stream.

    Events are held back only until they are whole, which servers send them as.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = b""

    def rest(self, data: bytes, last: bool) -> bytes:
        """What the client gets of the next piece of the stream. `last`: it ends with it."""
        data = self._held + data
        kept = []
        start = 0
        for end in _EVENT_END.finditer(data):
            event = data[start : end.end()]
            start = end.end()
            if not _is_extra(event):
                kept.append(event)
        self._held = data[start:]
        if last or len(self._held) > _MAX_EVENT:
            kept.append(self._held)
            self._held = b""
        return b"".join(kept)


def _is_extra(event: bytes) -> bool:
    if b'"usage"' not in event or not event.startswith(b"data:"):
        return False
    try:
        chunk = _chunks.decode(event[5:].strip())
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    return chunk.choices == [] and chunk.usage != _NULL
