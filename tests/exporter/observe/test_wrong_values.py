"""A field of a wrong type or size is None, and no other field suffers; a name is cut; nothing ever raises."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferometer_exporter.observe import anthropic, ollama, openai, responses
from tests.exporter.observe.answers import JSON, NDJSON, SSE, heard

NO_NUMBERS = [
    b'"x"',
    b'"12"',
    b"-1",
    b"1e400",
    b"-1e400",
    b"1.5",
    b"true",
    b"null",
    b"[]",
    b"{}",
    b"9" * 30,
    b"9" * 5000,
]
NO_COUNTS = [*NO_NUMBERS, b"1000000001"]


@pytest.mark.parametrize("wrong", NO_COUNTS)
@pytest.mark.parametrize("content_type", [JSON, NDJSON])
def test_a_wrong_count_of_ollama_is_none_and_the_rest_is_read(wrong: bytes, content_type: str) -> None:
    body = (
        b'{"model":"m","response":"a","done":true,"done_reason":"stop","prompt_eval_count":%s,"eval_count":5}' % wrong
    )
    told = heard("/api/chat", [body], content_type)
    assert told.counts == (None, 5)
    assert (told.answer.model, told.answer.finish_reason, told.answer.finished) == ("m", "stop", True)
    assert told.answer.output


@pytest.mark.parametrize("wrong", [*NO_NUMBERS, b"86400000000001"])
def test_a_wrong_load_time_is_none_and_the_counts_are_read(wrong: bytes) -> None:
    told = heard("/api/chat", [b'{"done":true,"load_duration":%s,"prompt_eval_count":3,"eval_count":5}' % wrong])
    assert (told.answer.load_seconds, told.counts) == (None, (3, 5))


@pytest.mark.parametrize("wrong", NO_COUNTS)
def test_a_wrong_count_of_the_others_is_none_and_the_rest_is_read(wrong: bytes) -> None:
    openai = b'data: {"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":%s,"completion_tokens":5}}'
    assert heard("/v1/chat/completions", [openai % wrong], SSE).counts == (None, 5)
    usage = b'{"input_tokens":%s,"output_tokens":5}' % wrong
    response = b'data: {"type":"response.completed","response":{"status":"completed","usage":%s}}' % usage
    assert heard("/v1/responses", [response], SSE).counts == (None, 5)
    message = b'data: {"type":"message_delta","delta":{"stop_reason":"x"},"usage":%s}' % usage
    assert heard("/v1/messages", [message], SSE).counts == (None, 5)


@pytest.mark.parametrize("wrong", [b"7", b"true", b"[1]", b"{}", b'""'])
def test_a_model_that_is_no_text_is_none(wrong: bytes) -> None:
    told = heard("/api/chat", [b'{"model":%s,"done":true,"eval_count":5}' % wrong], NDJSON)
    assert (told.answer.model, told.counts) == (None, (None, 5))


def test_a_choice_of_a_wrong_type_leaves_the_others() -> None:
    body = b'data: {"model":"m","choices":[7,{"delta":{"content":"a","tool_calls":3},"finish_reason":"stop"}]}\n\n'
    answer = heard("/v1/chat/completions", [body], SSE).answer
    assert (answer.first_token_at, answer.finish_reason) == (1.0, "stop")


def test_a_name_is_cut_to_256_characters() -> None:
    body = json.dumps({"model": "ü" * 1000, "done": True}).encode()
    assert heard("/api/chat", [body]).answer.model == "ü" * 256


@pytest.mark.parametrize("content", [b"\xff\xfe", b"\\ud83d", b"\\ud83d\\u0041", b"\xed\xa0\x80"])
def test_half_characters_in_the_text_hide_nothing(content: bytes) -> None:
    body = b'{"model":"m","message":{"content":"%s"},"done":true,"prompt_eval_count":3,"eval_count":5}' % content
    for content_type in (JSON, NDJSON):
        told = heard("/api/chat", [body], content_type)
        assert (told.counts, told.answer.output) == ((3, 5), True)


def test_only_half_characters_are_replaced_in_names() -> None:
    name = r"\ud83d\ude00 \\ud83d \ude00\ud83d"
    body = f'{{"model":"{name}","done":7}}'.encode()
    assert heard("/api/chat", [body]).answer.model == "\U0001f600 \\ud83d \ufffd\ufffd"


@pytest.mark.parametrize(
    "text", ["", "null", "7", '"x"', "[]", "[1]", "{", "}", "nul", "[" * 100_000, '{"a":' * 100_000, "\x00", "{}{}"]
)
def test_what_is_no_object_is_no_answer(text: str) -> None:
    for api in ("/api/chat", "/v1/chat/completions", "/v1/responses", "/v1/messages"):
        told = heard(api, [text.encode()])
        assert (told.answer.finished, told.counts) == (False, (None, None))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = sorted(
    {
        field.encode_name
        for module in (anthropic, ollama, openai, responses)
        for shape in vars(module).values()
        if isinstance(shape, type) and issubclass(shape, msgspec.Struct)
        for field in msgspec.structs.fields(shape)
    }
)
OBJECTS = st.recursive(
    st.dictionaries(st.sampled_from(FIELDS), JSON_VALUES, max_size=6),
    lambda inner: st.dictionaries(
        st.sampled_from(FIELDS), inner | st.lists(inner, max_size=2) | JSON_VALUES, max_size=6
    ),
    max_leaves=6,
)


@given(
    objects=st.lists(OBJECTS, max_size=4),
    api=st.sampled_from(["/api/chat", "/v1/chat/completions", "/v1/responses", "/v1/messages"]),
    content_type=st.sampled_from([JSON, NDJSON, SSE]),
)
def test_known_fields_with_any_values_never_raise_and_give_counts_in_range(
    objects: list[dict[str, object]], api: str, content_type: str
) -> None:
    mark = b"data: " if content_type == SSE else b""
    told = heard(api, [mark + json.dumps(entry).encode() + b"\n\n" for entry in objects], content_type)
    for count in told.counts:
        assert count is None or (type(count) is int and 0 <= count <= 3 * 10**9)
    assert told.answer.model is None or 0 < len(told.answer.model) <= 256
    assert told.answer.finish_reason is None or told.answer.finish_reason
