"""Whatever stands in the file, there is a configuration or lines for a person, and never another error."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from inferometer_exporter.config.flags import FLAGS
from inferometer_exporter.config.load import from_flags, load
from inferometer_exporter.config.model import Config
from inferometer_exporter.errors import BadInput
from tests.exporter.config.written import configs, written

EXAMPLE = Path(__file__).resolve().parents[3] / "exporter/exporter.example.yaml"
KEYS = (
    *(
        "admin",
        "expose",
        "store",
        "path",
        "retention",
        "max_size",
        "tags",
        "series_limit",
        "categraf",
        "notice",
        "poll",
    ),
    *("proxy_tls", "admin_tls", "cert_file", "key_file", "login", "token_file", "basic_file", "timeouts", "connect"),
    *("idle", "request_head", "body_rate", "pool_idle", "grace", "log_format", "backends", "name", "engine", "listen"),
    *("urls", "models", "labels", "ca_file", "inject_usage", "<<", "on", "1"),
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.dates()
    | st.binary()
    | st.sampled_from(
        ["127.0.0.1:1", "http://a", "ollama", "none", "7d", "[::1]:2", "0.0.0.0:3", "1MiB", "x", "/", "."]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner, max_size=8),
    max_leaves=30,
)


def loaded(content: bytes) -> Config | BadInput:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "exporter.yaml")
        path.write_bytes(content)
        try:
            return load(path)
        except BadInput as error:
            return error


def judge(result: Config | BadInput) -> None:
    if isinstance(result, BadInput):
        assert result.problems
        assert all("Remedy: " in line and line.isprintable() for line in result.problems), result.problems


@settings(max_examples=150)
@given(VALUES)
def test_any_tree_gives_a_configuration_or_printable_lines(tree: Any) -> None:
    judge(loaded(yaml.safe_dump(tree, allow_unicode=True).encode()))


@settings(max_examples=150)
@given(st.data())
def test_a_good_file_with_anything_in_any_place_gives_a_configuration_or_lines(data: st.DataObject) -> None:
    tree = yaml.safe_load(EXAMPLE.read_text())
    path = data.draw(st.sampled_from([path for path in places(tree) if path]))
    inner: Any = tree
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = data.draw(VALUES)
    judge(loaded(yaml.safe_dump(tree, allow_unicode=True).encode()))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything in a tree."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(inner for step, one in steps for inner in places(one, (*path, step)))]


@settings(max_examples=150)
@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "replace")))
@example(b"backends: " + b"[" * 100_000)
@example(b"{" * 100_000)
@example(b"a: &a [*a]")
@example(b"a: &a [1]\nb: [*a, *a]")
@example(b"%YAML 1.1\n---\n!!python/object/apply:os.system [x]")
@example(b"? [a]\n: b")
@example(b"a: 1\n---\nb: 2")
@example(b"\xff\xfe")
@example(b"\x00")
@example(b'a: "\xe2\x80\xa8"')
@example("poll: ²".encode())
@example("admin: 127.0.0.1:٣".encode())
@example("series_limit: ٣٣٣".encode())
def test_any_bytes_give_a_configuration_or_printable_lines(content: bytes) -> None:
    judge(loaded(content))


@given(configs())
def test_a_configuration_that_is_written_and_read_is_the_same(config: Config) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "exporter.yaml")
        path.write_text(written(config), encoding="utf-8")
        read = load(path)
    below = config.store.path and Path(folder, config.store.path)
    assert read == replace(config, store=replace(config.store, path=below))


@given(st.dictionaries(st.sampled_from(sorted(FLAGS)), st.none() | st.booleans() | st.text() | st.lists(st.text())))
def test_any_flags_give_a_configuration_or_lines(values: dict[str, object]) -> None:
    try:
        from_flags(values)
    except BadInput as error:
        judge(error)


def test_a_file_beyond_1_mib_is_refused() -> None:
    result = loaded(b"#" * (2**20 + 1))
    assert isinstance(result, BadInput)
    assert "larger than 1 MiB" in str(result)
