"""The table of events against the released SDK's own types, and what an event is about."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from openai.types.responses import ResponseStreamEvent

from guardrails.engine.values.writer import value_at
from guardrails.errors import BackendError
from guardrails.protocols.responses.event_kinds import (
    GROWING,
    KINDS,
    LAST,
    PARTS,
    STATES,
    find_texts,
    index_of,
    parts_of,
    require_mapping,
    require_text,
    slot_of,
    text_field,
)
from tests.cases import each_case

SDK: dict[str, Any] = {
    get_args(each.model_fields["type"].annotation)[0]: each
    for each in get_args(get_args(ResponseStreamEvent)[0])
}
"""Type of an event → its class."""

LEFT_OUT = {
    "error",  # ends a stream before it is read as an event of a response
    "response.audio.delta",
    "response.audio.done",
    "response.audio.transcript.delta",
    "response.audio.transcript.done",
    "response.shell_call_command.added",
    "response.shell_call_command.delta",
    "response.shell_call_command.done",
    "response.shell_call_output_content.delta",
    "response.shell_call_output_content.done",
}
"""Events that are not told: no response holds sound, and the commands of a shell stand in its item."""

OWN = {"response.reasoning_part.added", "response.reasoning_part.done", "response.queued"}
"""Events that the SDK does not have, or not in every release."""


def test_every_event_of_the_sdk_is_in_the_table_or_named() -> None:
    """A release with a new one fails here, before somebody misses it."""
    assert SDK.keys() - KINDS.keys() == LEFT_OUT
    assert KINDS.keys() - SDK.keys() <= OWN


@each_case("name", sorted(KINDS.keys() & SDK.keys()))
def test_the_table_has_every_field_of_the_sdk(name) -> None:
    """What an event may have is not left out of it."""
    assert set(SDK[name].model_fields) <= set(KINDS[name].fields)


@each_case("name", sorted(KINDS))
def test_a_row_says_what_it_needs(name) -> None:
    """Texts and parts have a list, what grows has a name, and the end of a response is one."""
    kind = KINDS[name]
    assert bool(kind.list) == (kind.what in ("part", "delta", "text", "note"))
    assert bool(kind.name) == (kind.what in ("delta", "text", "call", "picture"))
    assert (kind.what == "last") == (name in LAST)
    assert not kind.type or kind.type in (
        PARTS if kind.list else STATES if kind.what == "picture" else GROWING
    )
    assert kind.ends == (name.endswith(".done") and kind.what != "state")


AT = {"output_index": 1, "content_index": 2}


@each_case("index", [None, -1, "0", 1.0, True])
def test_an_event_without_its_index_is_malformed(index) -> None:
    """Nobody guesses what it is about."""
    for name in AT:
        with pytest.raises(BackendError) as caught:
            slot_of(KINDS["response.output_text.delta"], {**AT, name: index})
        assert caught.value.code == "upstream_invalid"
    assert index_of(AT) == 1


@each_case(
    ("read", "value"),
    [(require_mapping, ["x"]), (require_mapping, None), (require_text, {}), (require_text, None)],
)
def test_an_event_without_what_it_tells_is_malformed(read, value) -> None:
    """An object is an object, a text is a text."""
    with pytest.raises(BackendError):
        read({"x": value}, "x")


ITEM = {
    "type": "message",
    "content": [{"type": "output_text", "text": "a"}, "x", {"type": "refusal", "refusal": "b"}, {"type": "output_text", "text": 7}],
    "summary": [{"type": "output_text", "text": "not here"}],
}  # fmt: skip


@each_case(
    ("event", "found"),
    [
        ({"type": "response.output_text.done", **AT, "text": "a"}, {(1, "content", 2): "a"}),
        ({"type": "response.refusal.done", **AT, "refusal": "a"}, {(1, "content", 2): "a"}),
        ({"type": "response.content_part.added", **AT, "part": {"type": "output_text", "text": "a"}}, {(1, "content", 2): "a"}),
        ({"type": "response.content_part.done", **AT, "part": {"type": "summary_text", "text": "a"}}, {}),
        ({"type": "response.content_part.done", **AT, "part": {"type": ["x"], "text": "a"}}, {}),
        ({"type": "response.output_item.done", "output_index": 3, "item": ITEM}, {(3, "content", 0): "a", (3, "content", 2): "b"}),
        ({"type": "response.output_item.done", "output_index": 3, "item": {**ITEM, "type": "reasoning"}}, {}),
        ({"type": "response.output_item.added", "output_index": 3, "item": {"type": ["x"], "content": "a"}}, {}),
        ({"type": "response.completed", "response": {"output": [{}, ITEM]}}, {(1, "content", 0): "a", (1, "content", 2): "b"}),
        ({"type": "response.completed", "response": {}}, {}),
        ({"type": "response.output_text.delta", **AT, "delta": "a"}, {}),
        ({"type": "response.created", "response": {"output": [ITEM]}}, {}),
    ],
)  # fmt: skip
def test_the_texts_that_an_event_repeats_are_found(event, found) -> None:
    """Where they stand in it, and where their parts do; a part of another item's kind has none."""
    assert {slot: value_at(event, path) for path, slot in find_texts(KINDS[event["type"]], event)} == found


def test_parts_are_those_of_either_list() -> None:
    """In the order in which a response tells them."""
    assert [(name, index) for name, index, _ in parts_of(ITEM)] == [
        ("summary", 0),
        *(("content", each) for each in range(4)),
    ]
    assert text_field(ITEM["content"][0], "content", "message") == "text"
    assert text_field(ITEM["content"][0], "content", "reasoning") == ""
    assert text_field("x", "content", "message") == ""
