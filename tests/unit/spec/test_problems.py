"""Each kind of problem stands at its place, has its code, and says what to write instead."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from inferometer.errors import CODES, SpecError, format_problems
from inferometer.spec import loads
from tests.unit.spec.marked import problems_of, spots_of, unmarked

BOX = "backends: [{name: box, vllm: x}]\n"


def backend(rest: str) -> str:
    return f"backends: [{{name: a, vllm: x, {rest}}}]"


def scrape(rest: str) -> str:
    return backend(f"scrape: {{{rest}}}")


def slo(rest: str) -> str:
    return f"{BOX}slos: [{{name: s, signal: availability, objective: 99%, {rest}}}]"


def receiver(rest: str) -> str:
    return f"{BOX}alerting: {{receivers: [{{name: ops, {rest}}}]}}"


def alerting(rest: str) -> str:
    return f"{BOX}alerting: {{receivers: [{{name: ops, webhook: {{url: 'http://x'}}}}], {rest}}}"


@dataclass(frozen=True, slots=True)
class Case:
    """A spec with its problem marked, and what the problem must say."""

    code: str
    says: str
    text: str
    hint: str = ""


CIRCLE = """\
backends:
  - {name: a, vllm: x, behind: [b]}
  - {name: b, vllm: y, behind: [c]}
  - {name: c, vllm: z, behind: [«a»]}
