"""Models of CrewAI with stand-ins for its classes; with it: `tests/system/frameworks/test_crewai.py`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from guardrails import Blocked
from guardrails.testing import FakeGuard
from guardrails.types import Stage
from guardrails.wrapping.frameworks.crewai import denial_classes, is_calls, read_call, wrap
from guardrails.wrapping.sdk.exchange import Terms
from tests.cases import each_case

GUARD = FakeGuard(blocks=["bomb"], redacts=["mask"])


class Denied(Exception):
    """What hooks raise."""


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stand-ins for the library."""
    hooks = SimpleNamespace(HookAborted=Denied)
    monkeypatch.setitem(sys.modules, "crewai.hooks.dispatch", hooks)  # type: ignore[arg-type]
    denial_classes.cache_clear()
    yield
    denial_classes.cache_clear()


class Model:
    """A model that says what it is told to, and tells listeners of it."""

    def __init__(self, answer: Any, thought: str = "") -> None:
        self.answer, self.thought = answer, thought
        self.asked: list[Any] = []
        self.heard: list[Any] = []

    def call(self, messages: Any, tools: Any = None, available_functions: Any = None) -> Any:
        """Answer."""
        self.asked.append(messages)
        if self.thought:
            self._emit_thinking_chunk_event(self.thought)
        for letter in self.answer if isinstance(self.answer, str) else "":
            self._emit_stream_chunk_event(letter)
        self._emit_stream_chunk_event("{", tool_call={"id": "c"})
        if available_functions:
            return self._handle_tool_execution("f", {"q": self.answer}, available_functions)
        self._emit_call_completed_event(self.answer, "call")
        return self.answer

    async def acall(self, messages: Any, tools: Any = None, available_functions: Any = None) -> Any:
        """Its twin."""
        return self.call(messages, tools, available_functions)

    def _emit_stream_chunk_event(self, chunk: str, tool_call: Any = None) -> None:
        self.heard.append(chunk)

    def _emit_thinking_chunk_event(self, chunk: str) -> None:
        self.heard.append(f"({chunk})")

    def _emit_call_completed_event(self, response: Any, call_type: Any) -> None:
        self.heard.append(response)

    def _handle_tool_execution(self, function_name: str, function_args: Any, available_functions: Any) -> Any:
        return available_functions[function_name](**function_args)


def wrapped(answer: Any, thought: str = "", *, answers: bool = False) -> Any:
    """Return a guarded model."""
    return wrap(Model(answer, thought), Terms(GUARD, answers))


def test_prompts_answers_and_what_listeners_hear_are_judged() -> None:
    """Texts as they grow; pieces of calls are nobody's."""
    model = wrapped("my mask.", "a mask")
    assert model.call("a mask") == "my [REDACT]."
    assert model.asked == ["a [REDACT]"]
    assert model.heard[-1] == "my [REDACT]."
    told = [each for each in model.heard[:-1] if each.startswith("(")]
    assert "".join(each[1:-1] for each in told) == "a [REDACT]"
    assert "".join(each for each in model.heard[:-1] if each not in told) == "my [REDACT]."
    assert asyncio.run(model.acall([{"role": "user", "content": "a mask"}])) == "my [REDACT]."


@each_case(("prompt", "answer", "times"), [("bomb", "x", 0), ("x", "a bomb", 1)])
def test_a_block_is_a_denial_or_an_answer(prompt: str, answer: str, times: int) -> None:
    """No listener hears of what is blocked."""
    model = wrapped(answer)
    for call in (model.call, lambda given: asyncio.run(model.acall(given))):
        with pytest.raises(Blocked) as stopped:
            call(prompt)
        assert isinstance(stopped.value, Denied)
    assert len(model.asked) == 2 * times
    assert not any("bomb" in each for each in model.heard)
    assert wrapped(answer, answers=True).call(prompt) == "Stopped by policy."


def test_calls_and_objects_are_judged() -> None:
    """Calls as the provider has them; one that would have to be edited is blocked."""
    call = SimpleNamespace(function=SimpleNamespace(name="f", arguments='{"q": "x"}'))
    assert wrapped([call]).call("x") == [call]
    call.function.arguments = '{"q": "mask"}'
    with pytest.raises(Blocked):
        wrapped([call]).call("x")
    assert wrapped({"a": "mask"}).call("x") == {"a": "[REDACT]"}
    assert read_call({"name": "f", "input": {"q": 1}}) == ("f", {"q": 1})
    assert not is_calls(["x"])


def test_tools_that_a_model_runs_itself_are_judged() -> None:
    """Their arguments and results."""
    assert wrapped("mask").call("x", available_functions={"f": lambda q: f"{q} mask"}) == "[REDACT] [REDACT]"
    with pytest.raises(Blocked):
        wrapped("x").call("x", available_functions={"f": lambda q: "bomb"})


def test_answers_stand_at_output() -> None:
    """Nowhere else."""
    with pytest.raises(ValueError, match="output is not for models"):
        wrap(Model("x"), Terms(GUARD, answers=False, output=Stage.RETRIEVAL))
