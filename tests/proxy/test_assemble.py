"""Chunks in, the whole completion out, and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.errors import BackendError
from guardrails.proxy.assemble import Chunks, Node, chunks


def gathered(*frames: Any) -> Chunks:
    """Return what collected these chunks."""
    all_ = Chunks()
    for frame in frames:
        all_.add(frame if isinstance(frame, bytes) else json.dumps(frame).encode())
    return all_


def message(kit: Any, *deltas: Any) -> Any:
    """Return the message that these deltas make."""
    return gathered(*(kit.chunk(delta) for delta in deltas)).answer()["choices"][0]["message"]


@pytest.mark.parametrize(
    ("deltas", "expected"),
    [
        ([{"role": "assistant", "content": ""}, {"content": "a"}, {"content": "b"}], {"role": "assistant", "content": "ab"}),
        ([{"content": None}, {"content": "a"}, {"content": None}], {"content": "a"}),
        ([{"refusal": "n"}, {"refusal": "o"}], {"refusal": "no"}),
        ([{"reasoning_content": "a"}, {"reasoning_content": "b"}], {"reasoning_content": "ab"}),
        ([{"x_new": {"deep": "a"}}, {"x_new": {"deep": "b", "n": 1}}], {"x_new": {"deep": "ab", "n": 1}}),
        ([{"x": "a"}, {"x": ["b"]}], {"x": ["a", ["b"]]}),
        ([{"role": "assistant"}, {"role": "assistant"}], {"role": "assistant"}),
        ([{"function_call": {"name": "f", "arguments": "{"}}, {"function_call": {"arguments": "}"}}], {"function_call": {"name": "f", "arguments": "{}"}}),
        ([{"annotations": [{"type": "c", "t": "a"}]}, {"annotations": [{"type": "c", "t": "b"}]}], {"annotations": [{"type": "c", "t": "a"}, {"type": "c", "t": "b"}]}),
        ([{"content": [{"type": "text", "text": "a"}]}, {"content": [{"type": "text", "text": "b"}]}], {"content": [{"type": "text", "text": "ab"}]}),
        ([{"details": [{"index": 0, "text": "a"}]}, {"details": [{"index": 1, "text": "x"}]}, {"details": [{"index": 0, "text": "b"}]}], {"details": [{"index": 0, "text": "ab"}, {"index": 1, "text": "x"}]}),
        ([{"content": "\ud83d"}, {"content": "\ude00"}], {"content": "\U0001f600"}),
    ],
)  # fmt: skip
def test_deltas_make_a_message(kit, deltas, expected) -> None:
    """Strings of one field grow whatever its name; entries of lists by index or type; halves of a character join."""
    assert message(kit, *deltas) == expected


@pytest.mark.parametrize("indexed", [True, False])
def test_tool_calls_grow_by_index_or_id(kit, indexed) -> None:
    """Two calls at a time, their arguments interleaved; a server that gives no index sends ids instead."""

    def part(index: int, arguments: str, **more: Any) -> dict[str, Any]:
        call = {"function": {"arguments": arguments, **({"name": f"f{index}"} if more else {})}, **more}
        return {"tool_calls": [{"index": index, **call} if indexed else call]}

    first, second = part(0, '{"a":', id="c0", type="function"), part(1, '{"b":', id="c1", type="function")
    order = (
        [first, second, part(0, "1}"), part(1, "2}")]
        if indexed
        else [first, part(0, "1}"), second, part(1, "2}")]
    )

    calls = message(kit, *order)["tool_calls"]

    assert [(call["id"], call["type"], call["function"]) for call in calls] == [
        ("c0", "function", {"name": "f0", "arguments": '{"a":1}'}),
        ("c1", "function", {"name": "f1", "arguments": '{"b":2}'}),
    ]


def test_choices_grow_apart(kit) -> None:
    """Interleaved choices, and what stands beside them: usage, head, unknown fields, log-probabilities."""
    frames = [
        {"id": "", "model": "", "choices": [], "note": "a"},
        kit.chunk({"content": "a"}, index=1),
        kit.chunk({"content": "b"}, index=0),
        kit.chunk({"content": "c"}, index=1, note="b", obfuscation="Zx9"),
        kit.chunk({}, "stop", 0),
        kit.chunk({}, "length", 1),
        {"id": "chatcmpl-1", "choices": [], "usage": {"total_tokens": 3}},
    ]
    frames[1]["choices"][0]["logprobs"] = {"content": [{"token": "a"}]}
    frames[3]["choices"][0]["logprobs"] = {"content": [{"token": "c"}]}

    whole = gathered(*frames).answer()

    assert [(c["index"], c["message"], c["finish_reason"]) for c in whole["choices"]] == [
        (0, {"content": "b"}, "stop"),
        (1, {"content": "ac"}, "length"),
    ]
    assert whole["choices"][1]["logprobs"] == {"content": [{"token": "a"}, {"token": "c"}]}
    assert (whole["object"], whole["note"], whole["usage"]) == ("chat.completion", "ab", {"total_tokens": 3})
    assert "obfuscation" not in whole


def test_padding_that_is_a_text_is_kept_for_judgement(kit) -> None:
    """`obfuscation` is random characters; words in it are not."""
    assert gathered(kit.chunk(obfuscation="a text")).answer()["obfuscation"] == "a text"


def test_a_stray_message_is_kept_for_judgement(kit) -> None:
    """What a server puts beside the delta is not lost."""
    frame = kit.chunk({"content": "a"})
    frame["choices"][0]["message"] = {"content": "b"}

    [choice] = gathered(frame).answer()["choices"]

    assert (choice["message"], choice["delta"]) == ({"content": "a"}, {"content": "b"})


def test_long_numbers_that_change_are_all_kept() -> None:
    """A later number does not hide an earlier one that may be someone's card."""
    node = Node()
    for number in (1, 2, 4111111111111111, 0):
        node.add(number)
    assert node.value() == [4111111111111111, 0]


