"""Anthropic's Messages API as the wrapped client reads it; the released SDK itself is in `tests/system/`."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails import RequestError
from guardrails.protocols.messages.protocol import MESSAGES
from guardrails.wrapping.apis.anthropic import CALLS

TEXT = {"type": "text", "text": "Hello there.", "citations": [{"type": "char_location", "cited_text": "x"}]}


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
        (MESSAGES.request_payload, body),
        (MESSAGES.response_payload, message({"type": "text", "text": "hi"})),
    ):
        assert [leaf.content.text for leaf in reader(given).tree.leaves] == ["hi"]  # type: ignore[union-attr]
