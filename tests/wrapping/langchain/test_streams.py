"""Streams of pieces without LangChain's types; with them: `tests/system/test_wrapped_langchain_streams.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Blocked, Guard
from guardrails.protocols.streaming.codec import Event
from guardrails.types import Stage
from guardrails.wrapping.guarded_call import stream
from guardrails.wrapping.langchain.chunk_forms import Texts
from guardrails.wrapping.langchain.streams import WHOLE, PieceCodec, anything_stream
from guardrails.wrapping.sdk.exchange import Terms
from tests.cases import each_case

BOMB, MASK = "zqxbomb", "zqxmask"
WORDS = st.lists(st.sampled_from(["zqx", "mask", "bomb", " ", "fine", "\n", "z", ". "]), max_size=12)


def told(guard: Guard, pieces: list[Any], **more: Any) -> Iterator[Any]:
    """Return what is told of a stream of pieces."""
    terms = Terms(guard, more.pop("answers", False), **more)
    return stream(anything_stream(terms, "hi"), terms, lambda _: iter(pieces))


@given(words=WORDS)
def test_what_is_told_is_what_the_check_of_the_whole_leaves(policy_guard: Guard, words: list[str]) -> None:
    """A block is raised where the whole has one; what was told before is no part of it."""
    whole, got = policy_guard.check("".join(words), "output"), list[str]()
    pieces = told(policy_guard, words)
    if whole.blocked:
        with pytest.raises(Blocked):
            got.extend(pieces)
        assert not {BOMB, MASK} & {*"".join(got).split()}
    else:
        assert "".join(pieces) == whole.content


def test_a_settled_piece_is_told_as_it_came(policy_guard: Guard) -> None:
    """Before the runnable says the next but one."""
    came: list[str] = []

    def pieces() -> Iterator[str]:
        for word in ("Hello ", "there ", "you ", "now"):
            came.append(word)
            yield word

    terms = Terms(policy_guard, False)
    out = stream(anything_stream(terms, "hi"), terms, lambda _: pieces())
    assert (next(out), came) == ("Hello ", ["Hello ", "there "])
    assert [*out] == ["there ", "you ", "now"]


@each_case(
    ("pieces", "shown"),
    [
        (["Say ", "a ", "zqx", "bomb", " so"], "Say Not that."),
        ([{"a": "x"}], [{"a": "x"}]),
        ([{"a": MASK}], [{"a": "[MASK]"}]),
        ([{"a": BOMB}], ["Not that."]),
        ([7], [7]),
        ([], []),
    ],
)
def test_what_does_not_grow_waits(policy_guard: Guard, pieces: list[Any], shown: Any) -> None:
    """It is told as it came, as the policy leaves it, or a block is answered in its place."""
    out = [*told(policy_guard, pieces, answers=True)]
    assert (out == shown) if isinstance(shown, list) else "".join(out).replace("a ", "") == shown


@each_case("pieces", [["a", {"b": 1}], [{"a": 1}, {"b": 1}], ["a", 1]])
def test_pieces_that_are_no_whole_are_refused(policy_guard: Guard, pieces: list[Any]) -> None:
    """A word over two of them would pass."""
    with pytest.raises(TypeError, match="cannot check a stream of"):
        list(told(policy_guard, pieces))


def test_values_of_the_user_come_back(guard_of: Callable[..., Guard]) -> None:
    """Though their placeholders are cut."""
    guard = guard_of(
        "detectors:\n  pii: {use: pii, entities: [email]}\n"
        "rules:\n  - {id: mail, on: input, when: pii.email > 0, then: redact, with: vault}\n"
    )
    terms = Terms(guard, False)
    out = stream(
        anything_stream(terms, "I am jo@example.com"),
        terms,
        lambda given: iter([given, " to [EM", "AIL_1].\n", "Bye"]),
    )
    assert "".join(out) == "I am jo@example.com to jo@example.com.\nBye"


def test_what_stands_elsewhere_is_held(policy_guard: Guard) -> None:
    """And told as it came, or as one."""
    more: dict[str, Any] = {"output": Stage.RETRIEVAL}
    assert [*told(policy_guard, ["a ", "b "], **more)] == ["a ", "b "]
    assert [*told(policy_guard, ["a ", MASK], **more)] == ["a [MASK]"]
    assert [*told(policy_guard, ["a ", BOMB], answers=True, **more)] == ["Not that."]


def test_what_was_told_to_its_end_has_no_rest() -> None:
    """A change has no place any more."""
    codec = PieceCodec(Texts(), ["x", "y"])
    assert codec.record_sent(Event("", {"at": 0, "text": "x"}, b"raw")) == Event(WHOLE, {"piece": "x"})
    assert codec.write_rest({"whole": "xy", "left": "xz"}) == [Event(WHOLE, {"piece": ""})]
    assert codec.record_sent(Event("", {"at": 1, "text": "z"})) == Event(WHOLE, {"piece": "z"})
    assert codec.write_rest({"whole": "xy", "left": "xz"}) is None
