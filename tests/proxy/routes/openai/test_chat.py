"""`POST /v1/chat/completions`, not streamed: what is judged, what the upstream gets, and what the client gets."""

from __future__ import annotations

import asyncio
import json
import threading

import openai
import pytest

from guardrails import Guard
from guardrails.types import CLEAN
from tests.cases import each_case
from tests.proxy.metrics_kit import counted

TOOL = {
    "type": "function",
    "function": {"name": "f", "description": "Does.", "parameters": {"type": "object"}},
}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": {"b": ["x"]}}'}}
CONVERSATION = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be brief.", "name": "sys"},
        {"role": "user", "content": [{"type": "text", "text": "Call f."}], "name": "jo"},
        {"role": "assistant", "content": None, "refusal": "no", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "done"},
    ],
    "tools": [TOOL],
    "metadata": {"app": "x"},
}
PLACES = [
    ("messages", 0, "content"),
    ("messages", 0, "name"),
    ("messages", 1, "content", 0, "text"),
    ("messages", 1, "content", 0, "note"),
    ("messages", 1, "name"),
    ("messages", 1, "note"),
    ("messages", 1, "content_blocks", 0, "text"),
    ("messages", 2, "refusal"),
    ("messages", 2, "reasoning_content"),
    ("messages", 2, "tool_calls", 0, "id"),
    ("messages", 2, "tool_calls", 0, "function", "name"),
    ("messages", 2, "tool_calls", 0, "function", "arguments"),
    ("messages", 3, "tool_call_id"),
    ("messages", 3, "content"),
    ("tools", 0, "function", "name"),
    ("tools", 0, "function", "description"),
    ("tools", 0, "function", "parameters", "description"),
    ("metadata", "app"),
    ("user",),
    ("stop",),
    ("guardrails",),
    ("response_format", "json_schema", "description"),
]
ANSWER_PLACES = [
    ("content",),
    ("refusal",),
    ("reasoning",),
    ("reasoning_content",),
    ("name",),
    ("note",),
    ("note", "deep", 0),
    ("annotations", 0, "url_citation", "title"),
    ("function_call", "arguments"),
    ("tool_calls", 0, "id"),
    ("tool_calls", 0, "function", "name"),
    ("tool_calls", 0, "function", "arguments"),
    ("audio", "transcript"),
]


def test_what_is_allowed_passes_unchanged(proxy, fake, kit) -> None:
    """Both ways the bytes are the same, whatever their spacing, numbers, escapes and unknown fields."""
    asked = b'{ "model":"m","x_new" : {"n": 1.10, "big":1e400},\n"messages":[{"role":"user","content":"h\\u00e9 \xc3\xa9"}],"seed":12345678901234567890123, "top_p":1.0e0}'
    said = json.dumps(kit.completion("Hi."), indent=3).replace('"created": 1', '"created": 1.00').encode()
    fake.answers(said)

    answer = kit.chat(proxy, asked)

    assert fake.asked[0].raw == asked
    assert (answer.status, answer.raw) == (200, said)
    assert answer.action == ("allow", "")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-guardrails-policy"].startswith("tested@")
    assert ";sha256:" in answer.headers["x-guardrails-policy"]
    assert len(answer.headers["x-guardrails-verdict-id"].split(",")) == 2
    assert "x-guardrails-degraded" not in answer.headers
    assert answer.headers["x-request-id"]


def test_what_is_flagged_passes_and_is_named(proxy, fake, kit) -> None:
    """A flag on either side changes no byte; the headers name the rules of both checks, each once."""
    fake.answers(kit.completion("zqxflag"))
    asked = json.dumps(kit.asking("a zqxflag")).encode()

    answer = kit.chat(proxy, asked)

    assert fake.asked[0].raw == asked
    assert answer.json["choices"][0]["message"]["content"] == "zqxflag"
    assert answer.action == ("flag", "flag.flag")


def test_a_shadow_rule_only_counts(proxy, fake, kit) -> None:
    """What a shadow rule would block passes, is not in the headers, and is counted."""
    answer = kit.chat(proxy, kit.asking("zqxshade"))

    assert (answer.status, answer.action) == (200, ("allow", ""))
    labels = {"rule": "shade.block", "action": "block", "mode": "shadow"}
    assert counted(kit.send(proxy, "/metrics").raw, "guardrails_rules_fired_total", **labels)


