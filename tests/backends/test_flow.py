"""Flows: one description of a guarded call, run by sync and async callers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from guardrails import Blocked, Guard
from guardrails.backends.exchange import Terms
from guardrails.backends.flow import Call, Check, Flow, arun, message_of, run
from guardrails.engine import subject
from guardrails.types import Stage


def echo(terms: Terms, text: str) -> Flow:
    """Ask a model for what it is told."""
    asked = yield Check(subject.text(text, Stage.INPUT), Stage.INPUT)
    if asked.blocked:
        return message_of(terms, asked)
    answer = yield Call((asked.content,), {"loud": True})
    verdict = yield Check(subject.text(answer, Stage.OUTPUT), Stage.OUTPUT, asked)
    return verdict.content


def model(text: str, *, loud: bool) -> str:
    """Answer."""
    return f"{text}!" if loud else text


async def amodel(text: str, *, loud: bool) -> str:
    """Answer on an event loop."""
    return model(text, loud=loud)


def test_a_flow_is_run_by_both(policy_guard: Guard) -> None:
    """With the same checks and the same calls."""
    terms = Terms(policy_guard, True)
    for text, shown in [("x", "x!"), ("zqxmask", "[MASK]!"), ("zqxbomb", "Not that.")]:
        assert run(echo(terms, text), terms, model) == shown
        assert asyncio.run(arun(echo(terms, text), terms, amodel)) == shown


def test_a_flow_that_asks_nothing_ends(policy_guard: Guard) -> None:
    """With what it returns."""

    def nothing() -> Flow:
        return "x"
        yield Call()

    terms = Terms(policy_guard, False)
    assert run(nothing(), terms, model) == asyncio.run(arun(nothing(), terms, amodel)) == "x"


def test_a_block_is_raised_unless_it_is_answered(policy_guard: Guard) -> None:
    """With the rule's message, or one of ours."""
    verdict = policy_guard.check("zqxbomb")
    with pytest.raises(Blocked):
        message_of(Terms(policy_guard, False), verdict)
    assert message_of(Terms(policy_guard, True), verdict) == "Not that."


def test_errors_of_the_backend_come_through(policy_guard: Guard) -> None:
    """As they are."""

    def fails(*_: Any, **__: Any) -> Any:
        raise KeyError("model")

    async def afails(*_: Any, **__: Any) -> Any:
        raise KeyError("model")

    terms = Terms(policy_guard, True)
    with pytest.raises(KeyError):
        run(echo(terms, "x"), terms, fails)
    with pytest.raises(KeyError):
        asyncio.run(arun(echo(terms, "x"), terms, afails))
