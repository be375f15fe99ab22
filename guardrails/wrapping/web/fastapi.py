"""A dependency for FastAPI: a body, or another parameter, is parsed by FastAPI, judged, and given to the function in its type."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from guardrails.types import Stage
from guardrails.wrapping.sdk.exchange import Terms
from guardrails.wrapping.web.requests import fail, refuse


def make_dependency(of: Any, terms: Terms) -> Callable[..., Awaitable[Any]]:
    """Return a dependency that takes a parameter of a type and returns it as the policy leaves it.

    It raises FastAPI's `HTTPException`: 400 where the policy stops it, 503 where the guard fails.
    """
    from fastapi import HTTPException

    async def guarded(value: Any) -> Any:
        try:
            verdict = await terms.guard.acheck(value, Stage.INPUT, **terms.context)
        except Exception as error:
            answer = fail(error)
        else:
            if not verdict.blocked:
                return verdict.content
            answer = refuse(verdict)
        raise HTTPException(answer.status, answer.body["error"], dict(answer.headers))

    parameter = inspect.Parameter("value", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=of)
    guarded.__signature__ = inspect.Signature([parameter])  # type: ignore[attr-defined]
    return guarded
