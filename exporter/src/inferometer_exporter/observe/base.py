"""What every dialect's answer has in common: framing, times, and the facts that are told at the end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

from inferometer_exporter.observe.encoding import Inflater, Unreadable
from inferometer_exporter.observe.framing import Body, Framing, Ignored
from inferometer_exporter.observe.kept import LIMIT


class Form(NamedTuple):
    """How an answer's bytes are read. `is_json`: its content type says JSON, so what is no JSON is broken."""

    framing: Framing
    inflater: Inflater | None
    is_json: bool


class Answer(ABC):
    """One answer, told piece by piece. Its text is read and forgotten: only the facts below stay.

    A piece of text, of thinking or of a tool call that is not empty is a token event, however many tokens it holds.
    Several in one piece of the stream came at once: the time between them is 0. Counts are the server's; where it tells
    none they are None, and events are never counted instead.
    """

    __slots__ = (
        "_between",
        "_framing",
        "_inflater",
        "_is_json",
        "_last_token_at",
        "_now",
        "closing",
        "completion_tokens",
        "error",
        "finish_reason",
        "finished",
        "first_token_at",
        "load_only",
        "load_seconds",
        "model",
        "output",
        "prompt_tokens",
        "readable",
        "stream",
    )

    def __init__(self, form: Form, between: Callable[[float], None]) -> None:
        self.model: str | None = None
        self.prompt_tokens: int | None = None
        self.completion_tokens: int | None = None
        self.load_seconds: float | None = None
        self.finish_reason: str | None = None
        self.first_token_at: float | None = None  # on the clock of `feed`; streams only
        self.stream = not isinstance(form.framing, Body)
        self.finished = False  # the last event, or the whole JSON, was seen
        self.closing = False  # what was seen may be the last event: a clean end makes it so
        self.output = False  # there was text, a tool call or a vector
        self.error = False  # the body, or an event, tells of an error
        self.load_only = False  # the server only loaded or unloaded the model
        self.readable = True  # False: its encoding or its form is not known, or what came out of it grew too large
        self._framing, self._inflater, self._is_json = form
        self._between = between
        self._now = 0.0
        self._last_token_at: float | None = None

    def feed(self, data: bytes, now: float) -> None:
        """Reads a piece of the body that arrived at `now`, in seconds of the monotonic clock. Never raises."""
        self._now = now
        if self._inflater is None:
            for payload in self._framing.split(data):
                if payload:
                    self._event(payload)
        else:
            self._feed_encoded(self._inflater, data)

    def end(self, now: float) -> None:
        """Reads what the end of the body makes whole. Never raises."""
        self._now = now
        is_long = self._framing.size > LIMIT
        for payload in self._framing.rest():
            if self.stream:
                if payload:
                    self._event(payload)
            elif self._whole(payload):
                self.finished = True
                # What was left out of a long body is its longest member: texts or vectors.
                self.output = self.output or (is_long and not self.error)
            else:
                self.readable = self._is_json
        self.finished = self.finished or self.closing

    @property
    def held(self) -> int:
        """Bytes of the answer in memory."""
        return self._framing.held

    def _feed_encoded(self, inflater: Inflater, data: bytes) -> None:
        try:
            for plain in inflater.pieces(data):
                for payload in self._framing.split(plain):
                    if payload:
                        self._event(payload)
        except Unreadable:
            self.unreadable()

    def unreadable(self) -> None:
        """Reads no further. What was told before holds."""
        self.readable = False
        self._inflater = None
        self._framing = Ignored()

    def _token(self) -> None:
        """A token event at the time of the piece that is being read."""
        self.output = True
        if not self.stream:
            return
        if self._last_token_at is None:
            self.first_token_at = self._now
        else:
            gap = self._now - self._last_token_at
            self._between(gap if gap > 0.0 else 0.0)
        self._last_token_at = self._now

    @abstractmethod
    def _event(self, data: bytes) -> None:
        """Reads one event of a stream: the data of an SSE event, or a JSON line."""

    @abstractmethod
    def _whole(self, data: bytes) -> bool:
        """Reads the body of an answer that is no stream. False where it is no JSON object."""
