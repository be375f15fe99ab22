"""Every exception has an answer in OpenAI's shape, and none repeats a text."""

from __future__ import annotations

import json
from dataclasses import replace

from starlette.exceptions import HTTPException

from guardrails.errors import BackendError, Blocked, GuardUnavailable, Overloaded, RequestError
from guardrails.protocols.errors import OF_BLOCKS
from guardrails.proxy.server.errors import LONGEST, UpstreamAnswer, describe_failure, explain, respond
from guardrails.types import (
    Action,
    Coverage,
    FiredRule,
    PolicyRef,
    Stage,
    Unavailable,
    UnavailableReason,
    Unchecked,
    Verdict,
)
from tests.cases import each_case

VERDICT = Verdict(
    "vd",
    Action.BLOCK,
    Stage.INPUT,
    PolicyRef("p", "1", "sha256:0"),
    None,
    rules=(FiredRule("r.one", Action.BLOCK, "No."),),
)
TABLE = [
    (RequestError("duplicate_key", "twice", "/a"), 400, "invalid_request_error", "duplicate_key", "/a"),
    (RequestError("invalid_json", "bad"), 400, "invalid_request_error", "invalid_json", None),
    (RequestError("request_too_large", "much"), 413, "invalid_request_error", "request_too_large", None),
    (Blocked(VERDICT), 400, "invalid_request_error", "content_filter", "messages"),
    (Overloaded("full"), 503, "server_error", "guard_unavailable", None),
    (BackendError("away", 502, "upstream_unreachable"), 502, "server_error", "upstream_unreachable", None),
    (BackendError("late", 504, "upstream_timeout"), 504, "server_error", "upstream_timeout", None),
    (UpstreamAnswer(429, {}), 429, "rate_limit_error", "upstream_error", None),
    (UpstreamAnswer(500, {"error": "x"}), 500, "server_error", "upstream_error", None),
    (UpstreamAnswer(401, {"error": {"message": "m", "code": 7}}), 401, "authentication_error", 7, None),
    (HTTPException(404), 404, "invalid_request_error", "not_found", None),
    (HTTPException(405), 405, "invalid_request_error", "method_not_allowed", None),
    (ValueError("a private text"), 500, "server_error", "internal_error", None),
]


@each_case(("error", "status", "kind", "code", "param"), TABLE)
def test_each_exception_has_its_answer(error, status, kind, code, param) -> None:
    """Status, type, code and param; always the four keys, of a block more; an unforeseen one is 500 and says nothing."""
    answer = respond(error, {"x-more": "1"})

    body = json.loads(answer.body)["error"]
    more = OF_BLOCKS[:2] if isinstance(error, Blocked) and not isinstance(error, GuardUnavailable) else ()
    assert set(body) == {"message", "type", "param", "code", *more}
    assert (answer.status_code, body["type"], body["code"], body["param"]) == (status, kind, code, param)
    assert body["message"]
    assert answer.headers["x-more"] == "1"
    assert b"private" not in answer.body


BY = {"rules": ["r.one"], "policy": "p@1"}
UNREAD = Coverage(unchecked=(Unchecked("image", "truncated: cut"),))
NOT_READ = replace(
    VERDICT, rules=(FiredRule("unchecked.image", Action.BLOCK),), coverage=UNREAD, language="de"
)


def test_a_block_says_the_rules_message_and_names_the_rules_beside_it() -> None:
    """A person reads the one, a program the other; what could not be read is named, too."""
    told = explain(Blocked(VERDICT)).error
    assert (told["message"], {name: told.get(name) for name in OF_BLOCKS}) == ("No.", {**BY, "reason": None})
    told = explain(Blocked(NOT_READ)).error
    assert told["message"] == "Durch die Richtlinie gestoppt."
    assert (told["rules"], told["reason"]) == (["unchecked.image"], "truncated: cut")
    withheld = explain(BackendError(VERDICT.refusal, 403, "content_filter", VERDICT)).error
    assert (withheld["message"], withheld["rules"], withheld["policy"]) == ("No.", ["r.one"], "p@1")