def test_what_is_redacted_in_the_request_does_not_reach_the_upstream(proxy, fake, kit) -> None:
    """Only the text changes: key order, unknown fields and the form of numbers stay."""
    asked = b'{"x_new":1.10,"messages":[{"content":"a zqxmask b","role":"user"}],"top_p":1e400,"model":"m","seed":-0}'

    answer = kit.chat(proxy, asked)

    assert fake.asked[0].raw == asked.replace(b"zqxmask", b"[MASK]")
    assert (answer.status, answer.action) == (200, ("redact", "mask.redact"))


def test_what_is_redacted_in_the_answer_does_not_reach_the_client(proxy, fake, kit) -> None:
    """Every match is replaced, the raw text stands nowhere in the body, and log-probabilities go with it."""
    said = kit.completion("zqxmask and zqxmask", "clean")
    for choice in said["choices"]:
        choice["logprobs"] = {
            "content": [{"token": "zqxmask", "logprob": -0.1}] if choice["index"] == 0 else []
        }
        choice["token_ids"] = [1, 2]
    fake.answers(said)

    answer = kit.chat(proxy, kit.asking("hi", n=2, logprobs=True))

    first, second = answer.json["choices"]
    assert first["message"]["content"] == "[MASK] and [MASK]"
    assert (first["logprobs"], first["token_ids"]) == (None, None)
    assert second == said["choices"][1]
    assert b"zqxmask" not in answer.raw
    assert answer.action == ("redact", "mask.redact")


def test_a_blocked_request_is_answered_400(proxy, fake, kit) -> None:
    """It is not forwarded; the error is machine-readable, in the client's language, and quotes nothing."""
    answer = kit.chat(proxy, kit.asking("the zqxbomb"), accept_language="fr;q=0.5, de-CH")

    assert (answer.status, answer.action) == (400, ("block", "bomb.block"))
    error = answer.error
    assert (error["type"], error["code"], error["param"]) == (
        "invalid_request_error",
        "content_filter",
        "messages",
    )
    assert error["message"] == "Das nicht."
    assert answer.json["error"]["rules"] == ["bomb.block"]
    assert answer.json["error"]["policy"].startswith("tested@")
    assert b"zqxbomb" not in answer.raw
    assert fake.asked == []


def test_a_blocked_answer_says_content_filter(proxy, fake, kit) -> None:
    """The choice is refused in kind: no content, the policy's message, no calls, no log-probabilities."""
    message = {
        "role": "assistant",
        "content": "x",
        "tool_calls": [kit.put(CALL, ("function", "arguments"), '{"a": "zqxbomb"}')],
    }
    fake.answers(kit.completion(message))

    answer = kit.chat(proxy, kit.asking("hi"))

    assert (answer.status, answer.action) == (200, ("block", "bomb.block"))
    assert answer.json["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": None, "refusal": "Not that."},
            "logprobs": None,
            "finish_reason": "content_filter",
        }
    ]
    assert answer.json["usage"]["total_tokens"] == 2
    assert b"zqxbomb" not in answer.raw


def test_only_the_blocked_choice_is_refused(proxy, fake, kit) -> None:
    """With several choices each ends by itself: blocked, redacted and clean ones in one answer."""
    fake.answers(kit.completion("fine", "zqxbomb", "zqxmask"))

    choices = kit.chat(proxy, kit.asking("hi", n=3)).json["choices"]

    assert [choice["message"]["content"] for choice in choices] == ["fine", None, "[MASK]"]
    assert [choice["finish_reason"] for choice in choices] == ["stop", "content_filter", "stop"]


@each_case("field", ["note", "id", "system_fingerprint"])
def test_a_block_outside_the_choices_refuses_all(proxy, fake, kit, field) -> None:
    """What belongs to no choice is left out itself, and no choice passes."""
    fake.answers(kit.completion("fine", "good", **{field: "a zqxbomb here"}))

    answer = kit.chat(proxy, kit.asking("hi"))

    assert {choice["finish_reason"] for choice in answer.json["choices"]} == {"content_filter"}
    assert b"zqxbomb" not in answer.raw
    assert {"id", "object", "created", "model", "choices"} <= set(answer.json)


