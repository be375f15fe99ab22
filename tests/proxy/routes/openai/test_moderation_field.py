"""The `moderation` field of chat completions and responses: who asks for scores gets them, who asks for a block gets that."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from itertools import islice

import openai
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardrails.errors import RequestError
from guardrails.proxy.routes.openai.moderation_field import Wanted, take_field, wanted
from guardrails.taxonomy import OPENAI
from guardrails.types import Detection, Finding
from guardrails.wire import strict_json
from tests.cases import each_case, scale
from tests.proxy import contract_chat, contract_responses
from tests.proxy.contract import COLUMNS, Failure, answered, asked, fill, read_page, world

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
ROUTES = [CHAT, RESPONSES]
ROUTE = each_case("path", ROUTES)
STREAMED = each_case("streamed", [False, True], ids=["whole", "streamed"])


def moderation(**modes):
    """Return a value of the field with these modes."""
    return {"model": "omni", "policy": {side: {"mode": mode} for side, mode in modes.items()}}


@pytest.fixture
def ask(fake, kit):
    """Return a function: a proxy, a route, a text, what the upstream says to it, and modes in, the answer out."""

    def send(url, path, text, *said, streamed=False, **modes):
        body = kit.asking(text, moderation=moderation(**modes), stream=streamed)
        if len(said) > 1:
            body["n"] = len(said)
        if path == RESPONSES:
            body["input"] = body.pop("messages")
        if path == CHAT and streamed:
            fake.streams(*(chunk for at, each in enumerate(said) for chunk in kit.pieces(each, index=at)))
        elif path == CHAT:
            fake.answers(kit.completion(*said))
        elif streamed:
            fake.events(*kit.response_events(kit.response(*said)))
        else:
            fake.answers(kit.response(*said))
        return kit.send(url, path, body)

    return send


def told(answer):
    """Return both sides of an answer, of a stream's one event that has them, and of an error."""
    if not answer.headers["content-type"].startswith("text/event-stream"):
        both = answer.json["moderation"]
    else:
        frames = [frame.get("response", frame) for frame in answer.frames]
        (both,) = [frame["moderation"] for frame in frames if frame.get("moderation")]
    assert {*both} == {"input", "output"}
    return both["input"], both["output"]


def results(side):
    """Return the results of a side of either API."""
    found = side["results"] if side["type"] == "moderation_results" else [side]
    for each in found:
        assert (each["type"], each["model"]) == ("moderation_result", "omni")
        assert {*OPENAI} <= {*each["category_scores"]}
    return found


def flags(answer):
    """Return what is flagged: of the input, and of each output."""
    asked, said = map(results, told(answer))
    return [each["flagged"] for each in (*asked, *said)]


def ending(answer):
    """Return how an answer with status 200 ended."""
    if answer.headers["content-type"] == "application/json":
        body = answer.json
        return body["choices"][0]["finish_reason"] if "choices" in body else body["status"]
    frames = answer.frames
    if "type" in frames[-1]:
        return frames[-1]["response"]["status"]
    return next(
        choice["finish_reason"]
        for frame in frames
        for choice in frame["choices"]
        if choice["finish_reason"] and choice["index"] == 0
    )


STOPPED = ("content_filter", "incomplete")
"""How answers end that a policy stopped."""


@ROUTE
@STREAMED
def test_scores_are_told_and_nothing_else_changes(proxy, fake, kit, ask, path, streamed) -> None:
    """What is flagged by a rule that only records passes; the field never reaches the upstream."""
    answer = ask(proxy, path, "a zqxflag", "so zqxflag", streamed=streamed, input="score", output="score")

    assert (answer.status, answer.action) == (200, ("flag", "flag.flag"))
    assert flags(answer) == [False, False]
    assert [results(side)[0]["category_scores"]["custom.flag"] for side in told(answer)] == [1.0, 1.0]
    assert ending(answer) not in STOPPED
    assert b"moderation" not in fake.asked[0].raw
    assert b"so zqxflag" in answer.raw or streamed