@each_case(
    ("path", "place", "fields"),
    [
        ("/v1/chat/completions", ("error",), BY),
        ("/v1/embeddings", ("error",), BY),
        ("/v1/responses", ("error",), BY),
        ("/v1/images/generations", ("error",), BY),
        ("/v1/videos", ("error",), BY),
        ("/v1/messages", ("error", "details"), BY),
        ("/v1beta/models/m:generateContent", ("error", "details", 0, "metadata"), {**BY, "rules": "r.one"}),
        ("/api/chat", (), BY),
        ("/api/embed", (), BY),
    ],
)
def test_every_api_has_the_message_alone_and_the_rules_and_policy_in_fields(path, place, fields) -> None:
    """Where the API has a place for more; Google's metadata are texts."""
    body = json.loads(respond(Blocked(VERDICT), path=path).body)
    error = body["error"]
    assert (error if isinstance(error, str) else error["message"]) == "No."
    for part in place:
        body = body[part]
    assert {name: body[name] for name in fields} == fields


def test_overload_says_when_to_come_back() -> None:
    """`Retry-After` in seconds."""
    assert explain(Overloaded("full", 3)).headers == {"retry-after": "3"}


@each_case(
    ("reason", "headers"),
    [
        ("capacity", {"retry-after": "1"}),
        ("timeout", {}),
        ("service", {}),
        ("crash", {"x-should-retry": "false"}),
    ],
)
def test_a_check_that_could_not_be_done_is_no_violation(
    reason: UnavailableReason, headers: dict[str, str]
) -> None:
    """SDKs try 5xx again by themselves, which a full queue says when to do, and a crash not to."""
    verdict = replace(VERDICT, rules=(), unavailable=Unavailable(reason, ("r",)))
    told = explain(GuardUnavailable(verdict))
    assert (told.status, told.error["code"], told.headers) == (503, "guard_unavailable", headers)
    late = GuardUnavailable(verdict)
    late.may_retry = False
    assert explain(late).headers == {**headers, "x-should-retry": "false"}


def test_only_the_four_keys_of_an_upstreams_error_pass() -> None:
    """Some servers add what the model wrote, which nobody has judged; long texts and structures are cut."""
    error = UpstreamAnswer(
        400,
        {
            "error": {
                "message": "m" * 9999,
                "failed_generation": "zqx",
                "param": ["zqx"],
                "code": "\ud800",
                "type": "",
            }
        },
    ).error

    assert error == {"message": "m" * LONGEST, "type": "invalid_request_error", "param": None, "code": "?"}


def test_a_place_tells_no_text() -> None:
    """The log has types and lines, not messages, also not of the cause."""
    try:
        try:
            raise ValueError("a private text")
        except ValueError as error:
            raise KeyError("private") from error
    except KeyError as error:
        shown = describe_failure(error)

    assert shown.startswith("KeyError <- ")
    assert "test_errors.py:" in shown
    assert "private" not in shown


ANTHROPIC = [
    (RequestError("invalid_json", "bad", "/a"), "invalid_request_error", "invalid_json", "/a"),
    (Blocked(VERDICT), "invalid_request_error", "content_filter", "messages"),
    (Overloaded("full"), "overloaded_error", "guard_unavailable", None),
    (BackendError("away", 502, "upstream_unreachable"), "api_error", "upstream_unreachable", None),
    (BackendError("late", 504, "upstream_timeout"), "timeout_error", "upstream_timeout", None),
    (UpstreamAnswer(429, {}), "rate_limit_error", "upstream_error", None),
    (
        UpstreamAnswer(502, {"error": {"type": "overloaded_error", "message": "m"}}),
        "overloaded_error",
        None,
        None,
    ),
    (UpstreamAnswer(418, {"error": {"type": "x", "message": "m"}}), "invalid_request_error", None, None),
    (HTTPException(404), "not_found_error", "not_found", None),
    (ValueError("a private text"), "api_error", "internal_error", None),
]


@each_case(("error", "kind", "code", "param"), ANTHROPIC)
@each_case("path", ["/v1/messages", "/v1/messages/count_tokens"])
def test_each_exception_has_its_answer_in_anthropics_shape(error, kind, code, param, path) -> None:
    """Its own types; what it has no field for stands in the details."""
    body = json.loads(respond(error, path=path).body)

    assert (body["type"], body["request_id"], set(body)) == ("error", None, {"type", "error", "request_id"})
    assert body["error"].pop("message")
    more = BY if isinstance(error, Blocked) and code == "content_filter" else {}
    assert body["error"] == {"type": kind, "details": {"error_code": code, "param": param, **more}}


