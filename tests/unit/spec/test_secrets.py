"""A secret in the file is refused with the remedy, and nothing shows it: no message, no line, no error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferometer.errors import SpecError
from inferometer.spec import loads

SECRET = "hunter2.9f8e7d"
HEAD = "backends:\n  - name: box\n    vllm: http://10.0.0.1:8000\n"
RECEIVER = HEAD + "alerting:\n  receivers:\n    - name: ops\n"


def receiver(rest: str) -> str:
    return f"{RECEIVER}      {rest}\n"


def scraped(rest: str) -> str:
    return f"{HEAD}    scrape: {rest}\n"


# Where people put secrets, and the words of the remedy.
PLACES = {
    "slack webhook": (receiver("slack: {webhook: SECRET}"), "webhook_file: secrets/slack"),
    "slack webhook_url": (receiver("slack: {webhook_url: SECRET, channel: '#x'}"), "webhook_file: secrets/slack"),
    "slack api_url": (receiver("slack:\n        api_url: SECRET"), "webhook_file: secrets/slack"),
    "slack itself": (receiver("slack: SECRET"), "slack: {webhook_file: secrets/slack}"),
    "slack list": (receiver("slack: [SECRET]"), "slack: {webhook_file: secrets/slack}"),
    "pagerduty itself": (receiver("pagerduty: SECRET"), "routing_key_file"),
    "pagerduty routing_key": (receiver("pagerduty: {routing_key: SECRET}"), "routing_key_file: secrets/pagerduty"),
    "pagerduty service_key": (receiver("pagerduty: [{service_key: SECRET}]"), "routing_key_file: secrets/pagerduty"),
    "webhook itself": (receiver("webhook: SECRET"), "webhook: {url_file: secrets/webhook}"),
    "webhook of slack": (receiver("webhook: {url: https://hooks.slack.com/services/SECRET}"), "webhook_file"),
    "webhook token": (receiver("webhook: {url: 'https://x/y?token=SECRET'}"), "url_file"),
    "url as a file": (receiver("slack: {webhook_file: https://hooks.slack.com/SECRET}"), "webhook_file: secrets/"),
    "mail password": (receiver("email: {to: a@b, username: u, password: SECRET}"), "password_file: secrets/password"),
    "mail login": (receiver("email: {to: a@b, from: c@d, smarthost: 'u:SECRET@m:25'}"), "password_file"),
    "bearer": (scraped("{auth: {bearer: SECRET}}"), "bearer_file: secrets/token"),
    "bearer_token": (scraped("{auth: {bearer_token: SECRET}}"), "bearer_file: secrets/token"),
    "token": (scraped("{auth: {token: SECRET}}"), "bearer_file: secrets/token"),
    "auth itself": (scraped("{auth: SECRET}"), "bearer_file"),
    "password": (scraped("{auth: {basic: {username: u, password: SECRET}}}"), "password_file"),
    "password as a mapping": (scraped("{auth: {basic: {username: u, password: {is: [SECRET]}}}}"), "password_file"),
    "header": (scraped("{headers: {Authorization: Bearer SECRET}}"), "{file: secrets/authorization}"),
    "header list": (scraped("{headers: {X-Key: [SECRET]}}"), "X-Key: {file: secrets/x-key}"),
    "parameter": (scraped("{params: {api_key: SECRET}}"), "bearer_file"),
    "url login": ("backends: [{name: a, vllm: 'http://u:SECRET@10.0.0.1:8000'}]\n", "password_file"),
    "url user": ("backends: [{name: a, vllm: 'http://SECRET@10.0.0.1:8000'}]\n", "password_file"),
    "login without scheme": ("backends: [{name: a, vllm: 'u:SECRET@10.0.0.1:8000'}]\n", "password_file"),
    "password with a slash": ("backends: [{name: a, vllm: 'http://u:SECRET/x@10.0.0.1'}]\n", "password_file"),
    "remote write": (f"{HEAD}storage: {{remote_write: [{{url: 'https://u:SECRET@x/y'}}]}}\n", "password_file"),
    "alias look-alike": (scraped("{auth: {token: *SECRET}}"), "quoted"),
    "tag look-alike": (scraped("{auth: {token: !SECRET}}"), "quoted"),
    "block": (f"{HEAD}    scrape:\n      auth:\n        token: |\n          SECRET\n          SECRET\n", "bearer_file"),
    "folded": (f'{HEAD}    scrape:\n      auth:\n        token: "a\n          SECRET"\n', "bearer_file"),
    "key": (f"{HEAD}models: {{'http://u:SECRET@x': {{}}}}\n", "take it out"),
}  # fmt: skip


# What people paste where the path of a file is wanted. Each holds the part by which the test finds it.
PASTED = {
    "openai": "sk-proj-§",
    "slack": "xoxb-123456-§",
    "github": "ghp_§",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.§",
    "hugging face": "hf_§abcdefgh",
    "slack webhook": "https://hooks.slack.com/services/T00000000/B00000000/§",
    "slack webhook without scheme": "hooks.slack.com/services/T00000000/B00000000/§",
    "any url": "https://discord.com/api/§",
    "header": "'Bearer §'",
    "hex": "0123456789abcdef§",
    "base64": "§abcdef+ghi/jkl==",
    "in the secrets folder": "secrets/xoxb-123456-§",
    "pem": '"-----BEGIN PRIVATE KEY-----\\n§"',
    "two lines": '"a\\n§"',
    "number": "12345678901234567890123",
}
FILES = {
    "bearer_file": scraped("{auth: {bearer_file: VALUE}}"),
    "password_file": scraped("{auth: {basic: {username: u, password_file: VALUE}}}"),
    "key_file": scraped("{tls: {cert_file: secrets/c, key_file: VALUE}}"),
    "file": scraped("{headers: {X-Key: {file: VALUE}}}"),
    "webhook_file": receiver("slack: {webhook_file: VALUE}"),
    "routing_key_file": receiver("pagerduty: [{routing_key_file: VALUE}]"),
    "url_file": receiver("webhook: {url_file: VALUE}"),
    "list": scraped("{auth: {bearer_file: [VALUE]}}"),
    "hyphen": scraped("{auth: {bearer-file: VALUE}}"),
}
BODY = "Qx7fT2mZ9bKd"


@pytest.mark.parametrize("kind", PASTED)
@pytest.mark.parametrize("key", FILES)
def test_a_secret_in_place_of_its_files_path_is_refused_and_not_shown(key: str, kind: str) -> None:
    error = told(FILES[key].replace("VALUE", PASTED[kind].replace("§", BODY)))
    assert {problem.code for problem in error.problems} == {"IM207"}
    assert "put it in a file and write" in str(error)
    assert not shows(error, BODY)
    assert not shows(error, "12345678901234567890")


@pytest.mark.parametrize("kind", sorted(PASTED.keys() - {"number", "two lines", "any url", "header"}))
@pytest.mark.parametrize("broken", ["x: [", "  - @", "a: b: c", "\tx"])
def test_a_secret_in_place_of_a_path_is_not_shown_in_a_file_that_is_no_yaml(kind: str, broken: str) -> None:
    value = PASTED[kind].replace("§", BODY)
    for text in (f"bearer_file: {value} {broken}", f"bearer_file: {value}\n{broken}", f"bearer_file:{value}\n{broken}"):
        assert not shows(told(f"{HEAD}    scrape:\n      {text}\n"), BODY)


@pytest.mark.parametrize("key", ["password", "token", "bearer_file"])
def test_a_secret_without_a_space_after_the_colon_is_not_shown(key: str) -> None:
    secret = f"sk-proj-{BODY}"
    for text in (
        f"scrape: {{auth: {{{key}:{secret}}}}}",
        f"scrape:\n      {key}:{secret}",
        f"{key}:{secret}\n    x: y",
    ):
        assert not shows(told(f"{HEAD}    {text}\n"), BODY)


@pytest.mark.parametrize(
    "path",
    [
        "secrets/slack",
        "secrets/sk-token",
        "/run/secrets/vllm-token-for-prometheus",
        "vllm-token-for-prometheus",
        "../certs/Production2024/ca.pem",
        "C:/secrets/token.txt",
        "secrets/gpu-cluster-01.berlin.example.org/prometheus-token-2024.txt",
        "/var/lib/docker/volumes/3f2a9c1b7d8e4f60a1b2c3d4e5f60718/token",
    ],
)
def test_a_path_is_no_secret_however_long_it_is(path: str) -> None:
    for text in (text for name, text in FILES.items() if name not in ("list", "hyphen", "key_file", "webhook_file")):
        told_of = told_or_nothing(text.replace("VALUE", path)).problems
        assert told_of == ()


def told(text: str) -> SpecError:
    with pytest.raises(SpecError) as caught:
        loads(text)
    return caught.value


def told_or_nothing(text: str) -> SpecError:
    try:
        loads(text)
    except SpecError as error:
        return error
    return SpecError([])


def shows(error: SpecError, secret: str) -> bool:
    """Whether any part of the error holds the secret."""
    return any(secret in part for part in (str(error), repr(error), repr(error.problems)))


@pytest.mark.parametrize("place", PLACES)
def test_a_secret_is_refused_with_the_remedy_and_not_shown(place: str) -> None:
    text, remedy = PLACES[place]
    error = told(text.replace("SECRET", SECRET))
    assert remedy in str(error)
    assert not shows(error, SECRET)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("sign", ["", "*", "!", "&"])
def test_a_secret_that_looks_like_yaml_is_not_shown(place: str, sign: str) -> None:
    assert not shows(told(PLACES[place][0].replace("SECRET", f"{sign}hunter29f8e7d")), "hunter29f8e7d")


def test_the_second_of_two_secrets_under_one_key_is_not_shown() -> None:
    for text in (
        scraped("{auth: {token: a, token: SECRET}}"),
        f"{HEAD}    scrape:\n      auth: SECRET\n      auth: SECRET\n",
    ):
        assert not shows(told(text.replace("SECRET", SECRET)), SECRET)


@pytest.mark.parametrize("place", [place for place in PLACES if "look-alike" not in place])
def test_of_a_secret_nothing_else_is_said(place: str) -> None:
    problems = told(PLACES[place][0].replace("SECRET", SECRET)).problems
    of_secrets = {problem.position for problem in problems if problem.code == "IM207"}
    assert of_secrets
    assert [p for p in problems if p.code != "IM207" and p.position in of_secrets] == []


@given(
    place=st.sampled_from(sorted(PLACES)),
    broken=st.sampled_from(
        ["\tx: y", "a: b: c", "  - @", "]", "  }", "{[", "%x", "'", "? [", "*", "&", "- - -", "\x07", "x: 0777"]
    ),
    data=st.data(),
)
def test_a_secret_is_not_shown_beside_any_other_problem(place: str, broken: str, data: st.DataObject) -> None:
    lines = PLACES[place][0].replace("SECRET", SECRET).splitlines()
    at = data.draw(st.integers(0, len(lines)))
    where = data.draw(st.sampled_from(["above", "behind"]))
    if where == "behind" and at < len(lines):
        lines[at] += f" {broken}"
    else:
        lines.insert(at, broken)
    assert not shows(told_or_nothing("\n".join(lines)), SECRET)


@given(st.text(st.characters(categories=["L", "N"]), min_size=6, max_size=30).map(lambda text: f"§{text}§"))
def test_no_secret_of_any_text_is_shown(secret: str) -> None:
    for text, _ in (PLACES["mail password"], PLACES["header"], PLACES["url login"], PLACES["block"]):
        assert not shows(told(text.replace("SECRET", secret)), secret)


def test_the_line_keeps_its_columns_when_the_secret_is_masked() -> None:
    error = told(receiver(f"slack: {{webhook: {SECRET}, channel: '#llm'}}"))
    line = next(problem.source_line for problem in error.problems)
    assert line == f"      slack: {{webhook: {'*' * len(SECRET)}, channel: '#llm'}}"


@pytest.mark.parametrize(
    "text",
    [
        "models: {token: {}, 'first-token': {aliases: ['llama3:8b@sha256']}}\n",
        "alerts: {FirstToken: {threshold: 1s}}\n",
        "slos: [{name: first-token, signal: time_to_first_token, objective: 99%, threshold: 1s}]\n",
        "storage: {remote_write: [{url: 'https://host:443/@path'}]}\n",
        "alerting: {receivers: [{name: o, webhook: {url: 'http://x'}}], routes: [{match: {auth: x}, receiver: o}]}\n",
        "fleet: {labels: {slack: x, webhook: y}}\n",
    ],
)
def test_what_only_sounds_like_a_secret_is_none(text: str) -> None:
    assert loads(HEAD + text).spec.backends
