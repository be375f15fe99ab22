"""AWS Bedrock's guardrails: what is asked, and what is read of an assessment."""

from __future__ import annotations

import math
import sys
from base64 import b64decode
from typing import Any

import pytest

from guardrails import PolicyErrors, taxonomy
from guardrails.detectors.services.bedrock import PERSONAL
from guardrails.types import Image, Place, Stage, Text
from tests.cases import each_case

BLOCK = "service: bedrock, bedrock: {guardrail: gr0abc, version: '7'}"
USAGE = dict.fromkeys(
    ("topicPolicyUnits", "contentPolicyUnits", "wordPolicyUnits", "sensitiveInformationPolicyUnits",
     "sensitiveInformationPolicyFreeUnits", "contextualGroundingPolicyUnits"), 1,
)  # fmt: skip


def answer(*assessments: Any, action: Any = "NONE", **more: Any) -> dict[str, Any]:
    """Return an answer as the API writes it."""
    return {"usage": USAGE, "action": action, "outputs": [], "assessments": [*assessments], **more}


def assessment(policy: str, entries: str, *given: Any) -> dict[str, Any]:
    """Return an assessment with one list."""
    return {policy: {entries: [*given]}, "invocationMetrics": {"guardrailProcessingLatency": 3}}


def filtered(kind: str, confidence: str, action: str = "NONE", *, detected: bool = True) -> dict[str, Any]:
    """Return an assessment of harm."""
    entry = {
        "type": kind,
        "confidence": confidence,
        "filterStrength": "HIGH",
        "action": action,
        "detected": detected,
    }
    return assessment("contentPolicy", "filters", entry)


def test_a_text_is_judged(far, guard, kit, monkeypatch) -> None:
    """By the guardrail and its version, with all that it has to say."""
    monkeypatch.setenv("ZQX_KEY", "zqx-key")
    far.says(answer(filtered("VIOLENCE", "HIGH", "BLOCKED"), action="GUARDRAIL_INTERVENED"))
    verdict = guard(BLOCK, "violence >= 0.9", endpoint="key: {env: ZQX_KEY}").check("a text")

    assert kit.found(verdict) == [("violence", 1.0, (0, 6))]
    (asked,) = far.asked
    assert asked.path == "/guardrail/gr0abc/version/7/apply"
    assert asked.headers["authorization"] == "Bearer zqx-key"
    assert asked.json == {"source": "INPUT", "outputScope": "FULL", "content": [{"text": {"text": "a text"}}]}


def test_an_arn_is_one_step_of_the_path(far, guard) -> None:
    """Its slashes and colons are written as codes."""
    far.says(answer())
    arn = "arn:aws:bedrock:eu-central-1:123456789012:guardrail/gr0abc"
    guard(f"service: bedrock, bedrock: {{guardrail: '{arn}'}}").check("a")
    quoted = arn.replace(":", "%3A").replace("/", "%2F")
    assert far.asked[0].path == f"/guardrail/{quoted}/version/DRAFT/apply"


@each_case(
    ("content", "sources"),
    [
        *(
            (Text("a", Place(Stage(stage))), ["INPUT"])
            for stage in ("input", "tool_result", "retrieval", "tool_definition")
        ),
        *((Text("a", Place(Stage(stage))), ["OUTPUT"]) for stage in ("output", "tool_call")),
        (Text("a", Place(Stage.OUTPUT, also=(Stage.INPUT,))), ["INPUT", "OUTPUT"]),
    ],
)
def test_a_stage_is_a_source(far, guard, content, sources) -> None:
    """What a model wrote is output; what a client says that it wrote is both."""
    far.says(answer())
    guard(BLOCK).check(content)
    assert sorted(each.json["source"] for each in far.asked) == sources


