"""Each problem is one line with its place and remedy, all of them come at once, and no secret is among the words."""

from __future__ import annotations

from pathlib import Path

import pytest

from inferometer_exporter.config.load import from_flags, load
from inferometer_exporter.errors import BadInput

GOOD = "backends: [{engine: ollama, urls: [http://a]}]\n"


def problems(folder: Path, text: str) -> list[str]:
    path = folder / "exporter.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as refused:
        load(path)
    return [line.removeprefix(f"{folder}/") for line in refused.value.problems]


def backend(rest: str) -> str:
    return f"backends:\n- engine: ollama\n  urls: [http://a]\n  {rest}\n"


@pytest.mark.parametrize(
    ("text", "begin", "remedy"),
    [
        ("", "exporter.yaml:1: backends: is missing", "at least one server"),
        ("backends: []", "exporter.yaml:1: backends: names no server", "at least one"),
        ("- a", "exporter.yaml:1: is not a section", "write keys"),
        (GOOD + "strore: none", "exporter.yaml:2: strore: is not a key here", "write store."),
        (GOOD + "xyzzy: 1", "exporter.yaml:2: xyzzy: is not a key here", "keys here are"),
        (GOOD + "poll: 1s\npoll: 2s", "exporter.yaml:3: repeats the key of line 2", "keep one"),
        (GOOD + "poll: 0.5s", "exporter.yaml:2: poll: is too small", "at least 1s"),
        (GOOD + "poll: [1]", "exporter.yaml:2: poll: is a list", "behind the colon"),
        (GOOD + "poll: 12:30:45", "exporter.yaml:2: poll: '12:30:45' is not a duration", "15s"),
        (GOOD + "expose: on", "exporter.yaml:2: expose: is not true or false", "write true."),
        (GOOD + 'expose: "true"', "exporter.yaml:2: expose: is not true or false", "write true."),
        (GOOD + "series_limit: 0777", "exporter.yaml:2: series_limit: is not a whole number", "leading zeros"),
        (GOOD + "series_limit: 5e3", "exporter.yaml:2: series_limit: is not a whole number", "digits"),
        (GOOD + "series_limit: 3", "exporter.yaml:2: series_limit: is too small", "at least 200"),
        (GOOD + "log_format: xml", "exporter.yaml:2: log_format: 'xml'", "text or json"),
        (GOOD + "store: {max_size: 5MB}", "exporter.yaml:2: store.max_size: '5MB' is not a size", "5MiB"),
        (GOOD + "store:", "exporter.yaml:2: store: has no value", "leave the key out"),
        (GOOD + "tags: a", "exporter.yaml:2: tags: is not a list", "[a, b]"),
        (GOOD + "admin: 0.0.0.0:9464\nexpose: maybe", "exporter.yaml:3: expose: is not true or false", "true or false"),
        (GOOD + "login: {}", "exporter.yaml:2: login: names both files or none", "either"),
        (GOOD + "admin: :9464", "exporter.yaml:2: admin: ':9464' does not say", "0.0.0.0:9464"),
        (GOOD + "admin: 127.0.0.1:0", "exporter.yaml:2: admin: '0' is not a port", "1 to 65535"),
        (GOOD + "admin: 127.0.0.1:70000", "exporter.yaml:2: admin: '70000' is not a port", "1 to 65535"),
        (GOOD + "admin: ::1", "exporter.yaml:2: admin: '::1' is not an address", "host:port"),
        (GOOD + "admin: 1.2.3:80", "exporter.yaml:2: admin: '1.2.3' is not an IPv4", "four numbers"),
        (GOOD + "admin: 0.0.0.0:9464", "exporter.yaml:2: admin: 0.0.0.0:9464 can be reached", "expose"),
        (GOOD + "admin: 11436", "exporter.yaml:1: backends[0].listen: 127.0.0.1:11436 is taken", "another"),
        (GOOD + "notice: *a", "exporter.yaml:2: is an alias", "quotes"),
        (GOOD + "notice: !x a", "exporter.yaml:2: has a tag", "quotes"),
        (GOOD + "notice: [", "exporter.yaml:", "spaces"),
        (GOOD + "---\na: 1", "exporter.yaml:2: begins a second document", "one document"),
        (GOOD + 'notice: "a\\nb"', "exporter.yaml:2: notice: holds a line break", "one line"),
        (backend("listen: 0.0.0.0:1"), "exporter.yaml:4: backends[0].listen: 0.0.0.0:1 can be reached", "expose"),
        (backend("engine_: x"), "exporter.yaml:4: backends[0].engine_: is not a key here", "write engine."),
        (backend("labels: {model: x}"), "exporter.yaml:4: backends[0].labels.model: 'model' is a label", "another"),
        (backend("labels: {__x: x}"), "exporter.yaml:4: backends[0].labels.__x: '__x' is not", "letters"),
        (backend("labels: {a-b: x}"), "exporter.yaml:4: backends[0].labels.a-b: 'a-b' is not", "letters"),
        (backend("name: a b"), "exporter.yaml:4: backends[0].name: 'a b' is not a name", "letters"),
        (backend("ca_file: none.pem"), "exporter.yaml:4: backends[0].ca_file: names a file that does not", "path"),
        ("backends: [{urls: [http://a]}]", "exporter.yaml:1: backends[0].engine: is missing", "ollama"),
        ("backends: [{engine: olama, urls: [http://a]}]", "exporter.yaml:1: backends[0].engine: 'olama'", "ollama"),
        ("backends: [{engine: ollama}]", "exporter.yaml:1: backends[0].urls: is missing", "http://127.0.0.1:11434"),
        ("backends: [{engine: ollama, urls: []}]", "exporter.yaml:1: backends[0].urls: names no address", "at least"),
        ("backends: [x]", "exporter.yaml:1: backends[0]: is not a section", "write keys"),
    ],
)  # fmt: skip
def test_a_problem_has_its_place_and_its_remedy(tmp_path: Path, text: str, begin: str, remedy: str) -> None:
    (line,) = problems(tmp_path, text)
    assert line.startswith(begin)
    assert remedy in line.partition(" Remedy: ")[2]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("htp://x", "'htp://x' is not an http or https address"),
        ("127.0.0.1:11434", "write it as http://127.0.0.1:11434"),
        ("http://", "is not the name of a host"),
        ("http://a:0", "is not a port"),
        ("http://a:99999", "is not a port"),
        ("http://a:²", "'http://a:²' is not an http or https address"),
        ("http://::1", "IPv6 stands in brackets"),
        ("http://[::1", "is not an http or https address"),
        ("http://[fe80::1%25eth0]", "names a zone"),
        ("http://a b", "is not the name of a host"),
        ("http://a/b c", "has a path with characters"),
        ("http://a/ü", "has a path with characters"),
        ("http://a/v1/", "ends in /v1"),
        ("http://a/x?y", "holds a query or a fragment"),
        ("http://a#y", "holds a query or a fragment"),
        ("http://127.0.0.1:11436", "is where the exporter itself listens"),
        ("http://localhost:9464/x", "is where the exporter itself listens"),
    ],
)
def test_an_address_that_cannot_be_is_refused(tmp_path: Path, url: str, message: str) -> None:
    (line,) = problems(tmp_path, f"backends:\n- engine: ollama\n  urls:\n  - '{url}'\n")
    assert line.startswith("exporter.yaml:4: backends[0].urls[0]: ")
    assert message in line


