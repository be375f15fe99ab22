"""Models and retrievers of LlamaIndex with stand-ins for its classes; with it: `tests/system/frameworks/test_llama_index.py`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from guardrails import Blocked
from guardrails.testing import FakeGuard
from guardrails.types import Stage
from guardrails.wrapping.frameworks.llama_index import read_message, wrap, wrap_retriever, write_message
from guardrails.wrapping.sdk.exchange import Terms

TERMS = Terms(FakeGuard(blocks=["bomb"], redacts=["mask"]), answers=False)


class Block(BaseModel):
    """A block of a message, of any kind."""

    block_type: str = "text"
    text: str = ""
    content: str = ""
    tool_call_id: str | None = None
    tool_name: str = ""
    tool_kwargs: Any = ""


class Message(BaseModel):
    """A message."""

    role: str = "user"
    blocks: list[Block] = []
    additional_kwargs: dict[str, Any] = {}

    @property
    def content(self) -> str:
        """Its text."""
        return "".join(block.text for block in self.blocks)


class Answer(BaseModel):
    """A chat response, or a piece of one; or of a completion."""

    message: Message = Message()
    text: str = ""
    delta: str | None = None
    raw: Any = None
    logprobs: Any = None
    additional_kwargs: dict[str, Any] = {}


def said(text: str, *others: Block, role: str = "user") -> Message:
    """Return a message with a text."""
    return Message(role=role, blocks=[*others, Block(text=text)])


CALL = Block(block_type="tool_call", tool_name="f", tool_kwargs={"q": "x"})


class Model:
    """A model that says what it is told to."""

    def __init__(self, text: str, *others: Block) -> None:
        self.text, self.others = text, others
        self.heard: list[Any] = []

    def chat(self, messages: Any, **options: Any) -> Answer:
        """Answer messages."""
        self.heard.append(messages)
        return Answer(message=said(self.text, *self.others, role="assistant"), raw=self.text)

    async def achat(self, messages: Any, **options: Any) -> Answer:
        """Its twin."""
        return self.chat(messages)

    def stream_chat(self, messages: Any, **options: Any) -> Iterator[Answer]:
        """Answer letter by letter, then with all of the rest."""
        for end in range(1, len(self.text) + 1):
            yield Answer(message=said(self.text[:end]), delta=self.text[end - 1], raw=self.text)
        if self.others:
            yield Answer(message=said(self.text, *self.others), delta="", raw=self.text)

    async def astream_chat(self, messages: Any, **options: Any) -> AsyncIterator[Answer]:
        """Its twin."""

        async def pieces() -> AsyncIterator[Answer]:
            for piece in self.stream_chat(messages):
                yield piece

        return pieces()

    def complete(self, prompt: str, **options: Any) -> Answer:
        """Complete a prompt."""
        self.heard.append(prompt)
        return Answer(text=self.text)

    def stream_complete(self, prompt: str, **options: Any) -> Iterator[Answer]:
        """Complete a prompt letter by letter."""
        for end in range(1, len(self.text) + 1):
            yield Answer(text=self.text[:end], delta=self.text[end - 1])


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins for the library."""
    types = SimpleNamespace(
        TextBlock=Block,
        ChatMessage=lambda content, role: said(content, role=role),
        ChatResponse=Answer,
        CompletionResponse=Answer,
        MessageRole=SimpleNamespace(ASSISTANT="assistant"),
    )
    schema = SimpleNamespace(NodeWithScore=Found, TextNode=Node)
    monkeypatch.setitem(sys.modules, "llama_index.core.base.llms.types", types)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "llama_index.core.schema", schema)  # type: ignore[arg-type]


def test_chats_are_judged() -> None:
    """Whole or streamed, sync or async, by position or by name; an answer that changes loses what spells it."""
    model = wrap(Model("my mask."), TERMS)
    answers = [
        model.chat([said("a mask")]),
        model.chat(messages=[said("a mask")]),
        asyncio.run(model.achat([said("a mask")])),
    ]
    assert {answer.message.content for answer in answers} == {"my [REDACT]."}
    assert {answer.raw for answer in answers} == {None}
    assert {messages[0].content for messages in model.heard} == {"a [REDACT]"}

    async def collect() -> list[Any]:
        return [piece async for piece in await model.astream_chat([said("hello")])]

    for pieces in ([*model.stream_chat([said("hello")])], asyncio.run(collect())):
        assert "".join(piece.delta for piece in pieces) == "my [REDACT]."
        assert pieces[-1].message.content == "my [REDACT]."
        assert not any("mask" in str(piece) for piece in pieces)


