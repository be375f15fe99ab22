"""`POST /v1/messages` and its counts, not streamed: what is judged, what the upstream gets, and what the client gets."""

from __future__ import annotations

import json
import threading

import anthropic
import pytest

from guardrails import Guard
from tests.cases import each_case

SEALED = "RWFzdGVyIGVnZ3MgYXJlIGhpZGRlbiBoZXJlLCB0cnVseQ=="
"""Stands for what a provider has encrypted or signed."""

PLAIN_SOURCE = {"type": "text", "media_type": "text/plain", "data": "Grass is green."}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": {"b": ["x"]}}}
TOOL = {"name": "f", "description": "Does.", "input_schema": {"type": "object", "properties": {}}}
CONVERSATION = {
    "model": "m",
    "max_tokens": 9,
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Call f."},
                {"type": "document", "title": "Notes", "context": "old", "source": PLAIN_SOURCE},
                {
                    "type": "document",
                    "source": {"type": "content", "content": [{"type": "text", "text": "b"}]},
                },
                {
                    "type": "search_result",
                    "source": "https://x.example",
                    "title": "t",
                    "content": [{"type": "text", "text": "c"}],
                },
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": SEALED},
                {"type": "text", "text": "I will."},
                CALL,
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "content": [{"type": "text", "text": "done"}],
                }
            ],
        },
        {"role": "assistant", "content": "Done."},
        {"role": "user", "content": "Thanks."},
    ],
    "tools": [TOOL, {"type": "web_search_20250305", "name": "web_search"}],
    "metadata": {"user_id": "u1"},
    "stop_sequences": ["END"],
}
PLACES = [
    ("system",),
    ("system", 0, "text"),
    ("system", 0, "note"),
    ("messages", 0, "content"),
    ("messages", 0, "content", 0, "text"),
    ("messages", 0, "content", 0, "citations", 0, "cited_text"),
    ("messages", 0, "content", 0, "note"),
    ("messages", 0, "content", 1, "title"),
    ("messages", 0, "content", 1, "context"),
    ("messages", 0, "content", 1, "source", "data"),
    ("messages", 0, "content", 2, "source", "content"),
    ("messages", 0, "content", 2, "source", "content", 0, "text"),
    ("messages", 0, "content", 3, "title"),
    ("messages", 0, "content", 3, "source"),
    ("messages", 0, "content", 3, "content", 0, "text"),
    ("messages", 0, "note"),
    ("messages", 1, "content", 0, "thinking"),
    ("messages", 1, "content", 0, "signature"),
    ("messages", 1, "content", 1, "text"),
    ("messages", 1, "content", 2, "id"),
    ("messages", 1, "content", 2, "name"),
    ("messages", 1, "content", 2, "input", "a", "b", 0),
    ("messages", 1, "content", 2, "input", "zqxbomb"),
    ("messages", 2, "content", 0, "tool_use_id"),
    ("messages", 2, "content", 0, "content"),
    ("messages", 2, "content", 0, "content", 0, "text"),
    ("messages", 3, "content"),
    ("messages", 4, "content"),
    ("tools", 0, "name"),
    ("tools", 0, "description"),
    ("tools", 0, "input_schema", "properties", "p", "description"),
    ("tools", 1, "user_location", "city"),
    ("tool_choice", "name"),
    ("metadata", "user_id"),
    ("stop_sequences", 0),
    ("output_config", "format", "schema", "title"),
    ("guardrails",),
]
ANSWER_PLACES = [
    {"type": "text", "text": "zqxbomb"},
    {"type": "text", "text": "x", "citations": [{"type": "char_location", "cited_text": "zqxbomb"}]},
    {"type": "text", "text": "x", "citations": [{"type": "x_location", "url": "u", "title": "zqxbomb"}]},
    {"type": "text", "text": "x", "note": {"deep": ["zqxbomb"]}},
    {"type": "thinking", "thinking": "zqxbomb", "signature": SEALED},
    {"type": "thinking", "thinking": "x", "signature": "zqxbomb"},
    {"type": "redacted_thinking", "data": "zqxbomb"},
    {**CALL, "name": "zqxbomb"},
    {**CALL, "id": "zqxbomb"},
    {**CALL, "input": {"a": ["zqxbomb"]}},
    {**CALL, "input": {"zqxbomb": 1}},
    {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "zqxbomb"}},
    {"type": "mcp_tool_use", "id": "s", "name": "n", "server_name": "zqxbomb", "input": {}},
    {"type": "mcp_tool_result", "tool_use_id": "s", "content": [{"type": "text", "text": "zqxbomb"}]},
    {
        "type": "web_search_tool_result",
        "tool_use_id": "s",
        "content": [
            {"type": "web_search_result", "url": "u", "title": "zqxbomb", "encrypted_content": SEALED}
        ],
    },
    {
        "type": "code_execution_tool_result",
        "tool_use_id": "s",
        "content": {"type": "code_execution_result", "stdout": "zqxbomb", "stderr": "", "return_code": 0},
    },
    {"type": "a_new_block", "anything": {"deep": "zqxbomb"}},
]


