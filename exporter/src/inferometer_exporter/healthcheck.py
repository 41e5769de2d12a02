"""Asks a running exporter whether it lives, for containers: no HTTP client is needed in the image."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

TIMEOUT = 3.0
_REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def alive(address: str) -> bool:
    """Whether the admin port at `host:port` answers 200. `https://host:port` asks by TLS, with any certificate."""
    split = urlsplit(address if "://" in address else f"http://{address}")
    try:
        with socket.create_connection((split.hostname or "127.0.0.1", split.port or 9464), TIMEOUT) as plain:
            if split.scheme != "https":
                return _asked(plain)
            import ssl

            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it asks itself, inside one container
            with context.wrap_socket(plain) as secured:
                return _asked(secured)
    except (OSError, ValueError):
        return False


def _asked(connection: socket.socket) -> bool:
    connection.sendall(_REQUEST)
    return connection.recv(64).startswith(b"HTTP/1.1 200")