def test_a_redaction_outside_the_choices_changes_no_choice(proxy, fake, kit) -> None:
    """A field that no table knows is edited where it stands."""
    fake.answers(kit.completion("fine", note=["zqxmask"]))

    answer = kit.chat(proxy, kit.asking("hi")).json

    assert (answer["note"], answer["choices"][0]["message"]["content"]) == (["[MASK]"], "fine")


def test_an_attack_in_an_earlier_turn_is_left_out(proxy, fake, kit) -> None:
    """One bad turn does not poison the chat: its exchange does not reach the upstream, the rest does."""
    turns = ["say zqxbomb", {"role": "assistant", "content": "No."}, "then hello"]

    answer = kit.chat(proxy, kit.asking({"role": "system", "content": "Be kind."}, *turns, seed=7))

    assert [message["content"] for message in fake.asked[0].json["messages"]] == ["Be kind.", "then hello"]
    assert fake.asked[0].json["seed"] == 7
    assert b"zqxbomb" not in fake.asked[0].raw
    assert (answer.status, answer.action) == (200, ("redact", "bomb.block"))


def test_a_word_split_over_two_parts_is_a_word(proxy, fake, kit) -> None:
    """Parts of one message are judged joined; a redaction covers what stands in both."""
    blocked = kit.chat(
        proxy,
        kit.asking(
            {"role": "user", "content": [{"type": "text", "text": "zqx"}, {"type": "text", "text": "bomb"}]}
        ),
    )
    masked = kit.chat(
        proxy,
        kit.asking(
            {
                "role": "user",
                "content": [{"type": "text", "text": "a zqx"}, {"type": "text", "text": "mask b"}],
            }
        ),
    )

    assert (blocked.status, masked.status) == (400, 200)
    assert "".join(part["text"] for part in fake.asked[0].json["messages"][0]["content"]) == "a [MASK] b"


@each_case("path", PLACES, ids=lambda path: ".".join(map(str, path)))
def test_a_hidden_term_is_found_in_every_place_of_a_request(proxy, fake, kit, path) -> None:
    """Names, ids, arguments, definitions, unknown fields: every string of a request is judged."""
    text = '{"a": {"b": ["zqx\\u0062omb"]}}' if path[-1] == "arguments" else "zqxbomb"

    answer = kit.chat(proxy, kit.put(CONVERSATION, path, text))

    assert (answer.status, answer.error["code"]) == (400, "content_filter")
    assert fake.asked == []


@each_case("path", ANSWER_PLACES, ids=lambda path: ".".join(map(str, path)))
def test_a_hidden_term_is_found_in_every_place_of_an_answer(proxy, fake, kit, path) -> None:
    """Reasoning, refusals, calls and unknown fields of a message are judged like its content."""
    message = {"role": "assistant", "content": "ok", "tool_calls": [CALL]}
    fake.answers(
        kit.completion(kit.put(message, path, '{"a": "zqxbomb"}' if path[-1] == "arguments" else "zqxbomb"))
    )

    answer = kit.chat(proxy, kit.asking("hi"))

    assert answer.json["choices"][0]["finish_reason"] == "content_filter"
    assert b"zqxbomb" not in answer.raw


@each_case(
    "text",
    ["zqx\u200bbomb", "\uff5a\uff51\uff58bomb", "zqxb\u043emb"],
    ids=["zero-width", "full-width", "homoglyph"],
)
def test_disguises_are_seen_through(proxy, fake, kit, text) -> None:
    """The views of the text floor are in force behind the proxy too."""
    assert kit.chat(proxy, kit.asking(text)).status == 400


