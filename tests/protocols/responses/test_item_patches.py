"""Items of a response that its last event leaves out are built of the events before it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from guardrails import BackendError
from guardrails.protocols.responses.responses_stream import ResponsesCodec
from tests.cases import each_case
from tests.protocols.conftest import AnswerReader

HEAD = {"type": "response.created", "response": {"id": "r", "output": []}}
LAST = {"type": "response.completed", "response": {"id": "r", "status": "completed"}}
MESSAGE = {"type": "message", "id": "m", "status": "in_progress", "content": []}
CUT_SHORT = {**MESSAGE, "status": "incomplete"}
CALL = {"type": "function_call", "id": "f", "name": "f", "arguments": ""}
ANNOTATED = {"type": "output_text", "text": "", "annotations": []}


def item(index: int, item: Any, what: str = "added") -> dict[str, Any]:
    """Return an event on an item."""
    return {"type": f"response.output_item.{what}", "output_index": index, "item": item}


def part(what: str, index: int = 0, position: int = 0, **more: Any) -> dict[str, Any]:
    """Return an event on a part of a message."""
    return {"type": f"response.{what}", "output_index": index, "content_index": position, **more}


def text(said: str, **more: Any) -> dict[str, Any]:
    """Return a part that says this."""
    return {"type": "output_text", "text": said, **more}


def said(*pieces: str, index: int = 0, position: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the events of a text, which grows by these pieces."""
    for piece in pieces:
        yield part("output_text.delta", index, position, delta=piece)


def output(*events: dict[str, Any]) -> Any:
    """Return the items of which events tell."""
    read = AnswerReader(ResponsesCodec())
    assert [read.take(event) for event in (HEAD, *events, LAST)][-1]
    whole = read.answer()
    assert {name: value for name, value in whole.items() if name != "output"} == LAST["response"]
    return whole["output"]


@each_case(
    ("events", "items"),
    [
        ([], []),
        ([item(0, MESSAGE)], [CUT_SHORT]),
        ([item(0, CALL)], [CALL]),
        ([item(0, MESSAGE), *said("a", "b")], [{**CUT_SHORT, "content": [text("ab")]}]),
        ([item(0, MESSAGE), part("content_part.added", part=ANNOTATED), *said("a", "b")], [{**CUT_SHORT, "content": [text("ab", annotations=[])]}]),
        ([item(0, MESSAGE), *said("a", "b"), part("output_text.done", text="ab")], [{**CUT_SHORT, "content": [text("ab")]}]),
        ([item(0, MESSAGE), part("output_text.done", text="ab")], [{**CUT_SHORT, "content": [text("ab")]}]),
        ([item(0, MESSAGE), *said("a"), part("content_part.done", part=text("a", note=1))], [{**CUT_SHORT, "content": [text("a", note=1)]}]),
        ([item(0, MESSAGE), *said("a"), part("output_text.annotation.added", annotation={"n": 1})], [{**CUT_SHORT, "content": [text("a", annotations=[{"n": 1}])]}]),
        ([item(0, MESSAGE), *said("a"), *said("b", position=1)], [{**CUT_SHORT, "content": [text("a"), text("b")]}]),
        ([item(0, MESSAGE), *said("\ud83d", "\ude00")], [{**CUT_SHORT, "content": [text("\N{GRINNING FACE}")]}]),
        ([item(0, MESSAGE), *said("a"), item(0, {**MESSAGE, "content": [text("a")], "status": "completed"}, "done")], [{**MESSAGE, "content": [text("a")], "status": "completed"}]),
        ([item(0, {**MESSAGE, "content": [text("")]}), *said("a")], [{**CUT_SHORT, "content": [text("a")]}]),
        ([item(0, MESSAGE), item(1, CALL), *said("a"), item(2, MESSAGE), *said("b", index=2)], [{**CUT_SHORT, "content": [text("a")]}, CALL, {**CUT_SHORT, "content": [text("b")]}]),
        ([item(1, CALL), item(0, MESSAGE)], [CUT_SHORT, CALL]),
        ([item(1, CALL)], [CALL]),
    ],
)  # fmt: skip
def test_items_are_those_that_were_told(events: list[Any], items: list[Any]) -> None:
    """As far as they were, in their order; one that did not end is incomplete."""
    assert output(*events) == items


@each_case(
    "events",
    [
        [*said("a")],
        [part("content_part.added", part=text("a"))],
        [item(0, MESSAGE), *said("a", index=1)],
        [item(0, MESSAGE), part("output_text.annotation.added", annotation={})],
        [item(0, MESSAGE), item(0, CUT_SHORT, "done"), *said("a")],
        [item(0, MESSAGE), item(0, CUT_SHORT, "done"), part("content_part.added", part=text("a"))],
    ],
)
def test_what_belongs_to_no_item_is_in_none(events: list[Any]) -> None:
    """Nor what comes behind the end of its item: nobody is told of it."""
    assert output(*events) in ([], [CUT_SHORT])


def test_an_item_that_is_announced_again_is_another() -> None:
    """With parts of its own, that have a type though nothing begins them."""
    again = [item(0, MESSAGE), *said("a"), item(0, MESSAGE), *said("b")]
    assert output(*again) == [{**CUT_SHORT, "content": [text("b")]}]


def test_what_goes_on_out_of_order_is_appended_as_well() -> None:
    """All that came of a text is in the response."""
    events = [item(0, MESSAGE), *said("a", "b", position=1), *said("c"), *said("d", position=1)]
    assert output(*events) == [{**CUT_SHORT, "content": [text("c"), text("abd")]}]


def test_half_of_a_character_is_the_upstreams_fault() -> None:
    """Where the other half never comes."""
    with pytest.raises(BackendError, match="half a surrogate pair"):
        output(item(0, MESSAGE), *said("\ud83d", "a"))
