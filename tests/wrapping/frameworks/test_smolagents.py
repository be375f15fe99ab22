"""Models of smolagents with stand-ins for its classes; with it: `tests/system/frameworks/test_smolagents.py`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from guardrails import Blocked
from guardrails.testing import FakeGuard
from guardrails.types import Stage
from guardrails.wrapping.frameworks.smolagents import wrap
from guardrails.wrapping.sdk.exchange import Terms

GUARD = FakeGuard(blocks=["bomb"], redacts=["mask"])


@dataclass
class Message:
    """A message, or a piece of one."""

    role: Any = "assistant"
    content: Any = None
    tool_calls: Any = None
    raw: Any = None
    token_usage: Any = None


@dataclass
class Function:
    """What a call is of."""

    name: str
    arguments: Any


@dataclass
class Call:
    """A call of a tool."""

    function: Function
    id: str = "c"


@dataclass
class Model:
    """A model that says what it is told to."""

    answer: Message
    heard: list[Any] = field(default_factory=list)

    def generate(self, messages: Any, tools_to_call_from: Any = None) -> Message:
        """Answer."""
        self.heard.append(messages)
        return self.answer

    def generate_stream(self, messages: Any, tools_to_call_from: Any = None) -> Iterator[Message]:
        """Answer letter by letter, then with calls."""
        for letter in self.answer.content or "":
            yield Message(content=letter)
        if self.answer.tool_calls:
            yield Message(tool_calls=self.answer.tool_calls)


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins for the library."""
    models = SimpleNamespace(
        ChatMessage=Message,
        ChatMessageStreamDelta=Message,
        MessageRole=SimpleNamespace(ASSISTANT="assistant"),
        get_tool_json_schema=lambda tool: tool,
        agglomerate_stream_deltas=lambda pieces: pieces[-1],
    )
    monkeypatch.setitem(sys.modules, "smolagents.models", models)  # type: ignore[arg-type]


def test_prompts_and_answers_are_judged() -> None:
    """In the types that they have; roles that no model is told are others."""
    call = Call(Function("f", {"q": "mask", "n": 1}))
    model = wrap(Model(Message(content="a mask", tool_calls=[call])), Terms(GUARD, answers=False))
    given = [Message("system", "s"), Message("tool-call", "x"), Message("tool-response", "a mask")]
    answer = model.generate([*given, {"role": "user", "content": "mask"}])

    assert (answer.content, answer.tool_calls[0].function.arguments) == (
        "a [REDACT]",
        {"q": "[REDACT]", "n": 1},
    )
    heard = model.heard[0]
    assert (heard[0], heard[2].content, heard[3]["content"]) == (given[0], "a [REDACT]", "[REDACT]")
    with pytest.raises(Blocked):
        model.generate([Message("user", "bomb")])
    polite = wrap(Model(Message(content="x")), Terms(GUARD, answers=True))
    assert polite.generate([Message("user", "bomb")]).content == "Stopped by policy."


def test_streams_go_on_as_they_are_judged() -> None:
    """Calls at the end."""
    call = Call(Function("f", '{"q": 1}'))
    terms = Terms(GUARD, answers=True)
    pieces = [*wrap(Model(Message(content="a mask.", tool_calls=[call])), terms).generate_stream([])]
    assert "".join(piece.content or "" for piece in pieces) == "a [REDACT]."
    assert pieces[-1].tool_calls == [call]
    stopped = [*wrap(Model(Message(content="a bomb")), terms).generate_stream([])]
    assert stopped[-1].content == "Stopped by policy."


def test_answers_stand_at_output() -> None:
    """Nowhere else."""
    with pytest.raises(ValueError, match="output is not for models"):
        wrap(Model(Message()), Terms(GUARD, answers=False, output=Stage.RETRIEVAL))
