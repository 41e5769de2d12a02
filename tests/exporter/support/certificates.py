"""Certificates for the tests of TLS: an authority of our own and what it signs, made by the `openssl` command."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.parts.binaries import Missing

_DAYS = "3"


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate for `localhost` and 127.0.0.1 with its key, and the authority that signed it: PEM files."""

    authority: Path
    cert: Path
    key: Path

    def server(self) -> ssl.SSLContext:
        """What a server of ours shows."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, self.key)
        return context

    def client(self) -> ssl.SSLContext:
        """What a client that knows the authority checks with."""
        return ssl.create_default_context(cafile=str(self.authority))


def make_pair(folder: Path, names: str = "DNS:localhost,IP:127.0.0.1") -> Pair:
    """An authority and one pair that it signed, in `folder`. Raises Missing without the `openssl` command."""
    folder.mkdir(parents=True, exist_ok=True)
    pair = Pair(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    authority_key, asked, extensions = folder / "ca.key", folder / "asked.pem", folder / "extensions"
    extensions.write_text(f"subjectAltName={names}\nbasicConstraints=CA:FALSE\n")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    _openssl(
        *("req", "-x509", *curve, "-keyout", authority_key, "-out", pair.authority, "-days", _DAYS),
        *("-subj", "/CN=inferometer test authority", "-addext", "keyUsage=critical,keyCertSign"),
    )
    _openssl("req", *curve, "-keyout", pair.key, "-out", asked, "-subj", "/CN=localhost")
    _openssl(
        *("x509", "-req", "-in", asked, "-CA", pair.authority, "-CAkey", authority_key, "-CAcreateserial"),
        *("-days", _DAYS, "-extfile", extensions, "-out", pair.cert),
    )
    return pair


def _openssl(*arguments: str | Path) -> None:
    program = shutil.which("openssl")
    if program is None:
        raise Missing("the openssl command is not on PATH. Remedy: install openssl")
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=30)
    if done.returncode:
        raise Missing(f"openssl {arguments[0]} failed: {done.stderr.strip()[-500:]}")
