"""The admin port's certificate: read at the start, and again whenever its files have changed."""

from __future__ import annotations

import ssl

from inferometer_exporter.config.model import Tls
from inferometer_exporter.errors import BadInput


class Certificate:
    """Connections that come after a `load` see the certificate of that moment, in one context for all."""

    def __init__(self, files: Tls) -> None:
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._files = files
        self._mark: tuple[int, ...] = ()

    def load(self) -> None:
        """Reads the files where they have changed. Raises BadInput once per change, and then keeps what it had."""
        cert, key = self._files.cert_file, self._files.key_file
        try:
            mark = tuple(path.stat().st_mtime_ns for path in (cert, key))
            if mark == self._mark:
                return
            self._mark = mark
            # A pair that does not fit would leave its first half in the context: so it is tried elsewhere first.
            for context in (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), self.context):
                context.load_cert_chain(cert, key, password="")
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or "not PEM"
            raise BadInput(
                f"admin_tls: {cert} and {key} cannot be used: {reason}. "
                "Remedy: name a PEM certificate and its key without a password, readable by the exporter's user."
            ) from None
