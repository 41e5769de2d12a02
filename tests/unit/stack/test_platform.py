"""What a storage or a platform cannot do is said of the spec, at its place, before anything is written."""

from __future__ import annotations

import pytest

from inferometer.errors import SpecError
from inferometer.plan import resolve
from inferometer.spec.load import loads

BACKEND = "backends: [{name: a, vllm: 10.0.0.1}]\n"
HEADERS = "backends: [{name: a, vllm: 10.0.0.1, scrape: {headers: {X-Key: {file: secrets/key}}}}]\n"
REMOTE_HEADERS = "remote_write: [{url: 'http://a/', headers: {X-Key: {file: secrets/key}}}]"


def problems(spec: str) -> list[tuple[str, int]]:
    """Code and line of each problem."""
    try:
        resolve(loads(spec))
    except SpecError as error:
        return [(one.code, one.position.line if one.position else 0) for one in error.problems]
    return []


@pytest.mark.parametrize(
    ("version", "refused"), [("2.45.6", True), ("2.54", True), ("2.55.0", False), ("3.5", False), ("v3", False)]
)
def test_headers_need_prometheus_2_55(version: str, refused: bool) -> None:
    spec = HEADERS + f'storage: {{version: "{version}"}}\n'
    assert problems(spec) == ([("IM306", 1)] if refused else [])


def test_an_unknown_version_is_taken_to_be_new_enough() -> None:
    assert problems(HEADERS) == []


@pytest.mark.parametrize(
    ("spec", "line"),
    [
        (HEADERS + "storage: {kind: victoriametrics}\n", 1),
        (BACKEND + f"storage:\n  kind: victoriametrics\n  {REMOTE_HEADERS}\n", 4),
        (BACKEND + "storage:\n  kind: victoriametrics\n  retention_size: 5GB\n", 4),
        (BACKEND + "storage:\n  kind: victoriametrics\n  retention: 23h\n", 4),
    ],
)
def test_victoriametrics_says_what_it_cannot_do(spec: str, line: int) -> None:
    assert problems(spec) == [("IM307", line)]


def test_a_day_is_enough_for_victoriametrics_and_less_for_prometheus() -> None:
    assert problems(BACKEND + "storage: {kind: victoriametrics, retention: 1d}\n") == []
    assert problems(BACKEND + "storage: {retention: 2h}\n") == []


def test_a_version_of_the_storage_is_a_version() -> None:
    assert problems(BACKEND + "storage: {version: latest}\n") == [("IM305", 2)]


@pytest.mark.parametrize(
    "file",
    [
        "backends: [{name: a, vllm: 10.0.0.1, scrape: {auth: {bearer_file: FILE}}}]\n",
        "backends: [{name: a, vllm: 10.0.0.1, scrape: {auth: {basic: {username: u, password_file: FILE}}}}]\n",
        "backends: [{name: a, vllm: 10.0.0.1, scrape: {tls: {ca_file: FILE}}}]\n",
        "backends: [{name: a, vllm: 10.0.0.1, scrape: {headers: {X-Key: {file: FILE}}}}]\n",
        "hosts: [{name: a, address: 10.0.0.1, scrape: {auth: {bearer_file: FILE}}}]\n",
        BACKEND + "exporter: {scrape: {auth: {bearer_file: FILE}}}\n",
        BACKEND + "storage: {remote_write: [{url: 'http://a/', auth: {bearer_file: FILE}}]}\n",
        BACKEND + "alerting: {watchdog: {url_file: FILE}}\n",
        BACKEND + "alerting: {receivers: [{name: a, slack: {webhook_file: FILE}}]}\n",
        BACKEND + "alerting: {receivers: [{name: a, pagerduty: {routing_key_file: FILE}}]}\n",
        BACKEND + "alerting: {receivers: [{name: a, webhook: [{url: 'http://a/'}, {url_file: FILE}]}]}\n",
        BACKEND + "alerting: {receivers: [{name: a, email: {to: a@b.c, from: a@b.c, smarthost: 'm:25', username: u, "
        "password_file: FILE}}]}\n",
    ],
)
@pytest.mark.parametrize(
    ("path", "platform", "refused"),
    [
        ("secrets/a", "compose", False),
        ("secrets/deep/a", "compose", False),
        ("/run/secrets/a", "compose", False),
        ("a", "compose", True),
        ("secrets/../a", "compose", True),
        ("../secrets/a", "compose", True),
        ("a", "host", False),
    ],
)
def test_containers_see_the_secrets_folder_only(file: str, path: str, platform: str, refused: bool) -> None:
    found = problems(file.replace("FILE", path) + f"platform: {platform}\n")
    assert [code for code, _ in found] == (["IM308"] if refused else [])


def test_the_remedy_for_a_file_outside_does_not_repeat_its_path() -> None:
    spec = "backends: [{name: a, vllm: 10.0.0.1, scrape: {auth: {bearer_file: hunter2}}}]\n"
    with pytest.raises(SpecError) as error:
        resolve(loads(spec))
    (problem,) = error.value.problems
    assert "hunter2" not in problem.message + str(problem.hint)


def test_everything_is_said_at_once_with_what_is_said_of_alerts() -> None:
    spec = HEADERS + "storage: {version: '2.45', remote_write: [{url: 'http://a/', auth: {bearer_file: far}}]}\n"
    assert problems(spec + "alerts: {Unheard: {}}\n") == [("IM306", 1), ("IM308", 2), ("IM303", 3)]
