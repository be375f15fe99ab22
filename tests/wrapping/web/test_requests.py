"""What a request says: read by its media type, judged in part or whole, written again in the same form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from guardrails.errors import GuardrailsError, Overloaded, RequestError
from guardrails.testing import FakeGuard
from guardrails.wrapping.web.requests import WebOptions, fail, read_request, refuse
from tests.cases import each_case

BODY = {"text": "hi", "items": [{"text": "a", "id": 1}, {"text": "b"}], "a/b": {"c": "d"}}
RAW = json.dumps(BODY).encode()


@each_case(
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
    """And not written where nothing changes."""
    asked = read_request(kind, raw, query)
    assert asked.subject == subject
    assert asked.write_query(subject) is None
    assert asked.write_body(subject) is None


def test_declared_fields_alone_are_judged() -> None:
    """By JSON Pointers, with any entry of a list; the rest stays as it is."""
    asked = read_request("application/json", RAW, b"", ["/items/*/text", "/a~1b/*", "/none", "/items/7"])
    assert asked.subject == {"body": {"/items/0/text": "a", "/items/1/text": "b", "/a~1b/c": "d"}}
    left = {"body": {**asked.subject["body"], "/items/1/text": "[X]"}}
    assert json.loads(asked.write_body(left)) == {
        **BODY,
        "items": [BODY["items"][0], {"text": "[X]"}],  # type: ignore[index]
    }
    assert read_request("application/json", RAW, b"", ["/none"]).subject == {"body": BODY}


def test_fields_whose_names_hold_slashes_are_told_apart() -> None:
    """Each is judged, and each is written at its own place."""
    raw = b'{"a":{"b/c":"one"},"a/b":{"c":"two"}}'
    asked = read_request("application/json", raw, b"", ["/*/*"])
    assert asked.subject == {"body": {"/a/b~1c": "one", "/a~1b/c": "two"}}
    left = {"body": {"/a/b~1c": "1", "/a~1b/c": "two"}}
    assert asked.write_body(left) == b'{"a":{"b/c":"1"},"a/b":{"c":"two"}}'


def test_parameters_keep_their_order() -> None:
    """Also where one comes several times; they are written only where one of them changes."""
    asked = read_request("", b"", b"b=1&a=x%20y&b=2&flag")
    assert asked.subject == {"query": {"b": ["1", "2"], "a": "x y", "flag": ""}}
    assert asked.write_query({"query": {"b": ["1", "[X]"], "a": "x y", "flag": ""}}) == (
        b"b=1&a=x+y&b=%5BX%5D&flag="
    )


@each_case(
    ("kind", "query", "said"),
    [
        ("", b"q=caf%C3%A9", "café"),
        ("", "q=café".encode(), "café"),
        ("text/plain; charset=latin-1", b"q=caf%E9", "café"),
    ],
)
def test_parameters_are_read_in_the_character_set_that_is_named(kind: str, query: bytes, said: str) -> None:
    """As Django does; one that is not read is refused, also without a body."""
    assert read_request(kind, b"", query).subject == {"query": {"q": said}}
    with pytest.raises(RequestError):
        read_request("text/plain; charset=utf-7", b"", query)


def test_a_form_that_is_json_too_is_judged_as_both() -> None:
    """It cannot be written so that both say the same."""
    raw = b'{"x":"&message=bad&y=","message":"hi"}'
    asked = read_request("application/x-www-form-urlencoded", raw, b"", ["/message"])
    assert asked.subject["body"] == {"/message": "hi"}
    assert asked.subject["form"]["message"] == "bad"
    with pytest.raises(RequestError):
        asked.write_body({**asked.subject, "form": {}})


def test_parts_of_the_path_are_judged() -> None:
    """As they are decoded."""
    assert read_request("", b"", b"", (), "/ask/how are you/").subject == {"path": ["ask", "how are you"]}
    assert read_request("", b"", b"", (), "/").subject == {}


@each_case(
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
    assert error["policy"] == f"{verdict.policy.name}@{verdict.policy.version}"
    assert (error["verdict"], error["rules"]) == (verdict.id, ["fake.block"])
    assert b"zqxbomb" not in answer.dump()


@each_case(
    ("error", "status", "code"),
    [
        (RequestError("request_too_large", "too large"), 413, "request_too_large"),
        (RequestError("unsupported_media_type", "no"), 415, "unsupported_media_type"),
        (RequestError("invalid_json", "no"), 400, "invalid_json"),
        (Overloaded("busy"), 503, "guard_unavailable"),
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
    options = WebOptions(paths=["/chat", "/v1/*"])
    assert options.covers("/v1/x")
    assert not options.covers("/health")
    assert not options.covers("/chats")


@each_case(
    ("pattern", "path", "root"),
    [
        ("/chat", "/chat/", ""),
        ("/chat/", "/chat", ""),
        ("/chat", "/chat\n", ""),
        ("/v1/*", "/v1/", ""),
        ("/chat", "/api/chat", "/api"),
        ("/api/chat", "/api/chat", "/api"),
        ("/api/chat", "/chat", "/api"),
        ("/chat", "/api/chat/", "/api"),
    ],
)
def test_paths_match_in_a_mounted_application(pattern: str, path: str, root: str) -> None:
    """With the root and without; what routers overlook at the end makes no difference."""
    assert WebOptions(paths=[pattern]).covers(path, root)
    assert not WebOptions(paths=["/other"]).covers(path, root)
