"""How LangChain's classes are guarded, without the library: `tests/system/test_wrapped_langchain.py` has it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from guardrails import Blocked, Guard
from guardrails.engine.content import payload
from guardrails.types import Stage
from guardrails.wrapping.guarded_call import END, Call, Check, Flow, Give, Next, message_of
from guardrails.wrapping.langchain.runnables import (
    INSIDE,
    Asking,
    AsyncAsking,
    asking,
    async_methods,
    overrides,
    sync_methods,
)
from guardrails.wrapping.sdk.exchange import Terms


class BaseChatModel:
    """LangChain's own class, whose methods come back to others."""

    def _generate(self, given: str, stop: Any = None) -> str:
        raise NotImplementedError

    async def _agenerate(self, given: str, stop: Any = None) -> str:
        raise NotImplementedError


class Model(BaseChatModel):
    """A model that streams inside."""

    def _generate(self, given: str, stop: Any = None) -> str:
        return "".join(self._stream(given))

    def _stream(self, given: str, stop: Any = None) -> Any:
        yield from given


def echo(terms: Terms, given: str, stop: Any, options: Any) -> Flow:
    """Ask a model for what it is told."""
    asked = yield Check(payload.text(given, Stage.INPUT), Stage.INPUT)
    if asked.blocked:
        return message_of(terms, asked)
    return (yield Call((f"<{asked.content}>",)))


def test_methods_of_a_model_s_own_are_told() -> None:
    """The others lead to these."""
    assert overrides(Model, "_generate")
    assert not overrides(Model, "_agenerate")


def pieces(terms: Terms, given: str, stop: Any, options: Any) -> Flow:
    """Ask a model for what it is told, piece by piece."""
    yield Call((f"<{given}>",))
    while (piece := (yield Next())) is not END:
        yield Give((piece, INSIDE.get()))
    return []


def test_what_a_model_asks_of_itself_is_judged_once(policy_guard: Guard) -> None:
    """The outer call is, and then it may stream inside; between two pieces it is not asked."""
    terms = Terms(policy_guard, False)
    kind: Any = type("Model", (Model,), sync_methods(Model, terms, echo, pieces))
    made = kind()
    assert made._generate("zqxmask") == "<[MASK]>"
    assert [*made._stream("x")] == [("<", ()), ("x", ()), (">", ())]
    assert INSIDE.get() == ()
    with pytest.raises(Blocked):
        made._generate("zqxbomb")
    with asking(made):
        assert made._generate("zqxbomb") == "zqxbomb"


def test_the_twins_on_an_event_loop_are_both_there(policy_guard: Guard) -> None:
    """Under LangChain's names."""
    assert set(async_methods(Model, Terms(policy_guard, False), echo, pieces)) == {"_agenerate", "_astream"}


def test_a_stream_tells_that_its_model_is_asked_only_while_a_piece_is_made() -> None:
    """And is ended with what it wraps."""
    model, ended, seen = object(), list[str](), list[bool]()

    def sync() -> Iterator[str]:
        try:
            for each in "ab":
                seen.append(id(model) in INSIDE.get())
                yield each
        finally:
            ended.append("sync")

    async def twin() -> AsyncIterator[str]:
        try:
            for each in "ab":
                seen.append(id(model) in INSIDE.get())
                yield each
        finally:
            ended.append("async")

    one = Asking(model, sync())
    assert (next(iter(one)), INSIDE.get()) == ("a", ())
    one.close()

    async def main() -> None:
        other = AsyncAsking(model, twin())
        assert (await anext(aiter(other)), INSIDE.get()) == ("a", ())
        await other.aclose()

    asyncio.run(main())
    assert (ended, seen) == (["sync", "async"], [True, True])
