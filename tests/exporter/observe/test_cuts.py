"""Counts, ends and token events of recorded answers are exact wherever the network cuts them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exporter.observe.answers import NDJSON, OLLAMA, SSE, STREAMS, WHOLE, Case, heard, opened, told
from tests.exporter.recorded import recorded

CASES = STREAMS + WHOLE


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_answer_in_one_piece_tells_all(case: Case) -> None:
    told(case, heard(case.api, [case.body], case.content_type))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_one_cut_anywhere_changes_nothing(case: Case) -> None:
    for cut in range(len(case.body)):
        told(case, heard(case.api, [case.body[:cut], case.body[cut:]], case.content_type))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_byte_by_byte_changes_nothing(case: Case) -> None:
    told(case, heard(case.api, [bytes([byte]) for byte in case.body], case.content_type))


@given(case=st.sampled_from(CASES), share=st.lists(st.floats(0, 1), min_size=2, max_size=5))
@settings(max_examples=300, deadline=None)
def test_several_cuts_anywhere_change_nothing(case: Case, share: list[float]) -> None:
    cuts = [0, *sorted(round(part * len(case.body)) for part in share), len(case.body)]
    pieces = [case.body[start:end] for start, end in pairwise(cuts)]
    told(case, heard(case.api, pieces, case.content_type))


@pytest.mark.parametrize("case", STREAMS, ids=str)
def test_crlf_at_the_ends_of_lines_changes_nothing(case: Case) -> None:
    body = case.body.replace(b"\n", b"\r\n")
    for size in (1, 2, 3, 7, len(body)):
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        told(case, heard(case.api, pieces, case.content_type))


@pytest.mark.parametrize("case", STREAMS, ids=str)
def test_a_missing_last_line_end_loses_nothing(case: Case) -> None:
    told(case, heard(case.api, [case.body.rstrip(b"\n")], case.content_type))


@pytest.mark.parametrize("case", [case for case in STREAMS if case.content_type == SSE], ids=str)
def test_no_space_after_data_and_comments_between_events_change_nothing(case: Case) -> None:
    body = case.body.replace(b"data: ", b"data:").replace(b"\n\n", b"\n\n: ping\n\nid: 7\nretry: 3\n\n")
    told(case, heard(case.api, [body], case.content_type))
    told(case, heard(case.api, body.splitlines(keepends=True), case.content_type))


@pytest.mark.parametrize("case", STREAMS, ids=str)
def test_a_stream_that_breaks_off_never_tells_a_wrong_count(case: Case) -> None:
    for cut in range(len(case.body)):
        counts = heard(case.api, [case.body[:cut]], case.content_type).counts
        assert counts in ((None, None), (case.prompt, case.completion))


@pytest.mark.parametrize("case", STREAMS, ids=str)
def test_a_stream_that_breaks_off_in_its_text_is_not_finished(case: Case) -> None:
    half = heard(case.api, [case.body[: len(case.body) // 3]], case.content_type)
    assert not half.answer.finished
    assert half.answer.model == case.model


@pytest.mark.parametrize("case", WHOLE, ids=str)
def test_a_body_that_breaks_off_is_not_finished_and_tells_nothing(case: Case) -> None:
    half = heard(case.api, [case.body[: len(case.body) // 2]], case.content_type)
    assert not half.answer.finished
    assert half.counts == (None, None)


def test_times_are_those_of_the_pieces_that_make_token_events_whole() -> None:
    body = recorded(OLLAMA + "chat_stream").body
    lines = body.splitlines(keepends=True)
    listener = opened("/api/chat", NDJSON)
    for at, line in zip((10.0, 10.5, 12.5, 12.25), lines, strict=False):
        listener.answer.feed(line[:20], at)
        listener.answer.feed(line[20:], at)
    assert listener.answer.first_token_at == 10.0
    assert listener.gaps == [0.5, 2.0, 0.0]  # a clock that goes back gives no negative time


def test_token_events_of_one_piece_came_at_once() -> None:
    body = recorded(OLLAMA + "v1_chat_stream").body
    assert heard("/v1/chat/completions", [body], SSE).gaps == [0.0] * 11


def test_the_first_token_of_a_chat_is_not_the_chunk_with_the_role_alone() -> None:
    case = next(case for case in STREAMS if "llama" in case.name)
    events = [event + b"\n\n" for event in case.body.split(b"\n\n")]
    assert heard(case.api, events, SSE).answer.first_token_at == 2.0


def test_a_whole_answer_has_no_first_token_time() -> None:
    assert heard("/api/chat", [recorded(OLLAMA + "chat_nostream").body]).answer.first_token_at is None
