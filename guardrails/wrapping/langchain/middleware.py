"""A guard as a middleware of LangChain's agents: `create_agent(middleware=[guard.langchain()])`.

The agent's model becomes a guarded one for each of its calls, so that streams of tokens are judged too; calls of tools are judged
before they are made, and results before the model reads them. A block is answered in the agent's own way: by a message of the
assistant's, behind which the agent ends, and by an error of the tool's.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

from guardrails.wrapping.frameworks.subclass import is_guarded
from guardrails.wrapping.frameworks.tool_calls import call_tool
from guardrails.wrapping.guarded_call import Flow, arun, run
from guardrails.wrapping.langchain.flows import content_of
from guardrails.wrapping.langchain.runnables import wrap
from guardrails.wrapping.langchain.tools import refusing
from guardrails.wrapping.langchain.values import read
from guardrails.wrapping.sdk.exchange import Terms


@functools.cache
def middleware_class() -> Any:
    """Return the class of middleware, made when one is first needed; raises `ImportError` without LangChain."""
    middleware: Any = import_module("langchain.agents.middleware")

    class GuardMiddleware(middleware.AgentMiddleware):  # type: ignore[misc]
        """A guard around the model and the tools of an agent."""

        def __init__(self, terms: Terms) -> None:
            super().__init__()
            self._terms = terms

        def wrap_model_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
            return handler(self._guarded(request))

        async def awrap_model_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
            return await handler(self._guarded(request))

        def _guarded(self, request: Any) -> Any:
            return (
                request
                if is_guarded(request.model)
                else request.override(model=wrap(request.model, self._terms))
            )

        def wrap_tool_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
            return run(
                tool_flow(self._terms, request),
                self._terms,
                lambda given: handler(with_arguments(request, given)),
            )

        async def awrap_tool_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
            return await arun(
                tool_flow(self._terms, request),
                self._terms,
                lambda given: handler(with_arguments(request, given)),
            )

    return GuardMiddleware


def tool_flow(terms: Terms, request: Any) -> Flow:
    """Describe the call of a tool by an agent."""
    call = request.tool_call
    refuse = refusing(call["name"], call["id"])
    return call_tool(terms, call["name"], call["args"], refuse, read, content_of)


def with_arguments(request: Any, arguments: Any) -> Any:
    """Return the request of a tool's call with its arguments as the policy leaves them."""
    call = request.tool_call
    return request if arguments is call["args"] else request.override(tool_call={**call, "args": arguments})


def make_middleware(terms: Terms) -> Any:
    """Return a guard as a middleware of LangChain's agents."""
    return middleware_class()(terms)