@each_case("policy", [None, {}, {"input": None}, {"output": None, "input": {"mode": "score"}}])
@ROUTE
def test_score_is_the_default(proxy, kit, fake, path, policy) -> None:
    """As if it were said."""
    body = {"model": "m", "moderation": {"model": "omni", "policy": policy}}
    asked = (
        {"input": "zqxmask"} if path == RESPONSES else {"messages": [{"role": "user", "content": "zqxmask"}]}
    )
    fake.answers(kit.response("x") if path == RESPONSES else kit.completion("x"))

    answer = kit.send(proxy, path, {**body, **asked})

    assert (answer.status, flags(answer)) == (200, [True, False])


@ROUTE
@STREAMED
@each_case("word", ["zqxmask", "zqxbomb"])
def test_the_policy_holds_whatever_the_mode(proxy, fake, ask, path, streamed, word) -> None:
    """What it redacts is redacted and what it blocks is blocked, on either side, though only scores were asked for."""
    asked = ask(proxy, path, f"a {word}", "x", streamed=streamed, input="score", output="score")
    said = ask(proxy, path, "x", f"a {word} b", streamed=streamed, input="score", output="score")

    assert (asked.status, said.status) == (400 if word == "zqxbomb" else 200, 200)
    assert (word.encode() in asked.raw, word.encode() in said.raw) == (False, False)
    assert flags(said) == [False, True]
    assert (ending(said) in STOPPED) is (word == "zqxbomb")


@ROUTE
@STREAMED
@each_case("word", ["zqxmask", "zqxbomb"])
def test_what_is_flagged_in_a_request_is_blocked_on_demand(
    proxy, fake, kit, ask, path, streamed, word
) -> None:
    """As the protocol has it: 400, nothing forwarded; the results stand beside the error."""
    answer = ask(proxy, path, f"a {word}", "x", streamed=streamed, input="block")

    assert (answer.status, fake.asked, answer.action[0]) == (400, [], "block")
    assert answer.json["error"]["code"] == ("invalid_prompt" if path == RESPONSES else "content_filter")
    assert word.encode() not in answer.raw
    asked, said = told(answer)
    assert [each["flagged"] for each in results(asked)] == [True]
    assert (said["type"], said["code"]) == ("error", "not_generated")


@ROUTE
@STREAMED
@each_case("word", ["zqxmask", "zqxbomb"])
def test_what_is_flagged_in_an_answer_is_blocked_on_demand(proxy, ask, path, streamed, word) -> None:
    """Where the policy would only edit it too; nothing of it is shown, not what stands before it, streamed or not."""
    answer = ask(proxy, path, "x", f"All is well, says {word}.", streamed=streamed, output="block")

    assert (answer.status, answer.action[0]) == (200, "block")
    assert (ending(answer) in STOPPED, flags(answer)) == (True, [False, True])
    assert b"well" not in answer.raw.replace(b'", "', b"")
    assert b"zqx" not in answer.raw
    assert b"[MASK]" not in answer.raw


@ROUTE
@STREAMED
@each_case("text", ["fine", "a zqxflag"])
def test_what_is_not_flagged_passes_the_block(proxy, ask, path, streamed, text) -> None:
    """A rule that only records, or is in shadow, flags nothing."""
    answer = ask(proxy, path, text, f"{text} zqxshade", streamed=streamed, input="block", output="block")

    assert (answer.status, flags(answer)) == (200, [False, False])
    assert ending(answer) not in STOPPED


def test_a_stream_that_may_be_blocked_is_held_to_its_end_and_replayed(proxy, fake, kit) -> None:
    """Every event as it came; the results come on one chunk behind the choices, before the usage, which stays the last."""
    usage = {"id": "chatcmpl-1", "choices": [], "usage": {"total_tokens": 2}}
    sent = fake.streams(
        kit.chunk({"role": "assistant", "content": ""}, obfuscation="x1"),
        b'data: {"choices":[{"index":0,"delta":{"content":"H\\u00e9"},"finish_reason":null}],"x":1.10}\n\n',
        kit.chunk({}, "stop", system_fingerprint="fp"),
        usage,
    )

    answer = kit.chat(proxy, kit.asking("hi", stream=True, moderation=moderation(output="block")))

    lines = answer.events.split(b"\n\n")
    kept = [line for line in lines if b'"moderation"' not in line]
    assert b"\n\n".join(kept) == sent
    assert [b'"moderation"' in line for line in lines] == [False, False, False, True, False, False, False]
    chunk = answer.frames[3]
    assert (chunk["choices"], chunk["id"], chunk["object"]) == ([], "chatcmpl-1", "chat.completion.chunk")
    assert chunk["system_fingerprint"] == "fp"


