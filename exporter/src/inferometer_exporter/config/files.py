"""Files that the configuration names: readable, and holding what they should. Their content is never printed."""

from __future__ import annotations

import stat
from pathlib import Path

from inferometer_exporter.config.model import Config, Tls
from inferometer_exporter.config.reading import Value, Wrong

_MOST = 2**20


def readable(base: Path, value: Value) -> Path:
    """A file that can be read and is not empty. The value is not printed: it may be the secret itself."""
    path = base / value.text()
    _content(path)
    return path


def token(base: Path, value: Value) -> Path:
    """A file that holds one line, the bearer token."""
    path = base / value.text()
    if len(_content(path).split()) != 1:
        raise Wrong("names a file that does not hold one word", "put the token alone into it")
    return path


def basic(base: Path, value: Value) -> Path:
    """A file that holds one line, `user:password`."""
    path = base / value.text()
    lines = _content(path).splitlines()
    user, colon, password = lines[0].partition(b":")
    if len(lines) != 1 or not (user and colon and password):
        raise Wrong("names a file that does not hold one line user:password", "write it so")
    return path


def authorities(base: Path, value: Value) -> Path:
    """A PEM file with the certificates of authorities."""
    import ssl  # some 2 MiB that plain addresses do without

    path = readable(base, value)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError:
        raise Wrong("names a file that holds no certificates", "write them in PEM form") from None
    return path


def refuse_unusable(tls: Tls) -> None:
    """Raises Wrong when the files are no certificate and its key, or the key wants a password."""
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.cert_file, tls.key_file, password="")
    except (OSError, ValueError):
        remedy = "use PEM files; the key must have no password"
        raise Wrong("names files that are no certificate and its key", remedy) from None


def cautions(config: Config) -> list[str]:
    """What is no reason to refuse the start, and still wrong: secrets that everybody on the machine can read."""
    named = [config.login.token_file, config.login.basic_file]
    named += [tls.key_file for tls in (config.admin_tls, config.proxy_tls) if tls]
    return [
        f"{path}: everybody on this machine can read it. Remedy: chmod 600 {path}."
        for path in dict.fromkeys(path for path in named if path)
        if _open_to_all(path)
    ]


def _open_to_all(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


def _content(path: Path) -> bytes:
    try:
        problem = _unfit(path)
        content = b"" if problem else path.read_bytes().strip()
    except (OSError, ValueError) as error:
        reason = f" ({error.strerror})" if isinstance(error, OSError) else ""
        problem, content = f"cannot be read{reason}", b""
    if problem:
        raise Wrong(f"names a file that {problem}", "write the path of a file that this user can read")
    if not content:
        raise Wrong("names a file that is empty", "fill it, or name another file")
    return content


def _unfit(path: Path) -> str:
    """Why it is not even opened: a pipe or a device could be read from for ever."""
    if not path.exists():
        return "does not exist"
    return "" if path.is_file() and path.stat().st_size <= _MOST else "is a folder, a device, or larger than 1 MiB"