@each_case(
    ("confidence", "detected", "score"),
    [
        ("NONE", False, None),
        ("LOW", True, 0.33),
        ("MEDIUM", True, 0.66),
        ("HIGH", True, 1.0),
        ("LOW", False, 0.33),
    ],
)
def test_a_filter_has_a_confidence(far, guard, kit, confidence, detected, score) -> None:
    """Also where the guardrail takes no action: a policy has thresholds of its own."""
    far.says(answer(filtered("HATE", confidence, detected=detected)))
    verdict = guard(BLOCK, "hate > 0.9", then="flag").check("a")
    assert kit.found(verdict) == ([] if score is None else [("hate", score, (0, 1))])


DETECTED = {"action": "NONE", "detected": True}
BLOCKED = {"action": "BLOCKED"}


@each_case(
    ("given", "found"),
    [
        (filtered("INSULTS", "HIGH"), [("harassment", 1.0, (0, 16))]),
        (filtered("MISCONDUCT", "HIGH"), [("illicit", 1.0, (0, 16))]),
        (filtered("PROMPT_ATTACK", "HIGH"), [("jailbreak", 1.0, (0, 16))]),
        (filtered("ZQX_NEW", "MEDIUM"), [("unsafe", 0.66, (0, 16))]),
        (assessment("topicPolicy", "topics", {"name": "Tax", "type": "DENY", **BLOCKED}), [("custom.tax", 1.0, (0, 16))]),
        (assessment("topicPolicy", "topics", {"name": "Law", "type": "DENY", **DETECTED}), [("custom.bedrock_topic", 1.0, (0, 16))]),
        (assessment("topicPolicy", "topics", {"name": "Law", "type": "DENY", "action": "NONE", "detected": False}), []),
        (assessment("wordPolicy", "customWords", {"match": "Acme", **BLOCKED}), [("custom.blocklist", 1.0, (2, 6)), ("custom.blocklist", 1.0, (12, 16))]),
        (assessment("wordPolicy", "customWords", {"match": "gone", **BLOCKED}), [("custom.blocklist", 1.0, (0, 16))]),
        (assessment("wordPolicy", "managedWordLists", {"match": "acme", "type": "PROFANITY", **DETECTED}), [("profanity", 1.0, (2, 6)), ("profanity", 1.0, (12, 16))]),
        (assessment("sensitiveInformationPolicy", "piiEntities", {"match": "42", "type": "PIN", "action": "ANONYMIZED"}), [("pii.pin", 1.0, (7, 9))]),
        (assessment("sensitiveInformationPolicy", "piiEntities", {"match": "42", "type": "ZQX", "action": "ANONYMIZED"}), [("pii", 1.0, (7, 9))]),
        (assessment("sensitiveInformationPolicy", "piiEntities", {"match": "42", "type": "PIN", "action": "NONE", "detected": False}), []),
        (assessment("sensitiveInformationPolicy", "regexes", {"name": "Order", "match": "42", "regex": "..", **BLOCKED}), [("custom.order", 1.0, (7, 9))]),
        (assessment("sensitiveInformationPolicy", "regexes", {"match": "42", "regex": "..", **BLOCKED}), [("custom.bedrock_regex", 1.0, (7, 9))]),
        (assessment("contextualGroundingPolicy", "filters", {"type": "GROUNDING", "threshold": 0.7, "score": 0.25, **BLOCKED}), [("custom.ungrounded", 0.75, (0, 16))]),
        ({"contentPolicy": None, "topicPolicy": {}, "wordPolicy": {"customWords": None, "managedWordLists": []}}, []),
        ({}, []),
    ],
)  # fmt: skip
def test_each_policy_of_a_guardrail_is_read(far, guard, kit, given, found) -> None:
    """What has a match has its place, every time that it stands there; names that are not in `labels` have a category too."""
    intervened = any(
        entry.get("action", "NONE") != "NONE"
        for policy in given.values()
        if policy
        for some in policy.values()
        if isinstance(some, list)
        for entry in some
    )
    far.says(answer(given, action="GUARDRAIL_INTERVENED" if intervened else "NONE"))
    verdict = guard(
        f"{BLOCK}, labels: {{Tax: custom.tax, Order: custom.order}}", "hate > 0.9", then="flag"
    ).check("a Acme 42 b ACME")
    assert kit.found(verdict) == found