def test_what_is_allowed_passes_unchanged(proxy, fake, kit) -> None:
    """Both ways the bytes are the same; the upstream is asked at its own path, with Anthropic's headers."""
    asked = (
        json.dumps(CONVERSATION, indent=1)
        .replace('"max_tokens": 9', '"max_tokens": 9, "top_p": 1.0e0')
        .encode()
    )
    said = json.dumps(
        kit.message("Hi.", {"type": "thinking", "thinking": "x", "signature": SEALED}), indent=3
    ).encode()
    fake.answers(said, headers={"request-id": "req_up", "anthropic-ratelimit-requests-limit": "5"})

    answer = kit.ask(proxy, asked, x_api_key="k", anthropic_beta="a-1,b-2", x_order="o")

    [got] = fake.asked
    assert (got.raw, got.path) == (asked, "/v1/messages")
    assert (got.headers["x-api-key"], got.headers["anthropic-version"], got.headers["anthropic-beta"]) == (
        "k",
        "2023-06-01",
        "a-1,b-2",
    )
    assert "x-order" not in got.headers
    assert (answer.status, answer.raw, answer.action) == (200, said, ("allow", ""))
    assert (answer.headers["request-id"], answer.headers["anthropic-ratelimit-requests-limit"]) == (
        "req_up",
        "5",
    )
    assert len(answer.headers["x-guardrails-verdict-id"].split(",")) == 2


def test_the_operators_key_replaces_the_clients(serve, fake, kit) -> None:
    """As Anthropic's servers take it; the client's keys go nowhere."""
    fake.answers(kit.message("x"))

    kit.ask(serve(upstream_key="secret"), CONVERSATION, x_api_key="client", authorization="Bearer client")

    headers = fake.asked[0].headers
    assert (headers["x-api-key"], "authorization" in headers) == ("secret", False)


def test_the_query_of_beta_clients_is_kept_and_no_other(proxy, fake, kit) -> None:
    """Anthropic's clients ask for beta features by a query."""
    fake.answers(kit.message("x"))

    for query in ("?beta=true", "?x=1"):
        assert kit.send(proxy, f"/v1/messages{query}", CONVERSATION).status == 200

    assert [asked.path for asked in fake.asked] == ["/v1/messages?beta=true", "/v1/messages"]


def test_what_is_redacted_in_the_request_does_not_reach_the_upstream(proxy, fake, kit) -> None:
    """Only the texts change, inside blocks, documents, results and the system prompt."""
    fake.answers(kit.message("x"))
    body = CONVERSATION
    places = [place for place in PLACES if place[-1] in {"text", "data", "title", "context", "b"}]
    for place in places:
        body = kit.put(body, place, "a zqxmask b")

    answer = kit.ask(proxy, body)

    assert (answer.status, answer.action) == (200, ("redact", "mask.redact"))
    assert fake.asked[0].raw == json.dumps(body, separators=(",", ":")).replace("zqxmask", "[MASK]").encode()


