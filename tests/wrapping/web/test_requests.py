"""What a request says: read by its media type, judged in part or whole, written again in the same form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from guardrails.errors import GuardrailsError, Overloaded, RequestError
from guardrails.testing import FakeGuard
from guardrails.wrapping.web.requests import WebOptions, fail, read_request, refuse

BODY = {"text": "hi", "items": [{"text": "a", "id": 1}, {"text": "b"}], "a/b": {"c": "d"}}
RAW = json.dumps(BODY).encode()


@pytest.mark.parametrize(
    ("kind", "raw", "query", "subject"),
    [
        ("application/json; charset=utf-8", RAW, b"", {"body": BODY}),
        ("application/problem+json", b'"text"', b"", {"body": "text"}),
        ("application/x-www-form-urlencoded", b"a=1&b=x+y&a=2", b"", {"body": {"a": ["1", "2"], "b": "x y"}}),
        ("text/plain", "é".encode(), b"q=a%20b", {"query": {"q": "a b"}, "body": "é"}),
        ("", b"", b"", {}),
        ("application/pdf", b"", b"q=1", {"query": {"q": "1"}}),
    ],
)
def test_a_request_is_read_by_its_type(kind: str, raw: bytes, query: bytes, subject: Any) -> None:
    """And written as it was."""
    asked = read_request(kind, raw, query)
    assert asked.subject == subject
    if "body" in subject:
        assert read_request(kind, asked.write_body(subject), b"").subject.get("body") == subject["body"]
    if "query" in subject:
        assert read_request("", b"", asked.write_query(subject)).subject == {"query": subject["query"]}


def test_declared_fields_alone_are_judged() -> None:
    """By JSON Pointers, with any entry of a list; the rest stays as it is."""
    asked = read_request("application/json", RAW, b"", ["/items/*/text", "/a~1b/*", "/none", "/items/7"])
    assert asked.subject == {"body": {"/items/0/text": "a", "/items/1/text": "b", "/a/b/c": "d"}}
    left = {"body": {**asked.subject["body"], "/items/1/text": "[X]"}}
    assert json.loads(asked.write_body(left)) == {
        **BODY,
        "items": [BODY["items"][0], {"text": "[X]"}],  # type: ignore[index]
    }
    assert read_request("application/json", RAW, b"", ["/none"]).subject == {}


@pytest.mark.parametrize(
    ("kind", "raw"),
    [("application/json", b'{"a":1,"a":2}'), ("application/json", b"\xff"), ("image/png", b"x"), ("", b"x")],
)
def test_what_cannot_be_read_is_refused(kind: str, raw: bytes) -> None:
    """Two parsers might read two bodies; pictures have no field."""
    with pytest.raises(RequestError):
        read_request(kind, raw, b"")


def test_a_refusal_says_by_which_verdict_and_nothing_of_the_content() -> None:
    """What the person is told is the rule's message."""
    verdict = FakeGuard(blocks=["zqxbomb"], message="Not that.").check("a zqxbomb here")
    answer = refuse(verdict)
    error = answer.body["error"]
    assert (answer.status, error["code"], error["message"]) == (400, "content_filter", "Not that.")
    assert (error["verdict"], error["rules"]) == (verdict.id, ["fake.block"])
    assert b"zqxbomb" not in answer.dump()


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RequestError("request_too_large", "too large"), 413, "request_too_large"),
        (RequestError("unsupported_media_type", "no"), 415, "unsupported_media_type"),
        (RequestError("invalid_json", "no"), 400, "invalid_json"),
        (Overloaded("busy"), 503, "overloaded"),
        (GuardrailsError("secret words"), 503, "guard_failed"),
        (ValueError("secret words"), 503, "guard_failed"),
    ],
)
def test_a_failure_says_whose_fault_it_is(error: Exception, status: int, code: str) -> None:
    """Of the guard's own nothing but that."""
    answer = fail(error)
    assert (answer.status, answer.body["error"]["code"]) == (status, code)
    assert b"secret" not in answer.dump()


def test_paths_are_patterns() -> None:
    """All, where none is said."""
    assert WebOptions().covers("/any/where")
    assert WebOptions(paths=["/chat", "/v1/*"]).covers("/v1/x")
    assert not WebOptions(paths=["/chat", "/v1/*"]).covers("/health")
