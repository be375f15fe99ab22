"""Chat generators of Haystack with stand-ins for its classes; with it: `tests/system/frameworks/test_haystack.py`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from guardrails import Blocked
from guardrails.testing import FakeGuard
from guardrails.types import Stage
from guardrails.wrapping.frameworks.haystack import FORM, wrap
from guardrails.wrapping.sdk.exchange import Terms

TERMS = Terms(FakeGuard(blocks=["bomb"], redacts=["mask"]), answers=False)


@dataclass
class TextContent:
    """A text."""

    text: str


@dataclass
class ToolCall:
    """A call of a tool."""

    tool_name: str
    arguments: Any
    id: str | None = None


@dataclass
class ToolCallResult:
    """What a tool returned."""

    result: Any
    origin: ToolCall


@dataclass
class ReasoningContent:
    """A thought."""

    reasoning_text: str


@dataclass
class ImageContent:
    """A picture."""

    base64_image: str = "eA=="
    mime_type: str | None = None


@dataclass
class Message:
    """A message."""

    _role: Any
    _content: Any
    meta: Any = field(default_factory=dict)

    @property
    def role(self) -> Any:
        """Whose it is."""
        return self._role

    @property
    def text(self) -> str:
        """Its texts."""
        return "".join(part.text for part in self.of(TextContent))

    def of(self, kind: type) -> list[Any]:
        """Return the parts of a kind."""
        return [part for part in self._content if isinstance(part, kind)]

    @property
    def tool_calls(self) -> list[Any]:
        """Its calls."""
        return self.of(ToolCall)

    @property
    def tool_call_results(self) -> list[Any]:
        """Its results."""
        return self.of(ToolCallResult)

    @property
    def reasonings(self) -> list[Any]:
        """Its thoughts."""
        return self.of(ReasoningContent)

    @classmethod
    def from_user(cls, text: str) -> Message:
        """Return a user's message."""
        return cls("user", [TextContent(text)])

    @classmethod
    def from_assistant(cls, text: str, meta: Any) -> Message:
        """Return a model's message."""
        return cls("assistant", [TextContent(text)], meta)


@dataclass
class Chunk:
    """A piece of a reply."""

    content: str
    finish_reason: str | None = None
    tool_calls: Any = None
    reasoning: Any = None


