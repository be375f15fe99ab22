"""Calls that an SDK makes by one function with JSON: judged before and after, whole and as a stream, sync and async."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from guardrails import BackendError, Blocked, Guard
from guardrails.protocols.gemini.protocol import GENERATE, STREAM
from guardrails.testing import FakeGuard
from guardrails.wrapping.http import json_calls
from guardrails.wrapping.sdk.exchange import Exchange, Terms


@pytest.fixture
def guard() -> Guard:
    """A guard that blocks one word and redacts another."""
    return FakeGuard(blocks=["zqxbomb"], redacts=["zqxmask"])


def answer(text: str) -> dict[str, Any]:
    """Return an answer, or a chunk of one."""
    return {"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP"}]}


def exchange(guard: Guard, prompt: str, *, stream: bool = False, answers: bool = False) -> Exchange:
    """Return the checks around a call."""
    body = {"contents": [{"role": "user", "parts": [{"text": prompt}]}]}
    return json_calls.open_exchange(Terms(guard, answers), STREAM if stream else GENERATE, body)


def test_a_call_is_judged_before_and_after(guard: Guard) -> None:
    """What is left of the body is sent, what is left of the answer is returned."""
    bodies: list[Any] = []

    def send(body: dict[str, Any]) -> dict[str, Any]:
        bodies.append(body)
        return answer("take zqxmask")

    async def asend(body: dict[str, Any]) -> dict[str, Any]:
        return send(body)

    found = [
        json_calls.ask(exchange(guard, "say zqxmask"), send),
        asyncio.run(json_calls.aask(exchange(guard, "say zqxmask"), asend)),
    ]
    assert "zqxmask" not in str(bodies)
    assert "zqxmask" not in str(found)
    assert all("take" in str(each) for each in found)
    with pytest.raises(Blocked):
        json_calls.ask(exchange(guard, "zqxbomb"), send)
    assert json_calls.ask(exchange(guard, "zqxbomb", answers=True), send)["promptFeedback"]
    assert len(bodies) == 2


def test_a_stream_goes_on_as_it_is_judged(guard: Guard) -> None:
    """Each event of what may go on is one again; a block ends it."""
    chunks = [answer("one "), answer("two zqx"), answer("mask three")]
    for each in chunks[:-1]:
        del each["candidates"][0]["finishReason"]

    async def asend(body: dict[str, Any]) -> AsyncIterator[Any]:
        async def events() -> AsyncIterator[Any]:
            for chunk in chunks:
                yield chunk

        return events()

    async def collect() -> list[Any]:
        return [
            each async for each in await json_calls.aask_stream(exchange(guard, "hi", stream=True), asend)
        ]

    for events in (
        [*json_calls.ask_stream(exchange(guard, "hi", stream=True), lambda body: chunks)],
        asyncio.run(collect()),
    ):
        texts = [
            part["text"]
            for event in events
            for candidate in event["candidates"]
            for part in candidate.get("content", {}).get("parts", ())
        ]
        assert "".join(texts).startswith("one two ")
        assert "zqxmask" not in "".join(texts)
    with pytest.raises(Blocked):
        [*json_calls.ask_stream(exchange(guard, "hi", stream=True), lambda body: [answer("zqxbomb")])]
    [refused] = json_calls.ask_stream(
        exchange(guard, "zqxbomb", stream=True, answers=True), lambda body: chunks
    )
    assert refused["promptFeedback"]


def test_an_error_tells_no_more_than_the_policy_leaves(guard: Guard) -> None:
    """One that says nothing of it is raised as it is."""

    def fail(words: str) -> Any:
        def send(body: dict[str, Any]) -> Iterator[Any]:
            raise ValueError(words)

        return send

    with pytest.raises(ValueError, match="no such model"):
        json_calls.ask(exchange(guard, "hi"), fail("no such model"))
    with pytest.raises(BackendError) as redacted:
        json_calls.ask_stream(exchange(guard, "hi", stream=True), fail("cannot read zqxmask"))
    assert "cannot read" in str(redacted.value)
    assert "zqxmask" not in str(redacted.value)
    with pytest.raises(BackendError, match="was stopped"):
        json_calls.ask(exchange(guard, "hi"), fail("zqxbomb"))
