"""TLS towards servers and, as an option, towards clients: HTTP/1.1 only, certificates always checked."""

from __future__ import annotations

import ssl

from inferometer_exporter.config.model import Backend, Tls
from inferometer_exporter.config.tls import client_context
from inferometer_exporter.errors import BadInput


def towards_server(backend: Backend) -> ssl.SSLContext | None:
    """For a backend with https addresses, else None. Raises BadInput where its `ca_file` cannot be used."""
    if not any(address.scheme == "https" for address in backend.addresses):
        return None
    try:
        return client_context(backend.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise BadInput(f"backend {backend.name}: ca_file {backend.ca_file} cannot be used: {_said(error)}") from None


def towards_clients(files: Tls | None, what: str) -> ssl.SSLContext | None:
    """The listener's side. Raises BadInput where certificate and key cannot be used; `what` names the setting."""
    if files is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(files.cert_file, files.key_file)
    except (OSError, ssl.SSLError) as error:
        raise BadInput(f"{what}: {files.cert_file} with {files.key_file} cannot be used: {_said(error)}") from None
    context.set_alpn_protocols(["http/1.1"])
    return context


def _said(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
