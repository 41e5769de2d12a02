"""What each dialect says of errors, ends, loads and kinds of output; recorded where a recording has it."""

from __future__ import annotations

import json

import pytest

from tests.exporter.observe.answers import NDJSON, OLLAMA, SSE, Heard, heard
from tests.exporter.recorded import recorded

CHAT, GENERATE = "/api/chat", "/api/generate"
COMPLETIONS, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"


def events(*texts: str) -> list[bytes]:
    return [f"data: {text}\n\n".encode() for text in texts]


def lines(*texts: str) -> list[bytes]:
    return [text.encode() + b"\n" for text in texts]


def chat(*texts: str) -> Heard:
    return heard(COMPLETIONS, events(*texts), SSE)


def delta(value: str) -> str:
    return f'{{"choices":[{{"index":0,"delta":{value},"finish_reason":null}}]}}'


@pytest.mark.parametrize(
    ("api", "name"),
    [
        (CHAT, "err_unknown_model_chat"),
        (CHAT, "err_queue_full_chat"),
        (GENERATE, "err_bad_json_generate"),
        (GENERATE, "err_generate_on_embed_model"),
        ("/api/embed", "embed"),
        ("/api/embeddings", "embeddings_old"),
        ("/v1/embeddings", "v1_embeddings"),
        (COMPLETIONS, "err_unknown_model_v1"),
        (COMPLETIONS, "err_queue_full_v1"),
        (RESPONSES, "v1_responses_bad_body"),
        (MESSAGES, "v1_messages_bad_body"),
        (MESSAGES, "v1_messages_unknown_model"),
    ],
)
def test_a_recorded_error_is_an_error_without_output_or_counts(api: str, name: str) -> None:
    answer = recorded(OLLAMA + name)
    told = heard(api, [answer.body], answer.header("content-type"))
    assert answer.status >= 400
    assert (told.answer.error, told.answer.finished, told.answer.output) == (True, True, False)
    assert told.counts == (None, None)


@pytest.mark.parametrize("name", ["generate_load", "unload"])
def test_a_recorded_load_is_a_load_and_counts_nothing(name: str) -> None:
    told = heard(GENERATE, [recorded(OLLAMA + name).body])
    assert told.answer.load_only
    assert told.answer.finished
    assert told.counts == (None, None)
    assert told.answer.load_seconds is None


def test_an_answer_with_counts_is_no_load() -> None:
    assert not heard(GENERATE, [b'{"done":true,"done_reason":"load","prompt_eval_count":3}']).answer.load_only


def test_an_answer_with_text_is_no_load() -> None:
    assert not heard(GENERATE, [b'{"response":"a","done":true,"done_reason":"load"}']).answer.load_only
    assert not heard(GENERATE, [recorded(OLLAMA + "generate_nostream").body]).answer.load_only


def test_load_time_is_told_in_seconds() -> None:
    # "load_duration":1116904 and "load_duration":256041379 in the recordings, in nanoseconds
    stream = heard(CHAT, [recorded(OLLAMA + "chat_stream").body], NDJSON)
    assert stream.answer.load_seconds == pytest.approx(0.001116904)
    vectors = heard("/api/embed", [recorded(OLLAMA + "embed_ok").body])
    assert vectors.answer.load_seconds == pytest.approx(0.256041379)


def test_the_old_embeddings_route_tells_a_vector_and_no_counts() -> None:
    told = heard("/api/embeddings", [recorded(OLLAMA + "embeddings_old_ok").body])
    assert (told.answer.output, told.answer.finished, told.counts) == (True, True, (None, None))


@pytest.mark.parametrize("body", ['{"embedding":[]}', '{"embedding":null}', '{"embeddings":[]}', '{"model":"m"}'])
def test_an_answer_without_vectors_has_no_output(body: str) -> None:
    assert not heard("/api/embed", [body.encode()]).answer.output


def test_an_error_in_a_stream_of_ollama_is_an_error_and_no_end() -> None:
    told = heard(
        CHAT, lines('{"model":"m","message":{"content":"a"},"done":false}', '{"error":"out of memory"}'), NDJSON
    )
    assert (told.answer.error, told.answer.finished, told.answer.output) == (True, False, True)


@pytest.mark.parametrize(
    "message", ['{"content":"a"}', '{"content":"","thinking":"a"}', '{"content":"","tool_calls":[{"function":{}}]}']
)
def test_text_thinking_and_tool_calls_of_ollama_are_token_events(message: str) -> None:
    told = heard(
        CHAT, lines('{"message":{"content":""},"done":false}', f'{{"message":{message},"done":false}}'), NDJSON
    )
    assert told.answer.first_token_at == 2.0


@pytest.mark.parametrize(
    "piece",
    [
        '{"content":"a"}',
        '{"content":[{"type":"text","text":"a"}]}',
        '{"content":null,"reasoning_content":"a"}',
        '{"reasoning":"a"}',
        '{"refusal":"a"}',
        '{"tool_calls":[{"index":0,"function":{"name":"f","arguments":""}}]}',
        '{"function_call":{"name":"f"}}',
    ],
)
def test_each_kind_of_piece_of_a_chat_is_a_token_event(piece: str) -> None:
    told = chat(delta('{"role":"assistant","content":""}'), delta('{"tool_calls":[]}'), delta(piece), delta(piece))
    assert told.answer.first_token_at == 3.0
    assert told.gaps == [1.0]