@STREAMED
def test_each_choice_has_its_result_and_its_end(proxy, ask, streamed) -> None:
    """Only the one that is flagged is blocked; what only another choice says is not laid at its door."""
    answer = ask(proxy, CHAT, "x", "fine", "a zqxmask", "zqxflag", streamed=streamed, output="block")

    _, output = told(answer)
    found = results(output)
    assert [each["flagged"] for each in found] == [False, True, False]
    assert [each["category_scores"]["custom.mask"] for each in found] == [0.0, 1.0, 0.0]
    assert [each["categories"]["custom.mask"] for each in found] == [False, True, False]
    choices = [
        choice for frame in (answer.frames if streamed else [answer.json]) for choice in frame["choices"]
    ]
    ends = {choice["index"]: choice["finish_reason"] for choice in choices if choice["finish_reason"]}
    assert ends == {0: "stop", 1: "content_filter", 2: "stop"}
    assert b"zqxflag" in answer.raw or streamed


def test_a_choice_that_says_nothing_has_its_result_too(proxy, fake, kit) -> None:
    """So that the place of a result is the number of its choice."""
    fake.answers(kit.completion(None, "zqxmask", None))

    answer = kit.chat(proxy, kit.asking("hi", n=3, moderation=moderation()))

    assert flags(answer) == [False, False, True, False]


@each_case(
    ("asked", "said", "found"),
    [(128, 1, [False] * 128), (-1, 1, [False]), (1, 3, [False, False, True]), (1, 129, [True])],
)
def test_there_are_not_more_results_than_anyone_has_choices(proxy, fake, kit, asked, said, found) -> None:
    """Whatever number an upstream comes up with; a client may ask for as many as the budget allows (`tests/proxy/test_budget.py`)."""
    fake.answers(kit.completion(*["x"] * (said - 1), "x" if said == 1 else "zqxmask"))

    answer = kit.chat(proxy, kit.asking("hi", n=asked, moderation=moderation()))

    assert flags(answer)[1:] == found