@each_case("path", PLACES, ids=lambda path: ".".join(map(str, path)))
@each_case("route", ["/v1/messages", "/v1/messages/count_tokens"])
def test_a_hidden_term_is_found_in_every_place_of_a_request(proxy, fake, kit, path, route) -> None:
    """Blocks of every kind, definitions, ids, unknown fields: every string of a request is judged, also for a count."""
    body = kit.put(CONVERSATION, path, "zqxbomb")
    if path[0] == "messages" and path[1] < 4:
        body["messages"] = body["messages"][:4]  # an earlier turn would only be left out

    answer = kit.send(proxy, route, body)

    assert (answer.status, answer.error["code"]) == (400, "content_filter")
    assert (answer.json["type"], answer.json["error"]["type"]) == ("error", "invalid_request_error")
    assert b"zqxbomb" not in answer.raw
    assert fake.asked == []


@each_case("block", ANSWER_PLACES)
def test_a_hidden_term_is_found_in_every_place_of_an_answer(proxy, fake, kit, block) -> None:
    """Thoughts, citations, calls, results of the server's tools, blocks that nobody knows: nothing of it leaves."""
    fake.answers(kit.message("harmless", block))

    answer = kit.ask(proxy, CONVERSATION)

    assert (answer.status, answer.json["stop_reason"]) == (200, "refusal")
    assert answer.json["content"] == [{"type": "text", "text": "Not that."}]
    assert b"zqxbomb" not in answer.raw
    assert b"harmless" not in answer.raw


@each_case("field", ["id", "model", "stop_sequence", "x_new", "usage"])
def test_a_hidden_term_beside_the_content_is_found(proxy, fake, kit, field) -> None:
    """A refusal keeps nothing of the field that blocked."""
    fake.answers(kit.message("fine", **{field: {"a": "a zqxbomb"} if field == "usage" else "a zqxbomb"}))

    answer = kit.ask(proxy, CONVERSATION)

    assert answer.json["stop_reason"] == "refusal"
    assert b"zqxbomb" not in answer.raw
    assert {"id", "type", "role", "model", "usage", "content"} <= set(answer.json)


def test_a_blocked_answer_is_a_refusal(proxy, fake, kit) -> None:
    """With our text, the details of a refusal, and the usage that is paid for."""
    fake.answers(kit.message("first", CALL, "zqxbomb", stop_reason="tool_use"))

    answer = kit.ask(proxy, CONVERSATION)

    assert answer.action == ("block", "bomb.block")
    assert answer.json == {
        **kit.message("Not that."),
        "stop_reason": "refusal",
        "stop_details": {"type": "refusal", "category": None, "explanation": "Not that."},
    }


def test_what_is_redacted_in_the_answer_does_not_reach_the_client(proxy, fake, kit) -> None:
    """Texts, citations and the input of calls; their ids and what needs no edit stay as they were."""
    cited = {"type": "char_location", "cited_text": "a zqxmask", "start_char_index": 1, "end_char_index": 9}
    text = {"type": "text", "text": "zqxmask!", "citations": [cited]}
    said = kit.message(text, {**CALL, "input": {"a": ["zqxmask"]}}, "fine")
    fake.answers(said)

    answer = kit.ask(proxy, CONVERSATION)

    assert answer.raw == json.dumps(said, separators=(",", ":")).replace("zqxmask", "[MASK]").encode()
    assert answer.action == ("redact", "mask.redact")


@each_case(
    ("signature", "thoughts"),
    [({"signature": SEALED}, []), ({"signature": ""}, ["[MASK]"]), ({}, ["[MASK]"])],
)
def test_a_signed_thought_that_would_be_edited_is_left_out(proxy, fake, kit, signature, thoughts) -> None:
    """Its signature would not hold; one without a signature is edited. Both ways."""
    thought = {"type": "thinking", "thinking": "zqxmask", **signature}
    fake.answers(kit.message(thought, "fine"))

    said = kit.ask(
        proxy,
        kit.asking("hi", {"role": "assistant", "content": [thought, {"type": "text", "text": "ok"}]}, "go"),
    )

    for content in (said.json["content"], fake.asked[0].json["messages"][1]["content"]):
        assert [block["thinking"] for block in content if block["type"] == "thinking"] == thoughts
        assert content[-1]["type"] == "text"
    assert b"zqxmask" not in said.raw + fake.asked[0].raw


