"""Portkey's webhook: exact payloads of gateway 1.15.2, and what it makes of the answers."""

from __future__ import annotations

import json
from typing import Any

from tests.cases import each_case

PATH = "/hooks/portkey"
ASKED: dict[str, Any] = {
    "eventType": "beforeRequestHook",
    "provider": "openai",
    "requestType": "chatComplete",
    "metadata": {"user": "u1"},
    "request": {
        "json": {"model": "m", "messages": [{"role": "user", "content": "hello"}]},
        "text": "hello",
        "isStreamingRequest": False,
        "isTransformed": False,
    },
    "response": {"json": {}, "text": "", "statusCode": None, "isTransformed": False},
}


def asking(json: Any, kind: str = "chatComplete") -> dict[str, Any]:
    """Return what Portkey sends before a request."""
    return {**ASKED, "requestType": kind, "request": {**ASKED["request"], "json": json}}


def answering(json: Any, kind: str = "chatComplete") -> dict[str, Any]:
    """Return what Portkey sends after an answer."""
    response = {"json": json, "text": "", "statusCode": 200, "isTransformed": False}
    return {**ASKED, "eventType": "afterRequestHook", "requestType": kind, "response": response}


def saying(text: str) -> dict[str, Any]:
    """Return a chat request."""
    return {"model": "m", "temperature": 1.0, "messages": [{"role": "user", "content": text}]}


def test_a_clean_request_passes(hooked, kit) -> None:
    """With nothing to use instead."""
    answer = kit.send(hooked, PATH, ASKED)

    assert (answer.status, answer.json) == (200, {"verdict": True, "data": {"action": "allow", "rule": ""}})


def test_a_request_comes_back_redacted(hooked, kit) -> None:
    """Whole, since Portkey takes it as it is."""
    answer = kit.send(hooked, PATH, asking(saying("Write to ann@example.org"))).json

    assert answer == {
        "verdict": True,
        "data": {"action": "redact", "rule": "mail"},
        "transformedData": {"request": {"json": saying("Write to [EMAIL]")}},
    }


def test_the_whole_conversation_is_read_not_the_last_message(hooked, kit) -> None:
    """An earlier turn that is blocked is left out."""
    messages = [
        {"role": "user", "content": "zqxbomb"},
        {"role": "assistant", "content": "No."},
        {"role": "user", "content": "hello"},
    ]

    answer = kit.send(hooked, PATH, asking({"model": "m", "messages": messages})).json

    assert answer["verdict"] is True
    assert answer["transformedData"]["request"]["json"]["messages"] == messages[2:]


@each_case(
    "body",
    [
        asking(saying("zqxbomb")),
        asking({"model": "m", "max_tokens": 5, "system": "zqxbomb", "messages": [{"role": "user", "content": "x"}]}, "messages"),
        asking({"model": "m", "input": "zqxbomb"}, "createModelResponse"),
        asking({"model": "m", "prompt": "zqxbomb"}, "complete"),
        asking({"model": "m", "input": ["x", "zqxbomb"]}, "embed"),
        asking({"model": "m", "prompt": "zqxbomb"}, "imageGenerate"),
        answering({"choices": [{"index": 0, "message": {"role": "assistant", "content": "zqxbomb"}}]}),
        {**answering({"choices": [{"text": "zqxbomb"}]}), "requestType": "complete", "request": {"json": {"prompt": "x"}}},
        answering({"choices": [{"text": "zqxbomb"}]}, "imageGenerate"),
        answering({"choices": "zqxbomb"}),
        answering({"error": {"message": "zqxbomb"}}),
    ],
)  # fmt: skip
def test_a_block_is_false(hooked, kit, body) -> None:
    """Of every API, before and after; in the words of the rule."""
    answer = kit.send(hooked, PATH, body)

    data = {"action": "block", "rule": "bomb", "explanation": "Not that."}
    assert (answer.status, answer.json) == (200, {"verdict": False, "data": data})


