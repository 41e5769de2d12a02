"""Which flag says which key of the configuration, and the tree that the flags of a command line make."""

from __future__ import annotations

from collections.abc import Mapping

from inferometer_exporter.config.reading import Path, shown
from inferometer_exporter.config.tree import Entries, Items, Node, Scalar

# Each flag by the name that argparse keeps it under, with its path.
FLAGS: dict[str, Path] = {
    "backend": ("backends", 0, "urls"),
    "name": ("backends", 0, "name"),
    "engine": ("backends", 0, "engine"),
    "listen": ("backends", 0, "listen"),
    "model": ("backends", 0, "models"),
    "label": ("backends", 0, "labels"),
    "ca_file": ("backends", 0, "ca_file"),
    "inject_usage": ("backends", 0, "inject_usage"),
    "admin": ("admin",),
    "expose": ("expose",),
    "store": ("store", "path"),
    "retention": ("store", "retention"),
    "max_size": ("store", "max_size"),
    "token_file": ("login", "token_file"),
    "basic_file": ("login", "basic_file"),
    "admin_cert": ("admin_tls", "cert_file"),
    "admin_key": ("admin_tls", "key_file"),
    "proxy_cert": ("proxy_tls", "cert_file"),
    "proxy_key": ("proxy_tls", "key_file"),
    "tag": ("tags",),
    "categraf": ("categraf",),
    "notice": ("notice",),
    "log_format": ("log_format",),
}


# What most people put the exporter before.
ENGINE = "ollama"


def gather(values: Mapping[str, object]) -> tuple[Node, list[str]]:
    """The tree of the flags that were given, and what is wrong with their form. Without an engine it is ENGINE."""
    backend: dict[str, Node] = {"engine": Scalar(ENGINE)}
    top: dict[str, Node] = {}
    problems: list[str] = []
    for flag, path in FLAGS.items():
        given = values.get(flag)
        if given is None or given is False or given == []:
            continue
        node = _labels(given, problems) if flag == "label" else _node(given)
        if path[0] == "backends":
            backend[str(path[-1])] = node
        elif len(path) == 1:
            top[str(path[0])] = node
        else:
            section = top.setdefault(str(path[0]), Entries({}))
            if isinstance(section, Entries):
                section.entries[str(path[1])] = node
    top["backends"] = Items([Entries(backend)])
    return Entries(top), problems


def where(path: Path) -> str:
    """The flag that a path is said with: the longest that leads there, else the first that goes on from it."""
    leading = [flag for flag, said in FLAGS.items() if path[: len(said)] == said]
    below = [flag for flag, said in FLAGS.items() if said[: len(path)] == path]
    flag = max(leading, key=lambda one: len(FLAGS[one])) if leading else below[0]
    return f"--{flag.replace('_', '-')}"


def _node(given: object) -> Node:
    if isinstance(given, list | tuple):
        return Items([Scalar(str(one), plain=False) for one in given])
    return Scalar("true") if given is True else Scalar(str(given), plain=False)


def _labels(given: object, problems: list[str]) -> Node:
    labels: dict[str, Node] = {}
    for text in given if isinstance(given, list | tuple) else [given]:
        key, equals, value = str(text).partition("=")
        if not equals:
            problems.append(f"--label: {shown(key)} has no value. Remedy: write name=value.")
            continue
        if key in labels:
            problems.append(f"--label: {shown(key)} is given twice. Remedy: keep one of the two.")
        labels[key] = Scalar(value, plain=False)
    return Entries(labels)