@given(
    st.lists(
        st.sampled_from(["all ", "is", " fine\n", "zqx", "mask", "bomb", "flag", " ", "\U0001f600"]),
        max_size=12,
    ),
    st.integers(1, 9),
    st.sampled_from(ROUTES),
)
@settings(max_examples=scale(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_held_stream_is_the_whole_answer_or_nothing_of_it(proxy, fake, kit, words, size, path) -> None:
    """Wherever it is cut, and as the answer would be that is not streamed: with the same results."""
    text = "".join(words)
    body = {"model": "m", "moderation": moderation(output="block")}
    body["input" if path == RESPONSES else "messages"] = [{"role": "user", "content": "hi"}]
    fake.answers(kit.response(text) if path == RESPONSES else kit.completion(text))
    whole = kit.send(proxy, path, body)
    if path == RESPONSES:
        fake.events(*kit.response_events(kit.response(text), size))
    else:
        fake.streams(*kit.pieces(text, size))
    streamed = kit.send(proxy, path, {**body, "stream": True})

    assert told(streamed) == told(whole)
    assert (ending(streamed), streamed.action) == (ending(whole), whole.action)
    assert streamed.action[0] in ("allow", "flag", "block")
    deltas = [
        frame["delta"] for frame in streamed.frames if frame.get("type") == "response.output_text.delta"
    ]
    deltas += [
        choice["delta"].get("content") or ""
        for frame in streamed.frames
        for choice in frame.get("choices", ())
    ]
    assert "".join(deltas) == ("" if streamed.action[0] == "block" else text)


@ROUTE
def test_an_answer_of_a_server_that_does_not_stream_is_streamed_with_its_results(
    proxy, fake, kit, path
) -> None:
    """On one event, as in any stream."""
    fake.answers(kit.response("zqxmask") if path == RESPONSES else kit.completion("zqxmask"))
    body = {"model": "m", "stream": True, "moderation": moderation()}
    hi = [{"role": "user", "content": "hi"}]

    answer = kit.send(proxy, path, {**body, "input" if path == RESPONSES else "messages": hi})

    assert (flags(answer), ending(answer) in STOPPED) == ([False, True], False)
    assert answer.raw.endswith(b"data: [DONE]\n\n") is (path == CHAT)


@STREAMED
def test_what_an_upstream_says_in_the_field_is_not_taken_for_ours(proxy, fake, kit, streamed) -> None:
    """There is one that counts."""
    claimed = {"input": {"type": "error"}, "output": {"type": "error"}}
    fake.answers(kit.completion("x", moderation=claimed))
    if streamed:
        fake.streams(
            kit.chunk({"content": "x"}, "stop"),
            {**kit.chunk(), "choices": [], "usage": {}, "moderation": claimed},
        )

    answer = kit.chat(proxy, kit.asking("hi", stream=streamed, moderation=moderation()))

    assert flags(answer) == [False, False]


def test_a_server_that_refuses_unknown_fields_knows_this_one(serve, fake, kit) -> None:
    """It is taken out before."""
    asked = kit.asking("hi", moderation=moderation())

    assert kit.chat(serve(unknown_fields="refuse"), asked).status == 200


def test_the_field_is_unknown_where_no_api_has_it(proxy, fake, kit) -> None:
    """There it is judged like any, and goes on."""
    fake.answers(kit.message("x"))
    body = kit.asking("hi", max_tokens=1, moderation=moderation(input="block"))

    kit.ask(proxy, body)

    assert fake.asked[0].json == body


APIS = pytest.mark.parametrize(
    "api", [contract_chat.CHAT, contract_responses.RESPONSES], ids=["chat", "responses"]
)


EVERY = pytest.mark.parametrize("every", [8])
"""Of how many places one is tried; `tests/thorough` tries each."""


@APIS
@EVERY
@pytest.mark.parametrize("column", ["block", "redact"])
def test_from_no_place_does_what_is_flagged_go_on_where_a_block_is_demanded(api, column, every, fake) -> None:
    """What the policy would redact, or leave out, is blocked: in every place of a request that the contract matrix knows, here in one of many."""
    page, wrong = read_page()[f"{api.path}, asked"], {}
    with world(fake) as served:
        for place, template in islice(api.asks.items(), 0, None, every):
            body = {"moderation": moderation(input="block"), **fill(template, COLUMNS[column])}
            told = asked(served, api, body, COLUMNS[column].rsplit(" ", 1)[-1])
            expected = page[place][column]
            if told != (expected if expected in ("refused", "named") else "blocked"):
                wrong[place] = told

    assert wrong == {}


@APIS
@EVERY
def test_in_no_place_does_a_block_on_demand_leave_a_trace(api, every, fake) -> None:
    """What the policy would redact ends as what it blocks: in every place of an answer that the contract matrix knows, here in
    one of many.
    """
    own = replace(api, question={**api.question, "moderation": moderation(output="block")})
    page = read_page()[f"{api.path}, answered"]
    wrong = {}
    with world(fake) as served:
        for place, template in islice(api.answers.items(), 0, None, every):
            answer = fill(template, COLUMNS["redact"])
            sizes = [4] if isinstance(answer, list) else [0] if isinstance(answer, Failure) else [0, 4]
            told = {answered(served, own, answer, "zqxveil", size) for size in sizes}
            if told != {page[place]["block"]}:
                wrong[place] = told

    assert wrong == {}


LATER = """
detectors:
  bomb: {use: terms, terms: [zqxbomb], category: custom.bomb}
  own: {use: own}
rules:
  - {id: bomb, on: [input, output], when: custom.bomb > 0, then: block}
  - {id: own, on: [input, output], when: custom.own > 0.9, then: flag}
"""


@ROUTE
@STREAMED
def test_scores_are_those_of_all_detectors(serve, guard_of, kind_of, ask, path, streamed) -> None:
    """Also of what is certain to be blocked, by a quicker one; without the field nobody waits for the others."""
    seen = []

    def judge(content):
        seen.append(content.text)
        return Detection((Finding("custom.own", 0.25, "own"),))

    url = serve(guard_of(LATER, detectors={"own": kind_of(judge, tier=1)}))
    seen.clear()

    asked, said = ask(url, path, "zqxbomb", "x"), ask(url, path, "x", "a zqxbomb b", streamed=streamed)

    assert (asked.status, ending(said) in STOPPED) == (400, True)
    for side in (told(asked)[0], told(said)[1]):
        (result,) = results(side)
        assert result["flagged"] is True
        assert result["category_scores"]["custom.own"] == 0.25
        assert result["categories"]["custom.own"] is False


def test_nobody_waits_for_scores_that_were_not_asked_for(serve, guard_of, kind_of, kit) -> None:
    """What is certain to be blocked is, at once."""
    own = kind_of(lambda content: seen.append(content.text) or Detection(), tier=1)
    seen = []
    url = serve(guard_of(LATER, detectors={"own": own}))
    seen.clear()

    kit.chat(url, kit.asking("zqxbomb"))

    assert not [text for text in seen if "zqx" in text]  # a server that begins measures what its checks take


FAILING = """
detectors:
  own: {use: own}
  mask: {use: terms, terms: [zqxmask], category: custom.mask}
rules:
  - {id: own, on: [input, output], when: custom.own > 0, then: block, on_error: allow}
  - {id: mask, on: [input, output], when: custom.mask > 0, then: redact}
"""


def failing(content):
    """Fail where the text says so."""
    if "zqxfail" in content.text:
        raise ValueError(content.text)
    return Detection()


@ROUTE
@STREAMED
@each_case(("mode", "status"), [("score", 200), ("block", 400)])
def test_a_detector_that_failed_is_an_error_and_in_a_block_never_a_pass(
    serve, guard_of, kind_of, ask, path, streamed, mode, status
) -> None:
    """Though the policy lets it pass: `on_error: allow`. The error does not quote the text."""
    url = serve(guard_of(FAILING, detectors={"own": kind_of(failing)}))

    asked = ask(url, path, "zqxfail", "x", streamed=streamed, input=mode)
    said = ask(url, path, "x", "zqxfail", streamed=streamed, output=mode)

    assert (asked.status, said.status) == (status, 200)
    assert told(asked)[0]["code"] == told(said)[1]["code"] == "moderation_unavailable"
    assert "own" in told(said)[1]["message"]
    assert "zqxfail" not in told(said)[1]["message"] + told(asked)[0]["message"]
    assert (ending(said) in STOPPED) is (mode == "block")
    assert (b"zqxfail" in said.raw) is (mode == "score" and (path, streamed) != (CHAT, True))


def test_a_failure_that_decides_nothing_blocks_nothing(serve, guard_of, kind_of, ask) -> None:
    """Of a detector whose rule only records; the results are an error all the same."""
    policy = FAILING.replace("then: block, on_error: allow", "then: flag, on_error: allow")
    url = serve(guard_of(policy, detectors={"own": kind_of(failing)}))

    answer = ask(url, CHAT, "zqxfail", "zqxfail", input="block", output="block")

    assert (answer.status, ending(answer)) == (200, "stop")
    assert [side["type"] for side in told(answer)] == ["error", "error"]


def test_a_request_under_way_goes_without_the_field(serve, fake, guard_of, kit) -> None:
    """Where a policy judges beside the model, too; what is flagged is given up."""
    url = serve(
        guard_of(f"parallel: true\nhistory: block\n{kit.policy}".replace("then: redact", "then: flag"))
    )

    answer = kit.chat(url, kit.asking("x", moderation=moderation(input="block")))

    assert (answer.status, flags(answer)) == (200, [False, False])
    assert b"moderation" not in fake.asked[0].raw


@ROUTE
def test_what_is_forwarded_is_what_came_but_for_the_field(proxy, fake, kit, path) -> None:
    """Byte for byte, whatever its spacing, numbers, escapes and unknown fields."""
    fake.answers(kit.response("x") if path == RESPONSES else kit.completion("x"))
    name = b"input" if path == RESPONSES else b"messages"
    said = b'[{"role":"user","content":"h\\u00e9 \xc3\xa9"}]'
    head = b'{ "model":"m","x_new" : {"n": 1.10, "big":1e400}'
    rest = b',\n"' + name + b'":' + said + b',"seed":12345678901234567890123, "top_p":1.0e0}'

    kit.send(proxy, path, head + b' , "moderation" : {"model":"omni", "policy":null}' + rest)
    kit.send(proxy, path, head + rest)

    assert [asked.raw for asked in fake.asked] == [head + rest] * 2


def test_what_a_policy_changes_is_forwarded_without_the_field(proxy, fake, kit) -> None:
    """The text is edited, and nothing of the field is left."""
    kit.chat(proxy, kit.asking("a zqxmask b", moderation=moderation()))

    assert fake.asked[0].json == kit.asking("a [MASK] b")


@ROUTE
def test_null_asks_for_nothing(proxy, fake, kit, path) -> None:
    """The field is taken out all the same: a server that does not know it may refuse it."""
    fake.answers(kit.response("x") if path == RESPONSES else kit.completion("x"))
    body = {"model": "m", "input" if path == RESPONSES else "messages": [{"role": "user", "content": "x"}]}

    answer = kit.send(proxy, path, {**body, "moderation": None})

    assert (answer.status, "moderation" in answer.json) == (200, False)
    assert fake.asked[0].json == body


@each_case(
    ("value", "code", "param"),
    [
        ("low", "invalid_type", ""),
        ("auto", "invalid_type", ""),
        (True, "invalid_type", ""),
        ([], "invalid_type", ""),
        (7, "invalid_type", ""),
        ({}, "invalid_type", "/model"),
        ({"model": None}, "invalid_type", "/model"),
        ({"model": ""}, "invalid_type", "/model"),
        ({"model": "two words"}, "invalid_type", "/model"),
        ({"model": ["m"]}, "invalid_type", "/model"),
        ({"model": "m", "mode": "block"}, "unknown_field", "/mode"),
        ({"model": "m", "two words": 1}, "unknown_field", ""),
        ({"model": "m", "policy": "block"}, "invalid_type", "/policy"),
        ({"model": "m", "policy": []}, "invalid_type", "/policy"),
        ({"model": "m", "policy": {"mode": "block"}}, "unknown_field", "/policy/mode"),
        ({"model": "m", "policy": {"input": "block"}}, "invalid_type", "/policy/input"),
        ({"model": "m", "policy": {"input": {}}}, "invalid_mode", "/policy/input/mode"),
        ({"model": "m", "policy": {"output": {"mode": None}}}, "invalid_mode", "/policy/output/mode"),
        ({"model": "m", "policy": {"output": {"mode": "off"}}}, "invalid_mode", "/policy/output/mode"),
        ({"model": "m", "policy": {"output": {"mode": ["block"]}}}, "invalid_mode", "/policy/output/mode"),
        ({"model": "m", "policy": {"output": {"mode": "score", "at": 1}}}, "unknown_field", "/policy/output/at"),
    ],
)  # fmt: skip
@ROUTE
def test_a_value_of_an_unknown_form_is_refused(proxy, fake, kit, path, value, code, param) -> None:
    """With the place, and before anything is forwarded; the texts of pictures are another field of the same name."""
    body = {"model": "m", "input" if path == RESPONSES else "messages": [{"role": "user", "content": "x"}]}

    answer = kit.send(proxy, path, {**body, "moderation": value})

    assert (answer.status, fake.asked) == (400, [])
    assert (answer.error["code"], answer.error["param"]) == (code, f"/moderation{param}")


@each_case("key", ["moderation", "Moderation", "moder\\u0061tion"])
def test_a_doubled_field_is_refused(proxy, fake, kit, key) -> None:
    """However it is written."""
    raw = b'{"moderation":{"model":"m"},"messages":[],"%s":null}' % key.encode()

    assert kit.chat(proxy, raw).error["code"] == "duplicate_key"


def test_a_tool_that_makes_pictures_keeps_its_own_field(proxy, fake, kit) -> None:
    """It is not ours."""
    tool = {"type": "image_generation", "moderation": "low"}
    fake.answers(kit.response("x"))

    kit.respond(proxy, {"model": "m", "input": "x", "tools": [tool], "moderation": moderation()})

    assert fake.asked[0].json["tools"] == [tool]


MODES = st.sampled_from(["score", "block"])
SIDE = st.none() | st.fixed_dictionaries({"mode": MODES})
POLICY = st.none() | st.fixed_dictionaries({}, optional={"input": SIDE, "output": SIDE})


@given(st.text("abcXYZ019_.:/@-", min_size=1, max_size=128), POLICY)
def test_every_form_of_the_reference_is_read(model, policy) -> None:
    """What is left out, or null, is `score`."""
    modes = {side: (given or {"mode": "score"})["mode"] for side, given in (policy or {}).items()}

    assert wanted({"model": model, "policy": policy}) == Wanted(model, **modes)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | MODES,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["model", "policy", "input", "output", "mode", "x"]), inner, max_size=3
            )
        ),
        max_leaves=8,
    )
)
def test_whatever_else_is_read_or_refused(value) -> None:
    """Never half: what is taken is a wish with two modes, or none, and the place of an error is in the field."""
    raw = strict_json.dump({"model": "m", "moderation": value})
    place, read = "", None
    try:
        read = take_field(strict_json.parse(raw), raw)
    except RequestError as error:
        place = error.path

    assert read is not None or place.startswith("/moderation")
    if read is not None:
        body, left, asked = read
        assert (body, json.loads(left)) == ({"model": "m"}, {"model": "m"})
        assert asked is None or {asked.input, asked.output} <= {"score", "block"}


