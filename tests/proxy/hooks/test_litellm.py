"""LiteLLM's generic guardrail API: exact payloads of LiteLLM 1.110.2, and what it goes on with."""

from __future__ import annotations

from typing import Any

from tests.cases import each_case

PATH = "/beta/litellm_basic_guardrail_api"
ASKED: dict[str, Any] = {
    "input_type": "response",
    "texts": ["Write to ann@example.org"],
    "images": None,
    "tools": None,
    "tool_calls": None,
    "structured_messages": None,
    "model": "gpt-x",
    "litellm_call_id": "c1",
    "litellm_trace_id": "t1",
    "litellm_version": "1.110.2",
    "request_headers": {"content-type": "application/json", "authorization": "[present]"},
    "request_data": {"user_api_key_hash": "88dc", "user_api_key_team_id": "team-a"},
    "additional_provider_specific_params": {"policy": "default"},
}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"to": "ann@example.org"}'}}


def test_a_reply_comes_back_redacted(hooked, kit) -> None:
    """With what is to be held back of it in a stream: as much as the longest find."""
    answer = kit.send(hooked, PATH, ASKED)

    assert answer.status == 200
    assert answer.json == {
        "action": "GUARDRAIL_INTERVENED",
        "texts": ["Write to [EMAIL]"],
        "stream_holdback_chars": [16],
    }
    assert answer.action == ("redact", "mail")


def test_a_clean_request_is_none(hooked, kit) -> None:
    """Nothing else is told: LiteLLM takes what it has."""
    asked = {**ASKED, "input_type": "request", "texts": ["hello", "again"]}

    assert kit.send(hooked, PATH, asked).json == {"action": "NONE"}


@each_case("kind", ["request", "response"])
def test_a_block_says_why(hooked, kit, kind) -> None:
    """In the words of the rule."""
    answer = kit.send(hooked, PATH, {**ASKED, "input_type": kind, "texts": ["x", "a zqxbomb"]})

    assert (answer.status, answer.json) == (200, {"action": "BLOCKED", "blocked_reason": "Not that."})


def test_texts_stand_at_the_stages_of_their_messages(serve, guard_of, kit) -> None:
    """A rule for tool results sees the text of a tool's message, and no other."""
    url = serve(
        guard_of("""
detectors: {mask: {use: terms, terms: [zqxmask], category: custom.mask}}
rules: [{id: mask, on: tool_result, when: custom.mask > 0, then: redact}]
""")
    )
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "my zqxmask"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "a zqxmask"},
    ]
    asked = {"input_type": "request", "texts": ["my zqxmask", "a zqxmask"], "structured_messages": messages}

    answer = kit.send(url, PATH, asked).json

    assert answer == {"action": "GUARDRAIL_INTERVENED", "texts": ["my zqxmask", "a [MASK]"]}


@each_case("texts", [["zqx", "bomb"], ["zqx", "", "bomb"]])
def test_a_word_that_is_split_over_texts_is_still_a_word(hooked, kit, texts) -> None:
    """Texts of no known message may be parts of one."""
    assert kit.send(hooked, PATH, {"input_type": "request", "texts": texts}).json["action"] == "BLOCKED"


def test_a_tools_description_comes_back_redacted(hooked, kit) -> None:
    """In place, its other fields as they were."""
    tool = {
        "type": "function",
        "function": {"name": "f", "description": "To ann@example.org", "strict": True},
    }

    answer = kit.send(hooked, PATH, {"input_type": "request", "texts": ["x"], "tools": [tool]}).json

    assert answer["action"] == "GUARDRAIL_INTERVENED"
    assert answer["tools"] == [
        {"type": "function", "function": {"name": "f", "description": "To [EMAIL]", "strict": True}}
    ]


@each_case(
    "fields",
    [
        {"tool_calls": [CALL]},
        {"structured_messages": [{"role": "assistant", "content": None, "tool_calls": [CALL]}]},
        {"structured_messages": [{"role": "user", "content": "Write to ann@example.org"}]},
        {"structured_messages": [{"role": "user", "content": "ann@"}, {"role": "user", "content": "x"}], "tool_calls": [CALL]},
        {"x_new": "ann@example.org"},
    ],
)  # fmt: skip
def test_a_change_that_cannot_come_back_blocks(hooked, kit, fields) -> None:
    """Such as one of a call's arguments; nothing of it is told."""
    answer = kit.send(hooked, PATH, {"input_type": "request", "texts": ["x"], **fields})

    assert answer.json["action"] == "BLOCKED"
    assert answer.action[0] == "block"
    assert b"example.org" not in answer.raw


