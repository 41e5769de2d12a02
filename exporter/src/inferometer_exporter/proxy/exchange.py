"""One request and its answer: what was sent where, what is known of it so far, and how it ends."""

from __future__ import annotations

import time
from time import monotonic
from typing import TYPE_CHECKING

from inferometer_exporter.names import Reason
from inferometer_exporter.observe.answer import open_answer
from inferometer_exporter.observe.apis import Api
from inferometer_exporter.observe.base import Answer
from inferometer_exporter.observe.request import Asked, read_request
from inferometer_exporter.proxy.connecting import connect
from inferometer_exporter.proxy.fleet import Fleet, read_fleet
from inferometer_exporter.proxy.head import TRANSFER_CODING, AnswerHead, RequestHead, without
from inferometer_exporter.proxy.recording import Route, record
from inferometer_exporter.proxy.upstream import Connection, Upstream, pick
from inferometer_exporter.proxy.usage import UsageHider, with_usage

if TYPE_CHECKING:
    from inferometer_exporter.metrics.meters import ModelMeter
    from inferometer_exporter.proxy.client import ClientConnection

# Of a request's body, this much is kept: to read the model from it, and to send it again on a stale connection.
MAX_COPY = 2**20


class Exchange:
    """A request that is being forwarded. `api` is None where its route is not metered."""

    __slots__ = (
        "_body", "_held", "_kept", "_sent", "answer", "answer_done", "api", "asked", "client", "close_client",
        "connection", "first_seen", "fleet", "head", "hider", "in_flight", "injecting", "length", "meter", "recorded",
        "replay", "request_done", "retried", "route", "started", "status", "tried", "unchunked", "upstream", "wall",
    )  # fmt: skip

    def __init__(
        self, client: ClientConnection, route: Route, api: Api | None, head: RequestHead, length: bytes | None
    ) -> None:
        self.client, self.route, self.api, self.head, self.length = client, route, api, head, length
        self.started, self.wall = client.touched, time.time()
        self.close_client = False
        self.injecting = False  # the request is held until it was read: see usage.py
        self.hider: UsageHider | None = None
        self.upstream: Upstream | None = None
        self.connection: Connection | None = None
        self.replay: list[bytes] | None = []  # what was sent, until the first byte of the answer
        self._sent = 0
        self.tried = 0
        self.retried = False
        self._held: list[bytes] = []  # to be sent as soon as there is a connection
        self._body: list[bytes] | None = [] if api is not None else None
        self._kept = 0
        self.request_done = self.answer_done = self.recorded = self.first_seen = False
        self.unchunked = False  # the client gets the answer without its chunks
        self.status: int | None = None  # of the answer, once its head was forwarded
        self.asked: Asked | None = None
        self.answer: Answer | None = None
        self.meter: ModelMeter | None = None
        self.in_flight: ModelMeter | None = None
        self.fleet: Fleet | None = None

    @property
    def label(self) -> str | None:
        """The model that this request is counted under: the one that a router chose, else the one asked for."""
        asked = self.asked.model if self.asked is not None else None
        return self.fleet.served or asked if self.fleet is not None else asked

    @property
    def blocked(self) -> bool:
        """Whether no more of the request can be taken for now."""
        return self._sent > MAX_COPY if self.connection is None else self.connection.write_paused

    # The request's way to the server.

    def start(self) -> None:
        """Take a connection or have one opened; the head goes first, then what is given to `send`."""
        upstream = self.upstream = pick(self.route.upstreams)
        upstream.active += 1
        long = self.length is not None and int(self.length) > MAX_COPY  # could not be sent again on a stale connection
        connection = None if long else upstream.take()
        if connection is None:
            self.route.spawn(connect(self, upstream))
        else:
            self.use(connection)

    def use(self, connection: Connection) -> None:
        """Send on this connection; a flush follows."""
        self.connection = connection
        connection.exchange = self
        if not connection.used:
            self.replay = None
        if not self.retried:  # else the head leads what is sent again
            upstream = connection.upstream
            first = self.head.for_server(upstream, upstream.prefix, upstream.authority)
            end = b"\r\n" if self.length is None else b"Content-Length: %b\r\n\r\n" % self.length
            self._held.insert(0, first + end)
        if self.client.write_paused:
            connection.pause()

    def send(self, data: bytes) -> None:
        """Bytes of the request's body, framed. They leave with the next flush."""
        self._held.append(data)
        self._sent += len(data)

    def flush(self) -> None:
        """Write what was given to `send`, in one piece, if there is a connection."""
        connection = self.connection
        if connection is None:
            if self.blocked:
                self.client.pause()
            return
        held = self._held
        if not held:
            return
        data = held[0] if len(held) == 1 else b"".join(held)
        self._held = []
        if self.replay is not None:
            self.replay.append(data)
            if self._sent > MAX_COPY:
                self.replay = None
        connection.transport.write(data)

    def body(self, piece: bytes) -> None:
        """A piece of the request's body came: a copy is kept, as far as copies go, and it is forwarded."""
        if self._body is not None:
            self._body.append(piece)
            self._kept += len(piece)
            if self._kept > MAX_COPY:
                self._let_go()
        if not self.injecting:
            self.send(self._framed(piece))

    def _framed(self, piece: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(piece), piece) if self.head.chunked else piece

    def _let_go(self) -> None:
        """The body is too long to keep."""
        if self.injecting:
            self.injecting = False
            for piece in self._body or ():
                self.send(self._framed(piece))
            self._held.pop()  # the last piece is sent by the caller
            if self is self.client.exchange:
                self.start()
        self._body = None

    def body_ended(self) -> None:
        """The request's body is whole."""
        if self.injecting:
            assert self._body is not None
            body = b"".join(self._body)
            added = with_usage(body)
            if added is not None:
                self.hider = UsageHider()
                self.head, body = self.head.readable(), added
                self.length = b"%d" % len(body)
            if body:
                self.send(self._framed(body))
        if self.head.chunked:
            self.send(b"0\r\n\r\n")

    def request_ended(self) -> None:
        """The request was forwarded whole: now it may be read."""
        self.request_done = True
        self.client.resume()  # to see it leave, though the server may not have taken everything yet
        if self.api is not None and not self.recorded:
            try:
                asked = self.asked or self.read_request()
                self.in_flight = meter = self.route.meters.asked(asked.model)
                meter.in_flight += 1
            except Exception as error:
                self.route.trouble(error)
        if self.answer_done:
            self._over()

    def read_request(self) -> Asked:
        """Learn the model and the tags from the copy of the body, once."""
        assert self.api is not None
        body = b"".join(self._body) if self._body is not None else b""
        self._body = None
        self.asked = asked = read_request(self.api, body, self.head.herd_tags)
        return asked

    # The answer's way to the client.

    def answered(self, head: AnswerHead) -> None:
        """The answer's head is here; it is forwarded next."""
        self.status = head.status
        if head.length is None and not head.chunked:
            self.close_client = True  # the body's end is the connection's
        if head.chunked and self.head.version == "1.0":
            self.unchunked = True
            head.raw = without(head.raw, TRANSFER_CODING)
        if self.api is not None:
            try:
                self._open(self.api, head)
            except Exception as error:
                self.route.trouble(error)

    def _open(self, api: Api, head: AnswerHead) -> None:
        """Make ready to read the answer."""
        self.fleet = read_fleet(head)
        if 200 <= head.status < 300:
            if self.asked is None:
                self.read_request()
            self.meter = meter = self.route.meters.settled(self.label, True)
            kind, encoding = head.fields.get(b"content-type", b""), head.fields.get(b"content-encoding", b"")
            self.answer = open_answer(api, kind, encoding, meter.between.observe)

    def forward(self, data: bytes) -> None:
        client = self.client
        client.touched = monotonic()
        if data:
            client.transport.write(data)

    def observe(self, piece: bytes) -> None:
        """Show a piece of the body to the reader; it was forwarded already."""
        answer = self.answer
        if answer is None:
            return
        try:
            answer.feed(piece, self.client.touched)
            if not self.first_seen and answer.first_token_at is not None and self.meter is not None:
                self.first_seen = True
                self.meter.first_token.observe(answer.first_token_at - self.started)
        except Exception as error:
            self.answer = None
            self.route.trouble(error)

    def answer_ended(self) -> None:
        """The answer was forwarded whole."""
        self.answer_done = True
        record(self)
        if self.request_done:
            self._over()
        elif self.connection is not None and self.connection.transport.is_closing():
            self._over(linger=True)

    # Other ends.

    def lost(self, connection: Connection, answered: bool) -> None:
        """The server closed the connection."""
        if self.answer_done:
            self._over(linger=not self.request_done)
        elif connection.used and not answered and self.replay is not None and not self.retried:
            # It had closed a kept connection before this request came: the request was never read.
            self.retried = True
            self._held, self.replay, self.connection = self.replay, None, None
            assert self.upstream is not None
            self.route.spawn(connect(self, self.upstream))
        else:
            self.connection = None
            self.failed(Reason.RESET, 502, "the server closed the connection before its answer ended")

    def failed(self, reason: Reason, status: int, why: str) -> None:
        """The server gave no answer, or a broken one. The client gets our answer, or a broken one as well."""
        untouched = self.status is None
        if untouched:
            self.status = status
        record(self, reason, why)
        self._detach()
        if untouched:
            self.client.refuse(self, status, why)
        else:
            self.client.reset()

    def client_left(self) -> None:
        """The server is told at once, by closing its connection: it need not go on computing."""
        self.cut(Reason.CLIENT_DISCONNECTED, "the client left")

    def cut(self, reason: Reason, why: str) -> None:
        """End it from our side, where the client gets nothing more than a closed connection."""
        record(self, reason, why)
        self._detach()

    def _detach(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.discard()
        self._forget()

    def _forget(self) -> None:
        if self.upstream is not None:
            self.upstream.active -= 1
            self.upstream = None

    def _over(self, linger: bool = False) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            if linger:
                connection.discard()
            else:
                connection.release()
        self._forget()
        self.client.exchange_over(self, linger)
