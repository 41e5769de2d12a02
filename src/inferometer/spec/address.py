"""Addresses of servers: scheme, host and port, and nothing else."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace

_ADDRESS = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://)?(?:\[(?P<six>[^]]*)\]|(?P<host>[^:/?#\[\]]*))(?::(?P<port>[^/?#]*))?(?P<rest>.*)",
    re.DOTALL,
)
# Names as DNS and compose write them; compose allows underscores.
_HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})?(\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*\.?")
_PORTS = {"http": 80, "https": 443}
_EXAMPLE = "write it as http://10.0.0.1:8000 or box:8000"


class AddressError(ValueError):
    """What is wrong with an address; `hint` says what to write."""

    def __init__(self, message: str, hint: str = _EXAMPLE) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens. `port` 0 stands for one that was left out; `with_port` gives it."""

    scheme: str
    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only the same machine (in a container: the same container) is reached by it."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            number = ipaddress.ip_address(self.host)
        except ValueError:
            return False
        # A client that connects to 0.0.0.0 reaches its own machine; people copy it from OLLAMA_HOST.
        return number.is_loopback or number.is_unspecified

    @property
    def unspecified(self) -> bool:
        """Whether who listens there listens on every address of the machine."""
        return self.host in ("0.0.0.0", "::")

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self}"

    def with_port(self, default: int | None) -> Address:
        """The address with a port: its own, else 443 for https, else `default`, else the scheme's."""
        if self.port:
            return self
        standard = _PORTS[self.scheme]
        return replace(self, port=standard if self.scheme == "https" or default is None else default)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port else host


def parse_address(text: str) -> Address:
    """The address of `[http[s]://]host[:port]`, IPv6 in brackets. Raises AddressError."""
    match = _ADDRESS.fullmatch(text)
    if match is None or not text.strip():
        raise AddressError(f'"{text}" is not an address')
    scheme = (match["scheme"] or "http").lower()
    if scheme not in _PORTS:
        raise AddressError(f"an address begins with http:// or https://, not with {scheme}://")
    _refuse_bare_six(text)
    if match["six"] is None and match["host"].isdigit() and match["port"] is None:
        raise AddressError(f'"{text}" is only a port', f"write http://127.0.0.1:{match['host']}")
    host = _host(match, text)
    address = Address(scheme, host, _port(match["port"]))
    _refuse_rest(match["rest"], match["scheme"], address)
    return address


def _refuse_bare_six(text: str) -> None:
    """An IPv6 address without brackets: its last group may be meant as a port."""
    scheme, _, rest = text.rpartition("://")
    bare = rest.rstrip("/")
    before = f"{scheme}://" if scheme else ""
    if _is_six(bare):
        head, _, last = bare.rpartition(":")
        meant = f"[{head}]:{last}" if _is_six(head) and len(last) == 4 and last.isdigit() else f"[{bare}]"
        raise AddressError("this is an IPv6 address without brackets", f"IPv6 stands in brackets: {before}{meant}")


def _is_six(text: str) -> bool:
    try:
        return "%" not in text and bool(ipaddress.IPv6Address(text).compressed)
    except ipaddress.AddressValueError:
        return False


def _host(match: re.Match[str], text: str) -> str:
    if match["six"] is not None:
        try:
            return ipaddress.IPv6Address(match["six"]).compressed if "%" not in match["six"] else _no_zone()
        except ipaddress.AddressValueError:
            raise AddressError(f"[{match['six']}] is not an IPv6 address", "write it as http://[::1]:8000") from None
    host = match["host"].lower()
    if text.count(":") > 2 and match["scheme"] is None:
        raise AddressError(f'"{text}" is not an address', "an IPv6 address stands in brackets: http://[::1]:8000")
    if not _HOST.fullmatch(host):
        raise AddressError(f'"{host}" is not the name of a host' if host else "the address names no host")
    if re.fullmatch(r"[0-9.]+", host):
        try:
            return str(ipaddress.IPv4Address(host))
        except ipaddress.AddressValueError:
            raise AddressError(f"{host} is not an IPv4 address", "four numbers up to 255, such as 10.0.0.1") from None
    return host


def _no_zone() -> str:
    raise AddressError("a zone (%) has no meaning on another machine", "leave the % and what follows out")


def _port(text: str | None) -> int:
    if text is None:
        return 0
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise AddressError(
            f'"{text}" is not a port' if text else "the port is missing after the colon", "a port is 1 to 65535"
        )
    return int(text)


def _refuse_rest(rest: str, scheme: str | None, address: Address) -> None:
    if rest in ("", "/"):
        return
    plain = address.url if scheme else str(address)
    path = rest.split("?")[0].split("#")[0]
    metrics = f", and under scrape: {{path: {path}}}" if path not in ("", "/", "/v1", "/v1/") else ""
    raise AddressError("an address has no path", f"write {plain}{metrics}")
