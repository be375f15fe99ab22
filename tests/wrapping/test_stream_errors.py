"""Blocks in the middle of a stream, through Anthropic's released SDK, which keeps no error but its own."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest

from guardrails import BackendError, Blocked, Guard, GuardrailsError, GuardUnavailable
from guardrails.testing import Reply, ScriptedUpstream
from guardrails.wrapping.stream_errors import find_let_through, let_through
from tests.cases import each_case

BOMB = "zqxbomb"
ASKED: dict[str, Any] = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    """A model that says that word late, and in pieces."""
    with ScriptedUpstream() as made:
        made.reply_with(Reply(f"Something long enough to be let go before. {BOMB} and more.", cut=4))
        yield made


def _events(guard: Guard, url: str) -> None:
    with guard.wrap(anthropic.Anthropic(base_url=url, api_key="none", max_retries=0)) as client:
        for _ in client.messages.create(**ASKED, stream=True):
            pass


def _texts(guard: Guard, url: str) -> None:
    with (
        guard.wrap(anthropic.Anthropic(base_url=url, api_key="none", max_retries=0)) as client,
        client.messages.stream(**ASKED) as stream,
    ):
        for _ in stream.text_stream:
            pass


def _asynchronously(guard: Guard, url: str) -> None:
    async def ask() -> None:
        client = guard.wrap(anthropic.AsyncAnthropic(base_url=url, api_key="none", max_retries=0))
        async with client, client.messages.stream(**ASKED) as stream:
            async for _ in stream.text_stream:
                pass

    asyncio.run(ask())


@pytest.mark.parametrize("ask", [_events, _texts, _asynchronously])
def test_a_late_block_arrives_as_a_block(
    policy_guard: Guard, upstream: ScriptedUpstream, ask: Callable[[Guard, str], None]
) -> None:
    """With its verdict and its words; it is an error of the SDK's too, and goes on to other processes as a plain one."""
    with pytest.raises(Blocked, match="blocked by rule") as raised:
        ask(policy_guard, upstream.url.removesuffix("/v1"))
    assert isinstance(raised.value, anthropic.AnthropicError)
    assert raised.value.verdict.blocked
    copied = pickle.loads(pickle.dumps(raised.value))
    assert type(copied) is Blocked
    assert (str(copied), copied.verdict.id) == (str(raised.value), raised.value.verdict.id)


ERRORS = [GuardUnavailable("checks", 7), BackendError("it failed", 503, "gone")]


@each_case("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_keeps_all_that_it_has(error: GuardrailsError) -> None:
    """Its class, its name and its attributes; others go on as they are."""

    def pieces(raised: Exception) -> Iterator[bytes]:
        yield b"one"
        raise raised

    got = let_through(pieces(error), anthropic.AnthropicError)
    assert next(got) == b"one"
    with pytest.raises(type(error)) as raised:
        next(got)
    assert isinstance(raised.value, anthropic.AnthropicError)
    assert (str(raised.value), vars(raised.value)) == (str(error), vars(error))
    assert type(raised.value).__qualname__ == type(error).__qualname__
    with pytest.raises(ZeroDivisionError):
        [*let_through(pieces(ZeroDivisionError()), anthropic.AnthropicError)]


def test_only_an_sdk_that_needs_it_is_told_so() -> None:
    """OpenAI's keeps errors as they are; a subclass of Anthropic's client is one of these."""
    assert find_let_through(openai.OpenAI(api_key="k")) is None
    own = type("Mine", (anthropic.Anthropic,), {"__module__": "mine"})
    assert find_let_through(own(api_key="k")) is anthropic.AnthropicError
