"""Flows: one description of a guarded call, run by sync and async callers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from guardrails import Blocked, Guard
from guardrails.engine.content import payload
from guardrails.types import Stage
from guardrails.wrapping.guarded_call import (
    END,
    Call,
    Check,
    Flow,
    Give,
    Next,
    Run,
    aclose,
    arun,
    astream,
    close,
    message_of,
    run,
    stream,
)
from guardrails.wrapping.sdk.exchange import Terms, response_checker_of
from tests.cases import each_case


def echo(terms: Terms, text: str) -> Flow:
    """Ask a model for what it is told."""
    asked = yield Check(payload.text(text, Stage.INPUT), Stage.INPUT)
    if asked.blocked:
        return message_of(terms, asked)
    answer = yield Call((asked.content,), {"loud": True})
    verdict = yield Check(payload.text(answer, Stage.OUTPUT), Stage.OUTPUT, asked)
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


def loud(terms: Terms, text: str) -> Flow:
    """Ask a model for a stream, and have each of its pieces judged."""
    asked = yield Check(payload.text(text, Stage.INPUT), Stage.INPUT)
    if asked.blocked:
        return [message_of(terms, asked)]
    judge = response_checker_of(terms.guard, {}, asked)
    yield Call((asked.content,))
    while (piece := (yield Next())) is not END:
        part = payload.text(piece, Stage.OUTPUT)
        verdict, _ = yield Run(lambda inline, part=part: judge.whole(part, inline))
        if verdict.blocked:
            return [message_of(terms, verdict)]
        yield Give(verdict.content)
    return ["!"]


class Source:
    """A model's stream: what was read of it, and whether it was ended."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.ended = 0

    def sync(self, text: str) -> Iterator[str]:
        """Stream words."""
        try:
            for word in text.split():
                self.read.append(word)
                yield word
        finally:
            self.ended += 1

    async def twin(self, text: str) -> AsyncIterator[str]:
        """Stream words on an event loop."""
        for word in self.sync(text):
            yield word


@each_case(
    ("text", "shown", "read"),
    [
        ("a zqxmask b", ["a", "[MASK]", "b", "!"], 3),
        ("a zqx-bomb", ["a", "zqx-bomb", "!"], 2),
        ("zqxbomb", ["Not that."], 0),
    ],
)
def test_a_stream_is_run_by_both(policy_guard: Guard, text: str, shown: list[str], read: int) -> None:
    """Pieces are given as they come, and the last with the backend's stream ended."""
    terms = Terms(policy_guard, True)
    source = Source()
    assert [*stream(loud(terms, text), terms, source.sync)] == shown

    async def main() -> list[str]:
        return [piece async for piece in astream(loud(terms, text), terms, source.twin)]

    assert asyncio.run(main()) == shown
    assert len(source.read) == 2 * read
    assert source.ended == 2 * bool(read)


def test_a_piece_is_read_when_one_more_is_wanted(policy_guard: Guard) -> None:
    """Who stops early ends the backend's stream."""
    terms, source = Terms(policy_guard, False), Source()
    pieces = stream(loud(terms, "a b c"), terms, source.sync)
    assert source.read == []
    assert (next(pieces), source.read) == ("a", ["a"])
    pieces.close()  # type: ignore[attr-defined]
    assert (source.read, source.ended) == (["a"], 1)

    async def main() -> None:
        other = astream(loud(terms, "a b c"), terms, source.twin)
        assert await anext(other) == "a"
        await other.aclose()  # type: ignore[attr-defined]
        assert source.read == ["a", "a"]

    asyncio.run(main())
    close(iter(()))
    asyncio.run(aclose(None))


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
