"""How the exporter, as a client, checks a server's certificate: once for the proxy and the collectors."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl


@cache
def client_context(ca_file: Path | None) -> ssl.SSLContext:
    """A context that checks certificate and name, by the authorities of `ca_file` or else the system's.

    HTTP/1.1 is offered by ALPN. The system's authorities take some MiB: so a context is made when it is first needed,
    and shared. Raises OSError when the file cannot be read or holds no certificate.
    """
    import ssl

    context = ssl.create_default_context(cafile=ca_file)
    context.set_alpn_protocols(["http/1.1"])
    return context
