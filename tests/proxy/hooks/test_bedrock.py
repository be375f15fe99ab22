"""Bedrock's ApplyGuardrail: exact payloads of its service model."""

from __future__ import annotations

from typing import Any

from guardrails.verdicts.builtin_messages import UNCHECKED
from tests.cases import each_case

PATH = "/guardrail/default/version/7/apply"
ASKED: dict[str, Any] = {
    "source": "OUTPUT",
    "outputScope": "FULL",
    "content": [{"text": {"text": "Write to ann@example.org", "qualifiers": ["guard_content"]}}],
}
UNITS = {
    "topicPolicyUnits",
    "contentPolicyUnits",
    "wordPolicyUnits",
    "sensitiveInformationPolicyUnits",
    "sensitiveInformationPolicyFreeUnits",
    "contextualGroundingPolicyUnits",
}


def test_a_text_comes_back_masked(hooked, kit) -> None:
    """With what was found by its kind, not by its text."""
    answer = kit.send(hooked, PATH, ASKED)

    told = answer.json
    assert answer.status == 200
    assert (told["action"], told["actionReason"]) == ("GUARDRAIL_INTERVENED", "Guardrail masked.")
    assert told["outputs"] == [{"text": "Write to [EMAIL]"}]
    assert set(told["usage"]) == UNITS
    assert told["guardrailCoverage"] == {"textCharacters": {"guarded": 24, "total": 24}}
    (assessment,) = told["assessments"]
    assert assessment["sensitiveInformationPolicy"]["piiEntities"] == [
        {"type": "EMAIL", "match": "", "action": "ANONYMIZED", "detected": True}
    ]
    assert assessment["appliedGuardrailDetails"]["guardrailId"] == "default"
    assert assessment["appliedGuardrailDetails"]["guardrailVersion"] == "7"


def test_a_clean_content_is_none(hooked, kit) -> None:
    """Without outputs."""
    told = kit.send(hooked, PATH, {"source": "INPUT", "content": [{"text": {"text": "hello"}}]}).json

    assert (told["action"], told["outputs"]) == ("NONE", [])
    assert told["assessments"][0]["contentPolicy"] == {"filters": []}


def test_a_block_gives_one_message(hooked, kit) -> None:
    """In place of all contents, in the words of the rule, which is named as a custom word."""
    content = [{"text": {"text": "hello"}}, {"text": {"text": "zqxbomb"}}]

    answer = kit.send(hooked, PATH, {"source": "INPUT", "content": content})

    told = answer.json
    assert (told["action"], told["outputs"]) == ("GUARDRAIL_INTERVENED", [{"text": "Not that."}])
    assert told["assessments"][0]["wordPolicy"]["customWords"] == [
        {"name": "bomb", "match": "", "action": "BLOCKED", "detected": True}
    ]
    assert b"zqxbomb" not in answer.raw


@each_case(
    ("text", "filters"),
    [
        ("you are silly", [{"type": "INSULTS", "confidence": "HIGH", "action": "NONE", "detected": True}]),
        (
            "zqxtrick",
            [{"type": "PROMPT_ATTACK", "confidence": "HIGH", "action": "BLOCKED", "detected": True}],
        ),
    ],
)
def test_filters_bear_bedrocks_names(hooked, kit, text, filters) -> None:
    """What is only flagged is detected, and nothing is done."""
    told = kit.send(hooked, PATH, {"source": "INPUT", "content": [{"text": {"text": text}}]}).json

    assert told["assessments"][0]["contentPolicy"]["filters"] == filters


@each_case(
    ("source", "qualifiers", "action"),
    [
        ("OUTPUT", ["grounding_source"], "flag"),
        ("OUTPUT", ["query"], "block"),
        ("OUTPUT", [], "allow"),
        ("OUTPUT", ["guard_content"], "allow"),
        ("INPUT", [], "block"),
        ("OUTPUT", ["query", "grounding_source"], "block"),
    ],
)
def test_qualifiers_say_where_a_text_stands(serve, guard_of, kit, source, qualifiers, action) -> None:
    """Sources are what was retrieved, queries what a user asks."""
    url = serve(
        guard_of("""
detectors: {word: {use: terms, terms: [zqxword], category: custom.word}}
rules:
  - {id: asked, on: input, when: custom.word > 0, then: block}
  - {id: found, on: retrieval, when: custom.word > 0, then: flag}
""")
    )
    content = [{"text": {"text": "zqxword", "qualifiers": qualifiers}}]

    assert kit.send(url, PATH, {"source": source, "content": content}).action[0] == action


def test_a_picture_is_blocked(hooked, kit) -> None:
    """Nobody here can read it."""
    picture = {"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}}

    told = kit.send(hooked, PATH, {"source": "INPUT", "content": [picture]}).json

    assert told["action"] == "GUARDRAIL_INTERVENED"
    assert told["assessments"][0]["wordPolicy"]["customWords"][0]["name"] == "unchecked.part"


@each_case(
    "body",
    [
        {},
        b"[]",
        {**ASKED, "source": "BOTH"},
        {**ASKED, "outputScope": "HALF"},
        {**ASKED, "content": "x"},
        {**ASKED, "content": [{"text": "x"}]},
        {**ASKED, "content": [{"text": {}}]},
        {**ASKED, "content": [{"sound": {}}]},
        {**ASKED, "content": [{"text": {"text": "x"}, "image": {}}]},
        {**ASKED, "content": [{"text": {"text": "x", "qualifiers": ["else"]}}]},
    ],
)
def test_a_malformed_body_is_a_validation_exception(hooked, kit, body) -> None:
    """Named in the header from which AWS's clients take it."""
    answer = kit.send(hooked, PATH, body)

    assert (answer.status, set(answer.json)) == (400, {"message"})
    assert answer.headers["x-amzn-errortype"] == "ValidationException"


def test_a_guard_that_cannot_decide_intervenes(full, kit) -> None:
    """And says why: a client that takes an exception for harmless passes nothing."""
    answer = kit.send(full, PATH, ASKED)

    assert (answer.status, answer.json["action"]) == (200, "GUARDRAIL_INTERVENED")
    assert answer.json["actionReason"] == "guard_unavailable"
    assert [each["text"] for each in answer.json["outputs"]] == [UNCHECKED["en"]]


def test_a_server_that_is_full_intervenes(crowded, kit) -> None:
    """Before it reads what is asked."""
    answer = kit.send(crowded, PATH, ASKED)

    assert (answer.status, answer.json["actionReason"]) == (200, "guard_unavailable")
