"""Secrets that stand in the file itself: found, so that they are refused with the remedy and printed nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from inferometer.spec.nodes import MappingNode, Node, ScalarNode, SequenceNode, Span, children
from inferometer.spec.pasted import is_pasted, is_token
from inferometer.spec.scalars import Plain
from inferometer.spec.source import Finding, Path

# What a key that holds a secret ends with (after - became _), and what to write in its place.
_REMEDIES = {
    "webhook_url": "webhook_file: secrets/slack",
    "api_url": "webhook_file: secrets/slack",
    "password": "password_file: secrets/password",
    "passwd": "password_file: secrets/password",
    "token": "bearer_file: secrets/token",
    "bearer": "bearer_file: secrets/token",
    "credentials": "bearer_file: secrets/token",
    "routing_key": "routing_key_file: secrets/pagerduty",
    "service_key": "routing_key_file: secrets/pagerduty",
    "integration_key": "routing_key_file: secrets/pagerduty",
    "secret": "bearer_file: secrets/token",
    "api_key": "bearer_file: secrets/token",
    "apikey": "bearer_file: secrets/token",
    "access_key": "bearer_file: secrets/token",
    "private_key": "key_file: secrets/key.pem",
}
# Keys of sections: a single value there can only be the secret itself.
_SECTIONS = {
    "slack": "slack: {webhook_file: secrets/slack}",
    "pagerduty": "pagerduty: {routing_key_file: secrets/pagerduty}",
    "webhook": "webhook: {url_file: secrets/webhook}",
    "auth": "auth: {bearer_file: secrets/token}",
    "basic": "basic: {username: …, password_file: secrets/password}",
}
# Below these, keys are names that the user chose.
_NAMED = ("models", "alerts")

# Below these, a section's key is a word like any other.
_FREE = (("labels",), ("match",), ("params",))

# user:password@, also where the password holds a slash; `//host:443/@x` has none.
_LOGIN = re.compile(r"://[^/?#\s]*@|://[^/?#\s:]+:(?![0-9]+(?:[/?#]|$))\S*@")
# The same without a scheme, which only a model's name with a digest resembles.
_BARE_LOGIN = re.compile(r"[^/\s:@]+:(?!//)[^\s@]+@[^\s@]+")
_MODEL_KEYS = ("models", "aliases")
_SECRET_URL = re.compile(
    r"://(?:hooks\.slack(?:-gov)?\.com/|(?:\w+\.)?discord(?:app)?\.com/api/webhooks/|[\w.-]*webhook\.office\.com/)"
    r"|://\S*[?&](?:[\w-]*(?:token|key|secret|password|sig|signature))=",
    re.IGNORECASE,
)

# A key and its value without the space between.
_TIGHT_KEY = re.compile(r"""(?P<key>[A-Za-z0-9_.-]+)["']?:(?!//)(?P<value>\S.*)""", re.DOTALL)
_KEY_LINE = re.compile(r"""["']?(?P<key>[A-Za-z0-9_.-]+)["']?\s*:(?=\s|$)""")


@dataclass(frozen=True, slots=True)
class Secret:
    """What to say of a secret, and the places to mask."""

    finding: Finding
    spans: tuple[Span, ...]


def find_secrets(root: Node) -> list[Secret]:
    """The secrets in the tree, in the order of the file."""
    return list(_walk(root, ()))


def has_login(text: str) -> bool:
    """Whether the text is a URL with a user's name or a password before its host."""
    return bool(_LOGIN.search(text))


def mask_lines(lines: Sequence[str]) -> list[str]:
    """Lines of a file that could not be read as YAML, without what may be a secret: rather too much than too little."""
    shown: list[str] = []
    secret_indent: int | None = None
    for line in lines:
        indent = len(line) - len(line.lstrip())
        keys = list(_KEY_LINE.finditer(line))
        first = keys[0].start() if keys else len(line)
        if secret_indent is not None and (not keys or indent > secret_indent):
            line = _stars(line, 0)
        elif keys:
            # What comes before a key may be the end of a secret that began above.
            line = _stars(line, 0, first) if secret_indent is not None else line
            secret = next((key for key in keys if _begins_secret(key["key"], line[key.end() :])), None)
            secret_indent = None if secret is None else indent
            line = line if secret is None else _stars(line, secret.end())
        leaks = any(pattern.search(word) for word in line.split() for pattern in (_LOGIN, _BARE_LOGIN, _SECRET_URL))
        leaks = leaks or is_token(line) or any(_holds_secret(tight) for tight in _TIGHT_KEY.finditer(line))
        shown.append(_stars(line, 0) if leaks else line)
    return shown


def _begins_secret(key: str, rest: str) -> bool:
    """Whether what follows the key on its line, or on the lines below, may be a secret."""
    word = rest.strip().lstrip("[{\"'").rstrip("]},\"'")
    return _asks_for_secret(key) or (_names_file(key) and (not word or word[0] in "|>&*!" or is_pasted(word)))


def _holds_secret(tight: re.Match[str]) -> bool:
    """Whether `key:value`, without a space, holds a secret."""
    key, value = tight["key"], re.split(r"[\s,}\]\"']", tight["value"])[0]
    return remedy(key) is not None or (_names_file(key) and is_pasted(value))


def _asks_for_secret(key: str) -> bool:
    return remedy(key) is not None or key in (*_SECTIONS, "headers")


