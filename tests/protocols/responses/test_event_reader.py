"""Events of a streamed response as they are read: what grows, what is judged by itself, and what waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from guardrails import BackendError, Guard
from guardrails.engine.model import Request
from guardrails.protocols.responses import responses_fields
from guardrails.protocols.responses.event_reader import without_texts
from guardrails.protocols.responses.event_writer import REQUIRED, write_events
from guardrails.protocols.responses.responses_stream import ResponsesCodec
from guardrails.protocols.streaming.codec import EventReading
from guardrails.protocols.streaming.relay import Relay
from guardrails.protocols.streaming.streamed_text import StreamedText
from tests.cases import each_case
from tests.protocols.conftest import AnswerReader

TOKEN = {"token": "Good", "logprob": -1.0, "bytes": [*b"Good"], "top_logprobs": []}
OTHERS = [{"token": "Bad", "logprob": -2.0, "bytes": []}]
PART = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
MESSAGE = {"type": "message", "id": "msg_1", "role": "assistant", "status": "in_progress", "content": []}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": ""}
AT = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
HEAD = {
    "type": "response.created",
    "response": {"id": "resp_1", "object": "response", "instructions": "Be brief.", "output": []},
}
ADDED = {"type": "response.output_item.added", "output_index": 0, "item": MESSAGE}
PART_ADDED = {"type": "response.content_part.added", **AT, "part": PART}
DELTA = {"type": "response.output_text.delta", **AT, "delta": "Good", "logprobs": []}
NOTE = {"type": "file_citation", "file_id": "f", "filename": "f", "index": 0}
BEGUN = (HEAD, ADDED, PART_ADDED)


class Noting(ResponsesCodec):
    """A codec that remembers how it read the last event."""

    def read(self, data: dict[str, Any], kind: str, begin: Callable[..., StreamedText]) -> EventReading:
        """Read an event."""
        self.last = super().read(data, kind, begin)
        return self.last


class Reading:
    """Events as a relay has them read."""

    def __init__(self, guard: Guard) -> None:
        self.guard, self.codec = guard, Noting()
        self.relay = Relay(guard.pipeline, Request(), self.codec, responses_fields.read_response)

    def of(self, *events: dict[str, Any]) -> EventReading:
        """Return what the last of these events is read as."""
        for event in events:
            self.guard.pipeline.drive(self.relay.take([(event, event["type"], b"")], None))
        return self.codec.last


@pytest.fixture
def reading(bomb_guard) -> Reading:
    """Nothing that was read yet."""
    return Reading(bomb_guard)


def shape(item: EventReading) -> Mapping[str, Any]:
    """Return how an event is read, in short."""
    return {
        "grows": [grown.path for grown, _ in item.grows],
        "copies": [path for _, path in item.copies],
        "bare": item.bare,
        "waits": item.waits,
        "anew": item.anew,
        "rest": item.rest,
    }


NOTHING = {"grows": [], "copies": [], "bare": False, "waits": False, "anew": False, "rest": None}
TEXT = ("output", 0, "content", 0, "text")


def within(part: dict[str, Any]) -> dict[str, Any]:
    """Return a part as it is judged."""
    return {"output": [{"type": "message", "content": [part]}]}


SEARCH = {"type": "web_search_call", "id": "ws_1", "action": {"type": "search", "query": "green"}}
SEARCHED = {"type": "response.output_item.added", "output_index": 0, "item": SEARCH}
CALLED = {"type": "response.output_item.added", "output_index": 0, "item": CALL}
ARGUMENTS = {
    "type": "response.function_call_arguments.delta",
    "output_index": 0,
    "item_id": "fc_1",
    "delta": '{"a": 1}',
}
ARGUED = {
    "type": "response.function_call_arguments.done",
    "output_index": 0,
    "item_id": "fc_1",
    "arguments": '{"a": 1}',
}
DONE_CALL = {**CALL, "arguments": '{"a": 1}'}
CALL_DONE = {"type": "response.output_item.done", "output_index": 0, "item": DONE_CALL}
SPOKEN = {**MESSAGE, "status": "completed", "content": [{**PART, "text": "Good"}]}
EVENTS: dict[str, tuple[tuple[dict[str, Any], ...], dict[str, Any]]] = {
    "a head": ((HEAD,), {"rest": {"id": "resp_1", "object": "response", "instructions": "Be brief."}}),
    "a message": ((HEAD, ADDED), {"rest": {"output": [MESSAGE]}}),
    "a part": (BEGUN, {"rest": within(PART)}),
    "a piece": ((*BEGUN, DELTA), {"grows": [TEXT], "bare": True}),
    "a piece with its tokens": ((*BEGUN, {**DELTA, "logprobs": [TOKEN]}), {"grows": [TEXT], "rest": within({"type": "output_text", "text": "", "logprobs": []})}),
    "a piece with others": (
        (*BEGUN, {**DELTA, "logprobs": [{**TOKEN, "top_logprobs": OTHERS}]}),
        {"grows": [TEXT], "rest": within({"type": "output_text", "text": "", "logprobs": [{"token": "", "logprob": -1.0, "bytes": [], "top_logprobs": OTHERS}]})},
    ),
    "a piece with tokens of something else": ((*BEGUN, {**DELTA, "logprobs": [{**TOKEN, "token": "Bad"}]}), {"grows": [TEXT], "bare": True}),
    "a text": ((*BEGUN, DELTA, {"type": "response.output_text.done", **AT, "text": "Good", "logprobs": []}), {"copies": [("text",)]}),
    "a text that was not told": ((*BEGUN, {"type": "response.output_text.done", **AT, "text": "Good"}), {"waits": True, "anew": True}),
    "an empty text": ((*BEGUN, {"type": "response.output_text.done", **AT, "text": ""}), {}),
    "a part that begins with its text": ((HEAD, ADDED, {**PART_ADDED, "part": {**PART, "text": "Good"}}), {"waits": True, "anew": True, "rest": within(PART)}),
    "the end of a part": ((*BEGUN, DELTA, {"type": "response.content_part.done", **AT, "part": {**PART, "text": "Good"}}), {"copies": [("part", "text")], "rest": within(PART)}),
    "the end of a message": (
        (*BEGUN, DELTA, {"type": "response.output_item.done", "output_index": 0, "item": SPOKEN}),
        {"copies": [("item", "content", 0, "text")], "rest": {"output": [without_texts(SPOKEN)]}},
    ),
    "a note": (
        (*BEGUN, DELTA, {"type": "response.output_text.annotation.added", **AT, "annotation_index": 0, "annotation": NOTE}),
        {"rest": within({"type": "output_text", "annotations": [NOTE]})},
    ),
    "a search": ((HEAD, SEARCHED), {"rest": {"output": [SEARCH]}}),
    "how far a search is": ((HEAD, SEARCHED, {"type": "response.web_search_call.searching", "output_index": 0, "item_id": "ws_1"}), {}),
    "a call": ((HEAD, CALLED), {"waits": True, "rest": {"output": [CALL]}}),
    "pieces of arguments": ((HEAD, CALLED, ARGUMENTS), {"waits": True}),
    "arguments": ((HEAD, CALLED, ARGUMENTS, ARGUED), {"waits": True}),
    "other arguments": ((HEAD, CALLED, ARGUMENTS, {**ARGUED, "arguments": "{}"}), {"waits": True, "anew": True}),
    "arguments of another function": ((HEAD, CALLED, ARGUMENTS, {**ARGUED, "name": "g"}), {"waits": True, "anew": True}),
    "the end of a call": ((HEAD, CALLED, ARGUMENTS, ARGUED, CALL_DONE), {"rest": {"output": [CALL, DONE_CALL]}}),
    "the end of another call": ((HEAD, CALLED, ARGUMENTS, {**CALL_DONE, "item": CALL}), {"anew": True, "rest": {"output": [CALL, CALL]}}),
    "a call of a new kind": ((HEAD, {**CALLED, "item": {"type": "x_new"}}), {"waits": True, "rest": {"output": [{"type": "x_new"}]}}),
    "the end": ((*BEGUN, DELTA, {"type": "response.completed", "response": {"output": [SPOKEN]}}), {"waits": True, "copies": [("response", *TEXT)]}),
    "the end without items": ((*BEGUN, DELTA, {"type": "response.completed", "response": {"output": []}}), {"waits": True, "anew": True}),
    "the end of an empty response": ((HEAD, {"type": "response.completed", "response": {"output": []}}), {"waits": True}),
    "the end amid a call": ((HEAD, CALLED, {"type": "response.completed", "response": {"output": [CALL]}}), {"waits": True, "anew": True}),
    "the end before the head": (({"type": "response.failed", "response": {}},), {"waits": True, "anew": True}),
    "an item before the head": ((ADDED,), {"waits": True, "anew": True}),
    "what nobody knows": (({"type": "response.x_new", "x": 1},), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_read_as_what_it_is(reading, name) -> None:
    """What stands in it, what of that is judged by itself, and whether it waits."""
    events, expected = EVENTS[name]

    assert shape(reading.of(*events)) == {**NOTHING, **expected}


def test_an_event_keeps_its_data_unless_something_is_wrong_in_it(reading) -> None:
    """An id that is not that of the item is mended, what the protocol does not have is left out."""
    padded = {**DELTA, "sequence_number": 4, "obfuscation": "xY9"}
    assert reading.of(*BEGUN, padded).data is padded
    for more in ({"item_id": "x"}, {"x_new": 1}, {"obfuscation": "not so"}, {"obfuscation": "zqxbomb"}):
        assert reading.of({**padded, **more}).data == {
            name: value
            for name, value in padded.items()
            if name != "obfuscation" or "obfuscation" not in more
        }


def test_what_is_judged_of_an_item_is_all_but_its_texts() -> None:
    """And but for the tokens that spell just those."""
    strange = {**PART, "text": "Good", "logprobs": [{**TOKEN, "token": "Bad"}]}
    item = {**MESSAGE, "content": [{**PART, "text": "Good", "logprobs": [TOKEN]}, strange, "x"], "x_new": "y"}

    assert without_texts(item) == {**item, "content": [PART, {**strange, "text": ""}, "x"]}
    assert without_texts({"type": "message", "content": "x"}) == {"type": "message", "content": "x"}


WHOLE_PART = {"type": "output_text", "text": "Hello.", "annotations": [], "logprobs": []}
WHOLE_ITEM = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "content": [WHOLE_PART],
}
RESPONSE: dict[str, Any] = {**REQUIRED, "id": "resp_1", "output": [WHOLE_ITEM]}
WHOLE_EVENTS: list[dict[str, Any]] = [event.data for event in write_events(RESPONSE)]
ITEM_ADDED = {"type": "response.output_item.added", "output_index": 0, "item": {**WHOLE_ITEM, "content": []}}


def whole(*given: Any) -> dict[str, Any]:
    """Return what events make up; only the last may end it."""
    items = AnswerReader(ResponsesCodec())
    ended = [items.take(each) for each in given]
    assert not any(ended[:-1])
    return items.answer()


def test_the_last_event_says_the_response() -> None:
    """Where it leaves out the items, these are those of the events before it."""
    assert whole(*WHOLE_EVENTS) == RESPONSE
    bare = {**WHOLE_EVENTS[-1], "response": {**RESPONSE, "output": []}}
    assert whole(*WHOLE_EVENTS[:-1], bare) == RESPONSE


@each_case(
    "given",
    [
        WHOLE_EVENTS[:-1],
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
        [{**ITEM_ADDED, "output_index": -1}],
    ],
)
def test_what_is_no_response_is_refused(given: list[Any]) -> None:
    """What nobody can put together nobody can judge."""
    with pytest.raises(BackendError, match="malformed"):
        whole(*given)
