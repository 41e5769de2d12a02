"""Fault 7: headers of one hop end there, the target stays byte for byte, and nothing in it chooses the upstream."""

from __future__ import annotations

import pytest

from tests.exporter.support.process import Exporter
from tests.exporter.support.upstream import Upstream, answering
from tests.exporter.support.wire import request, response


def test_hop_by_hop_headers_of_a_request_end_here(exporter: Exporter, upstream: Upstream) -> None:
    hop = [
        *(("Connection", "keep-alive, X-Named"), ("X-Named", "1"), ("Keep-Alive", "timeout=5"), ("TE", "trailers")),
        *(("Proxy-Connection", "keep-alive"), ("connection", "x-also"), ("X-Also", "2")),
    ]
    upstream.script = answering(response(b"{}"))
    reply = exporter.ask(request(body=b"{}", headers=[*hop, ("X-Stays", "3")]))
    assert reply.status == 200
    names = [name.lower() for name, _ in upstream.call().head.headers]
    assert b"x-stays" in names
    assert not set(names) & {b"x-named", b"x-also", b"keep-alive", b"te", b"proxy-connection"}
    assert not any(b"x-named" in value for value in upstream.call().head.all("Connection"))


def test_connection_cannot_strip_what_frames_the_request(exporter: Exporter, upstream: Upstream) -> None:
    """`Connection: content-length` would leave a body without its length: a second request for the upstream."""
    smuggled = request("/smuggled", method="GET")
    named = "close, content-length, host, transfer-encoding"
    upstream.script = answering(response(b"{}"))
    exporter.ask(request(body=smuggled, headers=[("Connection", named)]))
    assert b"/smuggled" not in [call.head.target for call in upstream.calls]
    assert {call.body for call in upstream.calls} <= {smuggled}
    assert upstream.torn == []


def test_hop_by_hop_headers_of_an_answer_end_here(exporter: Exporter, upstream: Upstream) -> None:
    hop = [
        *(("Connection", "X-Named, keep-alive"), ("X-Named", "1"), ("Keep-Alive", "timeout=5")),
        *(("Proxy-Connection", "keep-alive"), ("X-Stays", "3")),
    ]
    upstream.script = answering(response(b"{}", headers=hop))
    reply = exporter.ask(request(body=b"{}"))
    names = {name.lower() for name, _ in reply.head.headers}
    assert b"x-stays" in names
    assert not names & {b"x-named", b"proxy-connection"}
    assert b"timeout=5" not in reply.head.all("Keep-Alive")


def with_host(host: str) -> bytes:
    return request(body=b"{}").replace(b"Host: localhost", f"Host: {host}".encode())


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "", "[::1]:2", "192.0.2.1", "box.local", "LOCALHOST:80"])
def test_the_host_is_the_upstreams(exporter: Exporter, upstream: Upstream, host: str) -> None:
    upstream.script = answering(response(b"{}"))
    assert exporter.ask(with_host(host)).status == 200
    assert upstream.call().head.all("Host") == [upstream.url.removeprefix("http://").encode()]


FOREIGN = [
    "evil.example",
    "evil.example:11436",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "local",
    "evil@127.0.0.1",
]


@pytest.mark.parametrize("host", FOREIGN)
def test_a_name_that_a_stranger_may_own_is_refused_on_loopback(
    exporter: Exporter, upstream: Upstream, host: str
) -> None:
    """Else a web page whose name resolves to 127.0.0.1 speaks to the server: the upstream sees only our own `Host`."""
    upstream.script = answering(response(b"{}"))
    assert exporter.ask(with_host(host)).status == 403
    assert upstream.calls == []


def test_names_do_not_matter_where_the_user_exposes_it(upstream: Upstream) -> None:
    upstream.script = answering(response(b"{}"))
    with Exporter(upstream.url, "--expose") as exporter:
        assert exporter.ask(with_host("llm.example")).status == 200
    assert upstream.call().head.all("Host") == [upstream.url.removeprefix("http://").encode()]


@pytest.mark.parametrize(
    "target",
    [
        *(
            b"/api/chat?a=%2f&&b=%zz&a=2",
            b"/api/../etc",
            b"/%2e%2e/%2E%2E/x",
            b"/a//b///c",
            b"/api/chat/",
            b"/?",
            b"/?a?b",
        ),
        *(b"//evil.example/api/chat", b"/api/chat?next=http://evil.example/", b"/a;b=c", b"/a%00b", b"/" + b"x" * 7000),
        *(b"/api/blobs/sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", b"/a|b", b"/'\"<>"),
    ],
    ids=lambda target: target[:30].decode(),
)
def test_the_target_stays_byte_for_byte(exporter: Exporter, upstream: Upstream, target: bytes) -> None:
    upstream.script = answering(response(b"{}"))
    reply = exporter.ask(request(target, method="GET"))
    assert reply.status == 200
    assert [call.head.target for call in upstream.calls] == [target]


@pytest.mark.parametrize("authority", [b"evil.example:1", b"127.0.0.1:1", b"user@127.0.0.1:1"])
@pytest.mark.parametrize("scheme", [b"http", b"https"])
def test_an_absolute_target_never_chooses_the_upstream(
    exporter: Exporter, upstream: Upstream, authority: bytes, scheme: bytes
) -> None:
    upstream.script = answering(response(b"{}"))
    reply = exporter.ask(request(scheme + b"://" + authority + b"/api/chat?a=%2f", b"{}"))
    if reply.status == 200:
        assert [call.head.target for call in upstream.calls] == [b"/api/chat?a=%2f"]
        assert upstream.call().head.all("Host") == [upstream.url.removeprefix("http://").encode()]
    else:
        assert reply.status in (400, 403)
        assert upstream.calls == []


def test_the_exporter_is_no_tunnel(exporter: Exporter, upstream: Upstream) -> None:
    with exporter.wire(timeout=3) as wire:
        wire.send(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % upstream.port)
        assert wire.reply().status in (400, 405, 501)
        assert wire.send(request("/through", method="GET")).closed(1)
    assert upstream.calls == []


def test_an_upgrade_is_no_way_to_a_second_request(exporter: Exporter, upstream: Upstream) -> None:
    upstream.script = answering(response(b"{}"))
    upgrade = [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAAQ")]
    with exporter.wire(timeout=3) as wire:
        reply = wire.send(request("/api/tags", method="GET", headers=upgrade)).reply("GET")
    assert reply.status in (200, 400, 501)
    assert not any(call.head.get("Upgrade") or call.head.get("HTTP2-Settings") for call in upstream.calls)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_all_methods_and_paths_are_forwarded(exporter: Exporter, upstream: Upstream, method: str) -> None:
    upstream.script = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    with exporter.wire(timeout=3) as wire:
        assert wire.send(request("/any/path", method=method)).reply(method).status == 200
    assert [(call.head.method, call.head.target) for call in upstream.calls] == [(method, b"/any/path")]


def test_a_path_in_the_backends_url_stands_before_the_target(upstream: Upstream) -> None:
    upstream.script = answering(response(b"{}"))
    with Exporter(f"{upstream.url}/prefix", engine="openai") as exporter:
        assert exporter.ask(request("/v1/chat/completions?a=%2f", b"{}")).status == 200
    assert [call.head.target for call in upstream.calls] == [b"/prefix/v1/chat/completions?a=%2f"]