@each_case(
    ("body", "code", "param"),
    [
        ({"messages": "x"}, "invalid_messages", "/messages"),
        ({"model": "m"}, "invalid_messages", "/messages"),
        ({"messages": [{"role": "root", "content": "x"}]}, "unknown_role", "/messages/0/role"),
        ({"messages": [], "stream": "yes"}, "invalid_type", "/stream"),
        ({"messages": [], "stream": 1}, "invalid_type", "/stream"),
        ({"messages": [], "chat_template": "x"}, "unsupported_field", "/chat_template"),
        ({"messages": [], "previous_response_id": "r"}, "unsupported_field", "/previous_response_id"),
        (b'{"messages":[],"messages":[]}', "duplicate_key", "/messages"),
        (b'{"messages":[],"Messages":[]}', "duplicate_key", "/Messages"),
        (b"{", "invalid_json", None),
        (b"", "invalid_json", None),
    ],
)
def test_a_body_that_cannot_be_judged_is_refused(proxy, fake, kit, body, code, param) -> None:
    """400 in OpenAI's shape, with the place; nothing is forwarded."""
    answer = kit.chat(proxy, body)

    assert answer.status == 400
    assert (answer.error["code"], answer.error["param"]) == (code, param)
    assert fake.asked == []


def test_a_body_over_the_limit_is_refused(serve, fake, kit) -> None:
    """The limit holds for the bytes that arrive, and the client reads why."""
    url = serve(max_body_bytes=1000)

    assert kit.chat(url, kit.asking("x" * 2000)).error["code"] == "request_too_large"
    assert kit.chat(url, kit.asking("x")).status == 200


def test_a_picture_that_nobody_can_judge_does_not_pass(proxy, fake, kit) -> None:
    """A part is inspected or refused, never dropped while the log says that all was checked."""
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}

    answer = kit.chat(
        proxy, kit.asking({"role": "user", "content": [{"type": "text", "text": "hi"}, picture]})
    )

    assert (answer.status, answer.action) == (400, ("block", "unchecked.part"))
    assert fake.asked == []


def test_each_part_is_judged_at_its_own_stage(serve, guard_of, fake, kit) -> None:
    """A rule for people's words does not stop a tool's definition, its result or the model's own reply."""
    guard = guard_of(
        "detectors: {d: {use: terms, terms: [zqxterm], category: custom.t}}\n"
        "rules: [{id: input.block, on: input, when: custom.t > 0, then: block}]"
    )
    url = serve(guard)
    fake.answers(kit.completion("zqxterm"))
    tool = kit.put(TOOL, ("function", "description"), "zqxterm")
    result = [CONVERSATION["messages"][2], {"role": "tool", "tool_call_id": "c1", "content": "zqxterm"}]

    passed = kit.chat(url, kit.asking("hi", *result, tools=[tool]))

    assert (passed.status, passed.action) == (200, ("allow", ""))
    assert passed.json["choices"][0]["message"]["content"] == "zqxterm"
    assert kit.chat(url, kit.asking("zqxterm")).status == 400
    assert kit.chat(url, kit.asking({"role": "system", "content": "zqxterm"})).status == 400


def test_unknown_fields_can_be_refused(serve, fake, kit) -> None:
    """`unknown_fields: refuse` names the first; what the table knows still passes."""
    url = serve(unknown_fields="refuse")

    answer = kit.chat(url, kit.asking("x", new_thing=1))

    assert (answer.status, answer.error["code"], answer.error["param"]) == (
        400,
        "unknown_field",
        "/new_thing",
    )
    assert kit.chat(url, kit.asking("x", temperature=0.5, tools=[TOOL])).status == 200


@each_case("name", ["guardrails", "options", "rails", "scanners_suppress", "extra_body"])
def test_no_field_and_no_header_switches_a_rule_off(proxy, fake, kit, name) -> None:
    """Fields are only unknown fields, headers of our name are neither obeyed nor passed on."""
    off = {name: {"enabled": False, "rules": [], "action": "allow"}}

    assert (
        kit.chat(
            proxy, kit.asking("zqxbomb", **off), x_guardrails_action="allow", x_guardrails_policy="none"
        ).status
        == 400
    )
    kit.chat(proxy, kit.asking("fine", **off), x_guardrails_action="allow")
    assert not any("guardrails" in header for header in fake.asked[0].headers)


