"""The events of a response make up a response: the last one says it."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails import BackendError
from guardrails.protocols.responses.event_writer import REQUIRED, write_events
from guardrails.protocols.responses.responses_assembly import ResponseAssembler
from tests.cases import each_case

PART = {"type": "output_text", "text": "Hello.", "annotations": [], "logprobs": []}
ITEM = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [PART]}
RESPONSE: dict[str, Any] = {**REQUIRED, "id": "resp_1", "output": [ITEM]}
EVENTS: list[dict[str, Any]] = [event.data for event in write_events(RESPONSE)]
ADDED = {"type": "response.output_item.added", "output_index": 0, "item": {**ITEM, "content": []}}


def whole(*given: Any) -> dict[str, Any]:
    """Return what events make up; only the last may end it."""
    items = ResponseAssembler()
    ended = [items.take(each) for each in given]
    assert not any(ended[:-1])
    return items.answer()


def test_the_last_event_says_the_response() -> None:
    """Where it leaves out the items, these are those of the events before it."""
    assert whole(*EVENTS) == RESPONSE
    bare = {**EVENTS[-1], "response": {**RESPONSE, "output": []}}
    assert whole(*EVENTS[:-1], bare) == RESPONSE


@each_case(
    "given",
    [
        EVENTS[:-1],
        [{}],
        [{"type": ["x"]}],
        [{"type": "message_start"}],
        [{"type": "response.output_text.delta", "delta": 7}],
        [{"type": "response.output_text.delta"}],
        [{"type": "response.output_item.done", "output_index": 0, "item": "x"}],
        [{"type": "response.output_item.done", "item": {}}],
        [{"type": "response.created", "x": "\ud83d"}],
        [{"type": "response.completed"}],
        [{"type": "response.completed", "response": "x"}],
        [{"type": "response.completed", "response": {**RESPONSE, "object": "x"}}],
        [{"type": "response.completed", "response": {**RESPONSE, "output": [1]}}],
        [{"type": "response.completed", "response": {**RESPONSE, "output": 5}}],
        [{"type": "response.completed", "response": {**RESPONSE, "id": "\ud83d"}}],
        [{**ADDED, "output_index": -1}],
    ],
)
def test_what_is_no_response_is_refused(given: list[Any]) -> None:
    """What nobody can put together nobody can judge."""
    with pytest.raises(BackendError, match="malformed"):
        whole(*given)
