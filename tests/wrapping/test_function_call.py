"""The steps around one call of a function: what is judged, in which order, and what comes of it."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails import Blocked, Guard
from guardrails.engine.content.payload import Payload
from guardrails.types import Stage
from guardrails.wrapping.function_call import CallStopped, FunctionCall, require_kind
from guardrails.wrapping.guarded_call import Check
from guardrails.wrapping.sdk.exchange import Terms
from tests.cases import each_case


def driven(guard: Guard, steps: Any) -> tuple[Any, list[Check]]:
    """Have a guard judge what steps yield; return what they return, and all that they had judged."""
    checks: list[Check] = []
    try:
        check = next(steps)
        while True:
            checks.append(check)
            check = steps.send(guard.check(check.subject, check.stage, **check.options({})))
    except StopIteration as end:
        return end.value, checks


def call(guard: Guard, *, answers: bool = False) -> FunctionCall:
    """Begin a call."""
    return FunctionCall(Terms(guard, answers), None)


def test_arguments_are_judged_together(policy_guard: Guard) -> None:
    """In one check at the input; numbers are handed on as they are, and so is a client, which is noted."""
    client = object()
    (args, kwargs), [check] = driven(
        policy_guard,
        call(policy_guard).before(("zqxmask", client, 3), {"texts": ["a", "zqxmask"], "n": None}),
    )
    assert (args, kwargs) == (["[MASK]", client, 3], {"texts": ["a", "[MASK]"], "n": None})
    assert isinstance(check.subject, Payload)
    assert [(getattr(leaf.content, "text", None), leaf.path) for leaf in check.subject.tree.leaves] == [
        ("a", ("texts", 0)),
        ("zqxmask", ("texts", 1)),
        ("zqxmask", (0,)),
    ]
    assert [(entry.kind, entry.reason) for entry, _ in check.subject.tree.unchecked] == [
        ("object", "an object of type object, which no adapter reads")
    ]
    assert check.stage == Stage.INPUT


def test_a_conversation_among_arguments_is_judged_by_itself(policy_guard: Guard) -> None:
    """After the others: it has turns, and a history."""
    turns = [{"role": "user", "content": "zqxmask"}]
    (args, _), checks = driven(policy_guard, call(policy_guard).before(("zqxmask", {"turns": turns}), {}))
    assert args == ["[MASK]", {"turns": [{"role": "user", "content": "[MASK]"}]}]
    assert [isinstance(check.subject, Payload) for check in checks] == [True, False]


def test_an_answer_is_judged_beside_what_was_asked(policy_guard: Guard) -> None:
    """Each of several by itself."""
    made = call(policy_guard)
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}]
    driven(policy_guard, made.before((turns,), {}))
    released, checks = driven(policy_guard, made.after(["fine", "zqxmask", None]))
    assert released == ["fine", "[MASK]", None]
    assert [(check.stage, check.beside["system"], check.beside["prompt"]) for check in checks] == [
        (Stage.OUTPUT, "Be brief.", "hi")
    ] * 2


@each_case(("answers", "error"), [(False, Blocked), (True, CallStopped)])
def test_a_block_ends_the_call(policy_guard: Guard, answers: bool, error: type[Exception]) -> None:
    """As the caller wants it: an exception, or the text that answers it."""
    with pytest.raises(error):
        driven(policy_guard, call(policy_guard, answers=answers).before(("zqxbomb",), {}))


def test_a_stream_is_of_texts() -> None:
    """Pieces of something else cannot be put together."""
    assert require_kind("a", str) == "a"
    with pytest.raises(TypeError, match="a stream of bytes: yield texts"):
        require_kind(b"a", str)
    with pytest.raises(TypeError, match="a stream of str: yield bytes"):
        require_kind("a", bytes)