def test_a_chat_that_ends_cleanly_after_its_finish_reason_is_finished_without_done() -> None:
    last = '{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}'
    told = chat(delta('{"content":"a"}'), last)
    assert (told.answer.finished, told.answer.finish_reason) == (True, "tool_calls")


def test_a_chat_that_ends_without_finish_reason_and_done_is_not_finished() -> None:
    assert not chat(delta('{"content":"a"}')).answer.finished


def test_chunks_are_never_counted_as_tokens() -> None:
    assert chat(*[delta('{"content":"a"}')] * 50, "[DONE]").counts == (None, None)


def test_usage_null_is_absent_and_the_last_usage_holds() -> None:
    null = '{"choices":[{"index":0,"delta":{"content":"a"}}],"usage":null}'
    assert chat(null, null, "[DONE]").counts == (None, None)
    told = chat(
        null,
        '{"usage":{"prompt_tokens":7,"completion_tokens":1}}',
        '{"usage":{"prompt_tokens":7,"completion_tokens":9}}',
    )
    assert told.counts == (7, 9)


def test_no_completion_tokens_are_0_where_the_server_says_so() -> None:
    assert chat('{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":0}}').counts == (7, 0)
    body = b'{"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0}}'
    assert heard(COMPLETIONS, [body]).counts == (0, 0)


def test_the_timings_of_llama_server_count_where_it_tells_no_usage() -> None:
    timings = '{"choices":[],"timings":{"cache_n":8,"prompt_n":24,"predicted_n":8}}'
    assert chat(timings, "[DONE]").counts == (32, 8)
    usage = '{"choices":[],"usage":{"prompt_tokens":33,"completion_tokens":9}}'
    assert chat(usage, timings, "[DONE]").counts == (33, 9)


def test_timings_of_an_old_llama_server_do_not_tell_the_whole_prompt() -> None:
    assert chat('{"choices":[],"timings":{"prompt_n":24,"predicted_n":8}}').counts == (None, 8)


@pytest.mark.parametrize(
    ("api", "event"),
    [
        (COMPLETIONS, '{"error":{"message":"secret words","code":500}}'),
        (COMPLETIONS, '{"object":"error","message":"secret words"}'),
        (RESPONSES, '{"type":"error","message":"secret words"}'),
        (RESPONSES, '{"type":"response.failed","response":{"status":"failed","error":{"message":"secret words"}}}'),
        (MESSAGES, '{"type":"error","error":{"type":"overloaded_error","message":"secret words"}}'),
    ],
)
def test_an_error_event_is_an_error_and_its_text_is_not_kept(api: str, event: str) -> None:
    answer = heard(api, [b"event: error\n" + events(event)[0]], SSE).answer
    assert answer.error
    assert not answer.finished
    slots = [name for kind in type(answer).__mro__ for name in getattr(kind, "__slots__", ())]
    assert "secret" not in repr([getattr(answer, name) for name in slots])


def test_an_incomplete_response_is_finished_and_says_why() -> None:
    event = {
        "type": "response.incomplete",
        "response": {
            "model": "m",
            "status": "incomplete",
            "error": None,
            "incomplete_details": {"reason": "max_output_tokens"},
            "usage": {"input_tokens": 5, "output_tokens": 2},
        },
    }
    told = heard(RESPONSES, events(json.dumps(event)), SSE)
    assert (told.answer.finished, told.answer.error, told.counts) == (True, False, (5, 2))
    assert told.answer.finish_reason == "max_output_tokens"


@pytest.mark.parametrize(
    "event",
    [
        '{"type":"response.reasoning_summary_text.delta","delta":"a"}',
        '{"type":"response.function_call_arguments.delta","delta":"{"}',
        '{"type":"response.output_item.added","item":{"type":"function_call","name":"f"}}',
    ],
)
def test_reasoning_and_calls_of_a_response_are_token_events(event: str) -> None:
    empty = '{"type":"response.output_text.delta","delta":""}'
    assert heard(RESPONSES, events(empty, event), SSE).answer.first_token_at == 2.0


def test_the_prompt_of_a_message_includes_what_the_cache_gave_and_took() -> None:
    usage = '{"input_tokens":5,"cache_creation_input_tokens":100,"cache_read_input_tokens":1000,"output_tokens":%d}'
    body = '{"type":"message","content":[{"type":"text","text":"a"}],"usage":%s}' % (usage % 3)
    assert heard(MESSAGES, [body.encode()]).counts == (1105, 3)
    start = '{"type":"message_start","message":{"model":"m","usage":%s}}' % (usage % 1)
    last = '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":3}}'
    assert heard(MESSAGES, events(start, last, '{"type":"message_stop"}'), SSE).counts == (1105, 3)


@pytest.mark.parametrize(
    "event",
    [
        '{"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"a"}}',
        '{"type":"content_block_delta","delta":{"type":"input_json_delta","partial_json":"{"}}',
        '{"type":"content_block_start","content_block":{"type":"tool_use","name":"f","input":{}}}',
    ],
)
def test_thinking_and_tools_of_a_message_are_token_events(event: str) -> None:
    silent = (
        '{"type":"ping"}',
        '{"type":"content_block_start","content_block":{"type":"text","text":""}}',
        '{"type":"content_block_delta","delta":{"type":"signature_delta","signature":"abc"}}',
    )
    assert heard(MESSAGES, events(*silent, event), SSE).answer.first_token_at == 4.0
