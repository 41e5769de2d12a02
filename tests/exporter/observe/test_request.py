"""What a request tells: model, stream, tags; from any body, without ever raising."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferometer_exporter.observe.apis import METERED
from inferometer_exporter.observe.request import TAG_LENGTH, TAGS, Asked, read_request
from tests.exporter.observe.answers import OLLAMA
from tests.exporter.recorded import RECORDINGS, request_body

APIS = sorted(template.decode() for template in METERED)


def asked(body: bytes | dict[str, Any], api: str = "/v1/chat/completions", herd_tags: str | None = None) -> Asked:
    return read_request(
        METERED[api.encode()], body if isinstance(body, bytes) else json.dumps(body).encode(), herd_tags
    )


def recorded_requests() -> list[tuple[str, str]]:
    """The recorded requests of metered routes that were answered, as (route, name)."""
    found = []
    for path in sorted((RECORDINGS / OLLAMA).glob("*.request.txt")):
        method, route = path.read_text().splitlines()[0].removeprefix("> ").split()
        name = path.name.removesuffix(".request.txt")
        if method == "POST" and route in APIS and "err" not in name and "bad" not in name:
            found.append((route, name))
    assert len(found) > 20
    return found


@pytest.mark.parametrize(("api", "name"), recorded_requests())
def test_a_recorded_request_tells_its_model_and_whether_its_answer_was_a_stream(api: str, name: str) -> None:
    body = request_body(OLLAMA + name)
    told = asked(body, api)
    assert told.model == json.loads(body)["model"]
    answered = (RECORDINGS / OLLAMA / f"{name}.response.txt").read_bytes()
    if answered.startswith(b"HTTP/1.1 200") and told.has_prompt:
        assert told.stream == (b"Transfer-Encoding: chunked" in answered)
    assert told.has_prompt == (name not in ("generate_load", "unload"))


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("body", [b"{}", b"", b'{"stream":null}', b'{"stream":"no"}', b'{"stream":0}', b"not json"])
def test_a_stream_that_is_not_asked_for_clearly_is_the_routes_default(api: str, body: bytes) -> None:
    assert asked(body, api).stream is (api in ("/api/chat", "/api/generate"))


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("stream", [True, False])
def test_a_stream_is_as_it_is_asked_for(api: str, stream: bool) -> None:
    assert asked({"model": "m", "stream": stream}, api).stream is stream


def test_of_duplicate_keys_the_last_holds() -> None:
    told = asked(b'{"model":"a","stream":true,"model":"b","stream":false}')
    assert (told.model, told.stream) == ("b", False)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_body_in_another_unicode_form_is_read(encoding: str) -> None:
    assert asked('{"model":"mü","stream":true}'.encode(encoding))[:2] == ("mü", True)


@pytest.mark.parametrize(
    "body",
    [b"", b"x", b"{", b"[]", b"null", b"7", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000, b'{"model":"m"}x'],
)
def test_a_body_that_is_no_object_tells_nothing_but_the_headers_tags(body: bytes) -> None:
    assert asked(body, herd_tags="a, b") == Asked(None, False, ("a", "b"), False, True)


def test_what_is_wrong_in_one_field_hides_no_other() -> None:
    body = b'{"model":"m","stream":"x","user":5,"metadata":[1],"stream_options":true,"messages":[1],"t":"\\ud800"}'
    assert asked(body) == Asked("m", False, (), False, True)


@pytest.mark.parametrize("model", ["7", "null", "{}", '["m"]', '""', "true"])
def test_a_model_that_is_no_text_is_none(model: str) -> None:
    assert asked(f'{{"model":{model}}}'.encode()).model is None


def test_a_model_is_cut_to_256_characters() -> None:
    assert asked({"model": "é" * 5000}).model == "é" * 256


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"include_usage": True}, True),
        ({"include_usage": False}, False),
        ({}, False),
        (None, False),
        ({"include_usage": 1}, False),
    ],
)
def test_usage_is_wanted_where_it_is_asked_for(options: object, wanted: bool) -> None:
    assert asked({"stream": True, "stream_options": options}).wants_usage is wanted


@pytest.mark.parametrize(
    ("body", "has_prompt"),
    [
        ({"model": "m"}, False),
        ({"model": "m", "prompt": "", "keep_alive": 0}, False),
        ({"model": "m", "messages": []}, False),
        ({"model": "m", "input": None}, False),
        ({"model": "m", "prompt": "a"}, True),
        ({"model": "m", "prompt": [1, 2]}, True),
        ({"model": "m", "messages": [{}]}, True),
        ({"model": "m", "input": ["a"]}, True),
    ],
)
def test_a_request_without_prompt_messages_and_input_has_no_prompt(body: dict[str, Any], has_prompt: bool) -> None:
    assert asked(body, "/api/generate").has_prompt is has_prompt


def test_tags_come_from_metadata_then_header_then_user_each_once() -> None:
    body = {"metadata": {"tags": ["b", "a"]}, "user": "eve"}
    assert asked(body, herd_tags=" c, a ,,user:eve, d").tags == ("b", "a", "c", "user:eve", "d")
    assert asked({"user": "eve"}, herd_tags="a").tags == ("a", "user:eve")


def test_tags_that_are_no_text_or_empty_are_left_out() -> None:
    assert asked({"metadata": {"tags": ["a", 1, None, "", "  ", {"x": "y"}, True, ["b"], "c"]}}).tags == ("a", "c")


def test_metadata_of_openais_kind_is_no_fault_and_may_hold_a_comma_list() -> None:
    assert asked({"metadata": {"project": "x", "n": "1"}}).tags == ()
    assert asked({"metadata": {"tags": "a, b"}, "user": "u"}).tags == ("a", "b", "user:u")


def test_the_user_of_anthropics_metadata_is_a_tag() -> None:
    assert asked({"metadata": {"user_id": "u1"}}, "/v1/messages").tags == ("user:u1",)


def test_many_and_long_tags_are_cut() -> None:
    tags = asked({"metadata": {"tags": [f"{number:03}" + "x" * 500 for number in range(100)]}}, herd_tags="late").tags
    assert len(tags) == TAGS
    assert {len(tag) for tag in tags} == {TAG_LENGTH}
    assert tags[0].startswith("000")
    assert tags[-1].startswith("031")


def test_a_header_with_half_characters_gives_text_that_utf_8_can_hold() -> None:
    (tag,) = asked({}, herd_tags=b"a\xff".decode("utf-8", "surrogateescape")).tags
    assert tag.encode() == b"a?"


@given(body=st.binary(max_size=200), herd_tags=st.none() | st.text(max_size=40), api=st.sampled_from(APIS))
def test_any_body_and_header_are_taken(body: bytes, herd_tags: str | None, api: str) -> None:
    told = asked(body, api, herd_tags)
    assert len(told.tags) <= TAGS
    assert all(0 < len(tag) <= TAG_LENGTH for tag in told.tags)


NAMES = [
    "model",
    "stream",
    "user",
    "metadata",
    "tags",
    "user_id",
    "stream_options",
    "include_usage",
    "prompt",
    "messages",
]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=10,
)


@given(body=st.dictionaries(st.sampled_from(NAMES), ANYTHING), api=st.sampled_from(APIS))
def test_any_object_gives_the_model_and_the_stream_that_it_names(body: dict[str, Any], api: str) -> None:
    told = asked(body, api)
    model, stream = body.get("model"), body.get("stream")
    assert told.model == (model if isinstance(model, str) and model else None)
    assert told.stream == (stream if isinstance(stream, bool) else METERED[api.encode()].streams_by_default)
    assert all(told.tags)
