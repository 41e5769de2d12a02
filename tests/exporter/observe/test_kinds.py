"""The content type decides how an answer is read; what cannot be read is said, and nothing is invented for it."""

from __future__ import annotations

import pytest

from tests.exporter.observe.answers import NDJSON, OLLAMA, SSE, heard, opened
from tests.exporter.recorded import recorded


@pytest.mark.parametrize(
    ("content_type", "stream"),
    [
        ("application/x-ndjson", True),
        ("Application/X-NDJSON; charset=utf-8", True),
        (" text/event-stream;charset=utf-8", True),
        ("TEXT/EVENT-STREAM", True),
        ("application/json; charset=utf-8", False),
        ("text/event-streams", False),
        ("", False),
    ],
)
def test_the_content_type_says_whether_it_is_a_stream(content_type: str, stream: bool) -> None:
    assert opened("/api/chat", content_type).answer.stream is stream
    assert opened("/v1/chat/completions", content_type).answer.stream is stream


@pytest.mark.parametrize("content_type", ["", "text/plain; charset=utf-8", "application/problem+json"])
def test_json_under_another_content_type_is_read(content_type: str) -> None:
    told = heard("/api/chat", [recorded(OLLAMA + "chat_nostream").body], content_type)
    assert (told.counts, told.answer.finished, told.answer.readable) == ((32, 12), True, True)


def test_a_page_of_html_is_not_readable_and_a_broken_json_is() -> None:
    assert not heard("/api/chat", [b"<html>busy</html>"], "text/html").answer.readable
    broken = heard("/api/chat", [b'{"model":"m"'], "application/json").answer
    assert broken.readable
    assert not broken.finished


def test_the_recorded_404_page_is_not_readable() -> None:
    page = recorded(OLLAMA + "err_unknown_path")
    told = heard("/v1/chat/completions", [page.body], page.header("content-type"))
    assert (told.answer.readable, told.answer.error, told.counts) == (False, False, (None, None))


def test_a_stream_without_a_byte_is_not_finished() -> None:
    for content_type in (NDJSON, SSE):
        answer = heard("/api/chat", [], content_type).answer
        assert (answer.finished, answer.output, answer.first_token_at) == (False, False, None)


def test_json_lines_on_an_openai_route_are_read() -> None:
    body = b'{"model":"m","choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n'
    answer = heard("/v1/chat/completions", [body], NDJSON).answer
    assert (answer.model, answer.first_token_at, answer.finished) == ("m", 1.0, True)
