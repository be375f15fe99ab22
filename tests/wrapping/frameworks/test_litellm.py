"""litellm's functions with stand-ins for its classes; with it: `tests/system/frameworks/test_litellm.py`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from guardrails import Blocked, RequestError
from guardrails.testing import FakeGuard
from guardrails.types import Stage
from guardrails.wrapping.frameworks.litellm import wrap
from guardrails.wrapping.sdk.exchange import Terms
from tests.cases import each_case

TERMS = Terms(FakeGuard(blocks=["bomb"], redacts=["mask"]), answers=False)
POLITE = Terms(TERMS.guard, answers=True)


class Said(BaseModel):
    """A message, or a piece of one."""

    role: str | None = "assistant"
    content: str | None = None
    tool_calls: Any = None
    reasoning_content: str | None = None
    images: Any = None


class Choice(BaseModel):
    """A choice of an answer, or of a piece of one."""

    index: int = 0
    message: Said = Said()
    delta: Said = Said()
    finish_reason: str | None = None
    logprobs: Any = None


class Answer(BaseModel):
    """An answer, or a piece of one."""

    choices: list[Choice]


def call(arguments: str, **more: Any) -> dict[str, Any]:
    """Return a call of a tool, or a piece of one."""
    return {"index": 0, "function": {"name": "f", "arguments": arguments}, **more}


class Library:
    """Asks a model that says what it is told to."""

    def __init__(self, *messages: Said) -> None:
        self.messages = messages
        self.heard: list[Any] = []

    def completion(self, model: str, messages: Any, **options: Any) -> Any:
        """Answer, whole or piece by piece."""
        self.heard.append(messages)
        if not options.get("stream"):
            return Answer(choices=[Choice(message=each, logprobs=[1]) for each in self.messages])
        return self._pieces()

    def _pieces(self) -> Iterator[Answer]:
        for each in self.messages:
            for letter in each.content or "":
                yield Answer(choices=[Choice(delta=Said(content=letter))])
            rest = each.model_copy(update={"content": None})
            yield Answer(choices=[Choice(delta=rest)])
        yield Answer(choices=[Choice(finish_reason="stop")])
        yield Answer(choices=[])

    def function(self, name: str = "completion") -> Any:
        """Return the function of a name."""
        if name == "completion":
            return lambda *args, **options: self.completion(*args, **options)

        async def acompletion(*args: Any, **options: Any) -> Any:
            async def pieces() -> AsyncIterator[Answer]:
                for piece in self._pieces():
                    yield piece

            answer = self.completion(*args, **options)
            return pieces() if options.get("stream") else answer

        return acompletion


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins for the library."""
    made = SimpleNamespace(ModelResponse=Answer, ModelResponseStream=Answer)
    monkeypatch.setitem(sys.modules, "litellm", made)  # type: ignore[arg-type]


def user(text: str) -> list[Any]:
    """Return the messages of a prompt."""
    return [{"role": "user", "content": text}]


def test_calls_are_judged() -> None:
    """Each choice of the answer; one that changes loses what spells it."""
    model = Library(Said(content="my mask", tool_calls=[call("{}")]), Said(content="x"))
    completion = wrap(model.function(), TERMS)
    answer = completion("m", [*user("a mask"), Said(content="mask")])
    assert [choice.message.content for choice in answer.choices] == ["my [REDACT]", "x"]
    assert answer.choices[0].logprobs is None
    assert [message["content"] for message in model.heard[0]] == ["a [REDACT]", "[REDACT]"]
    answer = asyncio.run(wrap(model.function("acompletion"), TERMS)("m", messages=user("hello")))
    assert answer.choices[0].message.content == "my [REDACT]"
    same = wrap(Library(Said(content="x")).function(), TERMS)("m", user("hello"))
    assert same.choices[0].logprobs == [1]


def text_of(pieces: Any) -> str:
    """Return the text of pieces."""
    return "".join(choice.delta.content or "" for piece in pieces for choice in piece.choices)


def test_streams_are_judged() -> None:
    """Their text as it grows, all else at the end, where it stands behind the text."""
    model = Library(Said(content="my mask.", tool_calls=[call('{"q": 1}', id="c")], reasoning_content="why"))
    pieces = [*wrap(model.function(), TERMS)("m", user("hello"), stream=True)]
    assert text_of(pieces) == "my [REDACT]."
    assert [choice.finish_reason for piece in pieces[-2:] for choice in piece.choices] == ["stop"]
    assert pieces[-3].choices[0].delta.tool_calls == [call('{"q": 1}', id="c")]

    async def collect() -> list[Any]:
        stream = await wrap(model.function("acompletion"), TERMS)("m", user("hello"), stream=True)
        return [piece async for piece in stream]

    assert text_of(asyncio.run(collect())) == "my [REDACT]."


def read(answer: Any) -> list[Any]:
    """Read an answer, or a stream to its end."""
    return [answer] if isinstance(answer, Answer) else [*answer]


@each_case("said", [Said(content="a bomb"), Said(tool_calls=[call("bomb")]), Said(images=["bomb"])])
def test_a_block_is_raised_or_answered(said: Said) -> None:
    """A blocked prompt is raised where it is asked, before the stream is read."""
    for options in ({}, {"stream": True}):
        asked = Library(said)
        with pytest.raises(Blocked):
            wrap(asked.function(), TERMS)("m", user("bomb"), **options)
        assert asked.heard == []
        with pytest.raises(Blocked):
            text_of(wrap(Library(said).function(), TERMS)("m", user("x"), **options))
    polite = wrap(Library(said).function(), POLITE)
    assert polite("m", user("bomb")).choices[0].message.content == "Stopped by policy."
    assert text_of(polite("m", user("bomb"), stream=True)) == "Stopped by policy."
    assert text_of(polite("m", user("x"), stream=True)).endswith("Stopped by policy.")


def test_a_blocked_prompt_of_the_twin_is_answered() -> None:
    """Whole, or as a stream."""

    async def main() -> tuple[str, str]:
        polite = wrap(Library().function("acompletion"), POLITE)
        whole = await polite("m", user("bomb"))
        pieces = [piece async for piece in await polite("m", user("bomb"), stream=True)]
        return whole.choices[0].message.content, text_of(pieces)

    assert asyncio.run(main()) == ("Stopped by policy.", "Stopped by policy.")


def test_what_cannot_be_guarded_is_refused() -> None:
    """With the cure."""
    completion = wrap(Library(Said(content="x")).function(), TERMS)
    with pytest.raises(RequestError, match="ask for one, or for no stream"):
        completion("m", user("x"), stream=True, n=2)
    with pytest.raises(Blocked):
        completion("m", user("x"), stop=["mask"])
    with pytest.raises(ValueError, match="output is not for models"):
        wrap(print, Terms(TERMS.guard, answers=False, output=Stage.RETRIEVAL))