class Generator:
    """A generator that says what it is told to."""

    def __init__(self, *parts: Any, streaming_callback: Any = None, tools: Any = None) -> None:
        self.parts, self.streaming_callback, self.tools = [*parts], streaming_callback, tools
        self.heard: list[Any] = []

    def run(self, messages: Any, streaming_callback: Any = None, *, tools: Any = None) -> Any:
        """Reply."""
        self.heard.append(messages)
        for chunk in self._chunks() if streaming_callback else ():
            streaming_callback(chunk)
        return {"replies": [Message("assistant", self.parts)]}

    def _chunks(self) -> list[Chunk]:
        text = Message("assistant", self.parts).text
        return [*map(Chunk, text), Chunk("", tool_calls=["x"]), Chunk("", finish_reason="stop")]

    async def run_async(self, messages: Any, streaming_callback: Any = None, *, tools: Any = None) -> Any:
        """Its twin."""
        for chunk in self._chunks() if streaming_callback else ():
            await streaming_callback(chunk)
        return self.run(messages)

    def to_dict(self) -> Any:
        """Return what it is made of again."""


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins for the library."""
    made = SimpleNamespace(ChatMessage=Message)
    monkeypatch.setitem(sys.modules, "haystack.dataclasses", made)  # type: ignore[arg-type]


def test_prompts_and_replies_are_judged() -> None:
    """In their own types, sync and async."""
    call = ToolCall("f", {"q": "mask"})
    generator = wrap(Generator(TextContent("my mask"), call, ReasoningContent("x")), TERMS)
    result = Message("tool", [ToolCallResult("a mask", ToolCall("f", {}, "c"))])
    picture = Message("user", [TextContent("see"), ImageContent()])
    for reply in (
        generator.run("a mask")["replies"][0],
        generator.run(messages=[picture, result])["replies"][0],
        asyncio.run(generator.run_async([Message.from_user("hello")]))["replies"][0],
    ):
        assert reply.text == "my [REDACT]"
        assert reply.tool_calls == [ToolCall("f", {"q": "[REDACT]"})]
    assert generator.heard[0][0].text == "a [REDACT]"
    assert generator.heard[1][0] is picture
    assert generator.heard[1][1].tool_call_results[0].result == "a [REDACT]"


def test_a_block_is_raised_or_answered() -> None:
    """By a reply."""
    generator = wrap(Generator(TextContent("x")), TERMS)
    with pytest.raises(Blocked):
        generator.run("bomb")
    assert generator.heard == []
    polite = wrap(Generator(TextContent("bomb")), Terms(TERMS.guard, answers=True))
    for prompt in ("bomb", "hello"):
        reply = polite.run(prompt)["replies"][0]
        assert (reply.text, reply.meta) == ("Stopped by policy.", {"finish_reason": "content_filter"})


def chunks(run: Callable[[Any], Any]) -> tuple[str, list[Any]]:
    """Return the text that a callback hears, and why it ended."""
    heard: list[Chunk] = []
    run(heard.append)
    assert not any(chunk.tool_calls for chunk in heard)
    return "".join(chunk.content for chunk in heard), [
        chunk.finish_reason for chunk in heard if chunk.finish_reason
    ]


def test_callbacks_hear_what_was_judged() -> None:
    """That of a call, or of the generator, sync or async."""

    def own(callback: Any) -> None:
        wrap(Generator(TextContent("my mask."), streaming_callback=callback), TERMS).run("hello")

    def named(callback: Any) -> None:
        wrap(Generator(TextContent("my mask.")), TERMS).run("hello", callback)

    def twin(callback: Any) -> None:
        async def hear(chunk: Any) -> None:
            callback(chunk)

        for each in (hear, callback):
            generator = wrap(Generator(TextContent("my mask.")), TERMS)
            asyncio.run(generator.run_async("hello", streaming_callback=each))

    assert chunks(own) == chunks(named) == ("my [REDACT].", ["stop"])
    assert chunks(twin) == ("my [REDACT]." * 2, ["stop"] * 2)

    def stopped(callback: Any) -> None:
        with pytest.raises(Blocked):
            wrap(Generator(TextContent("a bomb")), TERMS).run("hello", callback)

    text, ends = chunks(stopped)
    assert "bomb" not in text
    assert ends == []


def test_tools_are_judged() -> None:
    """Those of a call, or of the generator, also in sets."""
    tool = SimpleNamespace(tool_spec={"name": "f", "description": "bomb", "parameters": {}})
    with pytest.raises(Blocked):
        wrap(Generator(TextContent("x")), TERMS).run("hello", tools=[tool])
    with pytest.raises(Blocked):
        wrap(Generator(TextContent("x"), tools=[[tool]]), TERMS).run("hello")


def test_what_cannot_be_written_is_not() -> None:
    """A picture, a thought; nor is a generator with a guard written with its pipeline."""
    message = Message("user", [ImageContent(), ReasoningContent("a")])
    left = FORM.read_message(message)
    assert FORM.write_message(message, left) == message
    assert FORM.write_message(message, {**left, "reasoning_content": "b"}) is None
    assert FORM.write_message(message, {**left, "content": [{"type": "text", "text": ""}]}) is None
    with pytest.raises(TypeError, match="wrap that of the pipeline that is read"):
        wrap(Generator(), TERMS).to_dict()
    with pytest.raises(ValueError, match="output is not for models"):
        wrap(Generator(), Terms(TERMS.guard, answers=False, output=Stage.RETRIEVAL))
