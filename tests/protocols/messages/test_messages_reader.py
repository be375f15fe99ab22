"""The events of a message make up a message, in the one order that the protocol has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from guardrails import BackendError
from guardrails.protocols.messages.messages_stream import MessagesCodec, write_events
from tests.cases import each_case
from tests.protocols.conftest import AnswerReader

MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [
        {"type": "text", "text": "Hello there.", "citations": [{"type": "char_location", "cited_text": "x"}]},
        {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"q": "x", "n": [1.5]}},
        {"type": "web_search_tool_result", "tool_use_id": "t", "content": [{"title": "x"}]},
    ],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 2},
}
START = {"type": "message_start", "message": {**MESSAGE, "content": []}}
BLOCK = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
DELTA = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}}
STOP = {"type": "content_block_stop", "index": 0}
END = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}}


def whole(*given: Any) -> dict[str, Any]:
    """Return what events make up; only the last may end it."""
    blocks = AnswerReader(MessagesCodec())
    ended = [blocks.take(each) for each in given]
    assert not any(ended[:-1])
    return blocks.answer()


def test_a_message_that_is_cut_into_events_is_put_together_again() -> None:
    """With every kind of block; arguments come as JSON in a text, and pings say nothing."""
    told = [event.data for event in write_events(MESSAGE)]
    again = whole(told[0], {"type": "ping"}, *told[1:])
    assert json.loads(again["content"][2].pop("input")) == {"q": "x", "n": [1.5]}
    tool = {name: value for name, value in MESSAGE["content"][2].items() if name != "input"}
    assert again == {**MESSAGE, "content": [*MESSAGE["content"][:2], tool, MESSAGE["content"][3]]}


def test_a_character_may_be_cut_in_two() -> None:
    """In a delta alone."""
    halves = [{**DELTA, "delta": {"type": "text_delta", "text": each}} for each in ("\ud83d", "\ude00")]
    assert (
        whole(START, BLOCK, *halves, STOP, END, {"type": "message_stop"})["content"][0]["text"]
        == "\N{GRINNING FACE}"
    )
    with pytest.raises(BackendError, match="half a surrogate pair"):
        whole(START, BLOCK, halves[0], STOP, END, {"type": "message_stop"})


TOOL: dict[str, Any] = {
    **BLOCK,
    "content_block": {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
}
THOUGHT = {**BLOCK, "content_block": {"type": "thinking", "thinking": "", "signature": ""}}
SIGNED = {**BLOCK, "content_block": {"type": "thinking", "thinking": "x", "signature": "s"}}


@each_case(
    ("pieces", "given"),
    [([], {}), ([""], {}), (["", "{", "", "}"], "{}"), (["\ud83d", "\ude00"], "\N{GRINNING FACE}")],
)
def test_what_a_tool_is_called_with_is_its_pieces(pieces: list[str], given: Any) -> None:
    """Where there are none, an empty object; half of a character is the upstream's fault, also as the only piece."""
    block = {**TOOL, "content_block": {**TOOL["content_block"], "input": {}}}
    ends = STOP, END, {"type": "message_stop"}

    def called(*pieces: str) -> Any:
        deltas = [delta("input_json_delta", partial_json=piece) for piece in pieces]
        return whole(START, block, *deltas, *ends)["content"][0]["input"]

    assert called(*pieces) == given
    with pytest.raises(BackendError, match="half a surrogate pair"):
        called(*pieces, "\ud83d")


def delta(kind: str, index: Any = 0, **fields: Any) -> dict[str, Any]:
    """Return a delta of a block."""
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


ODD: dict[str, list[Any]] = {
    "unknown": [{"type": "odd"}],
    "no type": [{}],
    "type of no kind": [{"type": ["x"]}],
    "no start": [BLOCK],
    "two starts": [START, START],
    "start without a message": [{"type": "message_start"}],
    "start with content": [{**START, "message": MESSAGE}],
    "start of something else": [{**START, "message": {**MESSAGE, "type": "x", "content": []}}],
    "usage of no kind": [{**START, "message": {**MESSAGE, "content": [], "usage": 1}}],
    "half a pair": [{**START, "message": {**MESSAGE, "content": [], "id": "\ud83d"}}],
    "half a pair in a name": [START, {"type": "ping", "\ud83d": 1}],
    "block without a type": [START, {**BLOCK, "content_block": {}}],
    "block of no kind": [START, {**BLOCK, "content_block": "x"}],
    "block of a wrong index": [START, {**BLOCK, "index": 1}],
    "block of an index that is none": [START, {**BLOCK, "index": False}],
    "block in a block": [START, BLOCK, {**BLOCK, "index": 1}],
    "block behind the end": [START, END, BLOCK],
    "delta of a wrong index": [START, BLOCK, {**DELTA, "index": True}],
    "delta of another block": [START, BLOCK, {**DELTA, "index": 1}],
    "delta without a block": [START, DELTA],
    "delta behind the end of its block": [START, BLOCK, STOP, DELTA],
    "delta of no kind": [START, BLOCK, {**DELTA, "delta": "x"}],
    "delta of another type": [START, BLOCK, delta("thinking_delta", thinking="x")],
    "delta of an unknown type": [START, BLOCK, delta("hologram_delta", text="x")],
    "delta without a text": [START, BLOCK, delta("text_delta")],
    "delta whose text is none": [START, BLOCK, delta("text_delta", text=["x"])],
    "citation of no kind": [START, BLOCK, delta("citations_delta", citation=1)],
    "citation with half a pair": [START, BLOCK, delta("citations_delta", citation={"x": "\ud83d"})],
    "thought behind its signature": [START, THOUGHT, delta("signature_delta", signature="x"), delta("thinking_delta", thinking="x")],
    "thought that begins signed and goes on": [START, SIGNED, delta("thinking_delta", thinking="x")],
    "two signatures": [START, THOUGHT, delta("signature_delta", signature="x"), delta("signature_delta", signature="x")],
    "input twice": [START, TOOL, delta("input_json_delta", partial_json="{}"), STOP],
    "text of no kind": [START, {**BLOCK, "content_block": {"type": "text", "text": 1}}, DELTA, STOP],
    "stop of a wrong index": [START, BLOCK, {**STOP, "index": 1}],
    "end before the start": [END],
    "end in a block": [START, BLOCK, END],
    "end without a delta": [START, {"type": "message_delta"}],
    "end with usage of no kind": [START, {**END, "usage": 1}],
    "stop before the end": [START, {"type": "message_stop"}],
    "no end": [START, BLOCK, DELTA, STOP, END],
}  # fmt: skip


@each_case("odd", ODD)
def test_what_comes_in_no_known_form_or_order_is_refused(odd: str) -> None:
    """What nobody can put together nobody can judge."""
    with pytest.raises(BackendError, match="malformed") as caught:
        whole(*ODD[odd])
    assert (caught.value.status, caught.value.code) == (502, "upstream_invalid")