@pytest.mark.parametrize(
    "frame",
    [
        b"", b"{", b"[]", b"x", b'{"a":1,"a":2}', b"\xff", b'{"choices":{}}', b'{"choices":[1]}',
        b'{"choices":[{"index":-1}]}', b'{"choices":[{"index":128}]}', b'{"choices":[{"index":"0"}]}', b'{"choices":[{"index":true}]}',
    ],
)  # fmt: skip
def test_a_malformed_chunk_is_the_upstreams_fault(frame: bytes) -> None:
    """Whatever is no chunk ends the stream with 502."""
    with pytest.raises(BackendError) as caught:
        gathered(frame)
    assert (caught.value.status, caught.value.code) == (502, "upstream_invalid")


def test_half_a_character_is_the_upstreams_fault(kit) -> None:
    """A surrogate whose other half never comes."""
    with pytest.raises(BackendError):
        message(kit, {"content": "\ud83d"}, {"content": "x"})


def test_a_stream_is_finished_when_each_choice_is(kit) -> None:
    """One open choice, or none at all, is not the end."""
    assert not gathered().finished
    assert not gathered(kit.chunk({}, "stop", 0), kit.chunk({}, None, 1)).finished
    assert gathered(kit.chunk({}, "stop", 0), kit.chunk({}, "stop", 1)).finished


@given(
    st.lists(
        st.tuples(
            st.integers(0, 1), st.sampled_from(["content", "refusal", "x_new"]), st.text("ab", min_size=1)
        ),
        min_size=1,
    )
)
def test_chunks_of_a_whole_make_the_whole_again(parts) -> None:
    """Written as chunks and collected again a completion is the same."""
    frames = [
        {"choices": [{"index": index, "delta": {"role": "assistant", name: text}}]}
        for index, name, text in parts
    ]
    ends = [{"choices": [{"index": index, "delta": {}, "finish_reason": "stop"}]} for index, _, _ in parts]
    whole = gathered(
        *frames, *ends, {"id": "i", "created": 1, "model": "m", "choices": [], "usage": {"n": 1}, "note": "x"}
    ).answer()

    again = gathered(*chunks(whole)).answer()

    for choice in again["choices"]:
        choice["message"] = {name: value for name, value in choice["message"].items() if value}
    assert again == whole


def test_chunks_carry_calls_with_their_index(kit) -> None:
    """A client's SDK joins calls by index, so each has one; the end has what stood beside the message."""
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    whole = kit.completion({"role": "assistant", "content": None, "tool_calls": calls})

    frames = [json.loads(frame) for frame in chunks(whole)]

    assert [frame["choices"][0]["delta"] for frame in frames[:-1]] == [
        {"role": "assistant", "content": ""},
        {"tool_calls": [{"index": 0, **calls[0]}]},
        {},
    ]
    assert frames[2]["choices"][0] == {"index": 0, "delta": {}, "finish_reason": "stop", "logprobs": None}
    assert (frames[3]["choices"], frames[3]["usage"]["total_tokens"]) == ([], 2)
    assert {frame["object"] for frame in frames} == {"chat.completion.chunk"}
