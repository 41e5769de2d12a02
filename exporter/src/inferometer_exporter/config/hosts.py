"""Which addresses are this machine's, and which `Host:` a request on loopback may name: the rule of Ollama.

A web page can have its own name resolve to 127.0.0.1 and then speak to what listens there (DNS rebinding). Its requests
carry its name. Ollama refuses them (`allowedHostsMiddleware` in `server/routes.go`), and so must who stands before it,
since its own `Host:` passes that check.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

from inferometer_exporter.config.model import Address

_LOCAL_DOMAINS = (".localhost", ".local", ".internal")


def is_local(host: str) -> bool:
    """Whether a Host header names this machine or an address: not a name that a stranger could own."""
    name = host.strip().lower()
    if name.startswith("["):
        name = name[1:].partition("]")[0]
    elif name.count(":") == 1:
        name = name.partition(":")[0]
    if name in ("", "localhost", socket.gethostname().lower()) or name.endswith(_LOCAL_DOMAINS):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reached from this machine only."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def place(address: Address, backlog: int) -> dict[str, Any]:
    """Where to listen, as arguments of `create_server`. Raises OSError where an IP address cannot be had.

    Its socket is bound here: uvloop would start four threads to look it up, half a megabyte of memory.
    """
    try:
        six = ipaddress.ip_address(address.host).version == 6
    except ValueError:
        return {"host": address.host, "port": address.port, "backlog": backlog}
    sock = socket.socket(socket.AF_INET6 if six else socket.AF_INET)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if six:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address.host, address.port))
    except OSError:
        sock.close()
        raise
    return {"sock": sock, "backlog": backlog}
