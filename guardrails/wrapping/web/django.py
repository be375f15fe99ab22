"""A middleware for Django, synchronous and asynchronous: requests are judged before a view runs, answers before they are sent."""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable
from importlib import import_module
from typing import Any

from guardrails.errors import RequestError
from guardrails.types import Action, Stage, Verdict
from guardrails.wrapping.sdk.exchange import Terms
from guardrails.wrapping.web.bodies import Body, is_judged, read_answer
from guardrails.wrapping.web.requests import (
    WITHHELD_STATUS,
    ReadRequest,
    WebAnswer,
    WebOptions,
    fail,
    read_request,
    refuse,
)


def make_middleware(terms: Terms, options: WebOptions) -> Callable[[Any], Any]:
    """Return a middleware, whose dotted name goes into the setting `MIDDLEWARE`."""

    def middleware(get_response: Any) -> Any:
        if inspect.iscoroutinefunction(get_response):
            return _asynchronous(get_response, terms, options)
        return _synchronous(get_response, terms, options)

    middleware.sync_capable = middleware.async_capable = True  # type: ignore[attr-defined]
    return middleware


def _synchronous(get_response: Any, terms: Terms, options: WebOptions) -> Any:
    def serve(request: Any) -> Any:
        try:
            asked = _read(request, options)
            if asked is not None:
                verdict = terms.guard.check(asked.subject, Stage.INPUT, **terms.context)
                if verdict.blocked:
                    return _write(refuse(verdict))
                _replace(request, asked, verdict)
        except Exception as error:
            return _write(fail(error))
        response = get_response(request)
        try:
            body = _answered(request, response, options)
            if body is None:
                return response
            return _released(response, terms.guard.check(body.value, Stage.OUTPUT, **terms.context), body)
        except Exception as error:
            return _write(fail(error))

    return serve


def _asynchronous(get_response: Any, terms: Terms, options: WebOptions) -> Any:
    async def serve(request: Any) -> Any:
        try:
            asked = _read(request, options)
            if asked is not None:
                verdict = await terms.guard.acheck(asked.subject, Stage.INPUT, **terms.context)
                if verdict.blocked:
                    return _write(refuse(verdict))
                _replace(request, asked, verdict)
        except Exception as error:
            return _write(fail(error))
        response = await get_response(request)
        try:
            body = _answered(request, response, options)
            if body is None:
                return response
            checked = await terms.guard.acheck(body.value, Stage.OUTPUT, **terms.context)
            return _released(response, checked, body)
        except Exception as error:
            return _write(fail(error))

    return serve


def _read(request: Any, options: WebOptions) -> ReadRequest | None:
    """Return what there is to judge of a request, None where there is nothing."""
    if not _covers(request, options):
        return None
    if options.responses:
        request.META.pop("HTTP_ACCEPT_ENCODING", None)  # a compressed answer cannot be judged
    raw = request.body
    if len(raw) > options.max_bytes:
        raise RequestError(
            "request_too_large", f"a body of more than {options.max_bytes} bytes cannot be checked"
        )
    scope = getattr(request, "scope", None)
    query = request.META.get("QUERY_STRING", "").encode("utf-8" if scope else "latin-1")
    asked = read_request(request.META.get("CONTENT_TYPE", ""), raw, query, options.fields, request.path)
    return asked if asked.subject else None


def _covers(request: Any, options: WebOptions) -> bool:
    return options.covers(request.path, request.path.removesuffix(request.path_info))


def _replace(request: Any, asked: ReadRequest, verdict: Verdict[Any]) -> None:
    """Have a request say what the policy leaves of it: its body, `POST` and `GET`, which are read from what is changed here."""
    if verdict.action < Action.REDACT:
        return
    left: Any = verdict.content
    query, body = asked.write_query(left), asked.write_body(left)
    if query is not None:
        request.META["QUERY_STRING"] = query.decode()
        if hasattr(request, "environ"):
            request.environ["QUERY_STRING"] = request.META["QUERY_STRING"]
        scope = getattr(request, "scope", None)
        if isinstance(scope, dict):
            scope["query_string"] = query
        request.__dict__.pop("GET", None)
    if body is not None:
        request._body, request._stream = body, io.BytesIO(body)
        request.META["CONTENT_LENGTH"] = str(len(body))
        for name in ("_post", "_files"):
            request.__dict__.pop(name, None)


def _answered(request: Any, response: Any, options: WebOptions) -> Body | None:
    """Return the body of an answer that is judged, None of one that is not."""
    if not options.responses or not _covers(request, options) or response.streaming or not response.content:
        return None
    kind = response.headers.get("content-type", "")
    if not is_judged(kind):
        return None
    if response.headers.get("content-encoding", "").lower() not in ("", "identity"):
        raise ValueError("a compressed answer cannot be judged")
    return read_answer(kind, response.content)


def _released(response: Any, verdict: Verdict[Any], body: Body) -> Any:
    if verdict.blocked:
        return _write(refuse(verdict, WITHHELD_STATUS))
    if verdict.action >= Action.REDACT:
        response.content = body.write(verdict.content)
        if response.has_header("content-length"):
            response.headers["content-length"] = str(len(response.content))
    return response


def _write(answer: WebAnswer) -> Any:
    return import_module("django.http").HttpResponse(
        answer.dump(), content_type="application/json", status=answer.status, headers=dict(answer.headers)
    )
