"""Where the exporter listens, and the addresses of servers: their forms, and what must not be in them."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from inferometer_exporter.config.hosts import is_loopback
from inferometer_exporter.config.model import Address
from inferometer_exporter.config.reading import Value, Wrong, shown

_HOST = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z){_HOST}(?:\.{_HOST})*\.?")
_LISTEN = re.compile(r"(?:(?:\[(?P<six>[^\]]*)\]|(?P<host>[^:\[\]]*)):)?(?P<port>[0-9]+)")
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<rest>.*)")
_BARE = re.compile(r"[A-Za-z0-9._-]+(?::[0-9]+)?")
_AUTHORITY = re.compile(r"(?:\[(?P<six>[^\]]*)\]|(?P<host>[^:\[\]]*))(?::(?P<port>[0-9]*))?")
# The characters of a path by RFC 3986, section 3.3.
_PATH = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)*")
_SCHEMES = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Dialled:
    """Host and port that a URL leads to."""

    host: str
    port: int


def listen(value: Value) -> Address:
    """`host:port`, `[::1]:port`, or a port alone, which is one on loopback."""
    said = value.text()
    match = _LISTEN.fullmatch(said)
    if match is None:
        raise Wrong(f"{shown(said)} is not an address to listen on", "write host:port, such as 127.0.0.1:11436")
    port = _port(match["port"])
    if match["six"] is None and match["host"] is None:
        return Address("127.0.0.1", port)
    if match["host"] == "":
        remedy = f"write 127.0.0.1:{port}, or 0.0.0.0:{port} to listen on all addresses"
        raise Wrong(f"{shown(said)} does not say on which address", remedy)
    return Address(_host(match), port)


def url(value: Value) -> str:
    """The URL of a server, in lower case up to its path and without a slash at the end."""
    said = value.text()
    match = _URL.fullmatch(said)
    if match is None or match["scheme"].lower() not in _SCHEMES:
        bare = match is None and _BARE.fullmatch(said)
        guess = f"http://{said}" if bare else "http://127.0.0.1:11434"
        raise Wrong(f"{shown(said)} is not an http or https address", f"write it as {guess}")
    if "@" in match["authority"]:
        remedy = "leave it out: clients send their own keys, and they are forwarded"
        raise Wrong("holds a user or a password", remedy)
    if match["rest"]:
        raise Wrong("holds a query or a fragment", "end the address before ? and #")
    authority = _AUTHORITY.fullmatch(match["authority"])
    if authority is None:
        raise Wrong(f"{shown(said)} is not an http or https address", "IPv6 stands in brackets: http://[::1]:11434")
    scheme, host = match["scheme"].lower(), _host(authority)
    port = f":{_port(authority['port'])}" if authority["port"] else ""
    path = match["path"].rstrip("/")
    if not _PATH.fullmatch(path):
        raise Wrong("has a path with characters that a URL cannot hold", "write them as %20 and the like")
    if path.rpartition("/")[2] == "v1":
        raise Wrong("ends in /v1, which clients send themselves", "end the address before /v1")
    return f"{scheme}://{f'[{host}]' if ':' in host else host}{port}{path}"


def dialled(address: str) -> Dialled:
    """Where a URL that `url` returned leads to."""
    parts = urlsplit(address)
    return Dialled(parts.hostname or "", parts.port or _SCHEMES[parts.scheme])


def same(one: Address, other: Address) -> bool:
    """Whether two listeners would be in each other's way."""
    if one.port != other.port:
        return False
    numbers = (_number(one.host), _number(other.host))
    everywhere = any(number is not None and number.is_unspecified for number in numbers)
    families = {number.version for number in numbers if number is not None}
    return _listened(one.host) == _listened(other.host) or (everywhere and len(families) < 2)


def leads_to(target: Dialled, address: Address) -> bool:
    """Whether who dials the target comes to this listener. Another machine may well use the same port."""
    if target.port != address.port:
        return False
    number = _number(address.host)
    everywhere = number is not None and number.is_unspecified
    return _listened(target.host) == _listened(address.host) or (everywhere and _own(target.host))


def _own(host: str) -> bool:
    """Whether it is this machine: who dials 0.0.0.0 comes to it too."""
    number = _number(host)
    return is_loopback(host) or (number is not None and number.is_unspecified)


def _listened(host: str) -> str:
    """The address behind the names of loopback."""
    return "127.0.0.1" if _number(host) is None and is_loopback(host) else host


def _number(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _host(match: re.Match[str]) -> str:
    if match["six"] is not None:
        try:
            number = ipaddress.IPv6Address(match["six"])
        except ValueError:
            raise Wrong(f"{shown(match['six'])} is not an IPv6 address", "write it as [::1]") from None
        if number.scope_id:
            raise Wrong("names a zone (%)", "leave the % and what follows out")
        return number.compressed
    host = match["host"].lower()
    if re.fullmatch(r"[0-9.]+", host):
        try:
            return ipaddress.IPv4Address(host).compressed
        except ValueError:
            raise Wrong(f"{shown(host)} is not an IPv4 address", "write four numbers up to 255") from None
    if not _HOST_NAME.fullmatch(host):
        raise Wrong(f"{shown(host)} is not the name of a host", "write a name or an IP address before the port")
    return host


def _port(text: str) -> int:
    if len(text) > 5 or not 1 <= int(text) <= 65535:
        raise Wrong(f"{shown(text)} is not a port", "a port is 1 to 65535")
    return int(text)
