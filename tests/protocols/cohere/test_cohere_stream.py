"""The events of Cohere's streams: a whole answer is written, read and built again; what is none ends the stream."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.errors import BackendError
from guardrails.protocols.cohere.cohere_stream import CohereCodec, build_refusal, write_events
from guardrails.protocols.cohere.protocol import CHAT
from guardrails.testing import FakeGuard
from guardrails.wrapping.http import json_calls
from guardrails.wrapping.sdk.exchange import Terms
from tests.cases import each_case

CALL = {"id": "1", "type": "function", "function": {"name": "find", "arguments": '{"q": "tea"}'}}
CITED = {"start": 0, "end": 3, "text": "Tea", "sources": []}


def answer(*texts: str, **message: Any) -> dict[str, Any]:
    """Return a whole answer."""
    content = [{"type": "text", "text": text} for text in texts]
    return {
        "id": "1",
        "finish_reason": "COMPLETE",
        "message": {"role": "assistant", "content": content, **message},
        "usage": {"tokens": {"input_tokens": 1, "output_tokens": 1}},
    }


def relayed(events: list[Any], **terms: Any) -> list[Any]:
    """Return what goes on of a stream."""
    body = {"messages": [{"role": "user", "content": "hi"}], "stream": True}
    guard = FakeGuard(blocks=["zqxbomb"], redacts=["zqxmask"], message="Not that.")
    exchange = json_calls.open_exchange(Terms(guard, **{"answers": False, **terms}), CHAT, body)
    return [*json_calls.ask_stream(exchange, lambda body: events)]


def said(events: list[Any]) -> str:
    """Return the text that people read."""
    return "".join(
        each["delta"]["message"]["content"].get("text", "")
        for each in events
        if each["type"] == "content-delta"
    )


@each_case(
    "whole",
    [answer("Tea."), answer("Tea.", citations=[CITED]), answer(tool_plan="I look.", tool_calls=[CALL])],
)
def test_a_stream_goes_on_as_it_came(whole: Any) -> None:
    """Event by event."""
    events = [event.data for event in write_events(whole)]
    assert relayed(events) == events


def test_what_is_redacted_is_redacted_in_texts_and_calls() -> None:
    """Also where the arguments of a call come in pieces; what stood there is written anew."""
    events = [event.data for event in write_events(answer("a zqxmask b", tool_calls=[CALL]))]
    assert said(relayed(events)) == "a [REDACT] b"
    at = next(index for index, each in enumerate(events) if each["type"] == "tool-call-start")
    start = {**CALL, "function": {"name": "find", "arguments": ""}}
    pieces = ['{"q": "zqx', 'mask"}']
    events[at : at + 1] = [
        {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": start}}},
        *(
            {
                "type": "tool-call-delta",
                "index": 0,
                "delta": {"message": {"tool_calls": {"function": {"arguments": piece}}}},
            }
            for piece in pieces
        ),
    ]
    found = relayed(events)
    assert "mask" not in str(found)
    assert "[REDACT]" in str([each for each in found if each["type"] == "tool-call-start"])


def test_a_block_is_answered_in_our_words() -> None:
    """Where nothing was said before; else the answer ends."""
    events = [event.data for event in write_events(answer("a zqxbomb"))]
    found = relayed(events, answers=True)
    assert "zqxbomb" not in str(found)
    assert found[-1]["delta"]["finish_reason"] == "ERROR"
    assert said([event.data for event in write_events(build_refusal("Not that."))]) == "Not that."


@each_case(
    "event",
    [
        {"type": "unknown"},
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "x"}}}},
        {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "other"}}}},
        {"type": "content-start", "index": 1, "delta": {"message": {"content": {"type": "text"}}}},
    ],
)
def test_what_is_no_event_ends_the_stream(event: Any) -> None:
    """It is the upstream's fault, and so is a stream that ends before its end."""
    with pytest.raises(BackendError):
        relayed([{"type": "message-start", "id": "1", "delta": {"message": {"role": "assistant"}}}, event])
    with pytest.raises(BackendError):
        CohereCodec().finish()


def test_a_text_does_not_go_on_behind_its_end() -> None:
    """Another piece of it is the upstream's fault; what came before is judged and said."""
    events = [event.data for event in write_events(answer("Tea."))]
    at = next(index for index, each in enumerate(events) if each["type"] == "content-end")
    events.insert(
        at + 1, {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "x"}}}}
    )
    with pytest.raises(BackendError, match="behind its end"):
        relayed(events)
