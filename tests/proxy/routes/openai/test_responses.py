"""`POST /v1/responses`, not streamed: what is judged, what the upstream gets, and what the client gets."""

from __future__ import annotations

import json

import openai
import pytest

from guardrails import Guard
from tests.cases import each_case

SEALED = "RWFzdGVyIGVnZ3MgYXJlIGhpZGRlbiBoZXJlLCB0cnVseQ=="
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": '{"a": ["x"]}'}
REASONING = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "Hm."}],
    "content": [{"type": "reasoning_text", "text": "Well."}],
}
CONVERSATION = {
    "model": "m",
    "instructions": "Be brief.",
    "input": [
        {"role": "developer", "content": "Be kind."},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Call f."}]},
        REASONING,
        CALL,
        {"type": "function_call_output", "call_id": "c1", "output": "done"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": "go"},
        {
            "type": "custom_tool_call_output",
            "call_id": "c2",
            "output": [{"type": "input_text", "text": "gone"}],
        },
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Done.", "annotations": []}],
        },
        {"role": "user", "content": "Thanks."},
    ],
    "tools": [
        {"type": "function", "name": "f", "description": "Does.", "parameters": {"type": "object"}},
        {"type": "web_search", "user_location": {"type": "approximate", "city": "x"}},
    ],
    "text": {"format": {"type": "json_schema", "name": "n", "schema": {"title": "t"}}},
    "metadata": {"app": "x"},
    "previous_response_id": None,
}
PLACES = [
    ("instructions",),
    ("input",),
    ("input", 0, "content"),
    ("input", 1, "content"),
    ("input", 1, "content", 0, "text"),
    ("input", 1, "content", 0, "note"),
    ("input", 1, "note"),
    ("input", 2, "summary", 0, "text"),
    ("input", 2, "content", 0, "text"),
    ("input", 2, "encrypted_content"),
    ("input", 3, "name"),
    ("input", 3, "call_id"),
    ("input", 3, "arguments"),
    ("input", 4, "output"),
    ("input", 5, "input"),
    ("input", 6, "output", 0, "text"),
    ("input", 7, "content"),
    ("input", 7, "content", 0, "text"),
    ("input", 7, "content", 0, "annotations", 0, "title"),
    ("input", 8, "content"),
    ("tools", 0, "name"),
    ("tools", 0, "description"),
    ("tools", 0, "parameters", "description"),
    ("tools", 1, "user_location", "city"),
    ("tool_choice", "name"),
    ("text", "format", "schema", "title"),
    ("metadata", "app"),
    ("user",),
    ("guardrails",),
]
ANSWER_PLACES = [
    {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "zqxbomb"}]},
    {
        "type": "message",
        "role": "assistant",
        "content": [
            {
                "type": "output_text",
                "text": "x",
                "annotations": [{"type": "url_citation", "title": "zqxbomb"}],
            }
        ],
    },
    {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "x", "note": "zqxbomb"}],
    },
    {"type": "message", "role": "assistant", "note": {"a": ["zqxbomb"]}, "content": []},
    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "zqxbomb"}]},
    {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "zqxbomb"}]},
    {"type": "reasoning", "summary": [], "encrypted_content": "zqxbomb"},
    {**CALL, "arguments": '{"a": "zqx\\u0062omb"}'},
    {**CALL, "name": "zqxbomb"},
    {"type": "custom_tool_call", "name": "g", "input": "zqxbomb"},
    {"type": "mcp_call", "name": "g", "server_label": "s", "arguments": "{}", "output": "zqxbomb"},
    {"type": "mcp_list_tools", "server_label": "s", "tools": [{"name": "n", "description": "zqxbomb"}]},
    {"type": "web_search_call", "action": {"type": "search", "query": "zqxbomb"}},
    {"type": "file_search_call", "queries": ["q"], "results": [{"filename": "f", "text": "zqxbomb"}]},
    {"type": "code_interpreter_call", "code": "zqxbomb", "container_id": "c"},
    {"type": "code_interpreter_call", "code": "x", "outputs": [{"type": "logs", "logs": "zqxbomb"}]},
    {"type": "computer_call", "action": {"type": "type", "text": "zqxbomb"}},
    {"type": "local_shell_call", "action": {"type": "exec", "command": ["zqxbomb"]}},
    {"type": "shell_call_output", "output": [{"stdout": "zqxbomb", "stderr": ""}]},
    {"type": "image_generation_call", "result": None, "revised_prompt": "zqxbomb"},
    {"type": "a_new_item", "deep": {"x": "zqxbomb"}},
]