def test_metadata_and_claims_reach_conditions_but_no_identity(serve, guard_of, kit) -> None:
    """`request.metadata`, `request.client` and `request.model` come from the client; user and tenant stay empty."""
    guard = guard_of("""
rules:
  - {id: app, on: input, when: 'request.metadata.app == "x" && request.metadata.n > 1.0', then: flag}
  - {id: agent, on: input, when: 'request.client.user_agent == "probe" && request.client.language == "de"', then: flag}
  - {id: model, on: input, when: 'request.model == "m"', then: flag}
  - {id: user, on: input, when: 'request.client.user == "jo"', then: flag}
  - {id: real, on: input, when: 'request.user.id == "jo"', then: flag, on_error: allow}
  - {id: tenant, on: input, when: 'request.tenant == "jo"', then: flag, on_error: allow}
""")
    body = kit.asking("hi", user="jo", metadata={"app": "x", "n": 1.5, "user": {"id": "jo"}, "tenant": "jo"})

    answer = kit.chat(serve(guard), body, user_agent="probe", accept_language="de-DE,en;q=0.9")

    assert set(answer.headers["x-guardrails-rules"].split(",")) == {"app", "agent", "model", "user"}


def test_a_failing_detector_stops_and_shows(serve, guard_of, kind_of, kit) -> None:
    """A detector that raises is never a pass, and no violation: 503, which is not to be tried again; no rule is said to have
    fired, and the answer says that the guard is degraded.
    """
    broken = kind_of(lambda content: 1 / 0 if content.text.startswith("now") else CLEAN)
    guard = guard_of(
        "detectors: {d: {use: own}}\nrules: [{id: own.block, on: input, when: custom.own > 0, then: block}]",
        detectors={"own": broken},
    )
    url = serve(guard)

    answer = kit.chat(url, kit.asking("now"))

    assert (answer.status, answer.action) == (503, ("block", ""))
    assert answer.json["error"]["code"] == "guard_unavailable"
    assert (answer.headers["x-guardrails-unavailable"], answer.headers["x-should-retry"]) == (
        "crash",
        "false",
    )
    assert answer.headers["x-guardrails-degraded"] == "true"
    assert kit.send(url, "/readyz").json["failing_detectors"] == ["d"]
    page = kit.send(url, "/metrics").raw.decode()
    assert 'guardrails_detector_failures_total{detector="d"} 1.0' in page
    assert 'guardrails_unavailable_total{reason="crash",route="/v1/chat/completions"} 1.0' in page
    assert 'action="unavailable",route="/v1/chat/completions",status="503"' in page
    assert "guardrails_rules_fired_total{" not in page


def test_openais_client_sees_its_own_types(proxy, fake, kit) -> None:
    """The real SDK: a block of the request is a BadRequestError with our code, a block of the answer a refusal."""
    with openai.OpenAI(base_url=f"{proxy}/v1", api_key="k", max_retries=0) as client:
        assert client.chat.completions.create(**kit.asking("hi")).choices[0].message.content == "Hello."
        assert fake.asked[0].headers["authorization"] == "Bearer k"
        with pytest.raises(openai.BadRequestError) as caught:
            client.chat.completions.create(**kit.asking("zqxbomb"))
        assert (caught.value.code, caught.value.type) == ("content_filter", "invalid_request_error")
        fake.answers(kit.completion("zqxbomb"))
        choice = client.chat.completions.create(**kit.asking("hi")).choices[0]
        assert (choice.finish_reason, choice.message.refusal, choice.message.content) == (
            "content_filter",
            "Not that.",
            None,
        )


def test_openais_async_client_works_inside_its_loop(proxy, fake, kit) -> None:
    """Several requests at a time on one proxy, each with its own answer."""
    fake.answers(kit.completion("zqxmask"))

    async def ask() -> list[str | None]:
        async with openai.AsyncOpenAI(base_url=f"{proxy}/v1", api_key="k", max_retries=0) as client:
            answers = await asyncio.gather(
                *(client.chat.completions.create(**kit.asking(str(i))) for i in range(5))
            )
        return [answer.choices[0].message.content for answer in answers]

    assert asyncio.run(ask()) == ["[MASK]"] * 5


def test_a_client_that_leaves_cancels_the_upstream(proxy, fake, kit) -> None:
    """Nobody pays for an answer that nobody reads."""
    fake.reply.hang, fake.reply.pieces = True, []

    with (
        openai.OpenAI(base_url=f"{proxy}/v1", api_key="k", max_retries=0, timeout=0.5) as client,
        pytest.raises(openai.APITimeoutError),
    ):
        client.chat.completions.create(**kit.asking("hi"))

    assert fake.dropped.wait(kit.wait_s)


