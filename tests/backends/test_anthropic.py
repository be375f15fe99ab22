"""Anthropic's Messages API as the wrapped client reads it; the released SDK itself is in `tests/system/`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from guardrails import BackendError, RequestError
from guardrails.backends import anthropic
from guardrails.backends.anthropic import CALLS, MESSAGES, joined, refusal, split

TEXT = {"type": "text", "text": "Hello there.", "citations": [{"type": "char_location", "cited_text": "x"}]}
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "sig"}
TOOL = {"type": "tool_use", "id": "t", "name": "f", "input": {"q": "x", "n": [1.5]}}
RESULT = {
    "type": "web_search_tool_result",
    "tool_use_id": "t",
    "content": [{"type": "web_search_result", "title": "x"}],
}


def message(*blocks: Any) -> dict[str, Any]:
    """Return a message of these blocks."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [*blocks],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "stop_details": None,
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }


def test_a_message_that_is_cut_into_events_is_put_together_again() -> None:
    """With every kind of block; arguments come as JSON in a text."""
    whole = message(TEXT, THOUGHT, TOOL, RESULT)
    events = split(whole)
    again = joined([event.data for event in events]).value()
    assert json.loads(again["content"][2].pop("input")) == TOOL["input"]
    tool = {name: value for name, value in TOOL.items() if name != "input"}
    assert again == {**whole, "content": [TEXT, THOUGHT, tool, RESULT]}
    assert [event.name for event in events[:2]] == ["message_start", "content_block_start"]
    assert [event.name for event in events[-2:]] == ["message_delta", "message_stop"]
    assert all(event.name == event.data["type"] for event in events)


def test_a_message_without_content_is_a_stream_too() -> None:
    """Start, reason and end."""
    events = split(refusal("No.", {"model": "m"}, {}))
    assert [event.name for event in events] == ["message_start", "message_delta", "message_stop"]
    assert events[1].data["delta"]["stop_details"]["explanation"] == "No."


def test_a_refusal_keeps_no_more_than_the_head() -> None:
    """Of the answer that was stopped; without one it has an id of its own."""
    answer = refusal("No.", {"model": "a"}, message(TEXT))
    assert (answer["id"], answer["model"], answer["content"], answer["stop_reason"]) == (
        "msg_1",
        "m",
        [],
        "refusal",
    )
    assert answer["usage"]["output_tokens"] == 2
    assert refusal("No.", {"model": "a"}, {})["id"].startswith("msg_")


@pytest.mark.parametrize(
    "event",
    [
        {"type": "odd"},
        {},
        {"type": ["x"]},
        {"type": "message_start", "message": "x"},
        {"type": "content_block_start", "content_block": {}},
        {"type": "content_block_delta", "index": -1, "delta": {}},
        {"type": "content_block_delta", "index": True, "delta": {}},
        {"type": "message_delta", "delta": None},
    ],
)
def test_an_event_of_no_known_form_is_refused(event: Any) -> None:
    """What nobody can put together nobody can judge."""
    with pytest.raises(BackendError):
        joined([event])


def test_what_an_event_says_beside_its_piece_is_kept() -> None:
    """Also where no event of its type should say anything."""
    whole = joined([{"type": "ping", "odd": "x"}, {"type": "error", "error": {"message": "y"}}]).value()
    assert whole == {"odd": "x", "error": {"message": "y"}}


def test_the_calls_that_are_guarded() -> None:
    """Messages and their count; batches and what no table names are refused."""
    assert CALLS.find("POST", "/v1/messages?beta=true") is MESSAGES
    assert CALLS.find("POST", "/v1/messages/count_tokens") is not None
    assert CALLS.find("GET", "/v1/models") is None
    for method, url in [("POST", "/v1/messages/batches"), ("POST", "/v1/complete"), ("GET", "/v1/messages")]:
        with pytest.raises(RequestError):
            CALLS.find(method, url)


def test_a_request_and_an_answer_are_read_by_their_tables() -> None:
    """Texts, and edits of them."""
    body = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}]}
    for reader, given in (
        (anthropic.request, body),
        (anthropic.response, message({"type": "text", "text": "hi"})),
    ):
        assert [leaf.content.text for leaf in reader(given).leaves.found] == ["hi"]  # type: ignore[union-attr]
