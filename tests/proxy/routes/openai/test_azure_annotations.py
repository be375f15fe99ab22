"""Azure's annotations of chat completions, for clients that want them."""

from __future__ import annotations

import pytest

from guardrails.errors import RequestError
from guardrails.protocols.moderations.moderations_fields import PolicyResult
from guardrails.proxy.routes.openai.azure_annotations import filters, wants
from guardrails.types import Detection
from tests.cases import each_case

AZURES = {"x-guardrails-annotations": "azure"}
CHAT = "/v1/chat/completions"
POLICY = """
detectors:
  hate: {use: terms, terms: [zqxhate], category: hate}
  trick: {use: terms, terms: [zqxtrick], category: injection}
  swear: {use: terms, terms: [zqxdarn], category: profanity}
  mask: {use: terms, terms: [zqxmask], category: custom.mask}
rules:
  - {id: hate, on: [input, output], when: hate > 0.5, then: block}
  - {id: trick, on: [input, output], when: injection > 0, then: flag}
  - {id: swear, on: [input, output], when: profanity > 0, then: redact}
  - {id: brand, on: [input, output], when: custom.mask > 0, then: redact}
  - {id: long, on: [input, output], when: content.length > 100, then: block}
"""
SAFE = {"filtered": False, "severity": "safe"}
HATED = {"filtered": True, "severity": "high"}
QUIET = {"detected": False, "filtered": False}
CLEAN = {"hate": SAFE, "profanity": QUIET}
PROMPT = {**CLEAN, "indirect_attack": QUIET}
"""What is told of harmless texts: of what nobody judges, such as violence, nothing."""


def stopped_by(*rules):
    """Return what is told of rules that no filter of Azure's stands for."""
    return {"filtered": True, "details": [{"filtered": True, "id": rule} for rule in rules]}


@pytest.fixture
def azures(serve, guard_of):
    """The address of a proxy with the policy of these tests."""
    return serve(guard_of(POLICY))


def test_annotations_stand_on_each_choice_and_on_the_answer(azures, fake, kit) -> None:
    """Each choice has its own."""
    fake.answers(kit.completion("fine", "a zqxhate", "a zqxdarn"))

    answer = kit.send(azures, CHAT, kit.asking("hello", n=3), AZURES)

    assert answer.json["prompt_filter_results"] == [{"prompt_index": 0, "content_filter_results": PROMPT}]
    assert [choice["content_filter_results"] for choice in answer.json["choices"]] == [
        CLEAN,
        {**CLEAN, "hate": HATED},
        {**CLEAN, "profanity": {"detected": True, "filtered": True}},
    ]
    assert [choice["finish_reason"] for choice in answer.json["choices"]] == [
        "stop",
        "content_filter",
        "stop",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a zqxtrick", {"indirect_attack": {"detected": True, "filtered": False}}),
        ("a zqxmask", {"custom_blocklists": stopped_by("brand")}),
        ("a zqxmask zqxdarn", {"profanity": {"detected": True, "filtered": True}, "custom_blocklists": stopped_by("brand")}),
    ],
)  # fmt: skip
def test_the_prompt_is_told_of_too(azures, fake, kit, text, told) -> None:
    """What is only detected, and what is changed; rules of other kinds by their names."""
    answer = kit.send(azures, CHAT, kit.asking(text), AZURES)

    (prompt,) = answer.json["prompt_filter_results"]
    assert prompt["content_filter_results"] == {**PROMPT, **told}


@pytest.mark.parametrize(
    ("text", "told"),
    [("a zqxhate", {"hate": HATED}), ("word " * 30, {"custom_blocklists": stopped_by("long")})],
)
def test_a_blocked_prompt_has_azures_error(azures, fake, kit, text, told) -> None:
    """With what the filters found inside; the text is not quoted."""
    answer = kit.send(azures, CHAT, kit.asking(text), AZURES)

    error = answer.json["error"]
    assert (answer.status, fake.asked) == (400, [])
    assert error.pop("message")
    assert (len(error.pop("rules")), error.pop("policy").partition("@")[1]) == (1, "@")
    assert error == {
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        "innererror": {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {**PROMPT, **told},
        },
    }
    assert b"zqx" not in answer.raw


def test_a_stream_begins_with_the_prompt_and_each_choice_ends_with_its_annotation(azures, fake, kit) -> None:
    """All other chunks are as they came."""
    first, second = kit.pieces("all is fine"), kit.pieces("a zqxhate", index=1)
    fake.streams(*first, *second)

    answer = kit.send(azures, CHAT, kit.asking("hi", stream=True, n=2), AZURES)

    head, *frames = answer.frames
    assert head == {
        "id": "", "object": "", "created": 0, "model": "", "choices": [],
        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": PROMPT}],
    }  # fmt: skip
    told = {
        choice["index"]: (choice["finish_reason"], choice["content_filter_results"])
        for frame in frames
        for choice in frame["choices"]
        if "content_filter_results" in choice
    }
    assert told == {0: ("stop", CLEAN), 1: ("content_filter", {**CLEAN, "hate": HATED})}
    assert answer.raw.endswith(b"data: [DONE]\n\n")
    assert b"zqx" not in answer.raw