SECRET = "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        f"backends: [{{engine: ollama, urls: ['http://me:{SECRET}@a']}}]",
        f"backends: [{{engine: ollama, urls: ['htp://me:{SECRET}@a']}}]",
        f"backends: [{{engine: ollama, urls: ['http://a?key={SECRET}']}}]",
        f"backends: [{{engine: ollama, urls: ['a?key={SECRET}']}}]",
        f"{GOOD}login: {{token_file: {SECRET}}}",
        f"{GOOD}login: {{basic_file: 'me:{SECRET}'}}",
        f"{GOOD}login: {{token_file: *{SECRET}}}",
        f"{GOOD}login: {{token_file: !{SECRET}}}",
        f"{GOOD}login: {SECRET}",
    ],
)
def test_a_secret_in_the_file_is_not_printed(tmp_path: Path, text: str) -> None:
    assert SECRET not in "\n".join(problems(tmp_path, text))


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    lines = problems(tmp_path, "poll: x\nnope: 1\nbackends:\n- {engine: a, urls: [b]}\n- {}\n")
    places = ["poll", "nope", "backends[0].engine", "backends[0].urls[0]", "backends[1].engine", "backends[1].urls"]
    for place in places:
        assert sum(f" {place}: " in line for line in lines) == 1, (place, lines)