def test_a_match_in_a_long_text_is_found_there(far, guard, kit) -> None:
    """The places of pieces are those of the whole text."""
    entity = {"match": "jo@example.com", "type": "EMAIL", "action": "ANONYMIZED"}
    far.answer = lambda asked: (
        answer(assessment("sensitiveInformationPolicy", "piiEntities", entity), action="GUARDRAIL_INTERVENED")
        if "jo@" in asked.json["content"][0]["text"]["text"]
        else answer()
    )
    text = "\U0001f600 All is well. " * 50 + "mail jo@example.com now. " + "All is well. " * 50
    verdict = guard(f"{BLOCK}, characters: 200", "pii.email > 0", then="redact").check(text)
    assert verdict.content == text.replace("jo@example.com", "[EMAIL]")


@each_case("given", [[], [{}], [filtered("HATE", "LOW")], [{"automatedReasoningPolicy": {"findings": []}}]])
def test_an_intervention_that_nothing_explains_is_unsafe(far, guard, kit, given) -> None:
    """Whatever of it is wanted, and whatever else was seen."""
    far.says(answer(*given, action="GUARDRAIL_INTERVENED"))
    verdict = guard(f"{BLOCK}, categories: [violence]", "unsafe > 0.5").check("a")
    assert kit.found(verdict) == [("unsafe", 1.0, (0, 1))]


def test_only_what_is_wanted_is_reported(far, guard, kit) -> None:
    """An intervention for what is not wanted is none here."""
    far.says(answer(filtered("INSULTS", "HIGH", "BLOCKED"), action="GUARDRAIL_INTERVENED"))
    assert kit.found(guard(f"{BLOCK}, categories: [violence]", "violence > 0").check("a")) == []


@each_case(("data", "kind"), [("png", "png"), ("jpeg", "jpeg")])
def test_a_picture_is_judged(far, guard, kit, data, kind) -> None:
    """In the two formats that there are."""
    far.says(answer(filtered("SEXUAL", "HIGH", "BLOCKED"), action="GUARDRAIL_INTERVENED"))
    verdict = guard(BLOCK, "sexual > 0.5").check(getattr(kit, data), "output")
    assert kit.found(verdict) == [("sexual", 1.0, None)]
    asked = far.asked[0].json
    (part,) = asked["content"]
    assert (asked["source"], part["image"]["format"]) == ("OUTPUT", kind)
    assert b64decode(part["image"]["source"]["bytes"]) == getattr(kit, data)


@each_case("image", [Image(url="http://127.0.0.1:1/a.png"), Image(b"GIF89a"), Image(b"zqx")])
def test_another_picture_is_unchecked(far, guard, image) -> None:
    """It is not sent."""
    assert [rule.id for rule in guard(BLOCK).check(image).rules] == ["unchecked.part"]
    assert far.asked == []


@each_case(("guarded", "kinds"), [(24, []), (20, ["limit"])])
def test_what_the_guardrail_did_not_read_is_unchecked(far, guard, guarded, kinds) -> None:
    """It says how much it did."""
    far.says(answer(guardrailCoverage={"textCharacters": {"guarded": guarded, "total": 24}}))
    verdict = guard(BLOCK).check("a text")
    assert [each.kind for each in verdict.coverage.unchecked] == kinds
    assert [rule.id for rule in verdict.rules] == [f"unchecked.{each}" for each in kinds]


FILTER = {"type": "HATE", "confidence": "LOW", "filterStrength": "LOW", "action": "NONE", "detected": True}
ENTITY = {"match": "a", "type": "EMAIL", "action": "ANONYMIZED", "detected": True}


