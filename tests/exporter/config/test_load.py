"""What a file says is what the configuration holds, and what it leaves out is the model's default."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from inferometer_exporter.config.fields import RESERVED_LABELS
from inferometer_exporter.config.flags import FLAGS
from inferometer_exporter.config.load import from_flags, load
from inferometer_exporter.config.model import Address, Backend, Config, Store, Timeouts
from inferometer_exporter.metrics.table import FAMILIES

EXAMPLE = Path(__file__).resolve().parents[3] / "exporter/exporter.example.yaml"
SHORTEST = "backends: [{engine: ollama, urls: [http://127.0.0.1:11434]}]"
BACKEND = Backend("ollama", "ollama", ("http://127.0.0.1:11434",), Address("127.0.0.1", 11436))


def read(folder: Path, text: str) -> Config:
    path = folder / "exporter.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def test_what_is_left_out_is_the_models_default(tmp_path: Path) -> None:
    assert read(tmp_path, SHORTEST) == Config((BACKEND,), store=Store(tmp_path / "traces.db"))


def test_flags_say_the_same_as_a_file(tmp_path: Path) -> None:
    flags: dict[str, object] = {
        "backend": ["http://127.0.0.1:11434", "http://127.0.0.2:11434/"],
        "name": "desk",
        "engine": "ollama",
        "listen": "11500",
        "admin": "0.0.0.0:9465",
        "expose": True,
        "store": "none",
        "retention": "1h30m",
        "max_size": "1GiB",
        "tag": ["a", "b"],
        "model": ["true", "12:30"],
        "label": ["site=berlin", "note=a=b"],
        "inject_usage": True,
        "categraf": True,
        "notice": "Simulated",
        "log_format": "json",
        "ca_file": None,
    }
    file = """
        expose: true
        admin: 0.0.0.0:9465
        store: {path: none, retention: 5400, max_size: 1073741824}
        tags: [a, b]
        categraf: true
        notice: Simulated
        log_format: json
        backends:
        - {name: desk, engine: ollama, listen: "127.0.0.1:11500", inject_usage: true, models: [true, 12:30],
           urls: [HTTP://127.0.0.1:11434, http://127.0.0.2:11434], labels: {site: berlin, note: a=b}}
    """
    assert from_flags(flags) == read(tmp_path, file)


def test_without_a_store_flag_traces_are_kept_where_the_model_says() -> None:
    assert from_flags({"backend": ["http://a"], "engine": "openai"}).store == Store()


def test_without_an_engine_flag_the_server_is_an_ollama() -> None:
    assert from_flags({"backend": ["http://a"]}).backends[0].engine == "ollama"


def test_every_flag_leads_to_a_key_that_the_file_has_too() -> None:
    """Else a problem of it would have no place."""
    text = EXAMPLE.read_text()
    assert [path for path in FLAGS.values() if f"{path[-1]}:" not in text] == []


def test_text_is_what_was_written_and_not_what_yaml_makes_of_it(tmp_path: Path) -> None:
    config = read(tmp_path, SHORTEST + "\ntags: [on, 0777, 12:30:45, 1.10, null-x, 2026-01-01, .inf, 1_000]")
    assert config.tags == ("on", "0777", "12:30:45", "1.10", "null-x", "2026-01-01", ".inf", "1_000")


@pytest.mark.parametrize(
    ("said", "expected"),
    [("none", None), ("x.db", "x.db"), ("{path: none}", None), ("{path: sub/x.db}", "sub/x.db"), ("{}", "traces.db")],
)
def test_the_stores_path_starts_at_the_files_folder(tmp_path: Path, said: str, expected: str | None) -> None:
    path = read(tmp_path, f"{SHORTEST}\nstore: {said}").store.path
    assert path == (None if expected is None else tmp_path / expected)


def test_an_absolute_path_stays_as_it_is(tmp_path: Path) -> None:
    assert read(tmp_path, f"{SHORTEST}\nstore: /var/lib/x.db").store.path == Path("/var/lib/x.db")


def test_the_example_can_be_read() -> None:
    config = load(EXAMPLE)
    assert [backend.name for backend in config.backends] == ["desk", "cloud"]
    assert config.timeouts == Timeouts()
    assert config.store == Store(EXAMPLE.parent / "traces.db")


def test_the_example_names_every_key_of_the_model() -> None:
    """In its comments too. `max_bytes` is said as `max_size`."""
    keys = set(re.findall(r"^[\s#-]*([a-z_]+):", EXAMPLE.read_text(), re.MULTILINE))
    assert {"max_size"} | {*_names(Config), *_names(Backend), *_names(Store), *_names(Timeouts)} - {"max_bytes"} <= keys


def _names(of: type) -> set[str]:
    assert is_dataclass(of)
    return {field.name for field in fields(of)}


def test_the_values_of_the_example_are_the_models_defaults() -> None:
    """But for the backends and the notice, which have none."""
    config, default = load(EXAMPLE), Config(())
    differing = [field.name for field in fields(Config) if getattr(config, field.name) != getattr(default, field.name)]
    assert differing == ["backends", "store", "notice"]
    assert config.store == Store(EXAMPLE.parent / "traces.db")


def test_no_label_of_the_exporters_own_series_can_be_a_backends_label() -> None:
    assert {label for family in FAMILIES for label in family.labels} <= RESERVED_LABELS