def test_sealed_thoughts_pass_and_are_named(proxy, fake, kit) -> None:
    """What only the provider can open is flagged by default: nobody can judge it, and nobody can read it."""
    fake.answers(kit.message({"type": "redacted_thinking", "data": SEALED}, "fine"))

    answer = kit.ask(proxy, kit.asking("hi"))

    assert answer.json["content"][0]["data"] == SEALED
    assert answer.action == ("flag", "unchecked.sealed")


UNSEEN = {
    "image": {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 40}},
    "image url": {"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}},
    "pdf": {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "A" * 40},
    },
    "file": {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
    "upload": {"type": "container_upload", "file_id": "file_1"},
    "in a result": {
        "type": "tool_result",
        "tool_use_id": "t",
        "content": [{"type": "image", "source": {"type": "url", "url": "u"}}],
    },
    "unknown": {"type": "hologram", "text": "x"},
    "untyped": {"text": "x"},
    "unknown source": {"type": "document", "source": {"type": "cloud", "key": "x"}},
}


@each_case("name", UNSEEN)
def test_a_part_that_nobody_can_judge_does_not_pass(proxy, fake, kit, name) -> None:
    """It is inspected or refused, never dropped while the log says that all was checked."""
    answer = kit.ask(proxy, kit.asking({"role": "user", "content": [UNSEEN[name]]}))

    assert (answer.status, answer.action) == (400, ("block", "unchecked.part"))
    assert fake.asked == []


@each_case(
    "extra",
    [
        {
            "mcp_servers": [
                {"type": "url", "url": "https://mcp.example", "name": "n", "authorization_token": SEALED}
            ]
        },
        {"container": {"skills": [{"type": "anthropic", "skill_id": "pptx", "version": "latest"}]}},
    ],
)
def test_what_the_server_adds_unseen_does_not_pass(proxy, fake, kit, extra) -> None:
    """Tools of a remote server and skills are instructions that the guard has not read."""
    answer = kit.ask(proxy, kit.asking("hi", **extra))

    assert (answer.status, answer.action) == (400, ("block", "unchecked.part"))


def test_what_is_unseen_can_be_allowed_by_the_policy(serve, guard_of, fake, kit) -> None:
    """`unchecked: {part: flag}`: it is forwarded and named."""
    url = serve(guard_of(kit.policy + "unchecked: {part: flag}\n"))
    fake.answers(kit.message("x"))

    for name in UNSEEN:
        assert kit.ask(url, kit.asking({"role": "user", "content": [UNSEEN[name]]})).action == (
            "flag",
            "unchecked.part",
        )


def test_an_attack_in_an_earlier_turn_is_left_out(proxy, fake, kit) -> None:
    """Its exchange goes whole, calls with their results, so that what is left is a conversation that a model accepts."""
    fake.answers(kit.message("x"))
    body = kit.put(CONVERSATION, ("messages", 0, "content", 0, "text"), "zqxbomb")

    answer = kit.ask(proxy, body)

    assert fake.asked[0].json["messages"] == [{"role": "user", "content": "Thanks."}]
    assert answer.action == ("redact", "bomb.block")


def test_a_word_split_over_two_blocks_is_a_word(proxy, fake, kit) -> None:
    """In a request and in an answer."""
    split = [{"type": "text", "text": "zqx"}, {"type": "text", "text": "bomb"}]
    fake.answers(kit.message(*split))

    assert kit.ask(proxy, kit.asking({"role": "user", "content": split})).status == 400
    assert kit.ask(proxy, {**kit.asking("hi"), "system": split}).status == 400
    assert kit.ask(proxy, kit.asking("hi")).json["stop_reason"] == "refusal"


