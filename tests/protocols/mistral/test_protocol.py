"""Mistral's API as one description: a refusal stands where its clients read."""

from __future__ import annotations

from guardrails.protocols.mistral.protocol import CHATS, PROTOCOLS, MistralCodec
from guardrails.protocols.streaming.codec import Event


def test_a_refusal_is_what_people_read() -> None:
    """Whole and streamed."""
    assert CHATS.refuse is not None
    [choice] = CHATS.refuse("Not that.", {"model": "m"})["choices"]
    assert choice["message"]["content"] == "Not that."
    assert choice["finish_reason"] == "content_filter"
    events: list[Event] = MistralCodec().write_refusal(None, "Not that.")
    said = [event.data["choices"][0]["delta"].get("content") for event in events]
    assert "Not that." in said


def test_the_proxy_has_no_routes_of_it() -> None:
    """Mistral's clients find it at those of OpenAI's API."""
    assert not any(protocol.is_served for protocol in PROTOCOLS)
