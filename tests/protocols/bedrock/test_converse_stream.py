"""The events of Bedrock's streams: a whole answer is written, read and built again; what is none ends the stream."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.errors import BackendError
from guardrails.protocols.bedrock.converse_stream import ConverseCodec, build_refusal, write_events
from guardrails.protocols.bedrock.protocol import STREAM
from guardrails.testing import FakeGuard
from guardrails.wrapping.http import json_calls
from guardrails.wrapping.sdk.exchange import Terms
from tests.cases import each_case

CALL = {"toolUse": {"toolUseId": "1", "name": "f", "input": '{"city":"Paris"}'}}
THOUGHT = {"reasoningContent": {"reasoningText": {"text": "Hmm.", "signature": "c2lnbmVk"}}}


def answer(*blocks: Any) -> dict[str, Any]:
    """Return a whole answer."""
    return {
        "output": {"message": {"role": "assistant", "content": [*blocks]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
        "metrics": {"latencyMs": 1},
    }


def relayed(events: list[Any], **terms: Any) -> list[Any]:
    """Return what goes on of a stream."""
    body = {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}
    guard = FakeGuard(blocks=["zqxbomb"], redacts=["zqxmask"], message="Not that.")
    exchange = json_calls.open_exchange(Terms(guard, **{"answers": False, **terms}), STREAM, body)
    return [*json_calls.ask_stream(exchange, lambda body: events)]


@each_case("blocks", [[{"text": "Hello."}], [THOUGHT, {"text": "Hi."}, CALL], [CALL]])
def test_a_stream_goes_on_as_it_came(blocks: list[Any]) -> None:
    """Event by event."""
    events = [event.data for event in write_events(answer(*blocks))]
    assert relayed(events) == events


def test_what_is_redacted_is_redacted_in_texts_and_calls() -> None:
    """The call is written anew."""
    call = {"toolUse": {"toolUseId": "1", "name": "f", "input": '{"city":"zqxmask"}'}}
    events = [event.data for event in write_events(answer({"text": "a zqxmask b"}, call))]
    found = str(relayed(events))
    assert "zqxmask" not in found
    assert "a [REDACT] b" in "".join(
        each["contentBlockDelta"]["delta"].get("text", "")
        for each in relayed(events)
        if "contentBlockDelta" in each
    )
    assert "metadata" in found


def test_a_block_ends_the_answer_as_bedrock_does() -> None:
    """In our words, where nothing was said before."""
    events = [event.data for event in write_events(answer({"text": "a zqxbomb"}))]
    found = relayed(events, answers=True)
    assert {"messageStop": {"stopReason": "guardrail_intervened"}} in found
    assert "zqxbomb" not in str(found)
    refusal = [event.data for event in write_events(build_refusal("Not that."))]
    assert refusal[1]["contentBlockDelta"]["delta"] == {"text": "Not that."}


@each_case(
    "event",
    [
        {"messageStop": {}, "metadata": {}},
        {"unknown": {}},
        {"contentBlockDelta": {"delta": {"text": "x"}, "contentBlockIndex": 3}},
        {"contentBlockDelta": {"delta": {"other": "x"}, "contentBlockIndex": 0}},
        {"contentBlockStart": {"start": {"text": {}}, "contentBlockIndex": 0}},
    ],
)
def test_what_is_no_event_ends_the_stream(event: Any) -> None:
    """It is the upstream's fault, and so is a stream that ends before its end."""
    with pytest.raises(BackendError):
        relayed([{"messageStart": {"role": "assistant"}}, event])
    with pytest.raises(BackendError):
        ConverseCodec().finish()
