"""A field of a wrong type or size is None, and no other field suffers; a name is cut; nothing ever raises."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exporter.observe.answers import JSON, NDJSON, SSE, heard

WRONG = ['"x"', '"12"', "-1", "1e400", "-1e400", "1.5", "true", "null", "[]", "{}", "9" * 30, "9" * 5000, "1000000001"]


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("content_type", [JSON, NDJSON])
def test_a_wrong_count_of_ollama_is_none_and_the_rest_is_read(wrong: str, content_type: str) -> None:
    body = (
        '{"model":"m","message":{"content":"a"},"done":true,"done_reason":"stop","prompt_eval_count":%s,'
        '"eval_count":5,"load_duration":%s}' % (wrong, wrong)
    )
    if wrong == "1000000001":  # a billion tokens is no count, a second is a time
        body = body.replace(f'"load_duration":{wrong}', '"load_duration":-1')
    told = heard("/api/chat", [body.encode()], content_type)
    assert told.counts == (None, 5)
    assert told.answer.load_seconds is None
    assert (told.answer.model, told.answer.finish_reason, told.answer.finished) == ("m", "stop", True)
    assert told.answer.output


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_count_of_the_others_is_none_and_the_rest_is_read(wrong: str) -> None:
    openai = '{"model":"m","choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":%s,"completion_tokens":5}}'
    assert heard("/v1/chat/completions", [b"data: " + (openai % wrong).encode()], SSE).counts == (None, 5)
    usage = '{"input_tokens":%s,"output_tokens":5}' % wrong
    response = '{"type":"response.completed","response":{"status":"completed","usage":%s}}' % usage
    assert heard("/v1/responses", [b"data: " + response.encode()], SSE).counts == (None, 5)
    message = '{"type":"message_delta","delta":{"stop_reason":"x"},"usage":%s}' % usage
    assert heard("/v1/messages", [b"data: " + message.encode()], SSE).counts == (None, 5)


@pytest.mark.parametrize("wrong", ["7", "true", "[1]", "{}"])
def test_a_model_that_is_no_text_is_none(wrong: str) -> None:
    body = '{"model":%s,"done":true,"eval_count":5}' % wrong
    told = heard("/api/chat", [body.encode()], NDJSON)
    assert (told.answer.model, told.counts) == (None, (None, 5))


def test_a_choice_of_a_wrong_type_leaves_the_others() -> None:
    body = '{"model":"m","choices":[7,{"delta":{"content":"a","tool_calls":3},"finish_reason":"stop"}]}'
    answer = heard("/v1/chat/completions", [b"data: " + body.encode()], SSE).answer
    assert (answer.first_token_at, answer.finish_reason) == (None, "stop") or answer.output
    assert answer.output
    assert answer.finish_reason == "stop"


def test_a_name_is_cut_to_256_characters() -> None:
    body = json.dumps({"model": "ü" * 1000, "done": True}).encode()
    assert heard("/api/chat", [body]).answer.model == "ü" * 256


@pytest.mark.parametrize("content", [b"\xff\xfe", b"\\ud83d", b"\\ud83d\\u0041", b"\xed\xa0\x80"])
def test_half_characters_in_the_text_hide_nothing(content: bytes) -> None:
    body = b'{"model":"m","message":{"content":"%s"},"done":true,"prompt_eval_count":3,"eval_count":5}' % content
    for content_type in (JSON, NDJSON):
        told = heard("/api/chat", [body], content_type)
        assert (told.counts, told.answer.output) == ((3, 5), True)


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
FIELDS = (
    "model message response thinking tool_calls embeddings embedding error done done_reason prompt_eval_count eval_count "
    "load_duration choices delta content text finish_reason data usage prompt_tokens completion_tokens timings prompt_n "
    "cache_n predicted_n object type item output status incomplete_details reason input_tokens output_tokens "
    "content_block stop_reason partial_json cache_read_input_tokens"
).split()
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