@each_case(
    ("body", "code", "param"),
    [
        ({"messages": "x"}, "invalid_messages", "/messages"),
        ({"model": "m"}, "invalid_messages", "/messages"),
        ({"messages": ["x"]}, "invalid_message", "/messages/0"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "unknown_role", "/messages/0/role"),
        ({"messages": [], "stream": "yes"}, "invalid_type", "/stream"),
        ({"messages": [], "chat_template": "x"}, "unsupported_field", "/chat_template"),
        (b'{"messages":[],"messages":[]}', "duplicate_key", "/messages"),
        (b"{", "invalid_json", None),
    ],
)
def test_a_body_that_cannot_be_judged_is_refused(proxy, fake, kit, body, code, param) -> None:
    """400 in Anthropic's shape, with the place; nothing is forwarded."""
    answer = kit.ask(proxy, body)

    assert answer.status == 400
    assert answer.json["error"]["type"] == "invalid_request_error"
    assert (answer.error["code"], answer.error["param"]) == (code, param)
    assert fake.asked == []


FAULTS = {
    "not JSON": ({"body": b"<html>zqxbomb</html>"}, 502, "api_error"),
    "no message": ({"body": {"id": "x"}}, 502, "api_error"),
    "no blocks": ({"body": {"type": "message", "content": ["x"]}}, 502, "api_error"),
    "cut": ({"body": {"type": "message"}, "cut": True}, 502, "api_error"),
    "too many": (
        {"body": {"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}, "status": 429},
        429,
        "rate_limit_error",
    ),
    "overloaded": (
        {"body": {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}, "status": 529},
        529,
        "overloaded_error",
    ),
    "no key": ({"body": {"error": "key"}, "status": 401}, 401, "authentication_error"),
    "broken": ({"body": b"<h1>oops</h1>", "status": 500}, 500, "api_error"),
}


@each_case("streamed", [False, True])
@each_case("fault", FAULTS)
def test_a_failure_is_an_error_in_anthropics_shape(proxy, fake, kit, fault, streamed) -> None:
    """With a status that is true, never 200, and with no foreign text."""
    reply, status, kind = FAULTS[fault]
    fake.answers(**reply)

    answer = kit.ask(proxy, kit.asking("a zqxflag", stream=streamed))

    assert (answer.status, answer.json["type"], answer.json["error"]["type"]) == (status, "error", kind)
    assert answer.action == ("flag", "flag.flag")
    assert b"zqxbomb" not in answer.raw


def test_overload_is_answered_in_anthropics_shape(serve, fake, kit) -> None:
    """503 with a time to come back."""
    url = serve(max_concurrent=1)
    fake.answers(kit.message("x"), gate=threading.Event())
    first = threading.Thread(target=lambda: kit.ask(url, kit.asking("hi")))
    first.start()
    assert fake.arrived.wait(kit.wait_s)

    shed = kit.ask(url, kit.asking("hi"))
    fake.reply.gate.set()
    first.join(kit.wait_s)

    assert (shed.status, shed.json["error"]["type"]) == (503, "overloaded_error")
    assert shed.headers["retry-after"]


def test_a_count_is_forwarded(proxy, fake, kit) -> None:
    """At its own path; the request is judged and edited like one that is answered."""
    fake.answers({"input_tokens": 14})

    answer = kit.send(proxy, "/v1/messages/count_tokens", kit.asking("a zqxmask"))

    assert (answer.status, answer.json, answer.action) == (
        200,
        {"input_tokens": 14},
        ("redact", "mask.redact"),
    )
    assert fake.asked[0].path == "/v1/messages/count_tokens"
    assert b"zqxmask" not in fake.asked[0].raw


@each_case("said", [{}, {"input_tokens": "zqxbomb"}, {"input_tokens": 1, "note": "a zqxbomb"}])
def test_a_count_that_is_none_does_not_pass(proxy, fake, kit, said) -> None:
    """An answer that holds more than numbers is the upstream's fault."""
    fake.answers(said)

    answer = kit.send(proxy, "/v1/messages/count_tokens", kit.asking("hi"))

    assert (answer.status, answer.error["code"]) == (502, "upstream_invalid")


def test_a_count_is_not_streamed(proxy, fake, kit) -> None:
    """There is no such thing."""
    answer = kit.send(proxy, "/v1/messages/count_tokens", kit.asking("hi", stream=True))

    assert (answer.status, answer.error["param"]) == (400, "/stream")


def test_anthropics_client_sees_its_own_types(proxy, fake, kit) -> None:
    """The real SDK: a block of the request is a BadRequestError, a block of the answer a refusal."""
    ask = {"model": "m", "max_tokens": 9}
    with anthropic.Anthropic(base_url=proxy, api_key="k", max_retries=0) as client:
        fake.answers(kit.message("a zqxmask"))
        said = client.messages.create(messages=[{"role": "user", "content": "hi"}], **ask)
        assert (said.content[0].text, fake.asked[0].headers["authorization"]) == (
            "a [MASK]",
            "Bearer k",
        )
        with pytest.raises(anthropic.BadRequestError) as caught:
            client.messages.create(messages=[{"role": "user", "content": "zqxbomb"}], **ask)
        assert caught.value.body["error"]["type"] == "invalid_request_error"
        fake.answers(kit.message("zqxbomb"))
        refused = client.messages.create(messages=[{"role": "user", "content": "hi"}], **ask)
        assert (refused.stop_reason, refused.stop_details.explanation) == ("refusal", "Not that.")
        fake.answers({"input_tokens": 3})
        assert (
            client.messages.count_tokens(model="m", messages=[{"role": "user", "content": "hi"}]).input_tokens
            == 3
        )


VAULT = """
detectors: {pii: {use: pii, entities: [email]}}
rules: [{id: keep, on: [input, output, tool_call, tool_result], when: pii > 0, then: redact, with: vault}]
"""


@pytest.fixture(scope="module")
def vault_guard(guard_of) -> Guard:
    """A guard that numbers addresses."""
    return guard_of(VAULT)


@each_case("streamed", [False, True])
def test_the_client_gets_values_that_the_model_never_saw(serve, fake, kit, vault_guard, streamed) -> None:
    """In texts, not in a call's input; numbers hold over the conversation."""
    said = kit.message("I wrote to [EMAIL_1].", {**CALL, "input": {"to": "[EMAIL_1]"}})
    fake.events(*kit.message_events(said)) if streamed else fake.answers(said)
    with anthropic.Anthropic(base_url=serve(vault_guard), api_key="k", max_retries=0) as client:
        ask = {
            "model": "m",
            "max_tokens": 9,
            "messages": [{"role": "user", "content": "mail jo@example.com"}],
        }
        if streamed:
            with client.messages.stream(**ask) as stream:
                message = stream.get_final_message()
        else:
            message = client.messages.create(**ask)
    assert fake.asked[0].json["messages"][0]["content"] == "mail [EMAIL_1]"
    assert (message.content[0].text, message.content[1].input) == (
        "I wrote to jo@example.com.",
        {"to": "[EMAIL_1]"},
    )


@each_case("streamed", [False, True])
def test_a_reply_is_judged_beside_the_system_prompt(serve, guard_of, fake, kit, streamed) -> None:
    """A reply that repeats the system prompt is found; a planted canary reaches the upstream."""
    leaked = "You are Ada, the assistant of Acme, and you never say that the launch is planned for May."
    guard = guard_of(
        "detectors: {leak: {use: prompt_leak, plant: true}}\n"
        "rules: [{id: leak.block, on: output, when: prompt_leak >= 0.7, then: block}]"
    )
    said = kit.message(f"Sure: {leaked}")
    fake.events(*kit.message_events(said)) if streamed else fake.answers(said)

    answer = kit.ask(serve(guard), kit.asking("hi", system=leaked, stream=streamed))

    assert "Internal reference" in fake.asked[0].json["system"]
    assert b"launch" not in answer.raw
    assert b'"refusal"' in answer.raw


@each_case("term", ["zqxbomb", "zqxmask"])
def test_no_place_of_a_request_reaches_the_upstream(proxy, fake, kit, term) -> None:
    """A term in any string or new field of a conversation is blocked, left out with its turn, or redacted."""
    fake.answers(kit.message("x"))
    for place in kit.places(CONVERSATION):
        fake.asked.clear()
        answer = kit.ask(proxy, kit.put(CONVERSATION, place, f"a {term} b"))
        assert not any(term.encode() in asked.raw for asked in fake.asked), place
        assert term.encode() not in answer.raw
