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
from guardrails.wrapping.web.requests import (
    WITHHELD_STATUS,
    ReadRequest,
    WebAnswer,
    WebOptions,
    fail,
    read_request,
    read_value,
    refuse,
    write_value,
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
        value = _answered(request, response, options)
        if value is None:
            return response
        try:
            return _released(response, terms.guard.check(value[1], Stage.OUTPUT, **terms.context), value[0])
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
        value = _answered(request, response, options)
        if value is None:
            return response
        try:
            checked = await terms.guard.acheck(value[1], Stage.OUTPUT, **terms.context)
            return _released(response, checked, value[0])
        except Exception as error:
            return _write(fail(error))

    return serve


def _read(request: Any, options: WebOptions) -> ReadRequest | None:
    """Return what there is to judge of a request, None where there is nothing."""
    if not options.covers(request.path):
        return None
    raw = request.body
    if len(raw) > options.max_bytes:
        raise RequestError(
            "request_too_large", f"a body of more than {options.max_bytes} bytes cannot be checked"
        )
    query = request.META.get("QUERY_STRING", "").encode("latin-1")
    asked = read_request(request.META.get("CONTENT_TYPE", ""), raw, query, options.fields)
    return asked if asked.subject else None


def _replace(request: Any, asked: ReadRequest, verdict: Verdict[Any]) -> None:
    """Have a request say what the policy leaves of it: its body, `POST` and `GET`, which are read from what is changed here."""
    if verdict.action < Action.REDACT:
        return
    left: Any = verdict.content
    if "query" in asked.subject:
        request.META["QUERY_STRING"] = asked.write_query(left).decode()
        if hasattr(request, "environ"):
            request.environ["QUERY_STRING"] = request.META["QUERY_STRING"]
        scope = getattr(request, "scope", None)
        if isinstance(scope, dict):
            scope["query_string"] = asked.write_query(left)
        request.__dict__.pop("GET", None)
    if "body" in asked.subject:
        raw = asked.write_body(left)
        request._body, request._stream = raw, io.BytesIO(raw)
        request.META["CONTENT_LENGTH"] = str(len(raw))
        for name in ("_post", "_files"):
            request.__dict__.pop(name, None)


def _answered(request: Any, response: Any, options: WebOptions) -> tuple[str, Any] | None:
    """Return the media type and the value of an answer that is judged, None of one that is not."""
    if not options.responses or not options.covers(request.path) or response.streaming:
        return None
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not (kind == "application/json" or kind.endswith("+json") or kind.startswith("text/")):
        return None
    try:
        return kind, read_value(kind, response.content)
    except RequestError:
        return kind, response.content.decode("utf-8", "replace")


def _released(response: Any, verdict: Verdict[Any], kind: str) -> Any:
    if verdict.blocked:
        return _write(refuse(verdict, WITHHELD_STATUS))
    if verdict.action >= Action.REDACT:
        left = verdict.content
        response.content = left.encode() if isinstance(left, str) else write_value(kind, left)
        if response.has_header("content-length"):
            response.headers["content-length"] = str(len(response.content))
    return response


def _write(answer: WebAnswer) -> Any:
    return import_module("django.http").HttpResponse(
        answer.dump(), content_type="application/json", status=answer.status
    )