def test_completions_are_judged() -> None:
    """As chats are."""
    model = wrap(Model("my mask."), TERMS)
    assert model.complete("a mask").text == "my [REDACT]."
    assert model.complete(prompt="a mask").text == "my [REDACT]."
    assert model.heard == ["a [REDACT]", "a [REDACT]"]
    pieces = [*model.stream_complete("hello")]
    assert ("".join(piece.delta for piece in pieces), pieces[-1].text) == ("my [REDACT].", "my [REDACT].")


def test_a_block_is_raised_or_answered() -> None:
    """In the types of the library."""
    polite = Terms(TERMS.guard, answers=True)
    with pytest.raises(Blocked):
        wrap(Model("x"), TERMS).chat([said("bomb")])
    assert wrap(Model("x"), polite).chat([said("bomb")]).message.content == "Stopped by policy."
    assert wrap(Model("bomb"), polite).complete("x").text == "Stopped by policy."
    assert [*wrap(Model("a bomb"), polite).stream_chat([said("x")])][-1].delta == "Stopped by policy."


def test_calls_wait_for_the_end() -> None:
    """With the text that was given."""
    pieces = [*wrap(Model("Hi.", CALL), TERMS).stream_chat([said("x")])]
    assert pieces[-1].message.blocks == [CALL, Block(text="Hi.")]
    unsafe = CALL.model_copy(update={"tool_kwargs": {"q": "bomb"}})
    with pytest.raises(Blocked):
        [*wrap(Model("Hi.", unsafe), TERMS).stream_chat([said("x")])]


def test_messages_are_read_and_written() -> None:
    """Thoughts and calls are nothing that can be written."""
    message = said("a", CALL, Block(block_type="thinking", content="t"), role="chatbot")
    shown = read_message(message)
    assert (shown["role"], shown["reasoning_content"]) == ("assistant", "t")
    assert shown["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"q": "x"}'}
    assert write_message(message, {**shown, "reasoning_content": "u"}) is None
    assert write_message(message, {**shown, "content": [{"type": "text", "text": "b"}]}).content == "b"
    odd = Message(blocks=[Block(block_type="odd")])
    assert write_message(odd, {**read_message(odd), "content": [{"type": "text", "text": "b"}]}) is None
    result = Message(role="tool", blocks=[Block(text="r")], additional_kwargs={"tool_call_id": "c"})
    assert read_message(result)["tool_call_id"] == "c"


class Node(BaseModel):
    """A node."""

    text: str

    def get_content(self) -> str:
        """Its text."""
        return self.text

    def set_content(self, text: str) -> None:
        """Set it."""
        self.text = text


class Found(BaseModel):
    """What was found."""

    node: Node


@dataclass
class Bundle:
    """A query."""

    query_str: str


class Retriever:
    """A retriever that finds what is asked."""

    def _retrieve(self, query_bundle: Bundle) -> list[Found]:
        return [Found(node=Node(text=f"on {query_bundle.query_str}")), Found(node=Node(text="mask"))]

    async def _aretrieve(self, query_bundle: Bundle) -> list[Found]:
        return self._retrieve(query_bundle)


def test_queries_and_nodes_are_judged() -> None:
    """A block is answered by a node of its own."""
    retriever = wrap_retriever(Retriever(), TERMS)
    for found in (retriever._retrieve(Bundle("a mask")), asyncio.run(retriever._aretrieve(Bundle("a mask")))):
        assert [each.node.text for each in found] == ["on a [REDACT]", "[REDACT]"]
    with pytest.raises(Blocked):
        retriever._retrieve(Bundle("bomb"))
    polite = wrap_retriever(Retriever(), Terms(TERMS.guard, answers=True))
    assert polite._retrieve(Bundle("bomb"))[0].node.text == "Stopped by policy."


def test_answers_stand_at_output() -> None:
    """Nowhere else."""
    with pytest.raises(ValueError, match="output is not for models"):
        wrap(Model("x"), Terms(TERMS.guard, answers=False, output=Stage.RETRIEVAL))
