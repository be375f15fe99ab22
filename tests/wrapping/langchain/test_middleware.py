"""The middleware of agents with stand-ins for LangChain's classes; with it: `tests/system/frameworks/test_langchain.py`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest

from guardrails import Blocked
from guardrails.testing import FakeGuard
from guardrails.wrapping.langchain.middleware import middleware_class


@dataclass
class Request:
    """A request of an agent, for a tool or for its model."""

    tool_call: Any = None
    model: Any = None

    def override(self, **changes: Any) -> Request:
        """Return another one."""
        return replace(self, **changes)


@pytest.fixture
def guard(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGuard]:
    """A guard that blocks `bomb` and redacts `mask`, beside stand-ins for LangChain."""
    middleware = SimpleNamespace(AgentMiddleware=object)
    monkeypatch.setitem(sys.modules, "langchain.agents.middleware", middleware)  # type: ignore[arg-type]
    messages = SimpleNamespace(ToolMessage=lambda **fields: fields)
    monkeypatch.setitem(sys.modules, "langchain_core.messages", messages)  # type: ignore[arg-type]
    middleware_class.cache_clear()
    yield FakeGuard(blocks=["bomb"], redacts=["mask"])
    middleware_class.cache_clear()


def call(word: str) -> Request:
    """Return the request of a tool's call."""
    return Request({"name": "f", "args": {"q": word}, "id": "c"})


def test_calls_and_results_of_tools_are_judged(guard: FakeGuard) -> None:
    """A block is an error of the tool's."""
    middleware = guard.langchain()
    seen: list[Any] = []

    def handler(request: Request) -> str:
        seen.append(request.tool_call["args"])
        return "a mask"

    async def ahandler(request: Request) -> str:
        return handler(request)

    assert middleware.wrap_tool_call(call("mask"), handler) == "a [REDACT]"
    assert asyncio.run(middleware.awrap_tool_call(call("x"), ahandler)) == "a [REDACT]"
    assert seen == [{"q": "[REDACT]"}, {"q": "x"}]
    refused = middleware.wrap_tool_call(call("bomb"), handler)
    assert (refused["status"], refused["content"], refused["tool_call_id"]) == (
        "error",
        "Stopped by policy.",
        "c",
    )
    with pytest.raises(Blocked):
        guard.langchain(on_block="raise").wrap_tool_call(call("bomb"), handler)


class BaseTool:
    """A runnable, which is wrapped as itself."""

    def run(self, tool_input: Any) -> Any:
        """Return what was given."""
        return tool_input

    arun = run


def test_the_model_is_wrapped_once(guard: FakeGuard) -> None:
    """For each call of it; one that is guarded stays as it is."""
    middleware = guard.langchain()
    request = middleware.wrap_model_call(Request(model=BaseTool()), lambda given: given)
    assert type(request.model) is not BaseTool
    assert isinstance(request.model, BaseTool)

    async def ahandler(given: Request) -> Request:
        return given

    assert asyncio.run(middleware.awrap_model_call(request, ahandler)) is request


def test_options_are_checked(guard: FakeGuard) -> None:
    """A misspelt one is an error."""
    with pytest.raises(ValueError, match="on_block"):
        guard.langchain(on_block="no")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="usr"):
        guard.langchain(usr={})  # type: ignore[call-arg]
