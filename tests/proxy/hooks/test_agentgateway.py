"""The webhook of agentgateway and kgateway: pass, mask and reject are told apart by the members of `action`."""

from __future__ import annotations

from typing import Any

from tests.cases import each_case


def asking(text: str, **fields: Any) -> dict[str, Any]:
    """Return messages."""
    return {"messages": [{"role": "user", "content": text}], **fields}


def answering(text: str) -> dict[str, Any]:
    """Return choices."""
    return {"choices": [{"message": {"role": "assistant", "content": text}}]}


@each_case(("path", "made"), [("/request", asking), ("/response", answering)])
def test_the_action_says_what_to_do(hooked, kit, path, made) -> None:
    """A pass has neither body nor status, a mask an object, a reject a text and a status."""
    passed, masked, rejected = (
        kit.send(hooked, path, {"body": made(text)}).json["action"]
        for text in ("hello", "Write to ann@example.org", "zqxbomb")
    )

    assert passed == {"reason": "nothing found"}
    assert masked == {"body": made("Write to [EMAIL]"), "reason": "mail"}
    assert rejected == {"body": "Not that.", "status_code": 403, "reason": "bomb"}


def test_an_earlier_turn_that_is_blocked_is_left_out(hooked, kit) -> None:
    """The conversation goes on without it."""
    messages = [
        *asking("zqxbomb")["messages"],
        {"role": "assistant", "content": "No."},
        *asking("hi")["messages"],
    ]

    answer = kit.send(hooked, "/request", {"body": {"messages": messages}}).json

    assert answer["action"]["body"] == {"messages": messages[2:]}


def test_a_call_in_an_answer_is_judged(hooked, kit) -> None:
    """Its arguments too."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": "zqxbomb"}'}}
    choice = {"message": {"role": "assistant", "content": None, "tool_calls": [call]}}

    answer = kit.send(hooked, "/response", {"body": {"choices": [choice]}}).json

    assert answer["action"]["status_code"] == 403


def test_raw_messages_come_back_or_nothing(hooked, kit) -> None:
    """Raw answers know no reject: a block is an error, which the gateway takes as a failure."""
    passed, masked, blocked = (
        kit.send(hooked, "/request", asking(text, model="m"))
        for text in ("hello", "Write to ann@example.org", "zqxbomb")
    )

    assert (passed.status, passed.json) == (200, {"messages": None})
    assert (masked.status, masked.json) == (200, {"messages": asking("Write to [EMAIL]")["messages"]})
    assert blocked.status == 403
    assert blocked.json["action"] == {"body": "Not that.", "status_code": 403, "reason": "bomb"}


def test_raw_messages_may_be_anthropics(hooked, kit) -> None:
    """Calls and results are judged as such, and come back as they came but for what is redacted."""
    call = {"type": "tool_use", "id": "t1", "name": "f", "input": {"to": "ann@example.org"}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "ok"}
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]

    answer = kit.send(hooked, "/request", {"model": "m", "messages": messages})

    assert (answer.status, answer.action) == (200, ("redact", "mail"))
    assert answer.json["messages"] == [
        messages[0],
        {"role": "assistant", "content": [{**call, "input": {"to": "[EMAIL]"}}]},
        messages[2],
    ]


def test_the_model_reaches_the_conditions(serve, guard_of, kit) -> None:
    """Where the gateway says it."""
    url = serve(
        guard_of(
            "rules: [{id: model, on: input, when: 'request.model == \"m\"', then: flag, on_error: allow}]"
        )
    )

    assert kit.send(url, "/request", asking("x", model="m")).action == ("flag", "model")
    assert kit.send(url, "/request", {"body": asking("x")}).action == ("allow", "")


@each_case(
    ("path", "body", "code"),
    [
        ("/request", {}, "invalid_type"),
        ("/request", {"body": []}, "invalid_type"),
        ("/request", {"body": {"messages": "x"}}, "invalid_type"),
        ("/request", {"body": {"messages": [{"role": "root", "content": "x"}]}}, "unknown_role"),
        ("/request", {"body": {"messages": []}, "Body": 1}, "duplicate_key"),
        ("/response", {"body": {"choices": []}}, "invalid_content"),
        ("/response", {"choices": []}, "invalid_type"),
    ],
)
def test_a_malformed_body_is_400(hooked, kit, path, body, code) -> None:
    """With what the gateway would tell its client."""
    answer = kit.send(hooked, path, body)

    assert (answer.status, answer.json["action"]["status_code"]) == (400, 400)
    assert answer.json["action"]["reason"] == code


def test_a_guard_that_cannot_decide_rejects(full, crowded, kit) -> None:
    """Whatever the gateway's failure mode is; its client is told 503. So does a server that is full."""
    for url in (full, crowded):
        answer = kit.send(url, "/request", {"body": asking("hello")})

        assert answer.status == 200
        assert (answer.json["action"]["status_code"], answer.json["action"]["reason"]) == (
            503,
            "guard_unavailable",
        )