def remedy(key: str) -> str | None:
    """What to write in place of a secret under this key; None where the key asks for none."""
    plain = key.lower().replace("-", "_")
    return next((text for ending, text in _REMEDIES.items() if plain.endswith(ending)), None)


def _walk(node: Node, path: Path) -> Iterator[Secret]:
    if isinstance(node, ScalarNode):
        yield from _in_text(node, path)
    elif isinstance(node, SequenceNode):
        for index, item in enumerate(node.items):
            yield from _walk(item, (*path, index))
    else:
        for key, value in node.entries.items():
            yield from _entry(node, key, value, (*path, key))


def _entry(node: MappingNode, key: str, value: Node, path: Path) -> Iterator[Secret]:
    if has_login(key):
        finding = Finding("IM207", path[:-1], "a key here holds a login", "take it out")
        yield Secret(finding, (node.keys[key], *_scalars(value)))
        return
    tight = _TIGHT_KEY.match(key)
    if tight and _holds_secret(tight):
        yield Secret(_in_place(tight["key"], path[:-1]), (node.keys[key], *_scalars(value)))
        return
    advice = _advice(key, value, path)
    if advice is not None:
        message = f'"{key}" holds a secret in plain text'
        yield Secret(Finding("IM207", path, message, f'put it in a file and write "{advice}"'), tuple(_scalars(value)))
    elif key == "headers" and isinstance(value, MappingNode):
        for name, content in value.entries.items():
            yield from _header(name, content, (*path, name))
    elif _names_file(key) and any(is_pasted(text) for text in _texts(value)):
        message = f'"{key}" is the path of a file, and this is the secret itself'
        hint = f'put it in a file and write "{key}: secrets/…"'
        yield Secret(Finding("IM207", path, message, hint), tuple(_scalars(value)))
    else:
        yield from _walk(value, path)


def _in_place(key: str, path: Path) -> Finding:
    """What to say of `key:secret`, without a space."""
    hint = f'put it in a file and write "{remedy(key) or f"{key}: secrets/…"}"'
    return Finding("IM207", path, f'"{key}" holds a secret in plain text', hint)


def _names_file(key: str) -> bool:
    return key.lower().replace("-", "_").endswith(("_file", "_fil", "_path")) or key.lower() == "file"


def _texts(node: Node) -> Iterator[str]:
    """The texts in a node, as they were written."""
    if isinstance(node, ScalarNode):
        yield node.value.text if isinstance(node.value, Plain) else node.value or ""
    for child in children(node):
        yield from _texts(child)


def _advice(key: str, value: Node, path: Path) -> str | None:
    """What to write in place of the secret that this entry is, None for an entry that is none."""
    if _nothing(value) or (len(path) == 2 and path[0] in _NAMED):
        return None
    if key not in _SECTIONS:
        return remedy(key)
    if not _single(value) or path[-2:-1] in _FREE:
        return None
    inside_slack = key == "webhook" and "slack" in path[:-1]
    return "webhook_file: secrets/slack" if inside_slack else _SECTIONS[key]


def _header(name: str, content: Node, path: Path) -> Iterator[Secret]:
    if isinstance(content, MappingNode) or _nothing(content):
        yield from _walk(content, path)
        return
    message = f'the value of the header "{name}" stands here in plain text'
    hint = f'put it in a file and write "{name}: {{file: secrets/{name.lower()}}}"'
    yield Secret(Finding("IM207", path, message, hint), tuple(_scalars(content)))


def _in_text(node: ScalarNode, path: Path) -> Iterator[Secret]:
    text = node.value if isinstance(node.value, str) else ""
    bare = _BARE_LOGIN.fullmatch(text) and not any(step in _MODEL_KEYS for step in path)
    if bare or has_login(text):
        hint = 'put the password in a file and write "auth: {basic: {username: …, password_file: secrets/password}}"'
        yield Secret(Finding("IM207", path, "this holds a login", hint), (node.span,))
    elif (tight := _TIGHT_KEY.match(text)) and _holds_secret(tight):
        yield Secret(_in_place(tight["key"], path), (node.span,))
    elif _SECRET_URL.search(text):
        hint = (
            'put it in a file and write its path: "url_file: secrets/webhook", for Slack "webhook_file: secrets/slack"'
        )
        yield Secret(Finding("IM207", path, "this URL is a secret", hint), (node.span,))
    elif is_token(text) and not any(step in _MODEL_KEYS for step in path):
        hint = 'put it in a file and write its path: "bearer_file: secrets/token"'
        yield Secret(Finding("IM207", path, "this is a secret", hint), (node.span,))


def _single(value: Node) -> bool:
    """One value, or a list of single values."""
    if isinstance(value, SequenceNode):
        return bool(value.items) and all(isinstance(item, ScalarNode) for item in value.items)
    return isinstance(value, ScalarNode) and not _nothing(value)


def _nothing(value: Node) -> bool:
    return isinstance(value, ScalarNode) and value.value in (None, "")


def _scalars(node: Node) -> Iterator[Span]:
    if isinstance(node, ScalarNode):
        yield node.span
    for child in children(node):
        yield from _scalars(child)


def _stars(line: str, start: int, end: int | None = None) -> str:
    end = len(line) if end is None else end
    return line[:start] + re.sub(r"\S", "*", line[start:end]) + line[end:]