@each_case(
    "body",
    [
        None, [], {}, "NONE", {"message": "zqx"}, {"action": "NONE"}, answer(action=None), answer(action="zqx"),
        answer(action=["NONE"]), {**answer(), "assessments": None}, {**answer(), "assessments": {}}, answer(None),
        answer("zqx"), answer([]), answer({"contentPolicy": []}), answer({"contentPolicy": "zqx"}),
        answer({"contentPolicy": {"filters": {}}}), answer({"contentPolicy": {"filters": [None]}}),
        *(answer({"contentPolicy": {"filters": [{**FILTER, **wrong}]}}) for wrong in (
            {"confidence": None}, {"confidence": "zqx"}, {"confidence": 0.5}, {"type": 7}, {"action": None},
        )),
        *(answer({"sensitiveInformationPolicy": {"piiEntities": [{**ENTITY, **wrong}]}}) for wrong in (
            {"match": 7}, {"match": ["a"]}, {"type": ["EMAIL"]}, {"action": None}, {"detected": "false"}, {"detected": 0},
        )),
        *(answer({"contextualGroundingPolicy": {"filters": [{"type": "GROUNDING", "action": "NONE", "score": score}]}})
          for score in (None, "1", -1, 2, math.nan)),
        answer(guardrailCoverage=[]), answer(guardrailCoverage={"textCharacters": []}),
        answer(guardrailCoverage={"textCharacters": {"guarded": 1}}),
        answer(guardrailCoverage={"textCharacters": {"guarded": "1", "total": 1}}),
    ],
)  # fmt: skip
def test_what_is_no_answer_has_failed(far, guard, kit, body) -> None:
    """Every part of it is read strictly, and nothing of it is quoted."""
    far.says(body)
    said = kit.failed(guard(BLOCK).check("a text"))
    assert said.startswith("endpoint 'far': ")
    assert "zqx" not in said


AWS = "aws: {region: eu-central-1}"


def test_a_request_is_signed(far, guard, monkeypatch) -> None:
    """Where the endpoint says for whom."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAZQX")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "zqx-secret")
    far.says(answer())
    guard(BLOCK, endpoint=AWS).check("a text")
    signed = far.asked[0].headers["authorization"]
    assert signed.startswith("AWS4-HMAC-SHA256 Credential=AKIAZQX/")
    assert "/eu-central-1/bedrock/aws4_request, SignedHeaders=" in signed


def test_without_credentials_it_has_failed(far, guard, kit, monkeypatch, tmp_path) -> None:
    """Nothing is sent unsigned."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    assert kit.failed(guard(BLOCK, endpoint=AWS).check("a")) == "endpoint 'far': there are no AWS credentials"
    assert far.asked == []


def test_without_botocore_it_is_said_when_it_is_loaded(guard, monkeypatch) -> None:
    """With the command that brings it."""
    monkeypatch.setitem(sys.modules, "botocore", None)
    with pytest.raises(
        PolicyErrors, match=r"missing_extra: .*botocore, which is not installed - pip install botocore"
    ):
        guard(BLOCK, endpoint=AWS)


@each_case(
    ("fields", "problem"),
    [
        ("service: bedrock", "missing_field: detector 'd': service 'bedrock' needs 'bedrock'"),
        ("service: bedrock, bedrock: {guardrail: '../x?'}", "invalid_value: bedrock.guardrail"),
        ("service: bedrock, bedrock: {guardrail: x, version: latest}", "invalid_value: bedrock.version"),
        (
            "service: bedrock, bedrock: {guardrail: x, version: 1}",
            "wrong_type: bedrock.version must be a text",
        ),
    ],
)
def test_what_is_wrong_is_said_when_it_is_loaded(guard, fields, problem) -> None:
    """A guardrail has an identifier and a version."""
    with pytest.raises(PolicyErrors) as error:
        guard(fields)
    assert problem in str(error.value)


def test_every_kind_of_personal_data_has_a_category() -> None:
    """All 31 that the service has."""
    assert len(PERSONAL) == 31
    assert all(map(taxonomy.is_valid, PERSONAL.values()))