def two(first: str, second: str) -> str:
    return "".join(f"- {{engine: ollama, urls: [http://a], {rest}}}\n" for rest in (first, second))


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("name: x, listen: 1", "name: x, listen: 2", "backends[1].name: 'x' is the name of backends[0] already"),
        ("name: x", "name: y", "backends[0].listen: is missing"),
        ("name: x, listen: 1", "name: y, listen: 1", "backends[1].listen: 127.0.0.1:1 is taken by backends[0]"),
        ("name: x, listen: 1", "name: y, listen: 'localhost:1'", "is taken by backends[0]"),
        ("name: x, listen: '0.0.0.0:1'", "name: y, listen: 1", "is taken by backends[0]"),
        ("name: x, listen: '[::]:1'", "name: y, listen: '[::1]:1'", "is taken by backends[0]"),
    ],
)
def test_backends_that_are_in_each_others_way_are_refused(
    tmp_path: Path, first: str, second: str, message: str
) -> None:
    lines = problems(tmp_path, f"expose: true\nbackends:\n{two(first, second)}")
    assert any(message in line for line in lines), lines


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1", "localhost", "[::1]"])
def test_an_address_that_leads_back_to_a_listener_on_all_addresses_is_refused(tmp_path: Path, host: str) -> None:
    wide = "'[::]:11434'" if ":" in host else "'0.0.0.0:11434'"
    text = f"expose: true\nbackends: [{{engine: ollama, listen: {wide}, urls: ['http://{host}:11434']}}]"
    assert "is where the exporter itself listens" in "".join(problems(tmp_path, text))


@pytest.mark.parametrize("host", ["10.0.0.5", "ollama", "[fd00::5]"])
def test_another_machine_may_use_the_port_that_the_exporter_listens_on(tmp_path: Path, host: str) -> None:
    path = tmp_path / "exporter.yaml"
    path.write_text(
        f"expose: true\nbackends: [{{engine: ollama, listen: '0.0.0.0:11434', urls: ['http://{host}:11434']}}]"
    )
    assert load(path).backends[0].urls == (f"http://{host}:11434",)


@pytest.mark.parametrize("other", ["127.0.0.2:1", "'[::1]:1'", "127.0.0.1:2", "192.0.2.1:1"])
def test_listeners_that_are_apart_are_allowed(tmp_path: Path, other: str) -> None:
    path = tmp_path / "exporter.yaml"
    path.write_text(f"expose: true\nbackends:\n{two('name: x, listen: 1', f'name: y, listen: {other}')}")
    assert len(load(path).backends) == 2


def test_a_problem_of_a_flag_names_the_flag() -> None:
    flags: dict[str, object] = {"backend": ["nix"], "max_size": "1MB", "label": ["a=b", "a=c", "d"], "admin_cert": "x"}
    with pytest.raises(BadInput) as refused:
        from_flags(flags)
    begins = sorted(line.partition(": ")[0] for line in refused.value.problems)
    assert begins == ["--admin-cert", "--admin-key", "--backend", "--label", "--label", "--max-size"]


@pytest.mark.parametrize("name", ["none.yaml", "."])
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput) as refused:
        load(tmp_path / name)
    (line,) = refused.value.problems
    assert "cannot be read" in line
