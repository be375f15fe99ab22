"""What events told of a response, and the events that are missing of one: together they are always all of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.errors import BackendError
from guardrails.protocols.responses.event_writer import (
    REQUIRED,
    SentResponse,
    build_refusal,
    write_events,
    write_missing,
)
from tests.cases import each_case, scale

NOTES = [{"type": "file_citation", "file_id": "f1", "filename": "f", "index": 0}, {"type": "url_citation", "start_index": 0, "end_index": 3, "url": "u", "title": "t"}]  # fmt: skip
TOKEN = {"token": "Grass", "logprob": -1.0, "bytes": [], "top_logprobs": []}
OUTPUT: list[dict[str, Any]] = [
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm, well."}, {"type": "summary_text", "text": ""}], "content": [{"type": "reasoning_text", "text": "Let me see."}]},
    {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [
        {"type": "output_text", "text": "Grass is green.", "annotations": NOTES, "logprobs": [TOKEN]},
        {"type": "refusal", "refusal": "No more."},
        {"type": "x_new", "x": ["y"]},
    ]},
    {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": '{"a": 1}', "status": "completed"},
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "green"}},
    {"type": "message", "role": "assistant", "content": []},
]  # fmt: skip
RESPONSE = {**REQUIRED, "id": "resp_1", "output": OUTPUT, "usage": {"output_tokens": 2}}


def told_by(*data: dict[str, Any]) -> SentResponse:
    """Return what events told."""
    told = SentResponse()
    for each in data:
        told.add(each)
    return told


def pieces(data: dict[str, Any], sizes: int) -> list[dict[str, Any]]:
    """Return a delta of what somebody said or thought in pieces, another event as it is."""
    if "delta" not in data or "arguments" in data["type"] or "refusal" in data["type"]:
        return [data]
    text = data["delta"]
    cut = [text[at : at + sizes] for at in range(0, len(text), sizes)] or [""]
    return [{**data, "delta": piece} for piece in cut]


ALL = [piece for event in write_events(RESPONSE) for piece in pieces(event.data, 4)]


def whole(told: SentResponse) -> Any:
    """Return what was told, for comparison: the items, and what was said of their parts."""
    return told.output(), sorted(map(str, told.ended)), sorted(told.closed)


def test_a_whole_response_is_written_in_the_order_of_the_protocol() -> None:
    """Its events make it up, and are numbered."""
    written = [event.data for event in write_events(RESPONSE)]

    assert [event.kind for event in write_events(RESPONSE)] == [each["type"] for each in written]
    assert [each["sequence_number"] for each in written] == [*range(len(written))]
    assert written[-1]["response"] == RESPONSE
    assert told_by(*written).output() == OUTPUT
    of_message = [each["type"].removeprefix("response.") for each in written if each.get("output_index") == 1]
    assert of_message == [
        "output_item.added",
        *(
            "content_part.added",
            "output_text.delta",
            "output_text.annotation.added",
            "output_text.annotation.added",
        ),
        *("output_text.done", "content_part.done"),
        *("content_part.added", "refusal.delta", "refusal.done", "content_part.done"),
        *("content_part.added", "content_part.done"),
        "output_item.done",
    ]


def test_a_part_begins_empty() -> None:
    """Its text, its notes and its tokens are told behind it."""
    [first, *_] = [
        each["part"]
        for each in ALL
        if each["type"] == "response.content_part.added" and each["output_index"] == 1
    ]

    assert first == {"type": "output_text", "text": "", "annotations": [], "logprobs": []}


@settings(max_examples=scale(200))
@given(st.integers(0, len(ALL)))
def test_wherever_it_is_cut_the_rest_is_what_is_missing(end) -> None:
    """Nothing is told twice, and nothing is left out."""
    before = ALL[:end]
    if before and before[-1]["type"].endswith("arguments.delta"):
        before = before[:-1]  # a call is told at once
    while (
        before and before[-1].get("output_index") == 2 and before[-1]["type"] != "response.output_item.done"
    ):
        before = before[:-1]

    rest = [event.data for event in write_missing(RESPONSE, told_by(*before))]

    told = told_by(*before, *rest)
    assert whole(told) == whole(told_by(*ALL))
    assert rest[-1]["response"] == RESPONSE
    once = ("created", "added", "item.done", "part.done", "text.done", "refusal.done", "annotation.added")
    for ending in once:
        both = [each for each in (*before, *rest) if each["type"].endswith(ending)]
        assert len(both) == len([each for each in ALL if each["type"].endswith(ending)])
    grown = "".join(
        each["delta"] for each in (*before, *rest) if each["type"] == "response.output_text.delta"
    )
    assert grown == "Grass is green."


def test_what_was_told_of_a_response_that_is_cut_short() -> None:
    """Items that were not done say so, with what was told of their parts."""
    end = next(at for at, each in enumerate(ALL) if each.get("delta") == " gre")

    reasoning, message = told_by(*ALL[: end + 1]).output()

    begun = {"type": "output_text", "text": "Grass is gre", "annotations": [], "logprobs": []}
    assert reasoning == OUTPUT[0]
    assert message == {**OUTPUT[1], "status": "incomplete", "content": [begun]}
    noted = told_by(*ALL[: end + 3]).output()[1]["content"][0]
    assert noted == {**begun, "text": "Grass is green.", "annotations": NOTES[:1]}


def test_texts_without_a_part_are_told_too() -> None:
    """Some servers announce no parts; halves of a character are one."""
    at = {"output_index": 0, "content_index": 0}
    added = {
        "type": "response.output_item.added",
        "output_index": 0,
        "item": {"type": "message", "content": []},
    }
    halves = [{"type": "response.output_text.delta", **at, "delta": half} for half in ("a \ud83d", "\ude00")]

    told = told_by(added, *halves)

    assert told.text((0, "content", 0)) == "a \U0001f600"
    assert told.output() == [
        {"type": "message", "content": [{"type": "output_text", "text": "a \U0001f600"}]}
    ]
    assert told.notes((0, "content", 0)) == told.notes((7, "content", 0)) == 0


def test_an_item_may_begin_with_parts() -> None:
    """A text goes on behind what it began with."""
    at = {"output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": "Good "}
    added = {
        "type": "response.output_item.added",
        "output_index": 0,
        "item": {"type": "message", "content": [part, "x"]},
    }

    told = told_by(added, {"type": "response.output_text.delta", **at, "delta": "day"})

    assert told.output() == [{"type": "message", "content": [{**part, "text": "Good day"}, "x"]}]


@each_case(
    "event",
    [
        {"type": "response.created", "response": "x"},
        {"type": "response.output_item.added", "output_index": 0, "item": "x"},
        {"type": "response.output_item.done", "item": {}},
        {"type": "response.content_part.added", "output_index": 0, "part": {}},
        {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": 7},
        {"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": None},
    ],
)
def test_what_is_malformed_is_the_upstreams_fault(event) -> None:
    """Nothing is guessed."""
    with pytest.raises(BackendError) as caught:
        told_by(event)
    assert (caught.value.status, caught.value.code) == (502, "upstream_invalid")


def test_events_that_tell_nothing_of_the_items_change_nothing() -> None:
    """States, calls' arguments, and what nobody knows."""
    told = told_by(
        {"type": "response.x_new", "item": "x"},
        {"type": "response.web_search_call.searching", "output_index": 7},
        {"type": "response.function_call_arguments.delta", "output_index": 7, "delta": "x"},
        {
            "type": "response.output_text.annotation.added",
            "output_index": 7,
            "content_index": 0,
            "annotation": {},
        },
    )

    assert (told.output(), told.head) == ([], None)


def test_a_refusal_is_a_message() -> None:
    """In the words that it is given, and written like any."""
    written = [
        event.data for event in write_events({"status": "incomplete", "output": [build_refusal("Not that.")]})
    ]

    assert written[-1]["type"] == "response.incomplete"
    assert written[-1]["response"] == {
        **REQUIRED,
        "status": "incomplete",
        "output": [build_refusal("Not that.")],
    }
    assert [each["delta"] for each in written if "delta" in each] == ["Not that."]
    assert json.loads(json.dumps(written)) == written


@each_case(
    ("status", "kind"),
    [("failed", "failed"), ("incomplete", "incomplete"), ("queued", "completed"), (["x"], "completed")],
)
def test_a_response_ends_as_its_status_says(status, kind) -> None:
    """One that is no end is one all the same."""
    assert [*write_events({"status": status, "output": []})][-1].kind == f"response.{kind}"