def test_an_answer_comes_back_redacted(hooked, kit) -> None:
    """Where Portkey looks for it."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "Write to ann@example.org"},
        "finish_reason": "stop",
    }
    whole = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}

    answer = kit.send(hooked, PATH, answering(whole)).json

    assert list(answer["transformedData"]) == ["response"]
    message = answer["transformedData"]["response"]["json"]["choices"][0]["message"]
    assert message == {"role": "assistant", "content": "Write to [EMAIL]"}


@each_case("body", [{"error": {"message": "Write to ann@example.org"}}, {"choices": ["ann@example.org"]}])
def test_what_is_no_answer_of_the_api_is_judged_string_by_string(hooked, kit, body) -> None:
    """An error of the provider's, say: it comes back redacted, whatever it looks like."""
    told = kit.send(hooked, PATH, answering(body)).json

    left = json.loads(json.dumps(body).replace("ann@example.org", "[EMAIL]"))
    assert told["transformedData"] == {"response": {"json": left}}


@each_case(
    ("body", "rule"),
    [
        (b"[]", "invalid_json"),
        (b'{"eventType": "\\ud800"}', "lone_surrogate"),
        ({}, "invalid_type"),
        ({**ASKED, "eventType": "else"}, "invalid_type"),
        ({**ASKED, "request": {}}, "invalid_type"),
        (asking({"model": "m", "messages": [{"role": "zqxbomb", "content": "x"}]}), "unknown_role"),
        (asking({"model": "m", "messages": [], "chat_template": "x"}), "unsupported_field"),
        (answering({}), "invalid_content"),
    ],
)
def test_what_cannot_be_judged_is_false_too(hooked, kit, body, rule) -> None:
    """Status 200, since Portkey lets pass what is answered with an error."""
    answer = kit.send(hooked, PATH, body)

    assert (answer.status, answer.json["verdict"], answer.json["data"]["rule"]) == (200, False, rule)


def test_a_guard_that_cannot_decide_is_false(serve, full, kit) -> None:
    """A body over the limit, and workers that are all busy."""
    url = serve(max_body_bytes=64, wait_ready=False)

    answers = [kit.send(each, PATH, ASKED) for each in (url, full)]

    assert [(each.status, each.json["verdict"]) for each in answers] == [(200, False), (200, False)]
    assert [each.json["data"]["rule"] for each in answers] == ["request_too_large", "guard_unavailable"]


def test_the_clients_words_are_claims(serve, guard_of, kit) -> None:
    """Metadata, the model and the user of the request reach the conditions."""
    url = serve(
        guard_of("""
rules:
  - {id: meta, on: input, when: 'request.metadata.user == "u1"', then: flag, on_error: allow}
  - {id: model, on: input, when: 'request.model == "m"', then: flag, on_error: allow}
  - {id: claim, on: input, when: 'request.client.user == "jo"', then: flag, on_error: allow}
  - {id: user, on: input, when: 'request.user.id == "jo"', then: flag, on_error: allow}
""")
    )

    answer = kit.send(url, PATH, asking({**saying("x"), "user": "jo"}))

    assert set(answer.action[1].split(",")) == {"meta", "model", "claim"}


def test_calls_of_an_answer_are_judged_after_what_the_request_s_tools_returned(serve, guard_of, kit) -> None:
    """The answer comes with its request, so that what tools returned there is known."""
    url = serve(
        guard_of(
            "tools: {untrusted: [web]}\n"
            "rules: [{id: flow, on: tool_call, when: 'tool.name == \"mail\" && tool.carries', then: block}]"
        )
    )

    def call(name: str, arguments: str, identity: str) -> dict[str, Any]:
        function = {"name": name, "arguments": arguments}
        return {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": identity, "type": "function", "function": function}],
        }

    asked = saying("hi")
    asked["messages"] += [
        call("web", "{}", "c1"),
        {"role": "tool", "tool_call_id": "c1", "content": "boss@x.example"},
    ]
    for to, passes in (("boss@x.example", False), ("jo@x.example", True)):
        answer = kit.completion(call("mail", f'{{"to": "{to}"}}', "c2"))
        body = {**answering(answer), "request": {**ASKED["request"], "json": asked}}
        assert kit.send(url, PATH, body).json["verdict"] is passes