def test_a_slow_detector_does_not_stop_the_loop(serve, guard_of, kind_of, kit) -> None:
    """While five checks are stuck in a detector, the same process answers others; all five end when it does."""
    entered, release = threading.Semaphore(0), threading.Event()

    def judge(content):
        if content.text == "slow":
            entered.release()
            assert release.wait(kit.wait_s)
        return CLEAN

    guard = guard_of(
        "detectors: {d: {use: own}}\nlimits: {deadline_ms: 20000}\n"
        "rules: [{id: own.block, on: input, when: custom.own > 0, then: block}]",
        detectors={"own": kind_of(judge, tier=1)},
    )
    url = serve(guard)
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(kit.chat(url, kit.asking("slow")).status))
        for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    # One client holds half of the workers, which are four at least; the others wait for one.
    assert all(entered.acquire(timeout=kit.wait_s) for _ in range(2))

    others = [kit.send(url, path).status for path in ("/healthz", "/readyz", "/v1/models", "/metrics")]
    blocked = kit.chat(url, b"{").status

    assert ([*others, blocked], answers) == ([200, 200, 200, 200, 400], [])
    release.set()
    for thread in threads:
        thread.join(kit.wait_s)
    assert answers == [200] * 5


def test_no_prompt_and_no_match_is_logged(serve, fake, kit, caplog) -> None:
    """Not in a block, not in a redaction, not when the code itself fails on a text."""
    url = serve()
    with caplog.at_level("DEBUG"):
        for text in ("zqxbomb private", "zqxmask private", "fine private"):
            kit.chat(url, kit.asking(text))
        fake.answers(kit.completion("zqxbomb private"))
        kit.chat(url, kit.asking("hi"))

    assert "private" not in caplog.text
    assert "zqx" not in caplog.text


def test_a_large_conversation_is_judged_whole(proxy, fake, kit) -> None:
    """What is parsed off the event loop is judged and forwarded like the rest."""
    turns = [f"turn {index} " + "and so on " * 2000 for index in range(20)]
    asked = json.dumps(kit.asking(*turns)).encode()
    fake.answers(kit.completion("x" * 300_000 + " zqxmask"))

    answer = kit.chat(proxy, asked)

    assert fake.asked[0].raw == asked
    assert answer.action[0] in {"redact", "block"}
    assert b"zqxmask" not in answer.raw
    assert kit.chat(proxy, kit.asking(*turns, "zqxbomb")).status == 400


LEAKED = "You are Ada, the assistant of Acme, and you never say that the launch is planned for May."


@each_case("streamed", [False, True])
def test_a_reply_is_judged_beside_the_system_prompt(serve, guard_of, fake, kit, streamed) -> None:
    """A reply that repeats the request's system prompt is found, whole and streamed; the prompt itself passes."""
    guard = guard_of(
        "detectors: {leak: {use: prompt_leak}}\n"
        "rules: [{id: leak.block, on: output, when: prompt_leak >= 0.7, then: block}]"
    )
    url = serve(guard)
    said = f"Sure: {LEAKED}"
    if streamed:
        fake.streams(*kit.pieces(said))
    else:
        fake.answers(kit.completion(said))

    answer = kit.chat(url, kit.asking({"role": "system", "content": LEAKED}, "hi", stream=streamed))

    assert answer.status == 200
    assert b"launch" not in answer.raw
    assert b"content_filter" in answer.raw


VAULT = """
detectors:
  pii: {use: pii, entities: [email]}
  bomb: {use: terms, terms: [zqxbomb], category: custom.bomb}
rules:
  - {id: keep, on: [input, output, tool_call, tool_result], when: pii > 0, then: redact, with: vault}
  - {id: bomb, on: output, when: custom.bomb > 0, then: block}
"""
SEND = {"id": "c1", "type": "function", "function": {"name": "send", "arguments": '{"to": "[EMAIL_1]"}'}}


@pytest.fixture(scope="module")
def vault_guard(guard_of) -> Guard:
    """A guard that numbers addresses."""
    return guard_of(VAULT)


def contents(body) -> list[object]:
    """Return the contents of the messages of a request."""
    return [message["content"] for message in body["messages"]]