def test_what_is_allowed_passes_unchanged(proxy, fake, kit) -> None:
    """Both ways the bytes are the same; the upstream is asked at its own path."""
    asked = json.dumps(CONVERSATION, indent=1).encode()
    said = json.dumps(kit.response(REASONING, "Hi.", CALL, instructions="Be brief."), indent=3).encode()
    fake.answers(said)

    answer = kit.respond(proxy, asked, authorization="Bearer k", openai_project="p")

    [got] = fake.asked
    assert (got.raw, got.path) == (asked, "/v1/responses")
    assert (got.headers["authorization"], got.headers["openai-project"]) == ("Bearer k", "p")
    assert (answer.status, answer.raw, answer.action) == (200, said, ("allow", ""))


@each_case("path", PLACES, ids=lambda path: ".".join(map(str, path)))
def test_a_hidden_term_is_found_in_every_place_of_a_request(proxy, fake, kit, path) -> None:
    """Items of every kind, definitions, ids, unknown fields: every string of a request is judged."""
    body = kit.put(CONVERSATION, path, '{"a": "zqxbomb"}' if path[-1] == "arguments" else "zqxbomb")
    if path[0] == "input" and path[1:] and path[1] < 8:
        body["input"] = body["input"][:8]  # an earlier turn would only be left out

    answer = kit.respond(proxy, body)

    assert (answer.status, answer.error["code"], answer.error["param"]) == (400, "invalid_prompt", "input")
    assert b"zqxbomb" not in answer.raw
    assert fake.asked == []


@each_case("item", ANSWER_PLACES)
def test_a_hidden_term_is_found_in_every_item_of_an_answer(proxy, fake, kit, item) -> None:
    """Reasoning, calls, results of hosted tools, items that nobody knows: nothing of it leaves."""
    fake.answers(kit.response("harmless", item))

    answer = kit.respond(proxy, CONVERSATION)

    assert (answer.status, answer.json["status"]) == (200, "incomplete")
    assert answer.json["incomplete_details"] == {"reason": "content_filter"}
    [refused] = answer.json["output"]
    assert refused["content"] == [{"type": "refusal", "refusal": "Not that."}]
    assert b"zqx" not in answer.raw
    assert b"harmless" not in answer.raw


@each_case("field", ["id", "model", "output_text", "instructions", "metadata", "x_new", "usage", "error"])
def test_a_hidden_term_beside_the_items_is_found(proxy, fake, kit, field) -> None:
    """A refusal keeps nothing of the field that blocked."""
    value = {"message": "a zqxbomb"} if field in {"metadata", "usage", "error"} else "a zqxbomb"
    fake.answers(kit.response("fine", **{field: value}))

    answer = kit.respond(proxy, CONVERSATION)

    assert answer.json["status"] == "incomplete"
    assert b"zqxbomb" not in answer.raw
    assert {"id", "object", "created_at", "model", "output", "tools", "tool_choice"} <= set(answer.json)


def test_a_blocked_answer_keeps_what_it_repeats_of_the_request(proxy, fake, kit) -> None:
    """And the usage that is paid for."""
    fake.answers(kit.response("zqxbomb", instructions="Be brief."))

    answer = kit.respond(proxy, CONVERSATION)

    assert answer.action == ("block", "bomb.block")
    assert answer.json == {
        **kit.response(instructions="Be brief."),
        "status": "incomplete",
        "incomplete_details": {"reason": "content_filter"},
        "temperature": None,
        "top_p": None,
        "output": [
            {
                "id": "msg_refused",
                "type": "message",
                "role": "assistant",
                "status": "incomplete",
                "content": [{"type": "refusal", "refusal": "Not that."}],
            }
        ],
    }


def test_what_is_redacted_in_the_request_does_not_reach_the_upstream(proxy, fake, kit) -> None:
    """Only the texts change, also inside arguments."""
    fake.answers(kit.response("x"))
    body = CONVERSATION
    for place in PLACES:
        if place[-1] in {"text", "instructions", "arguments", "output", "description", "title"}:
            body = kit.put(body, place, '{"a": "zqxmask"}' if place[-1] == "arguments" else "a zqxmask b")

    answer = kit.respond(proxy, body)

    assert (answer.status, answer.action) == (200, ("redact", "mask.redact"))
    assert fake.asked[0].raw == json.dumps(body, separators=(",", ":")).replace("zqxmask", "[MASK]").encode()


