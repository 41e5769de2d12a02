"""Each recorded backend has an address of its own for clients, on a port that nobody else has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferometer.plan import resolve
from inferometer.spec.load import loads


def addresses(spec: str) -> dict[str, str]:
    return {proxy.backend.name: str(proxy.address) for proxy in resolve(loads(spec)).proxies}


def test_only_recorded_backends_have_one_in_the_order_of_the_spec() -> None:
    spec = (
        "backends: [{name: a, ollama: x}, {name: b, vllm: y}, {name: c, openai: z}, {name: d, vllm: w, record: true}]"
    )
    assert addresses(spec) == {"a": "127.0.0.1:11436", "c": "127.0.0.1:11437", "d": "127.0.0.1:11438"}


def test_what_the_spec_says_holds_and_the_others_go_round_it() -> None:
    spec = "backends: [{name: a, ollama: x}, {name: b, openai: y, listen: 11436}, {name: c, openai: z, listen: 'h:1'}]"
    assert addresses(spec) == {"a": "127.0.0.1:11437", "b": "127.0.0.1:11436", "c": "h:1"}


@pytest.mark.parametrize(
    "rest",
    [
        "exporter: {address: '127.0.0.1:11436'}",
        "hosts: [{name: h, address: '127.0.0.1:11436'}]",
        "slos: []",
    ],
)
def test_a_port_that_something_on_this_machine_has_is_passed_over(rest: str) -> None:
    own = "localhost:11436" if rest.startswith("slos") else "x"
    assert addresses(f"backends: [{{name: a, ollama: '{own}'}}]\n{rest}\n") == {"a": "127.0.0.1:11437"}


@given(st.lists(st.sampled_from(["", "11436", "11437", "11439", "0.0.0.0:11440"]), min_size=1, max_size=8))
def test_no_two_listen_on_one_port(listens: list[str]) -> None:
    seen: set[str] = set()
    backends = []
    for number, listen in enumerate(listens):
        given = f", listen: '{listen}'" if listen and listen not in seen else ""
        seen.add(listen)
        backends.append(f"{{name: b{number}, ollama: 'h{number}'{given}}}")
    ports = [address.rpartition(":")[2] for address in addresses(f"backends: [{', '.join(backends)}]").values()]
    assert len(set(ports)) == len(listens)


@pytest.mark.parametrize(
    ("engine", "listen", "variable"),
    [
        ("ollama", "11440", "OLLAMA_HOST=http://127.0.0.1:11440"),
        ("openai", "box:11440", "OPENAI_BASE_URL=http://box:11440/v1"),
        ("ollama", "0.0.0.0:11440", "OLLAMA_HOST=http://127.0.0.1:11440"),
        ("openai", "[::1]:11440", "OPENAI_BASE_URL=http://[::1]:11440/v1"),
    ],
)
def test_clients_are_told_by_their_own_variable(engine: str, listen: str, variable: str) -> None:
    [proxy] = resolve(loads(f"backends: [{{name: a, {engine}: x, listen: '{listen}'}}]")).proxies
    assert proxy.variable == variable
