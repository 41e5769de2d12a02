"""Who may read the admin port: the login of a file, and the names that a browser may have called the port by."""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Mapping
from pathlib import Path

from inferometer_exporter.config.hosts import is_local, is_loopback
from inferometer_exporter.config.model import Address, Login
from inferometer_exporter.errors import BadInput

LOG = logging.getLogger("inferometer_exporter.admin")

CHALLENGE = 'Basic realm="inferometer", charset="UTF-8"'
_LARGEST = 64 * 1024  # bytes of a login file that are read


class Secret:
    """The content of a file without its white space at both ends, read again when the file has changed.

    While the file cannot be read or is empty there is no secret, and nobody gets in.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._value = b""
        self._said = ""

    @property
    def path(self) -> Path:
        return self._path

    def value(self) -> bytes:
        """The secret, or b"". Says once in the log, without the content, why there is none."""
        try:
            about = self._path.stat()
            mark = (about.st_mtime_ns, about.st_size, about.st_ino)
            if mark != self._seen:
                with self._path.open("rb") as file:
                    self._value = file.read(_LARGEST).strip()
                self._seen = mark
            problem = "" if self._value else "is empty"
        except OSError as error:
            self._value, self._seen = b"", None
            problem = f"cannot be read: {error.strerror}"
        if problem and problem != self._said:
            LOG.error("%s %s: nobody can log in to the admin port until it is mended", self._path, problem)
        self._said = problem
        return self._value


class Guard:
    """Decides by `Authorization`. A token is taken as `Bearer`, and from a browser as the password of any user."""

    def __init__(self, login: Login) -> None:
        self._token = Secret(login.token_file) if login.token_file else None
        self._basic = Secret(login.basic_file) if login.basic_file else None

    @property
    def challenges(self) -> tuple[tuple[str, str], ...]:
        """The headers of a 401."""
        bearer = (("WWW-Authenticate", 'Bearer realm="inferometer"'),) if self._token else ()
        return (*bearer, ("WWW-Authenticate", CHALLENGE))

    def check(self) -> None:
        """Raises BadInput where a file holds no login."""
        found = [
            f"{secret.path}: no login in it. Remedy: write {what} into it, readable by the exporter's user."
            for secret, what in ((self._token, "a token"), (self._basic, "`user:password`"))
            if secret is not None and (not secret.value() or (secret is self._basic and b":" not in secret.value()))
        ]
        if found:
            raise BadInput(*found)

    def lets_in(self, headers: Mapping[str, str]) -> bool:
        """Whether these headers of a request hold the login, or none is needed."""
        if self._token is None and self._basic is None:
            return True
        scheme, _, credentials = headers.get("authorization", "").strip().partition(" ")
        if scheme.lower() == "bearer":
            return self._token is not None and _same(credentials.strip().encode("latin-1"), self._token.value())
        if scheme.lower() != "basic":
            return False
        try:
            pair = base64.b64decode(credentials.strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        by_pair = self._basic is not None and _same(pair, self._basic.value())
        by_token = self._token is not None and _same(pair.partition(b":")[2], self._token.value())
        return by_pair or by_token


def _same(given: bytes, secret: bytes) -> bool:
    from hmac import compare_digest  # brings hashlib, 0.7 MB: only those with a login pay

    return bool(secret) and compare_digest(given, secret)


def known_host(header: str, bound: Address) -> bool:
    """Whether `Host` may name the admin port.

    On loopback these are names that no stranger could own, and the configured one. A port that others may reach anyway
    takes every name.
    """
    return not is_loopback(bound.host) or is_local(header) or header.strip().lower() == bound.host.lower()