"""
LOCAL = "backends: [{name: a, vllm: localhost}, {name: b, vllm: «http://127.0.0.1:8000/»}]"
EXPORTER = "backends: [{name: a, ollama: '127.0.0.1:9999'}]\nexporter: {address: «'127.0.0.1:9999'»}"

TWICE = "backends: [{name: a, ollama: x, listen: 11440}, {name: b, ollama: y, listen: «'0.0.0.0:11440'»}]"

CASES = [
    # Reading.
    Case("IM103", "does not allow the character U+0007", "backends: «\a»x"),
    Case("IM104", "while parsing a flow sequence", "models: [a, 'b' «c»]"),
    Case("IM104", 'this "[" is never closed', "backends: «[»{name: box, ollama: x}\nhosts: x", 'write "]"'),
    Case("IM104", 'this "{" is never closed', "backends: [«{»name: 'it]s', x: y]\nhosts: x", 'write "}"'),
    Case("IM104", 'this "{" is never closed', "backends: [x] # {\nfleet: «{»\n  name: x,\n", 'write "}"'),
    Case("IM104", 'no space after "vllm:"', "backends:\n  - name: a\n    vllm«:»http://x\nhosts: []", "a space after"),
    Case("IM104", 'no space after "name:"', "backends:\n  - name«:»a\n\n    vllm: http://x", "a space after"),
    Case("IM104", 'no space after "platform:"', "platform«:»host\nbackends: [{name: a, vllm: x}]", "a space after"),
    Case("IM104", "a tab where the indentation", "backends:\n«\t»- name: box", "indent with spaces"),
    Case("IM104", "mapping values are not allowed", "backends:\n  - name: a«:» b", "a colon and a space"),
    Case("IM104", "cannot start any token", "fleet: {name: «@»x}", "quote text that begins"),
    Case("IM106", "stands on line 2 already", f"{BOX}storage: {{}}\n«storage»: {{}}", "keep one of the two"),
    Case("IM106", "stands on line 1 already", "backends: [{name: a, «name»: b, vllm: x}]"),
    Case("IM107", "an octal number", f"{BOX}fleet: {{environment: «0777»}}", "quote it"),
    Case("IM107", "a number to the base 60", f"{BOX}fleet: {{environment: «12:30:45»}}", "quote it"),
    Case("IM108", "has no anchor before it", f"{BOX}fleet: {{name: «*nobody»}}", "must be quoted"),
    Case("IM108", "nothing after it", f"{BOX}fleet: {{name: «&nobody»}}", "must be quoted"),
    Case("IM108", "inside what it repeats", f"{BOX}models: &m {{a: «*m»}}"),
    Case("IM109", "has no tags", f"{BOX}fleet: {{name: «!secret x»}}", "leave it out"),
    Case("IM109", "a second document", f"{BOX}«---»\n{BOX}", "one document"),
    Case("IM109", "must be text", f"{BOX}? «[a]»\n: b"),
    Case("IM109", "nested more than 50 deep", f"a: {'[' * 49}«[»{'[' * 5000}"),
    Case("IM109", "takes the alias of a mapping", f"{BOX}fleet: {{«<<»: 5}}"),
    # Kinds and words.
    Case("IM201", 'unknown key "adress" in a backend', "backends: [{name: a, engine: vllm, «adress»: x}]", '"address"'),
    Case("IM201", 'unknown key "olama" in a backend', "backends: [{name: a, «olama»: x}]", '"ollama"'),
    Case("IM201", "in the storage section", f"{BOX}storage: {{«retension»: 5d}}", '"retention"'),
    Case("IM201", "in an alert's settings", f"{BOX}alerts: {{X: {{«treshold»: 5}}}}", '"threshold"'),
    Case("IM201", 'unknown key "queries"', f"{BOX}«queries»: live"),
    Case("IM201", 'unknown key "queries"', f"{BOX}«queries»:"),
    Case("IM201", 'no space after "vllm:"', "backends: [{name: a, «vllm:http://x»}]", "a space after"),
    Case("IM201", 'no space after "name:"', "backends: [{«name:a», vllm: x}]", "a space after"),
    Case("IM202", "a spec is a mapping", "«backends:[]»", "a space after"),
    Case("IM202", "a mapping is wanted here", f"{BOX}storage:\n  «kind:prometheus»", "a space after"),
    Case("IM202", "a mapping is wanted here", f"{BOX}storage: «prometheus»", "write {kind: prometheus}"),
    Case("IM202", "a mapping is wanted here", f"{BOX}alerts: {{NoTokens: «false»}}", "write {enabled: false}"),
    Case("IM202", "a mapping is wanted here", f"{BOX}alerts: {{NoTokens: «off»}}", "write {enabled: false}"),
    Case("IM202", "a mapping is wanted here", f"{BOX}alerts: {{FirstTokenSlow: «3s»}}", "write {threshold: 3s}"),
    Case("IM202", "a mapping is wanted here", f"{BOX}alerts: {{FirstTokenSlow: «3»}}", "write {threshold: 3}"),
    Case("IM202", "a mapping is wanted here", "hosts: [«10.0.0.1»]", "write {name: …, address: 10.0.0.1}"),
    Case("IM202", "a list is wanted here", f"{BOX}storage: {{remote_write: «'http://x'»}}", '"- url: …"'),
    Case("IM202", "a list is wanted here", "hosts: «10.0.0.1»", '"- {name: …, address: 10.0.0.1}"'),
    Case("IM202", "a list is wanted here", "«backends»: {box: {vllm: x}}", '"- name: …"'),
    Case("IM202", "a mapping is wanted here, not text", f"{BOX}fleet: «llm»"),
    Case("IM202", "a list is wanted here, not text", backend("models: «llama»"), "brackets"),
    Case("IM202", "true or false is wanted", backend("record: «yes»"), "write true"),
    Case("IM202", "a number is wanted here, not text", f'{BOX}alerts: {{scale: «"0.5"»}}', "quotes"),
    Case("IM202", "text is wanted here, not a list", f"{BOX}fleet: {{«name»: [a]}}"),
    Case("IM202", "text is wanted here, not a number", f"{BOX}platform: «5»", "compose or host"),
    Case("IM203", 'needs "backends" or "hosts"', "«fleet»: {name: x}", "the shortest spec"),
    Case("IM203", 'a backend needs "name"', "backends: [«{»vllm: x}]"),
    Case("IM203", 'a backend needs "name"', "backends:\n  - «vllm»: x"),
    Case("IM203", "needs an engine and its address", "backends: [«{»name: x}]", "ollama: http"),
    Case("IM203", 'a backend needs "address"', "backends: [«{»name: x, engine: vllm}]", "address: http"),
    Case("IM203", 'a price needs "currency"', f"{BOX}models: {{a: {{«price»: {{prompt_per_million: 1}}}}}}"),
    Case("IM203", 'needs "threshold"', f"{BOX}slos:\n- «name»: s\n  signal: queue_time\n  objective: 1%", "1s"),
    Case("IM203", "tells nobody", f"{BOX}alerting: {{receivers: [«{{»name: x}}]}}", "add slack"),
    Case("IM203", '"url" or "url_file"', receiver("«webhook»: {}")),
    Case("IM203", 'needs "password_file"', receiver("email: {to: a@b, from: c@d, smarthost: 'm:25', username: «u»}")),
    Case("IM203", '"cert_file" needs "key_file"', scrape("tls: {cert_file: «c»}")),
    Case("IM204", '"composed" is not allowed', f"{BOX}platform: «composed»", '"compose"'),
    Case("IM204", 'no engine "vlm"', "backends: [{name: a, engine: «vlm», address: x}]", '"vllm"'),
    Case("IM204", '"latency" is not allowed', f"{BOX}slos: [{{name: s, signal: «latency», objective: 99%}}]"),
    Case("IM205", "is not a duration", f"{BOX}storage: {{retention: «5 days»}}", "write 5d"),
    Case("IM205", "is not a duration", f"{BOX}storage: {{scrape_interval: «15»}}", "write 15s"),
    Case("IM205", "longer than 2m", f"{BOX}storage: {{scrape_interval: «121s»}}", "forgets a series"),
    Case("IM205", "longer than 2m", f"{BOX}storage: {{evaluation_interval: «5m»}}", "forgets a series"),
    Case("IM205", "longer than 2m", scrape("interval: «3m»"), "forgets a series"),
    Case("IM205", "more than 0", f"{BOX}alerts: {{NoTokens: {{threshold: «0»}}}}", "{enabled: false}"),
    Case("IM205", "more than 0", f"{BOX}alerts: {{NoTokens: {{threshold: «-0.5»}}}}", "{enabled: false}"),
    Case("IM205", "no number, percentage", f"{BOX}alerts: {{NoTokens: {{threshold: «inf%»}}}}"),
    Case("IM205", "no number, percentage", f"{BOX}alerts: {{NoTokens: {{threshold: «-5%»}}}}"),
    Case("IM205", "variable of its environment", f"{BOX}fleet: {{environment: «$HOME»}}", "without $"),
    Case("IM205", "variable of its environment", f"{BOX}fleet: {{cluster: «'a${{HOME}}'»}}", "without $"),
    Case("IM205", "variable of its environment", f"{BOX}fleet: {{labels: {{region: «a$b»}}}}", "without $"),
    Case("IM205", "vmagent puts", backend("labels: {rack: «'%{HOME}'»}"), "without %{"),
    Case("IM205", "vmagent puts", backend("cluster: «'%{HOME}'»"), "without %{"),
    Case("IM205", "vmagent puts", scrape("params: {a: «'%{HOME}'»}"), "without %{"),
    Case("IM205", "beginning of a template", receiver("webhook: {url: «'http://x/{{y}}'»}"), "without {{"),
    Case("IM205", "IPv6 address without brackets", "backends: [{name: a, vllm: «fe80::1»}]", "brackets: [fe80::1]"),
    Case("IM205", "IPv6 address without brackets", "backends: [{name: a, vllm: «'::1:8000'»}]", "brackets: [::1]:8000"),
    Case("IM205", "IPv6 address without brackets", "hosts: [{name: a, address: «'http://::1'»}]", "http://[::1]"),
    Case("IM205", "longer than nothing", f"{BOX}storage: {{scrape_interval: «0s»}}"),
    Case("IM205", "is not a share", f"{BOX}slos: [{{name: s, signal: availability, objective: «99»}}]", "mean 99%"),
    Case("IM205", "without either", f"{BOX}slos: [{{name: s, signal: availability, objective: «100%»}}]"),
    Case("IM205", "availability has no threshold", slo("threshold: «1s»")),
    Case("IM205", "from 1d to 90d", slo("window: «91d»")),
    Case("IM205", "is not a size", f"{BOX}storage: {{retention_size: «50»}}", "50GB"),
    Case("IM205", "is not a port", "backends: [{name: a, vllm: «x:99999»}]", "1 to 65535"),
    Case("IM205", "an address has no path", "backends: [{name: a, vllm: [y, «http://x:1/m»]}]", "scrape: {path: /m}"),
    Case("IM205", "is only a port", "backends: [{name: a, vllm: «8000»}]", "http://127.0.0.1:8000"),
    Case("IM205", "not with ftp://", "backends: [{name: a, vllm: «ftp://x»}]"),
    Case("IM205", "is not a name", "backends: [{name: «a b», vllm: x}]", "letters"),
    Case("IM205", 'the label "job" is taken', f"{BOX}fleet: {{labels: {{«job»: x}}}}"),
    Case("IM205", "the exporter before this backend", "backends: [{name: a, ollama: x, labels: {node: «y»}}]"),
    Case("IM205", "reached by http", "backends: [{name: a, ollama: x, listen: «https://y:1»}]", "leave https://"),
    Case("IM205", "the port is missing", "backends: [{name: a, ollama: x, listen: «box»}]", "port such as 11436"),
    Case("IM205", "is not a port", "backends: [{name: a, ollama: x, listen: «70000»}]", "port such as 11436"),
    Case("IM205", "the name of a label", f"{BOX}fleet: {{labels: {{«a-b»: x}}}}"),
    Case("IM205", "Prometheus's own", backend("labels: {«__x»: y}")),
    Case("IM205", "has a key of its own", f"{BOX}fleet: {{labels: {{«cluster»: x}}}}"),
    Case("IM205", "no metrics of its own", "backends: [{name: a, ollama: x, record: «false»}]", "leave it out"),
    Case("IM205", "no look-around", alerting("routes: [{match: {job: «'~(?=x)'»}, receiver: ops}]")),
    Case("IM205", "no regular expression", alerting("routes: [{match: {job: «'~('»}, receiver: ops}]")),
    Case("IM205", "Prometheus sets the header", scrape("headers: {«Authorization»: {file: f}}"), "bearer_file"),
    Case("IM205", "the channel is empty", receiver("slack: {webhook_file: f, «channel»: #llm\n}"), "quote it"),
    Case("IM205", "this is empty", "backends: [{name: a, engine: vllm, «addresses»: []}]"),
    Case("IM206", "sglang is not supported", "backends: [{name: a, engine: «sglang», address: x}]", "knows vllm"),
    Case("IM207", "plain text", receiver("slack: {webhook: «abc»}"), "webhook_file: secrets/slack"),
    Case("IM208", "one place, not in", "backends: [{name: a, vllm: x, «ollama»: y}]"),
    Case("IM208", "names the engine already", "backends: [{name: a, «engine»: vllm, vllm: x}]"),
    Case("IM208", "not both", scrape("auth: {bearer_file: f, «basic»: {username: u, password_file: f}}")),
    # Between parts.
    Case("IM210", '"a" is taken', "backends: [{name: a, vllm: x}, {name: «a», vllm: y}]"),
    Case("IM210", 'an alias of "a" already', f"{BOX}models: {{a: {{aliases: [x]}}, b: {{aliases: [«x»]}}}}"),
    Case("IM210", "a model's name already", f"{BOX}models: {{a: {{aliases: [«b»]}}, b: {{}}}}"),
    Case("IM211", 'no backend "gpx"', "backends: [{name: gpu, vllm: x}, {name: b, vllm: y, behind: [«gpx»]}]", '"gpu"'),
    Case("IM211", 'no receiver "opps"', alerting("default: «opps»"), '"ops"'),
    Case("IM211", 'no receiver "nobody"', f"{BOX}alerting: {{routes: [{{match: {{a: b}}, receiver: «nobody»}}]}}"),
    Case("IM211", 'no model "lama"', slo("models: [«lama»]") + "\nmodels: {llama: }", '"llama"'),
    Case("IM211", 'no backend has the engine "ollama"', slo("engines: [«ollama»]")),
    Case("IM212", "cannot stand behind itself", backend("behind: [«a»]")),
    Case("IM212", "a → b → c → a", CIRCLE),
    Case("IM213", 'scraped for backend "a" already', LOCAL),
    Case("IM213", 'scraped for backend "a" already', "backends: [{name: a, vllm: [x, «X:8000»]}]"),
    Case("IM213", 'scraped for backend "a"', "backends: [{name: a, vllm: 'x:9100'}]\nhosts: [{name: h, address: «x»}]"),
    Case("IM213", 'scraped for backend "a" already', EXPORTER),
    Case("IM214", "at most its interval, 15s", scrape("timeout: «20s»")),
    Case("IM214", "at most its interval, 5s", scrape("interval: 5s, timeout: «6s»")),
    Case("IM215", 'taken by backend "a"', TWICE),
    Case("IM215", 'taken by backend "a"', "backends: [{name: a, ollama: localhost, listen: «11434»}]", "another port"),
    Case("IM215", "taken by the exporter", "backends: [{name: a, ollama: x, listen: «0.0.0.0:9464»}]", "another port"),
    Case("IM216", "does not stand before", backend("«listen»: 11436"), "record: true"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[f"{case.code}-{case.says}" for case in CASES])
def test_a_problem_stands_at_its_place_and_says_what_to_write(case: Case) -> None:
    text, spots = unmarked(case.text)
    problems = problems_of(text)
    assert [problem.code for problem in problems] == [case.code], format_problems(problems)
    assert case.says in problems[0].message
    assert case.hint in (problems[0].hint or "")
    marked = spots[0]
    found = spots_of(problems)[0]
    assert (found.line, found.column) == (marked.line, marked.column)
    assert found.length == max(1, marked.length)


def test_every_problem_of_a_spec_has_a_case_here() -> None:
    of_files = {"IM101", "IM102", "IM105"}  # in test_load.py, for they have no place
    told = {code for code in CODES if code < "IM3"}
    assert {case.code for case in CASES} | of_files == told


MANY = """\
fleet: {«nam»: x}
platform: «composed»
backends:
  - name: a
    engine: «vlm»
    address: http://10.0.0.1:8000
  - name: «a»
    ollama: http://10.0.0.2:11434
    behind: [«b»]
    record: «maybe»
