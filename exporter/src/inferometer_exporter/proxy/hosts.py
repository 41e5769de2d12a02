"""Which `Host:` a request on loopback may name: the rule of Ollama, whose own check our `Host:` would pass.

A web page can have its own name resolve to 127.0.0.1 and then speak to what listens there (DNS rebinding). Its requests
carry its name. Ollama refuses them (`allowedHostsMiddleware` in `server/routes.go`), and so must who stands before it.
"""

from __future__ import annotations

import ipaddress
import socket

_LOCAL_DOMAINS = (".localhost", ".local", ".internal")


def is_local(host: bytes) -> bool:
    """Whether a Host header names this machine or an address: not a name that a stranger could own."""
    name = host.decode("latin-1").strip().lower()
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
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
