"""Addresses of servers: what is read, with which port, and what is on the same machine."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferometer.spec.address import Address, AddressError, parse_address

hosts = (
    st.from_regex(r"[a-z][a-z0-9-]{0,20}(\.[a-z][a-z0-9]{0,10}){0,3}", fullmatch=True)
    | st.ip_addresses(v=4).map(str)
    | st.ip_addresses(v=6).map(lambda ip: f"[{ip}]")
)
schemes = st.sampled_from(["http", "https"])
ports = st.integers(1, 65535)


@given(schemes, hosts, ports)
def test_an_address_is_read_as_pythons_urls_are(scheme: str, host: str, port: int) -> None:
    text = f"{scheme}://{host}:{port}"
    address, url = parse_address(text), urlsplit(text)
    assert (address.scheme, address.port) == (url.scheme, url.port)
    assert address.host == (url.hostname if "[" not in host else ipaddress.ip_address(host[1:-1]).compressed)


@given(schemes, hosts, ports)
def test_an_address_survives_being_written_and_read(scheme: str, host: str, port: int) -> None:
    address = parse_address(f"{scheme}://{host}:{port}")
    assert parse_address(address.url) == address


@given(st.text())
def test_any_text_is_an_address_or_refused(text: str) -> None:
    found = []
    try:
        found = [parse_address(text).host]
    except AddressError as error:
        found = [str(error), error.hint]
    assert all(found)


@pytest.mark.parametrize(
    ("text", "engine_port", "target"),
    [
        ("box", 11434, "http://box:11434"),
        ("http://box/", 8000, "http://box:8000"),
        ("http://box:80", 8000, "http://box:80"),
        ("https://box", 8000, "https://box:443"),
        ("https://api.example.org", None, "https://api.example.org:443"),
        ("http://api.example.org", None, "http://api.example.org:80"),
        ("HTTP://Box.Example.ORG:1", None, "http://box.example.org:1"),
        ("http://[2001:DB8:0::1]", 8000, "http://[2001:db8::1]:8000"),
        ("gpu_1", 8000, "http://gpu_1:8000"),
    ],
)
def test_a_port_left_out_is_that_of_https_or_of_the_engine(text: str, engine_port: int | None, target: str) -> None:
    assert parse_address(text).with_port(engine_port).url == target


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("localhost", True),
        ("ollama.localhost", True),
        ("[::1]", True),
        ("0.0.0.0", True),
        ("10.0.0.1", False),
        ("localhost.example.org", False),
        ("notlocalhost", False),
    ],
)
def test_loopback_is_what_only_the_same_machine_reaches(host: str, loopback: bool) -> None:
    assert parse_address(host).loopback is loopback


@pytest.mark.parametrize(
    "text",
    ["", " ", "http://", "http://:80", "x:", "x:0", "x:65536", "x:port", "x y", "ftp://x", "::1", "fe80::1",
     "http://[::1", "[x]:1", "10.0.0.256", "10.0.0", "http://x?y", "http://x#y", "x/metrics", "-x", "x..y",
     "[fe80::1%eth0]:1", "a" * 300, "x:１"],
)  # fmt: skip
def test_what_names_no_server_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        parse_address(text)


def test_a_path_is_told_where_to_go() -> None:
    with pytest.raises(AddressError) as caught:
        parse_address("https://x:1/prom/metrics")
    assert caught.value.hint == "write https://x:1, and under scrape: {path: /prom/metrics}"


def test_addresses_print_as_prometheus_wants_targets() -> None:
    assert str(Address("http", "::1", 8000)) == "[::1]:8000"
    assert str(Address("https", "box", 443)) == "box:443"