def test_an_edited_text_loses_what_spells_it_and_what_points_into_it(proxy, fake, kit) -> None:
    """Log-probabilities and annotations by offsets go; annotations of files and other parts stay."""
    by_offset = {"type": "url_citation", "start_index": 0, "end_index": 3, "url": "u", "title": "t"}
    by_file = {"type": "file_citation", "file_id": "f1", "filename": "f", "index": 0}
    spelled = {"annotations": [by_offset, by_file], "logprobs": [{"token": "zqxmask", "logprob": -1}]}
    item = kit.said("x")
    item["content"] = [
        {"type": "output_text", "text": "a zqxmask", **spelled},
        {"type": "output_text", "text": "fine", "annotations": [by_offset], "logprobs": []},
    ]
    fake.answers(kit.response(item))

    first, second = kit.respond(proxy, CONVERSATION).json["output"][0]["content"]

    assert first == {"type": "output_text", "text": "a [MASK]", "annotations": [by_file], "logprobs": []}
    assert second == item["content"][1]


def test_words_split_over_parts_and_messages_are_words(proxy, fake, kit) -> None:
    """Clients show the texts of all messages of a response as one."""
    split = [{"type": "input_text", "text": "zqx"}, {"type": "input_text", "text": "bomb"}]
    fake.answers(kit.response("zqx", REASONING, "bomb"))

    assert kit.respond(proxy, {"input": [{"role": "user", "content": split}]}).status == 400
    assert kit.respond(proxy, {"input": "hi"}).json["status"] == "incomplete"
    fake.answers(kit.response("a zqx", REASONING, "mask b"))
    assert "zqx" not in json.dumps(kit.respond(proxy, {"input": "hi"}).json["output"])


