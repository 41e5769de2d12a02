"""The configuration from a file or from flags. Every problem is found before it is refused, each one a line."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from inferometer_exporter.config import fields, files, flags, places, tree
from inferometer_exporter.config.checks import check
from inferometer_exporter.config.model import PROXY_PORT, Address, Backend, Config, Login, Store, Timeouts, Tls
from inferometer_exporter.config.reading import Path as Steps
from inferometer_exporter.config.reading import Problems, Value, Where, Wrong, place
from inferometer_exporter.errors import BadInput

MAX_BYTES = 2**20
_MINUTE, _HOUR, _YEAR = 60.0, 3600.0, 366 * 86400.0
_MIB = 2**20


def load(path: Path) -> Config:
    """The configuration of a YAML file; relative paths in it start at its folder. Raises BadInput."""
    from inferometer_exporter.config import compose  # with flags alone it is not needed

    text = _text(path)
    try:
        root, slips = compose.parse(text)
    except compose.Unreadable as error:
        slip = error.slip
        raise BadInput(f"{path}:{slip.line}: {slip.message}. Remedy: {slip.remedy}.") from None

    def where(steps: Steps) -> str:
        return f"{path}:{_line(root, steps)}" + (f": {place(steps)}" if steps else "")

    problems = [f"{path}:{slip.line}: {slip.message}. Remedy: {slip.remedy}." for slip in slips]
    return _config(root or tree.Entries({}, 1), where, path.parent, problems)


def from_flags(values: Mapping[str, object]) -> Config:
    """The configuration of one backend from the command line: `values` as argparse keeps them, by their `dest`.

    None, False and empty lists are flags that were not given; others are text, True, or lists of text. Keys that are no
    flag of the table in `flags` are left alone. Raises BadInput.
    """
    root, problems = flags.gather(values)
    return _config(root, flags.where, Path(), problems)


def _config(root: tree.Node, where: Where, base: Path, earlier: list[str]) -> Config:
    problems = Problems(where)
    problems.lines += earlier
    config = Value(root, (), problems).attempt(partial(_whole, base))
    if problems.lines or config is None:
        raise BadInput(*problems.lines)
    return config


def _whole(base: Path, value: Value) -> Config:
    """The configuration with defaults for what is wrong, so that the rest is checked all the same."""
    section = value.section(
        {
            "backends": partial(_backends, base),
            "admin": places.listen,
            "expose": fields.flag,
            "store": partial(_store, base),
            "login": partial(_login, base),
            "admin_tls": partial(_tls, base),
            "proxy_tls": partial(_tls, base),
            "tags": fields.texts,
            "series_limit": fields.whole(200, 1_000_000),
            "categraf": fields.flag,
            "notice": fields.text,
            "poll": fields.seconds(1, _HOUR),
            "timeouts": _timeouts,
            "log_format": fields.one_of("text", "json"),
        },
        {"backends": "name at least one server"},
    )
    said: list[Backend | None] = section.got.pop("backends", [])
    section.got.setdefault("store", Store(path=_default_store(base)))
    config = Config(tuple(backend for backend in said if backend is not None), **section.got)
    check(config, said, section.wrong, value.problems)
    return config


def _backends(base: Path, value: Value) -> list[Backend | None]:
    """One that is wrong keeps its place as None, so that the others keep theirs."""
    alone = isinstance(value.node, tree.Items) and len(value.node.items) == 1
    backends = value.each(partial(_backend, base, alone))
    if not backends:
        value.problems.add(value.path, "names no server", "name at least one")
    return backends


def _backend(base: Path, alone: bool, value: Value) -> Backend | None:
    needed = {
        "engine": "say the kind of server, such as ollama or openai",
        "urls": "write where the server is, such as http://127.0.0.1:11434",
    }
    if not alone:
        needed["listen"] = "each of several backends says where its clients come in, such as 127.0.0.1:11437"
    section = value.section(
        {
            "name": fields.name,
            "engine": fields.engine,
            "listen": places.listen,
            "urls": _urls,
            "models": fields.texts,
            "labels": fields.labels,
            "ca_file": partial(files.authorities, base),
            "inject_usage": fields.flag,
        },
        needed,
    )
    if section.wrong:
        return None
    return Backend(
        **{"name": section.got["engine"], "listen": Address("127.0.0.1", PROXY_PORT), **section.got},
    )


def _urls(value: Value) -> tuple[str, ...]:
    urls = value.each(places.url)
    if not urls:
        raise Wrong("names no address", "write at least one, such as http://127.0.0.1:11434")
    return tuple(dict.fromkeys(url for url in urls if url is not None))


def _store(base: Path, value: Value) -> Store | None:
    if isinstance(value.node, tree.Scalar):
        return Store(path=_store_path(base, value))
    section = value.section(
        {
            "path": lambda one: (_store_path(base, one),),
            "retention": fields.seconds(_MINUTE, 100 * _YEAR),
            "max_size": fields.size(_MIB, 2**50),
        },
        {},
    )
    if section.wrong:
        return None
    (path,) = section.got.get("path", (_default_store(base),))
    kept = {"retention": "retention", "max_size": "max_bytes"}
    return Store(path=path, **{kept[key]: said for key, said in section.got.items() if key in kept})


def _store_path(base: Path, value: Value) -> Path | None:
    said = value.text()
    return None if said == "none" else base / said


def _default_store(base: Path) -> Path | None:
    path = Store().path
    return path and base / path


def _login(base: Path, value: Value) -> Login | None:
    section = value.section({"token_file": partial(files.token, base), "basic_file": partial(files.basic, base)}, {})
    if section.wrong:
        return None
    if len(section.got) != 1:
        raise Wrong("names both files or none", "name either token_file or basic_file")
    return Login(**section.got)


def _tls(base: Path, value: Value) -> Tls | None:
    section = value.section(
        {"cert_file": partial(files.readable, base), "key_file": partial(files.readable, base)},
        {"cert_file": "name the file of the certificate", "key_file": "name the file of its key"},
    )
    if section.wrong:
        return None
    tls = Tls(**section.got)
    files.refuse_unusable(tls)
    return tls


def _timeouts(value: Value) -> Timeouts | None:
    section = value.section(
        {
            "connect": fields.seconds(0.001, _HOUR),
            "idle": fields.seconds(0.001, _YEAR),
            "request_head": fields.seconds(0.001, _HOUR),
            "body_rate": fields.whole(0, 2**40),
            "pool_idle": fields.seconds(0, _HOUR),
            "grace": fields.seconds(0, _HOUR),
        },
        {},
    )
    return None if section.wrong else Timeouts(**section.got)


def _text(path: Path) -> str:
    remedy = "name a file that this user can read"
    try:
        with path.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no path"
        raise BadInput(f"{path}: cannot be read ({reason}). Remedy: {remedy}.") from None
    if len(data) > MAX_BYTES:
        raise BadInput(f"{path}: is larger than 1 MiB. Remedy: name the exporter's configuration.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadInput(f"{path}:{line}: is not UTF-8 text. Remedy: save the file as UTF-8.") from None


def _line(root: tree.Node | None, steps: Steps) -> int:
    """The line of a path, or of the nearest thing above it that is there."""
    line = root.line if root else 1
    node = root
    for step in steps:
        if isinstance(node, tree.Entries) and isinstance(step, str) and step in node.entries:
            line, node = node.lines[step], node.entries[step]
        elif isinstance(node, tree.Items) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            line = node.line
        else:
            break
    return line