def test_the_chat_sdk_reads_the_results(proxy, fake, kit) -> None:
    """Typed, on an answer, on a stream's chunk, and in the SDK's own account of a stream."""
    client = openai.OpenAI(base_url=f"{proxy}/v1", api_key="k", max_retries=0)
    ask = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    fake.answers(kit.completion("a zqxmask"))

    said = client.chat.completions.create(**ask, moderation=moderation(output="score"))

    assert said.moderation.input.type == said.moderation.output.type == "moderation_results"
    assert (said.moderation.input.results[0].flagged, said.moderation.output.results[0].flagged) == (
        False,
        True,
    )
    assert said.choices[0].message.content == "a [MASK]"
    fake.streams(*kit.pieces("a zqxmask"), {**kit.chunk(), "choices": [], "usage": kit.completion()["usage"]})
    chunks = [*client.chat.completions.create(**ask, stream=True, moderation=moderation(output="block"))]
    (told_,) = [chunk.moderation for chunk in chunks if chunk.moderation is not None]
    assert told_.output.results[0].category_scores["custom.mask"] == 1.0
    with client.chat.completions.stream(**ask, moderation=moderation()) as stream:
        stream.until_done()
        last = stream.get_final_completion()
    assert last.moderation.output.results[0].flagged is True
    assert last.usage.total_tokens == 2
    client.close()


