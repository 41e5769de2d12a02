"""Beyond the limit the members at either end of an object are read, and no text inside it passes for one of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferometer_exporter.observe.kept import ENDS, LIMIT, Kept, shortened
from tests.exporter.observe.answers import NDJSON, SSE, heard

MIB = 2**20
COMPACT = (",", ":")


def pieces(body: bytes, size: int = 50_000) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


def long_chat(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 11, "completion_tokens": 22, "total_tokens": 33}
    return {"id": "x", "model": "m", "choices": [choice], "usage": usage}


# Texts that look like structure once, twice or three times encoded, with every number of backslashes before a quote.
FOOLS = [
    '"usage":{"prompt_tokens":1,"completion_tokens":1}}',
    ',"usage":{"prompt_tokens":1,"completion_tokens":1}}',
    '\\","usage":{"prompt_tokens":1,"completion_tokens":1},"x":"',
    '\\\\","usage":{"prompt_tokens":1,"completion_tokens":1},"x":"\\',
    json.dumps(json.dumps({"usage": {"prompt_tokens": 1, "completion_tokens": 1}})),
    "}]}]]}}\"'{[{",
    "\\" * 7 + '"' + "\\" * 4,
    '{"model":"fool"},',
]


@pytest.mark.parametrize("fool", FOOLS)
@pytest.mark.parametrize("separators", [COMPACT, (", ", ": "), (" ,\n", " :\t")])
def test_no_text_passes_for_the_counts_of_a_long_chat(fool: str, separators: tuple[str, str]) -> None:
    for text in (fool + "x" * 2 * MIB, "x" * 2 * MIB + fool, fool * (2 * MIB // len(fool))):
        body = json.dumps(long_chat(text), separators=separators).encode()
        told = heard("/v1/chat/completions", pieces(body))
        assert (told.answer.model, told.counts, told.answer.finished) == ("m", (11, 22), True)


def test_members_of_the_models_own_objects_do_not_pass_for_counts() -> None:
    arguments = {"eval_count": 1, "prompt_eval_count": 1, "model": "fool", "list": ["x" * 100] * 20_000}
    message = {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": arguments}}]}
    tail = {"done": True, "done_reason": "stop", "prompt_eval_count": 11, "eval_count": 22}
    for body in ({"model": "m", "message": message, **tail}, {**tail, "message": message, "model": "m"}):
        told = heard("/api/chat", pieces(json.dumps(body, separators=COMPACT).encode()))
        assert (told.answer.model, told.counts, told.answer.finish_reason) == ("m", (11, 22), "stop")


def test_counts_of_many_vectors_are_read() -> None:
    vector = [-0.123456789] * 1024
    native = {"model": "m", "embeddings": [vector] * 200, "load_duration": 10**9, "prompt_eval_count": 11}
    told = heard("/api/embed", pieces(json.dumps(native).encode()))
    assert (told.answer.model, told.counts, told.answer.load_seconds) == ("m", (11, None), 1.0)
    items = [{"object": "embedding", "embedding": vector, "index": number} for number in range(200)]
    openai = {"object": "list", "data": items, "model": "m", "usage": {"prompt_tokens": 11, "total_tokens": 11}}
    told = heard("/v1/embeddings", pieces(json.dumps(openai).encode()))
    assert (told.answer.model, told.counts) == ("m", (11, None))
    assert told.answer.output


def test_the_last_line_of_ollama_is_read_though_its_context_is_long() -> None:
    last = {"model": "m", "response": "", "done": True, "done_reason": "stop", "context": [123456] * 200_000}
    lines = [{"model": "m", "response": "a", "done": False}, {**last, "prompt_eval_count": 11, "eval_count": 22}]
    body = "".join(json.dumps(line, separators=COMPACT) + "\n" for line in lines).encode()
    told = heard("/api/generate", pieces(body), NDJSON)
    assert (told.answer.finished, told.answer.finish_reason, told.counts) == (True, "stop", (11, 22))


def test_a_last_event_of_a_response_that_is_too_long_still_ends_the_stream() -> None:
    event = {"type": "response.completed", "response": {"output": ["x" * 2 * MIB]}, "sequence_number": 9}
    body = b"event: response.completed\r\ndata: " + json.dumps(event).encode() + b"\r\n\r\n"
    told = heard("/v1/responses", pieces(body), SSE)
    assert (told.answer.finished, told.counts) == (True, (None, None))


@pytest.mark.parametrize("cut", [1, 2, 10, 60, 100, 5000, ENDS, ENDS + 9])
def test_a_long_body_that_breaks_off_is_not_finished_and_tells_no_counts(cut: int) -> None:
    for text in ("x" * 2 * MIB, '{"usage":{"prompt_tokens":1}} ' * 70_000, "}" * 2 * MIB):
        body = json.dumps(long_chat(text), separators=COMPACT).encode()[:-cut]
        told = heard("/v1/chat/completions", pieces(body))
        assert told.counts == (None, None)
        assert not told.answer.finished or body.endswith(b"}")


def test_a_long_body_that_is_no_json_tells_nothing() -> None:
    for body in (b"x" * 2 * MIB, b"{" * 2 * MIB, b"}" * 2 * MIB, b'"' * 2 * MIB, b"\\" * 2 * MIB, b"[1,2," * MIB):
        told = heard("/v1/chat/completions", pieces(body))
        assert (told.counts, told.answer.model, told.answer.finished) == ((None, None), None, False)


VALUES = st.recursive(
    st.integers() | st.booleans() | st.text(alphabet='ab"\\,{}[]:', max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet='a"\\,{', max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(
    before=st.dictionaries(st.sampled_from("abc"), VALUES),
    long=VALUES,
    after=st.dictionaries(st.sampled_from("xyz"), VALUES),
    share=st.floats(0, 0.5),
)
def test_what_is_left_of_an_object_are_its_own_members(
    before: dict[str, Any], long: Any, after: dict[str, Any], share: float
) -> None:
    document = {**before, "long": [long] * 30, **after}
    text = json.dumps(document, separators=COMPACT).encode()
    cut = max(1, int(len(text) * share))
    left = json.loads(shortened(text[:cut], text[-cut:]))
    assert all(left[name] == document[name] for name in left)


@given(before=st.dictionaries(st.sampled_from("abc"), VALUES), after=st.dictionaries(st.sampled_from("xyz"), VALUES))
def test_what_is_left_of_an_object_are_all_members_that_are_whole(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    text = json.dumps({**before, "long": "x" * 2000, **after}, separators=COMPACT).encode()
    middle = text.index(b"x" * 2000) + 1000
    assert json.loads(shortened(text[:middle], text[middle:])) == {**before, **after}


@given(sizes=st.lists(st.integers(0, 300_000), max_size=12))
def test_a_kept_copy_is_the_original_up_to_the_limit_and_its_ends_beyond(sizes: list[int]) -> None:
    kept, text = Kept(), b""
    for number, size in enumerate(sizes):
        piece = b"%d," % number * (size // 2)
        text += piece
        kept.add(piece)
    assert kept.size == len(text)
    assert kept.held <= LIMIT + 300_000
    assert kept.take() == (text if len(text) <= LIMIT else b":")
    assert (kept.size, kept.held, kept.take()) == (0, 0, b"")