GOOGLE = [
    (RequestError("invalid_json", "bad", "/a"), "INVALID_ARGUMENT", "invalid_json", {"param": "/a"}),
    (
        Blocked(VERDICT),
        "INVALID_ARGUMENT",
        "content_filter",
        {"param": "contents", **BY, "rules": "r.one"},
    ),
    (Overloaded("full"), "UNAVAILABLE", "guard_unavailable", {}),
    (BackendError("away", 502, "upstream_unreachable"), "UNAVAILABLE", "upstream_unreachable", {}),
    (BackendError("late", 504, "upstream_timeout"), "DEADLINE_EXCEEDED", "upstream_timeout", {}),
    (UpstreamAnswer(429, {}), "RESOURCE_EXHAUSTED", "upstream_error", {}),
    (
        UpstreamAnswer(403, {"error": {"code": 403, "message": "m", "status": "X"}}),
        "PERMISSION_DENIED",
        None,
        None,
    ),
    (UpstreamAnswer(418, {"error": {"message": "m"}}), "INVALID_ARGUMENT", None, None),
    (HTTPException(404), "NOT_FOUND", "not_found", {}),
    (ValueError("a private text"), "INTERNAL", "internal_error", {}),
]


@each_case(("error", "kind", "reason", "metadata"), GOOGLE)
@each_case("path", ["/v1beta/models/m:generateContent", "/v1/models/m:countTokens", "/v1beta/x"])
def test_each_exception_has_its_answer_in_googles_shape(error, kind, reason, metadata, path) -> None:
    """Its code is the status; ours is the reason that stands in the details."""
    answer = respond(error, path=path)
    told = json.loads(answer.body)["error"]

    assert told.pop("message")
    assert (told["code"], told["status"]) == (answer.status_code, kind)
    assert reason is not None or told.keys() == {"code", "status"}
    for info in told.get("details", []):
        assert (info["reason"], info["domain"], info["metadata"]) == (reason, "guardrails", metadata)


def test_a_block_of_a_response_has_its_own_code() -> None:
    """As the Responses API names it."""
    error = json.loads(respond(Blocked(VERDICT), path="/v1/responses").body)["error"]

    assert (error["code"], error["param"], error["type"]) == (
        "invalid_prompt",
        "input",
        "invalid_request_error",
    )
    theirs = UpstreamAnswer(400, {"error": {"message": "m", "code": "content_filter", "param": "prompt"}})
    assert json.loads(respond(theirs, path="/v1/responses").body)["error"] == theirs.error


@each_case(("error", "status", "kind", "code", "param"), TABLE)
@each_case(
    ("path", "place"), [("/api/chat", "messages"), ("/api/generate", "prompt"), ("/api/embed", "input")]
)
def test_each_exception_has_its_answer_in_ollamas_shape(
    error, status, kind, code, param, path, place
) -> None:
    """The error is a text; what a program reads stands beside it."""
    answer = respond(error, path=path)
    body = json.loads(answer.body)

    assert isinstance(body.pop("error"), str)
    where_ = place if code == "content_filter" else param
    more = BY if code == "content_filter" else {}
    assert (answer.status_code, body) == (status, {"type": kind, "code": code, "param": where_, **more})


@each_case("name", ["message", "type", "param", "code"])
def test_no_upstream_can_quote_the_operators_key(name) -> None:
    """Servers repeat the key that they did not take; other words stay, and without a key or a quote the error is the same."""
    error = UpstreamAnswer(
        401, {"error": {"message": "m", "code": 7, name: "got sk-zqx, sk-zqx!"}}, {"a": "b"}
    )

    told = error.without_secret("sk-zqx")

    assert told.error == {**error.error, name: "got [SECRET], [SECRET]!"}
    assert (told.status, told.headers) == (401, {"a": "b"})
    assert error.without_secret("sk-other") is error
    assert error.without_secret(None) is error
    assert error.without_secret("") is error