def test_what_the_gateway_says_of_its_caller_is_not_judged(hooked, kit) -> None:
    """No model reads a caller's own address."""
    asked = {**ASKED, "texts": ["x"], "request_data": {"user_api_key_user_email": "ann@example.org"}}

    assert kit.send(hooked, PATH, asked).json["action"] == "NONE"


def test_the_gateway_says_who_asks(serve, guard_of, kit) -> None:
    """Its keys' users and teams are known to it; end users and languages are claims."""
    url = serve(
        guard_of("""
rules:
  - {id: user, on: input, when: 'request.user.id == "u1"', then: flag, on_error: allow}
  - {id: team, on: input, when: 'request.tenant == "team-a"', then: flag, on_error: allow}
  - {id: claim, on: input, when: 'request.client.user == "jo"', then: flag, on_error: allow}
  - {id: language, on: input, when: 'request.client.language == "de"', then: flag, on_error: allow}
  - {id: model, on: input, when: 'request.model == "gpt-x"', then: flag, on_error: allow}
""")
    )
    data = {
        "user_api_key_user_id": "u1",
        "user_api_key_team_id": "team-a",
        "user_api_key_end_user_id": "jo",
    }
    asked = {**ASKED, "input_type": "request", "texts": ["x"], "request_data": data}
    asked["request_headers"] = {"accept-language": "de-DE,de;q=0.9"}

    answer = kit.send(url, PATH, asked)

    assert set(answer.action[1].split(",")) == {"user", "team", "claim", "language", "model"}


@each_case(
    ("body", "param"),
    [
        ({}, "/input_type"),
        ({"input_type": "both"}, "/input_type"),
        ({"input_type": "request", "texts": "x"}, "/texts"),
        ({"input_type": "request", "texts": [1]}, "/texts/0"),
        ({"input_type": "request", "structured_messages": {}}, "/structured_messages"),
        ({"input_type": "request", "structured_messages": [{"role": "x"}]}, "/structured_messages/0/role"),
        (b"[]", None),
    ],
)
def test_a_malformed_body_is_400(hooked, kit, body, param) -> None:
    """LiteLLM fails closed on it."""
    answer = kit.send(hooked, PATH, body)

    assert (answer.status, answer.error["param"]) == (400, param)


def test_rules_over_tools_follow_the_conversation(serve, guard_of, kit) -> None:
    """Calls are judged after the results before them; texts that are told twice are of the same call."""
    url = serve(
        guard_of(
            "tools: {allow: [{name: mail, arguments: {required: [to]}}, {name: web}], untrusted: [web]}\nhistory: block\n"
            "rules:\n  - {id: valid, on: tool_call, when: '!tool.valid', then: block}\n"
            "  - {id: flow, on: tool_call, when: 'tool.name == \"mail\" && tool.carries', then: block}\n"
        )
    )

    def call(name: str, arguments: str, identity: str) -> dict[str, Any]:
        return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}

    for to, action in (("boss@x.example", "BLOCKED"), ("jo@x.example", "NONE")):
        mail = call("mail", f'{{"to": "{to}"}}', "c2")
        messages = [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": None, "tool_calls": [call("web", "{}", "c1")]},
            {"role": "tool", "tool_call_id": "c1", "content": "boss@x.example"},
        ]
        later = [*messages, {"role": "assistant", "content": None, "tool_calls": [mail]}]
        for body in (
            {"structured_messages": later, "texts": ["hi", "boss@x.example", to]},
            {"structured_messages": messages, "texts": [], "tool_calls": [mail], "input_type": "response"},
        ):
            answer = kit.send(url, PATH, {**ASKED, "input_type": "request", **body})
            assert answer.json["action"] == action


def test_a_guard_that_cannot_decide_blocks(full, crowded, kit) -> None:
    """And says why: LiteLLM may be told to let errors pass."""
    for url in (full, crowded):
        answer = kit.send(url, PATH, {"input_type": "request", "texts": ["x"]})

        assert (answer.status, answer.json) == (
            200,
            {"action": "BLOCKED", "blocked_reason": "guard_unavailable"},
        )