UNSEEN = {
    "image": {"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64," + "A" * 40}]},
    "image by url": {"role": "user", "content": [{"type": "input_image", "image_url": "https://x.example/a.png"}]},
    "file": {"role": "user", "content": [{"type": "input_file", "filename": "f", "file_data": "A" * 40}]},
    "file by id": {"role": "user", "content": [{"type": "input_file", "file_id": "file_1"}]},
    "screenshot": {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot", "image_url": "u"}},
    "in a result": {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_image", "file_id": "f"}]},
    "reference": {"type": "item_reference", "id": "msg_1"},
    "reference without a type": {"id": "msg_1"},
    "picture": {"type": "image_generation_call", "id": "i", "result": "A" * 40},
    "drawn by code": {"type": "code_interpreter_call", "code": "x", "outputs": [{"type": "image", "url": "u"}]},
    "unknown": {"type": "hologram", "text": "x"},
    "unknown part": {"role": "user", "content": [{"type": "hologram", "text": "x"}]},
}  # fmt: skip


@each_case("name", UNSEEN)
def test_a_part_that_nobody_can_judge_does_not_pass(proxy, fake, kit, name) -> None:
    """It is inspected or refused, never dropped while the log says that all was checked."""
    answer = kit.respond(proxy, {"model": "m", "input": [UNSEEN[name]]})

    assert (answer.status, answer.action) == (400, ("block", "unchecked.part"))
    assert fake.asked == []


@each_case(
    "extra",
    [
        {"prompt": {"id": "pmpt_1", "variables": {"name": "x"}}},
        {
            "tools": [
                {
                    "type": "mcp",
                    "server_label": "s",
                    "server_url": "https://mcp.example",
                    "authorization": SEALED,
                }
            ]
        },
    ],
)
def test_what_the_server_adds_unseen_does_not_pass(proxy, fake, kit, extra) -> None:
    """A stored prompt and the tools of a remote server are instructions that the guard has not read."""
    assert kit.respond(proxy, {"input": "hi", **extra}).action == ("block", "unchecked.part")


def test_what_is_unseen_can_be_allowed_by_the_policy(serve, guard_of, fake, kit) -> None:
    """`unchecked: {part: flag}`: it is forwarded and named; what is put into a stored prompt is judged."""
    url = serve(guard_of(kit.policy + "unchecked: {part: flag}\n"))
    fake.answers(kit.response("x"))
    prompt = {"id": "pmpt_1", "version": "2", "variables": {"name": "x"}}

    for name in UNSEEN:
        answer = kit.respond(url, {"input": [UNSEEN[name], {"role": "user", "content": "hi"}]})
        assert answer.action == ("flag", "unchecked.part")
    assert kit.respond(url, {"prompt": prompt}).action == ("flag", "unchecked.part")
    for variable in ("zqxbomb", {"type": "input_text", "text": "zqxbomb"}):
        assert kit.respond(url, {"prompt": {**prompt, "variables": {"name": variable}}}).status == 400
    fake.answers(kit.response("x", prompt=prompt))
    assert kit.respond(url, {"input": "hi"}).action == ("allow", "")


def test_sealed_reasoning_passes_and_is_named(proxy, fake, kit) -> None:
    """What only the provider can open is flagged by default, both ways."""
    sealed = {**REASONING, "encrypted_content": SEALED}
    fake.answers(kit.response(sealed, "fine"))

    answer = kit.respond(proxy, {"input": [{"role": "user", "content": "hi"}, sealed]})

    assert answer.json["output"][0] == sealed
    assert fake.asked[0].json["input"][1] == sealed
    assert answer.action == ("flag", "unchecked.sealed")


def test_an_attack_in_an_earlier_turn_is_left_out(proxy, fake, kit) -> None:
    """Its exchange goes whole, calls with their results and the reasoning between."""
    fake.answers(kit.response("x"))
    body = kit.put(CONVERSATION, ("input", 1, "content", 0, "text"), "zqxbomb")

    answer = kit.respond(proxy, body)

    assert fake.asked[0].json["input"] == [CONVERSATION["input"][0], CONVERSATION["input"][-1]]
    assert answer.action == ("redact", "bomb.block")


@each_case(
    ("body", "code", "param"),
    [
        ({"model": "m"}, "invalid_input", "/input"),
        ({"input": 7}, "invalid_input", "/input"),
        ({"input": None}, "invalid_input", "/input"),
        ({"input": ["x"]}, "invalid_input", "/input/0"),
        ({"input": [{"role": "root", "content": "x"}]}, "unknown_role", "/input/0/role"),
        ({"input": [{"type": "message", "content": "x"}]}, "unknown_role", "/input/0/role"),
        ({"input": [{"type": "message", "role": "tool", "content": "x"}]}, "unknown_role", "/input/0/role"),
        ({"input": "x", "stream": "yes"}, "invalid_type", "/stream"),
        ({"input": "x", "previous_response_id": "resp_1"}, "unsupported_field", "/previous_response_id"),
        ({"input": "x", "conversation": {"id": "conv_1"}}, "unsupported_field", "/conversation"),
        ({"input": "x", "background": True}, "unsupported_field", "/background"),
        ({"input": "x", "chat_template": "x"}, "unsupported_field", "/chat_template"),
        (b'{"input":"x","Input":"y"}', "duplicate_key", "/Input"),
        (b"{", "invalid_json", None),
    ],
)
def test_a_body_that_cannot_be_judged_is_refused(proxy, fake, kit, body, code, param) -> None:
    """400 in OpenAI's shape, with the place; nothing is forwarded."""
    answer = kit.respond(proxy, body)

    assert (answer.status, answer.error["code"], answer.error["param"]) == (400, code, param)
    assert fake.asked == []


def test_what_is_not_used_is_not_refused(proxy, fake, kit) -> None:
    """Clients send these fields empty."""
    fake.answers(kit.response("x"))
    empty = {"previous_response_id": None, "conversation": None, "background": False}

    assert kit.respond(proxy, {"input": "hi", **empty}).status == 200


FAULTS = {
    "not JSON": ({"body": b"<html>zqxbomb</html>"}, 502, "upstream_invalid"),
    "no response": ({"body": {"id": "x", "output": []}}, 502, "upstream_invalid"),
    "no items": ({"body": {"object": "response", "output": ["x"]}}, 502, "upstream_invalid"),
    "cut": ({"body": {"object": "response"}, "cut": True}, 502, "upstream_invalid"),
    "too many": (
        {"body": {"error": {"message": "slow", "code": "slow_down"}}, "status": 429},
        429,
        "slow_down",
    ),
    "broken": ({"body": b"<h1>oops</h1>", "status": 500}, 500, "upstream_error"),
}


@each_case("streamed", [False, True])
@each_case("fault", FAULTS)
def test_a_failure_is_an_error_in_openais_shape(proxy, fake, kit, fault, streamed) -> None:
    """With a status that is true, never 200, and with no foreign text."""
    reply, status, code = FAULTS[fault]
    fake.answers(**reply)

    answer = kit.respond(proxy, {"input": "a zqxflag", "stream": streamed})

    assert (answer.status, answer.error["code"]) == (status, code)
    assert answer.action == ("flag", "flag.flag")
    assert b"zqxbomb" not in answer.raw


def test_openais_client_sees_its_own_types(proxy, fake, kit) -> None:
    """The real SDK: a block of the request is a BadRequestError, a block of the answer an incomplete response."""
    with openai.OpenAI(base_url=f"{proxy}/v1", api_key="k", max_retries=0) as client:
        fake.answers(kit.response("a zqxmask"))
        assert client.responses.create(model="m", input="hi").output_text == "a [MASK]"
        with pytest.raises(openai.BadRequestError) as caught:
            client.responses.create(model="m", input="zqxbomb")
        assert (caught.value.code, caught.value.param) == ("invalid_prompt", "input")
        fake.answers(kit.response("zqxbomb"))
        refused = client.responses.create(model="m", input="hi")
        assert (refused.status, refused.incomplete_details.reason) == ("incomplete", "content_filter")
        assert refused.output[0].content[0].refusal == "Not that."


@pytest.fixture(scope="module")
def vault_guard(guard_of) -> Guard:
    """A guard that numbers addresses."""
    return guard_of(
        "detectors: {pii: {use: pii, entities: [email]}}\n"
        "rules: [{id: keep, on: [input, output, tool_call], when: pii > 0, then: redact, with: vault}]"
    )


@each_case("streamed", [False, True])
def test_the_client_gets_values_that_the_model_never_saw(serve, fake, kit, vault_guard, streamed) -> None:
    """In texts, not in a call's arguments."""
    said = kit.response("I wrote to [EMAIL_1].", {**CALL, "arguments": '{"to": "[EMAIL_1]"}'})
    fake.events(*kit.response_events(said)) if streamed else fake.answers(said)
    with openai.OpenAI(base_url=f"{serve(vault_guard)}/v1", api_key="k", max_retries=0) as client:
        if streamed:
            with client.responses.stream(model="m", input="mail jo@example.com") as stream:
                got = stream.get_final_response()
        else:
            got = client.responses.create(model="m", input="mail jo@example.com")
    assert fake.asked[0].json["input"] == "mail [EMAIL_1]"
    assert got.output_text == "I wrote to jo@example.com."
    assert json.loads(got.output[1].arguments) == {"to": "[EMAIL_1]"}


@each_case("streamed", [False, True])
def test_a_reply_is_judged_beside_the_instructions(serve, guard_of, fake, kit, streamed) -> None:
    """A reply that repeats them is found; that the response repeats them as such is none."""
    leaked = "You are Ada, the assistant of Acme, and you never say that the launch is planned for May."
    guard = guard_of(
        "detectors: {leak: {use: prompt_leak, plant: true}}\n"
        "rules: [{id: leak.block, on: output, when: prompt_leak >= 0.7, then: block}]"
    )
    url = serve(guard)
    for text, status in ((f"Sure: {leaked}", "incomplete"), ("Sure.", "completed")):
        said = kit.response(text, instructions=leaked)
        fake.events(*kit.response_events(said)) if streamed else fake.answers(said)
        answer = kit.respond(url, {"instructions": leaked, "input": "hi", "stream": streamed})
        final = answer.frames[-1]["response"] if streamed else answer.json
        assert final["status"] == status
        assert "Internal reference" in fake.asked[-1].json["instructions"]
        told = (
            "".join(each.get("delta", "") for each in answer.frames)
            if streamed
            else json.dumps(final["output"])
        )
        assert "Ada" not in told
        assert (status == "completed") is ("Sure." in told)


@each_case("term", ["zqxbomb", "zqxmask"])
def test_no_place_of_a_request_reaches_the_upstream(proxy, fake, kit, term) -> None:
    """A term in any string or new field of a conversation is blocked, left out with its turn, or redacted."""
    fake.answers(kit.response("x"))
    for place in kit.places(CONVERSATION):
        fake.asked.clear()
        answer = kit.respond(proxy, kit.put(CONVERSATION, place, f"a {term} b"))
        assert not any(term.encode() in asked.raw for asked in fake.asked), place
        assert term.encode() not in answer.raw
