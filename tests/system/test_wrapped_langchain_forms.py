"""The forms of LangChain's own pieces: messages, chunks; what goes on with its text, and what waits. Needs `langchain-core`."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage
from langchain_core.outputs import ChatGenerationChunk, GenerationChunk

from guardrails.wrapping.langchain.chunk_forms import Chunks, Completions, Form, Messages, Others, Texts

CALL = {"name": "f", "args": "{}", "id": "c", "index": 0}


def chunk(content: Any = "x", info: Any = None, **more: Any) -> ChatGenerationChunk:
    """Return a chunk of a chat model's."""
    return ChatGenerationChunk(message=AIMessageChunk(content, **more), generation_info=info)


def test_chunks_are_put_together() -> None:
    """A stream of a chat model's has some."""
    with pytest.raises(ValueError, match="no chunks"):
        Chunks().whole([])
    assert Completions().whole([GenerationChunk(text="a"), GenerationChunk(text="b")]) == "ab"


@pytest.mark.parametrize(
    ("form", "first"),
    [(Texts(), "x"), (Messages(), AIMessageChunk("x")), (Others(), {"a": 1}), (Others(), HumanMessage("x"))],
)
def test_a_form_is_known_by_the_first_piece(form: Form, first: Any) -> None:
    """Pieces of no known form do not grow."""
    assert (
        next(each for each in (Texts(), Messages(), Others()) if each.fits(first)).__class__ is form.__class__
    )
    assert (form.text(first) is None) == isinstance(form, Others)


META = {"response_metadata": {"model_provider": "openai"}}
USED = {"usage_metadata": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}}


@pytest.mark.parametrize(
    ("piece", "waits", "bare"),
    [
        (chunk(), False, True),
        (chunk(id="run-1"), False, True),
        (chunk(**META), False, False),
        (chunk(**USED), False, False),
        (chunk(info={"logprobs": [1]}), False, False),
        (chunk(info={"finish_reason": "stop"}), True, False),
        (chunk(response_metadata={"finish_reason": "stop"}), True, False),
        (chunk(response_metadata={"stop_reason": "end_turn"}), True, False),
        (chunk(response_metadata={"note": "of many words"}), True, False),
        (chunk(id="of many words"), True, True),
        (chunk(tool_call_chunks=[CALL]), True, True),
        (chunk(additional_kwargs={"reasoning_content": "x"}), True, True),
        (chunk(chunk_position="last"), True, True),
        (chunk(odd="x"), True, True),
        (chunk(name="x"), True, True),
    ],
)
def test_what_is_more_than_words_and_numbers_waits(piece: Any, waits: bool, bare: bool) -> None:
    """And so does why an answer ended."""
    assert (Chunks().waits(piece), Chunks().is_bare(piece)) == (waits, bare)


def test_lists_of_parts_are_no_text() -> None:
    """They wait."""
    assert Chunks().text(chunk([{"type": "text", "text": "x"}])) is None
    assert Texts().text(1) is None


def test_a_piece_with_another_text_loses_what_spells_the_old_one() -> None:
    """With what it says besides, unless that was told before."""
    info = {"logprobs": [1], "a": 1}
    piece = chunk("x", info, response_metadata={"logprobs": [1], "b": 1}, **USED)
    told = Chunks().told(piece, "y", again=False)
    assert (told.text, told.generation_info, told.message.response_metadata) == ("y", {"a": 1}, {"b": 1})
    assert told.message.usage_metadata == USED["usage_metadata"]
    again = Chunks().told(piece, "y", again=True)
    assert (again.text, again.generation_info, again.message.response_metadata) == ("y", None, {})
    assert again.message.usage_metadata is None
    one = GenerationChunk(text="x", generation_info=info)
    assert Completions().told(one, "y", again=False) == GenerationChunk(text="y", generation_info={"a": 1})
    assert Completions().told(one, "y", again=True) == GenerationChunk(text="y")
    assert (Completions().waits(one), Completions().is_bare(one), Completions().text(one)) == (
        False,
        False,
        "x",
    )


def test_who_gets_a_chunk_may_write_into_it() -> None:
    """LangChain does: what is kept for the end stays as it came."""
    piece = chunk()
    copied = Chunks().copy(piece)
    copied.message.id = "run-1"
    assert (piece.message.id, copied.text) == (None, "x")


def test_the_rest_of_a_changed_whole_is_one_piece() -> None:
    """With what the policy changed of it, and no more of its text than was not told."""
    pieces = [
        chunk("told "),
        chunk("rest", response_metadata={"logprobs": [1]}),
        chunk("", tool_call_chunks=[CALL]),
    ]
    whole = Chunks().whole(pieces)
    changed = whole.message.model_copy(update={"content": "told REST", "tool_calls": [{"name": "g", "args": {}, "id": "c", "type": "tool_call"}]})  # fmt: skip
    left = Chunks().left(pieces[1:], whole, [changed, []], "REST")
    assert (left.text, left.message.tool_calls[0]["name"], left.message.response_metadata) == (
        "REST",
        "g",
        {},
    )
    assert Completions().left([GenerationChunk(text="x")], "x", "y", "y").text == "y"
    assert Others().left([{"a": 1}], {"a": 1}, {"a": 2}, "") == {"a": 2}


def test_a_block_is_answered_in_the_form() -> None:
    """With why the answer ended, where there is a place for that."""
    assert Others().refusal("No.") == Texts().refusal("No.") == "No."
    assert Completions().refusal("No.") == GenerationChunk(text="No.")
    assert Messages().refusal("No.").response_metadata == {"finish_reason": "content_filter"}
    assert Chunks().refusal("No.").text == "No."