def test_an_answer_of_a_server_that_does_not_stream_is_annotated_in_a_stream(azures, fake, kit) -> None:
    """In the same form."""
    fake.answers(kit.completion("fine"))

    head, *frames = kit.send(azures, CHAT, kit.asking("hi", stream=True), AZURES).frames

    assert head["prompt_filter_results"][0]["content_filter_results"] == PROMPT
    assert frames[-2]["choices"][0]["content_filter_results"] == CLEAN


@pytest.mark.parametrize("index", [None, "0", True, [0]])
def test_a_choice_without_a_number_is_told_of_by_its_place(azures, fake, kit, index) -> None:
    """Not by what the others say."""
    body = kit.completion("fine", "a zqxdarn")
    body["choices"][0]["index"] = index
    fake.answers(body)

    choices = kit.send(azures, CHAT, kit.asking("hi", n=2), AZURES).json["choices"]

    assert [choice["content_filter_results"]["profanity"]["filtered"] for choice in choices] == [False, True]


@pytest.mark.parametrize(("number", "told"), [(128, [False, True]), (129, [True])])
def test_more_choices_than_anyone_asks_for_are_told_of_together(azures, fake, kit, number, told) -> None:
    """None is said to be better than it is."""
    fake.answers(kit.completion(*["fine"] * (number - 1), "a zqxdarn"))

    choices = kit.send(azures, CHAT, kit.asking("hi"), AZURES).json["choices"]

    found = [choice["content_filter_results"]["profanity"]["filtered"] for choice in choices]
    assert list(dict.fromkeys(found)) == told


@pytest.mark.parametrize("streamed", [False, True])
def test_nobody_else_is_told(azures, fake, kit, streamed) -> None:
    """Clients of OpenAI's get what they know: no byte is added."""
    sent = fake.streams(*kit.pieces("fine")) if streamed else fake.reply.pieces[0]

    answer = kit.chat(azures, kit.asking("hi", stream=streamed))

    assert (answer.events if streamed else answer.raw) == sent


def test_what_failed_says_so_instead_of_a_verdict(serve, fake, guard_of, kind_of, kit) -> None:
    """On its side alone; nothing of the text is in it."""

    def failing(content):
        if "zqxfail" in content.text:
            raise ValueError(content.text)
        return Detection()

    guard = guard_of(
        "detectors: {own: {use: own}}\n"
        "rules: [{id: own, on: [input, output], when: hate > 0, then: block, on_error: allow}]",
        detectors={"own": kind_of(failing, "hate")},
    )
    fake.answers(kit.completion("a zqxfail"))

    body = kit.send(serve(guard), CHAT, kit.asking("hi"), AZURES).json

    error = body["choices"][0]["content_filter_results"]
    assert {*error} == {"error"}
    assert error["error"]["code"] == "content_filter_error"
    assert "zqxfail" not in error["error"]["message"]
    assert body["prompt_filter_results"][0]["content_filter_results"] == {"hate": SAFE}


def test_both_wishes_go_together(azures, fake, kit) -> None:
    """OpenAI's results and Azure's annotations, on one answer and in one stream; a wish for a block holds for both."""
    fake.answers(kit.completion("a zqxdarn"))
    wish = {"model": "omni", "policy": {"output": {"mode": "block"}}}

    whole = kit.send(azures, CHAT, kit.asking("hi", moderation=wish), AZURES).json
    fake.streams(*kit.pieces("a zqxdarn"))
    frames = kit.send(azures, CHAT, kit.asking("hi", moderation=wish, stream=True), AZURES).frames

    for choice in (whole["choices"][0], frames[-2]["choices"][0]):
        assert choice["finish_reason"] == "content_filter"
        assert choice["content_filter_results"]["profanity"] == {"detected": True, "filtered": True}
    assert whole["moderation"]["output"]["results"][0]["flagged"] is True
    assert frames[-1]["moderation"]["output"]["results"][0]["flagged"] is True


def test_another_wish_is_refused(proxy, fake, kit) -> None:
    """Nobody believes to be told what is not."""
    answer = kit.send(proxy, CHAT, kit.asking("hi"), {"x-guardrails-annotations": "bedrock"})

    assert (answer.status, answer.error["code"], fake.asked) == (400, "invalid_header", [])


def test_who_wants_them() -> None:
    """By one header."""
    assert (wants({}), wants(AZURES)) == (False, True)
    with pytest.raises(RequestError):
        wants({"x-guardrails-annotations": ""})


@each_case(
    ("score", "told"),
    [(0.2, "safe"), (0.3, "low"), (0.6, "medium"), (0.9, "high")],
)
def test_a_severity_is_that_of_the_worst_category_of_its_family(score, told) -> None:
    """Insults are hate to Azure; `detected` needs half of a score, or a rule."""
    said = PolicyResult(
        False,
        {"harassment": score, "profanity": score},
        frozenset(),
        {},
        {"harassment": ["text"], "profanity": ["text"]},
    )

    assert filters(said, "output") == {
        "hate": {"filtered": False, "severity": told},
        "profanity": {"filtered": False, "detected": score >= 0.5},
    }
