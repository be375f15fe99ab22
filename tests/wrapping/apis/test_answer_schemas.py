"""Clients of OpenAI's and Anthropic's SDKs whose answers must fit a schema: repaired, asked for again, whole and in streams."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest
from pydantic import BaseModel

from guardrails import Guard, InvalidAnswer
from guardrails.testing import Reply, ScriptedUpstream
from guardrails.types import ToolCall

ASKED: Any = [{"role": "user", "content": "Who is it?"}]
GOOD = '{"name": "Jo", "age": 3}'
BROKEN = "Sure:\n```json\n{'name': 'Jo', age: 3,}\n```"


class Person(BaseModel):
    """A person."""

    name: str
    age: int


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    """A model that answers what a script says."""
    with ScriptedUpstream() as made:
        yield made


@pytest.fixture(scope="module")
def guard() -> Guard:
    """The default policy."""
    return Guard.load()


def asked(client: Any, ask: Callable[[Any], list[Any]]) -> list[Any]:
    """Return what is answered through a client, which is closed then."""
    try:
        return ask(client)
    finally:
        if not isinstance(client, openai.AsyncOpenAI):
            client.close()


def openai_client(upstream: ScriptedUpstream) -> openai.OpenAI:
    """Return a client of OpenAI's."""
    return openai.OpenAI(base_url=upstream.url, api_key="none", max_retries=0)


def anthropic_client(upstream: ScriptedUpstream) -> anthropic.Anthropic:
    """Return a client of Anthropic's."""
    return anthropic.Anthropic(base_url=upstream.url.removesuffix("/v1"), api_key="none", max_retries=0)


def _anthropic_stream(client: anthropic.Anthropic) -> list[str]:
    with client.messages.stream(model="m", max_tokens=9, messages=ASKED) as stream:
        return [*stream.text_stream]


def _openai_async(client: openai.AsyncOpenAI, stream: bool) -> Any:
    async def ask() -> Any:
        async with client:
            answer = await client.chat.completions.create(model="m", messages=ASKED, stream=stream)
            if not stream:
                return [answer.choices[0].message.content]
            return [chunk.choices[0].delta.content async for chunk in answer if chunk.choices]

    return asyncio.run(ask())


def _chunks(client: openai.OpenAI) -> list[Any]:
    stream = client.chat.completions.create(model="m", messages=ASKED, stream=True)
    return [chunk.choices[0].delta.content for chunk in stream if chunk.choices]


def _deltas(client: openai.OpenAI) -> list[str]:
    stream = client.responses.create(model="m", input="Who is it?", stream=True)
    return [event.delta for event in stream if event.type == "response.output_text.delta"]


CALLS: dict[str, tuple[Callable[[ScriptedUpstream], Any], Callable[[Any], list[Any]]]] = {
    "chat": (openai_client, lambda client: [client.chat.completions.create(model="m", messages=ASKED).choices[0].message.content]),
    "chat stream": (openai_client, _chunks),
    "responses": (openai_client, lambda client: [client.responses.create(model="m", input="Who is it?").output_text]),
    "responses stream": (openai_client, _deltas),
    "messages": (anthropic_client, lambda client: [client.messages.create(model="m", max_tokens=9, messages=ASKED).content[0].text]),
    "messages stream": (anthropic_client, _anthropic_stream),
    "async chat": (
        lambda upstream: openai.AsyncOpenAI(base_url=upstream.url, api_key="none", max_retries=0),
        lambda client: _openai_async(client, stream=False),
    ),
    "async chat stream": (
        lambda upstream: openai.AsyncOpenAI(base_url=upstream.url, api_key="none", max_retries=0),
        lambda client: _openai_async(client, stream=True),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "ask"), CALLS.values(), ids=[*CALLS])
def test_answers_are_repaired_and_asked_for_again(
    upstream: ScriptedUpstream, guard: Guard, make: Any, ask: Any
) -> None:
    """In each API, whole and as a stream, of which what was repaired is one piece; the new question has two more turns."""
    upstream.reply_with(Reply(BROKEN, cut=5))
    assert [piece for piece in asked(guard.wrap(make(upstream), schema=Person, reask=2), ask) if piece] == [
        GOOD
    ]
    assert len(upstream.requests) == 1

    upstream.reset()
    upstream.reply_with(Reply("no", cut=1), Reply('{"name": "Jo", "age": "old"}', cut=5), Reply(GOOD, cut=5))
    pieces = asked(guard.wrap(make(upstream), schema=Person, reask=2), ask)
    assert "".join(piece for piece in pieces if piece) == GOOD
    turns = upstream.requests[2].json.get("messages") or upstream.requests[2].json["input"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user", "assistant", "user"]
    assert "/age: " in turns[-1]["content"]


@pytest.mark.parametrize(("make", "ask"), CALLS.values(), ids=[*CALLS])
def test_the_count_is_bounded(upstream: ScriptedUpstream, guard: Guard, make: Any, ask: Any) -> None:
    """Then it is an error with what is wrong and where."""
    upstream.reply_with(*["no"] * 9)
    with pytest.raises(InvalidAnswer, match="must be valid JSON"):
        asked(guard.wrap(make(upstream), schema=Person, reask=1), ask)
    assert len(upstream.requests) == 2


def test_an_empty_answer_fits_nothing(upstream: ScriptedUpstream, guard: Guard) -> None:
    """A model that says nothing is asked again, in words that every API takes."""
    upstream.reply_with("", GOOD)
    with guard.wrap(openai_client(upstream), schema=Person, reask=1) as client:
        answer = client.chat.completions.create(model="m", messages=ASKED)
    assert answer.choices[0].message.content == GOOD
    assert upstream.requests[1].json["messages"][1]["content"] == "(no answer)"


def test_blocks_are_answered_in_kind(upstream: ScriptedUpstream, guard: Guard) -> None:
    """As the API refuses, where that was asked for."""
    upstream.reply_with("no")
    with guard.wrap(openai_client(upstream), schema=Person, on_block="answer") as client:
        message = client.chat.completions.create(model="m", messages=ASKED).choices[0].message
    assert (message.content, bool(message.refusal)) == (None, True)


def test_calls_of_tools_and_copies_of_a_client(upstream: ScriptedUpstream, guard: Guard) -> None:
    """A call is no answer yet; a copy with other options wants the same."""
    client = guard.wrap(openai_client(upstream), schema=Person).with_options(timeout=5)
    upstream.reply_with(Reply("Let me look.", [ToolCall("look", '{"at": "x"}')]), BROKEN)
    assert (
        client.chat.completions.create(model="m", messages=ASKED).choices[0].message.content == "Let me look."
    )
    assert client.chat.completions.create(model="m", messages=ASKED).choices[0].message.content == GOOD