def test_a_blocked_request_is_the_sdks_error_with_the_results(proxy, kit) -> None:
    """Its body has OpenAI's four keys as ever, and by what it was stopped; the results are in the answer beside it."""
    client = openai.OpenAI(base_url=f"{proxy}/v1", api_key="k", max_retries=0)
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "zqxmask"}], moderation=moderation(input="block")
        )
    client.close()

    assert caught.value.code == "content_filter"
    body = caught.value.body
    assert {*body} == {"message", "type", "param", "code", "rules", "policy"}
    assert caught.value.response.json()["moderation"]["input"]["results"][0]["flagged"] is True


def test_the_responses_sdk_reads_the_results(proxy, fake, kit) -> None:
    """Typed, on an answer and on the last event of a stream; by the asynchronous client."""

    async def talk():
        async with openai.AsyncOpenAI(base_url=f"{proxy}/v1", api_key="k", max_retries=0) as client:
            fake.answers(kit.response("a zqxmask"))
            said = await client.responses.create(model="m", input="hi", moderation=moderation())
            fake.events(*kit.response_events(kit.response("a zqxmask")))
            events = [
                event
                async for event in await client.responses.create(
                    model="m", input="hi", stream=True, moderation=moderation(output="block")
                )
            ]
            async with client.responses.stream(model="m", input="hi", moderation=moderation()) as stream:
                return said, events, await stream.get_final_response()

    said, events, final = asyncio.run(talk())

    assert said.moderation.input.type == said.moderation.output.type == "moderation_result"
    assert (said.moderation.input.flagged, said.moderation.output.flagged) == (False, True)
    assert said.output_text == "a [MASK]"
    last = events[-1]
    assert (last.type, last.response.moderation.output.flagged) == ("response.incomplete", True)
    assert not any(hasattr(event, "response") and event.response.moderation for event in events[:-1])
    assert (final.output_text, final.moderation.output.flagged) == ("a [MASK]", True)