@each_case("streamed", [False, True])
def test_openais_client_gets_values_that_the_model_never_saw(serve, fake, kit, vault_guard, streamed) -> None:
    """Whole or streamed in pieces that cut the placeholder; not in a link; what is new in the reply stays hidden."""
    text = "I wrote to [EMAIL_1] and new@x.org: ![x](https://evil.example/[EMAIL_1]) [EMAIL_2]"
    if streamed:
        fake.streams(*kit.pieces(text))
    else:
        fake.answers(kit.completion(text))
    with openai.OpenAI(base_url=f"{serve(vault_guard)}/v1", api_key="k", max_retries=0) as client:
        answer = client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "mail jo@example.com"}], stream=streamed
        )
        if streamed:
            said = "".join(chunk.choices[0].delta.content or "" for chunk in answer if chunk.choices)
        else:
            said = answer.choices[0].message.content
    assert contents(fake.asked[0].json) == ["mail [EMAIL_1]"]
    assert said == "I wrote to jo@example.com and [EMAIL_2]: ![x](https://evil.example/[EMAIL_1]) [EMAIL_2]"


@each_case("streamed", [False, True])
def test_a_calls_arguments_keep_their_placeholders(serve, fake, kit, vault_guard, streamed) -> None:
    """Beside a text that has its values again; a choice that is refused has none."""
    message = {"role": "assistant", "content": "To [EMAIL_1].", "tool_calls": [SEND]}
    if streamed:
        fake.streams(
            kit.chunk({**message, "tool_calls": [{"index": 0, **SEND}]}), kit.chunk({}, "tool_calls")
        )
    else:
        fake.answers(kit.completion(message, "[EMAIL_1] zqxbomb"))
    answer = kit.chat(serve(vault_guard), kit.asking("I am jo@example.com", stream=streamed))
    assert answer.raw.count(b"jo@example.com") == 1
    assert b"To jo@example.com." in answer.raw
    assert b'{\\"to\\": \\"[EMAIL_1]\\"}' in answer.raw
    assert b"zqxbomb" not in answer.raw


def test_a_conversation_that_is_sent_again_has_the_same_numbers(serve, fake, kit, vault_guard) -> None:
    """The assistant's turn with the value in it becomes what the model said; its calls are as it wrote them."""
    url = serve(vault_guard)
    turns = [{"role": "user", "content": "I am jo@example.com"}]
    fake.answers(kit.completion("Hello [EMAIL_1]."))
    turns.append(kit.chat(url, {"model": "m", "messages": turns}).json["choices"][0]["message"])
    turns.append({"role": "assistant", "content": "", "tool_calls": [SEND]})
    turns.append({"role": "tool", "tool_call_id": "c1", "content": "sent to [EMAIL_1], cc al@example.com"})
    turns.append({"role": "user", "content": "and to bo@example.com, not jo@example.com"})
    fake.answers(kit.completion("[EMAIL_1], [EMAIL_2], [EMAIL_3]"))
    answer = kit.chat(url, {"model": "m", "messages": turns})
    assert contents(fake.asked[1].json) == [
        "I am [EMAIL_1]",
        "Hello [EMAIL_1].",
        "",
        "sent to [EMAIL-1], cc [EMAIL_2]",
        "and to [EMAIL_3], not [EMAIL_1]",
    ]
    assert fake.asked[1].json["messages"][2]["tool_calls"] == [SEND]
    said = answer.json["choices"][0]["message"]["content"]
    assert said == "jo@example.com, [EMAIL_2], bo@example.com"


def test_nothing_of_a_vault_is_in_the_verdict_that_is_shown(serve, kit, vault_guard) -> None:
    """`/v1/check` answers with placeholders alone, and headers name rules alone."""
    answer = kit.send(serve(vault_guard), "/v1/check", {"text": "I am jo@example.com"})
    assert answer.json["content"] == "I am [EMAIL_1]"
    assert b"jo@" not in answer.raw
    assert "jo@" not in str(answer.headers)


def test_what_needs_nothing_put_back_passes_unchanged(serve, fake, kit, vault_guard) -> None:
    """Byte for byte, although the request had something to hide."""
    said = json.dumps(kit.completion("Fine, [EMAIL_7]."), indent=3).encode()
    fake.answers(said)
    assert kit.chat(serve(vault_guard), kit.asking("I am jo@example.com")).raw == said
