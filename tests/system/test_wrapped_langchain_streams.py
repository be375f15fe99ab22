"""LangChain's streams, wrapped: pieces of its own types are told as they are settled. Needs `langchain-core`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk, GenerationChunk

from guardrails import BackendError, Blocked, Guard
from guardrails.types import Stage
from guardrails.wrapping.guarded_call import stream
from guardrails.wrapping.langchain.streams import anything_stream, chat_stream, text_stream
from guardrails.wrapping.sdk.exchange import Terms

BOMB, MASK = "zqxbomb", "zqxmask"
POLICY = """
detectors:
  bomb: {use: terms, terms: [zqxbomb], category: custom.bomb}
  mask: {use: terms, terms: [zqxmask], category: custom.mask, match: substring}
rules:
  - id: bomb.block
    on: [input, output, tool_call, retrieval]
    when: custom.bomb > 0
    then: block
    message: Not that.
  - {id: mask.redact, on: [input, output, tool_call, retrieval], when: custom.mask > 0, then: redact}
"""
WORDS = st.lists(st.sampled_from(["zqx", "mask", "bomb", " ", "fine", "\n", "z", ". "]), max_size=12)


@pytest.fixture(scope="module")
def policy_guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that blocks zqxbomb and redacts zqxmask."""
    return guard_of(POLICY)


def chunk(content: Any, **more: Any) -> ChatGenerationChunk:
    """Return a chunk of a chat model's."""
    return ChatGenerationChunk(message=AIMessageChunk(content, **more))


def told(guard: Guard, pieces: list[Any], flow: Any, **more: Any) -> Iterator[Any]:
    """Return what is told of a stream of pieces."""
    terms = Terms(guard, more.pop("answers", False), **more)
    given: tuple[Any, ...] = (terms, "hi") if flow is anything_stream else (terms, "hi", None, {})
    return stream(flow(*given), terms, lambda *_, **__: iter(pieces))


MAKE: dict[str, tuple[Any, Callable[[str], Any], Callable[[Any], str]]] = {
    "chat": (chat_stream, chunk, lambda piece: piece.text),
    "completion": (text_stream, lambda text: GenerationChunk(text=text), lambda piece: piece.text),
    "texts": (anything_stream, str, str),
    "messages": (anything_stream, AIMessageChunk, lambda piece: piece.content),
}


@pytest.mark.parametrize("name", MAKE)
@given(words=WORDS)
def test_what_is_told_is_what_the_check_of_the_whole_leaves(
    policy_guard: Guard, name: str, words: list[str]
) -> None:
    """A block is raised where the whole has one; what was told before is no part of it."""
    flow, make, text_of = MAKE[name]
    whole, got = policy_guard.check("".join(words), "output"), list[str]()
    pieces = told(policy_guard, [*map(make, words or [""])], flow)
    if whole.blocked:
        with pytest.raises(Blocked):
            got.extend(map(text_of, pieces))
        assert not {BOMB, MASK} & {*"".join(got).split()}
    else:
        assert "".join(map(text_of, pieces)) == whole.content


@pytest.mark.parametrize("name", MAKE)
def test_a_settled_piece_is_told_as_it_came(policy_guard: Guard, name: str) -> None:
    """Before the model says the next but one."""
    flow, make, text_of = MAKE[name]
    came: list[str] = []

    def pieces() -> Iterator[Any]:
        for word in ("Hello ", "there ", "you ", "now"):
            came.append(word)
            yield make(word)

    terms = Terms(policy_guard, False)
    given: tuple[Any, ...] = (terms, "hi") if flow is anything_stream else (terms, "hi", None, {})
    out = stream(flow(*given), terms, lambda *_, **__: pieces())
    assert (text_of(next(out)), came) == ("Hello ", ["Hello ", "there "])
    assert "".join(map(text_of, out)) == "there you now"


@pytest.mark.parametrize("name", MAKE)
def test_a_block_is_answered_behind_what_was_told(policy_guard: Guard, name: str) -> None:
    """In a piece of the same form."""
    flow, make, text_of = MAKE[name]
    pieces = [*told(policy_guard, [*map(make, ["Say ", "a ", BOMB, " so"])], flow, answers=True)]
    assert {type(piece) for piece in pieces} == {type(make(""))}
    assert text_of(pieces[-1]) == "Not that."
    assert "".join(map(text_of, pieces)).startswith("Say ")


CALL = {"name": "f", "args": '{"q": "%s"}', "id": "c", "index": 0}


@pytest.mark.parametrize(("word", "shown"), [("x", "x"), (MASK, "[MASK]"), (BOMB, None)])
def test_a_call_waits_and_is_told_as_the_policy_leaves_it(
    policy_guard: Guard, word: str, shown: str | None
) -> None:
    """Behind the text that was told; with what came behind it."""
    call = {**CALL, "args": f'{{"q": "{word}"}}'}
    used = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    pieces = [
        chunk("I call a tool. "),
        chunk("Now "),
        chunk("", tool_call_chunks=[call]),
        chunk("", usage_metadata=used),
    ]
    out = told(policy_guard, pieces, chat_stream)
    whole = next(out)
    assert (whole.text[:7], whole.message.tool_calls) == ("I call ", [])
    if shown is None:
        with pytest.raises(Blocked):
            list(out)
        return
    for piece in out:
        whole += piece
    assert (whole.text, whole.message.tool_calls[0]["args"]) == ("I call a tool. Now ", {"q": shown})
    assert whole.message.usage_metadata == used


def test_what_is_told_otherwise_at_the_end_is_refused(policy_guard: Guard) -> None:
    """A text that was told, and stands in the whole as a list of parts in which it is redacted."""
    pieces = [chunk("a zqxmask "), chunk("and so "), chunk([{"type": "text", "text": "x"}])]
    with pytest.raises((Blocked, BackendError)):
        list(told(policy_guard, pieces, chat_stream))


def test_what_stands_elsewhere_is_held(policy_guard: Guard) -> None:
    """And told as it came, or as one."""
    more: dict[str, Any] = {"output": Stage.RETRIEVAL}
    assert [*told(policy_guard, ["a ", "b "], anything_stream, **more)] == ["a ", "b "]
    assert [*told(policy_guard, ["a ", MASK], anything_stream, **more)] == ["a [MASK]"]
    assert [*told(policy_guard, ["a ", BOMB], anything_stream, answers=True, **more)] == ["Not that."]
    assert [*told(policy_guard, [], anything_stream)] == []
    with pytest.raises(ValueError, match="no chunks"):
        next(told(policy_guard, [], chat_stream))
