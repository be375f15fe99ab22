"""What a guard offers to frameworks in their own forms: guardrails, middlewares, dependencies; each imported when asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Unpack

from guardrails.checker import Checker
from guardrails.context import CALLER, CallerOptions, check_options

if TYPE_CHECKING:
    from guardrails.wrapping.frameworks.openai_agents import AgentGuardrails, OnRedact
    from guardrails.wrapping.functions import OnBlock
    from guardrails.wrapping.sdk.exchange import Terms


WEB_OPTIONS: Final = ("paths", "fields", "responses", "max_bytes")
"""What middlewares of web frameworks take besides."""


class FrameworkExtensions(Checker):
    """A checker with a method for each framework that has extensions."""

    def openai_agents(
        self, *, on_redact: OnRedact = "trip", **caller: Unpack[CallerOptions]
    ) -> AgentGuardrails:
        """Return guardrails for OpenAI's Agents SDK: `input_guardrail`, `output_guardrail`, `tool_input_guardrail`,
        `tool_output_guardrail`.

        Args:
            on_redact: what a guardrail, which cannot edit, does where the policy redacts: `trip`; or `pass`, where the client of
                the model is wrapped too and redacts.
            caller: who asks, as for `wrap`.
        """
        from guardrails.wrapping.frameworks.openai_agents import make_guardrails

        return make_guardrails(self._terms("openai_agents", caller, "on_redact"), on_redact)

    def langchain(self, *, on_block: OnBlock = "answer", **caller: Unpack[CallerOptions]) -> Any:
        """Return a middleware for agents of LangChain: `create_agent(…, middleware=[guard.langchain()])`.

        Args:
            on_block: `answer` ends the agent's run with a message of the assistant's that has the rule's message, and answers a
                tool's call with an error; `raise` raises `Blocked`.
            caller: who asks, as for `wrap`.
        """
        from guardrails.wrapping.functions import check_terms
        from guardrails.wrapping.langchain.middleware import make_middleware

        check_terms(on_block, "output", None, {})
        terms = self._terms("langchain", caller, "on_block", answers=on_block == "answer")
        return make_middleware(terms)

    def _terms(self, method: str, caller: CallerOptions, *others: str, answers: bool = False) -> Terms:
        """Return the terms of an extension of a framework; raises `TypeError` where there is no such option."""
        from guardrails.wrapping.sdk.exchange import Terms

        check_options(method, caller, CALLER, others)
        return Terms(self, answers, caller)

    def asgi(
        self,
        app: Any,
        *,
        paths: Sequence[str] = ("*",),
        fields: Sequence[str] = (),
        responses: bool = False,
        max_bytes: int = 1_000_000,
        **caller: Unpack[CallerOptions],
    ) -> Any:
        """Return an application of ASGI (FastAPI, Starlette, Litestar) whose requests are judged before it runs: JSON, forms and
        texts in their bodies, the parameters of their addresses, and their paths, which are blocked and never changed.
        `app.add_middleware(guard.asgi, paths=["/chat"])` adds it.

        What the policy redacts, the application gets redacted. What it blocks is answered with 400 and a JSON object, `error`,
        with `code`, `message`, `verdict`, `rules` and `policy`; where the guard fails, with 503.

        Args:
            app: the application.
            paths: patterns of the paths whose requests are judged, such as `/chat/*`, with `root_path` or without.
            fields: JSON Pointers of what is judged of a body, such as `/items/*/text`; none, or none that it has: all of it.
            responses: whether JSON and texts of answers are judged too, with 403 where they are blocked; streams never are.
            max_bytes: how large a body may be; 413 beyond.
            caller: who asks, as for `wrap`.
        """
        from guardrails.wrapping.web.asgi import GuardMiddleware
        from guardrails.wrapping.web.requests import WebOptions

        options = WebOptions(paths, fields, responses, max_bytes)
        return GuardMiddleware(app, self._terms("asgi", caller, *WEB_OPTIONS), options)

    def django(
        self,
        *,
        paths: Sequence[str] = ("*",),
        fields: Sequence[str] = (),
        responses: bool = False,
        max_bytes: int = 1_000_000,
        **caller: Unpack[CallerOptions],
    ) -> Callable[[Any], Any]:
        """Return a middleware for Django, synchronous and asynchronous, whose dotted name goes into the setting `MIDDLEWARE`.

        What it answers is what `asgi` does.

        Args:
            paths: patterns of the paths whose requests are judged, such as `/chat/*`.
            fields: JSON Pointers of what is judged of a body, such as `/items/*/text`; none, or none that it has: all of it.
            responses: whether JSON and texts of answers are judged too, with 403 where they are blocked; streams never are.
            max_bytes: how large a body may be; 413 beyond.
            caller: who asks, as for `wrap`.
        """
        from guardrails.wrapping.web.django import make_middleware
        from guardrails.wrapping.web.requests import WebOptions

        options = WebOptions(paths, fields, responses, max_bytes)
        return make_middleware(self._terms("django", caller, *WEB_OPTIONS), options)

    def fastapi(self, of: Any, **caller: Unpack[CallerOptions]) -> Callable[..., Any]:
        """Return a dependency of FastAPI that takes a body, or another parameter, and returns it as the policy leaves it, in its
        type: `order: Annotated[Order, Depends(guard.fastapi(Order))]`. Nothing else of the request is judged.

        It raises FastAPI's `HTTPException`, with what `asgi` says in `error` as its detail: 400 where the policy stops it, 503
        where the guard fails.

        Args:
            of: the type of the parameter, as FastAPI takes it, such as a model of pydantic.
            caller: who asks, as for `wrap`.
        """
        from guardrails.wrapping.web.fastapi import make_dependency

        return make_dependency(of, self._terms("fastapi", caller))