slos:
  - name: s
    signal: availability
    objective: «150%»
    backends: [«c»]
«storage»: {}
alerting:
  default: «nobody»
"""


def test_all_problems_are_told_at_once_and_in_order() -> None:
    text, spots = unmarked(MANY.replace("«storage»: {}\n", ""))
    assert spots_of(problems_of(text)) == spots


def test_a_typo_in_a_key_is_not_also_reported_as_a_missing_key() -> None:
    problems = problems_of("backends: [{nmae: a, vllm: x}]\n")
    assert [problem.message for problem in problems] == ['unknown key "nmae" in a backend']


def test_a_wrong_backend_does_not_make_references_to_it_wrong() -> None:
    text = "backends: [{name: a, vllm: ''}, {name: b, vllm: y, behind: [a]}]\n"
    assert {problem.code for problem in problems_of(text)} == {"IM205"}


def test_a_problem_in_an_alias_points_at_what_is_repeated() -> None:
    text, spots = unmarked("backends: [{name: a, vllm: x, scrape: &s {path: «x»}}, {name: b, vllm: y, scrape: *s}]\n")
    assert spots_of(problems_of(text)) == spots


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("slos", 0, "objective"), "2:51"),
        (("slos", 0, "threshold"), "2:8"),
        (("slos", 7), "2:1"),
        (("alerts", "Foo"), "3:10"),
        (("backends", 0, "addresses", 0), "1:30"),
        (("backends", 0, "engine"), "1:30"),
        (("backends", 0, "addresses", 1), "1:30"),
        (("nothing", "here"), "1:1"),
        ((), "1:1"),
    ],
)
def test_later_problems_find_the_place_of_a_path_or_of_what_is_around_it(
    path: tuple[str | int, ...], place: str
) -> None:
    loaded = loads(
        "backends: [{name: box, vllm: http://x}]\n"
        "slos: [{name: s, signal: availability, objective: 99%}]\n"
        "alerts: {Foo: {for: 5m}}\n"
    )
    problem = loaded.source.problem("IM301", path, "wrong", "a hint")
    assert str(problem.position) == f"fleet.yaml:{place}"
    assert problem.hint == "a hint"


def test_the_text_of_an_error_holds_the_line_as_it_stands_in_the_file() -> None:
    with pytest.raises(SpecError) as caught:
        loads("backends:\n  - name: box\n    olama: http://127.0.0.1:11434  # the box\n", "stack/fleet.yaml")
    assert str(caught.value).splitlines() == [
        'stack/fleet.yaml:3:5: unknown key "olama" in a backend [IM201]',
        "    olama: http://127.0.0.1:11434  # the box",
        "    ^^^^^",
        '  did you mean "ollama"?',
    ]
