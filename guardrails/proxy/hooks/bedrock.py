"""Bedrock's ApplyGuardrail: contents are answered with what to use instead and an assessment.

Which guardrail is asked for does not matter: the policy here judges. What was found is told by its kind, never by its text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.field_readers import by_table, keep, opaque
from guardrails.engine.model import Outcome
from guardrails.errors import RequestError
from guardrails.protocols.errors import Problem
from guardrails.proxy.hooks.hook import (
    Hook,
    HookRequest,
    HookResponse,
    JudgedPiece,
    Piece,
    read_field,
    read_strings,
    read_unknown_fields,
)
from guardrails.taxonomy import BEDROCK, with_ancestors
from guardrails.types import Finding, Place, Stage
from guardrails.verdicts.builtin_messages import UNCHECKED, say
from guardrails.wire.pointers import Path, pointer

STAGES: Mapping[str, Stage] = {"INPUT": Stage.INPUT, "OUTPUT": Stage.OUTPUT}
SCOPES = ("INTERVENTIONS", "FULL")
QUALIFIERS: Mapping[str, Stage] = {"grounding_source": Stage.RETRIEVAL, "query": Stage.INPUT}
"""Qualifier of a text → at which stage it stands, if not at that of its source."""

GUARD = "guard_content"
CONFIDENCE = ((0.85, "HIGH"), (0.5, "MEDIUM"), (0.2, "LOW"), (0.0, "NONE"))
"""Least score → Bedrock's word for it."""

PII: Mapping[str, str] = {
    "credit_card": "CREDIT_DEBIT_CARD_NUMBER",
    "us_ssn": "US_SOCIAL_SECURITY_NUMBER",
    "iban": "INTERNATIONAL_BANK_ACCOUNT_NUMBER",
    "swift": "SWIFT_CODE",
    "us_bank": "US_BANK_ACCOUNT_NUMBER",
    "us_itin": "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER",
    "us_passport": "US_PASSPORT_NUMBER",
    "uk_nhs": "UK_NATIONAL_HEALTH_SERVICE_NUMBER",
    "uk_nino": "UK_NATIONAL_INSURANCE_NUMBER",
    "person": "NAME",
    "ip": "IP_ADDRESS",
    "mac": "MAC_ADDRESS",
}
"""Leaf under `pii.` → Bedrock's type, where it is not the same in capitals."""

UNIT = 1_000
"""Characters of a unit that is billed."""

ERRORS: Mapping[int, str] = {
    401: "AccessDeniedException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
}
"""Status → Bedrock's exception, if not the usual one of its hundred."""

IMAGE = by_table({"format": keep, "source": by_table({"bytes": opaque})})
UNITS = (
    "topicPolicyUnits",
    "contentPolicyUnits",
    "wordPolicyUnits",
    "sensitiveInformationPolicyUnits",
    "sensitiveInformationPolicyFreeUnits",
    "contextualGroundingPolicyUnits",
)
CATEGORIES: Mapping[str, tuple[str, ...]] = {"PROMPT_ATTACK": ("jailbreak", "injection", "prompt_leak")}
"""Bedrock's filter → our categories, where they are more than one."""

LEAST = 0.2
"""Score from which a filter is told."""


def read(body: dict[str, Any]) -> Sequence[Piece]:
    """Return the contents as one piece."""
    stage = STAGES.get(read_field(body, "source", str))
    if stage is None:
        raise RequestError("invalid_type", f"must be {' or '.join(STAGES)}", "/source")
    if read_field(body, "outputScope", str, type(None)) not in (*SCOPES, None):
        raise RequestError("invalid_type", f"must be {' or '.join(SCOPES)}", "/outputScope")
    tree = ContentTree()
    by_stage: dict[Stage, list[int]] = {}
    for index, content in enumerate(read_field(body, "content", list)):
        _content(tree, content, ("content", index), stage, by_stage)
    for at, indexes in by_stage.items():
        tree.join(indexes, ("content",), Place(at))
    tree.beside("", tree.prompt(), tree.sources())
    read_unknown_fields(tree, body, ("source", "outputScope", "content"), Place(stage))
    return [Piece(body, tree, stage, carries=_are_texts)]


def _content(
    tree: ContentTree, content: Any, path: Path, stage: Stage, by_stage: dict[Stage, list[int]]
) -> None:
    """Read one content: a text or a picture."""
    if not isinstance(content, dict) or len(content) != 1 or not {"text", "image"} & content.keys():
        raise RequestError("invalid_content", "must hold one text or one image", pointer(path))
    if "image" in content:
        tree.cannot("part", "no detector reads this image", path, Place(stage))
        IMAGE(tree, read_field(content, "image", dict, path=path), (*path, "image"), Place(stage))
        return
    block, inside = read_field(content, "text", dict, path=path), (*path, "text")
    named = read_strings(block, "qualifiers", needed=False, path=inside)
    if set(named) - {*QUALIFIERS, GUARD}:
        raise RequestError("invalid_type", "holds no qualifier", pointer((*inside, "qualifiers")))
    first, *also = dict.fromkeys(QUALIFIERS.get(each, stage) for each in named) or (stage,)
    if read_field(block, "text", str, path=inside):
        by_stage.setdefault(first, []).append(len(tree.leaves))
        tree.text(block["text"], (*inside, "text"), Place(first, (*also,)))
    for name in block.keys() - {"text", "qualifiers"}:
        tree.unknown_field(block[name], (*inside, name), Place(first))


def _are_texts(tree: ContentTree, outcome: Outcome) -> bool:
    return all(tree.leaves[index].path[2:] == ("text", "text") for index in outcome.edits)


def write(asked: HookRequest) -> HookResponse:
    """Return what to use instead, and the assessment."""
    judged = asked.judged[0]
    length = sum(kind.characters for kind in judged.verdict.coverage.kinds.values())
    content: Any = judged.verdict.content
    answer: dict[str, Any] = {"action": "NONE", "outputs": []}
    if judged.blocked:
        outputs = [{"text": judged.message}]
        why = "Guardrail blocked." if judged.verdict.unavailable is None else judged.reason
        answer = {"action": "GUARDRAIL_INTERVENED", "actionReason": why, "outputs": outputs}
    elif judged.changed:
        outputs = [{"text": each["text"]["text"]} for each in content["content"] if "text" in each]
        answer = {"action": "GUARDRAIL_INTERVENED", "actionReason": "Guardrail masked.", "outputs": outputs}
    units = -(-length // UNIT)
    usage = {**dict.fromkeys(UNITS, 0), "contentPolicyUnits": units, "sensitiveInformationPolicyUnits": units}
    covered = {"textCharacters": {"guarded": length, "total": length}}
    return HookResponse(
        {
            **answer,
            "usage": usage,
            "assessments": [_assessment(judged, asked.given)],
            "guardrailCoverage": covered,
        }
    )


def _assessment(judged: JudgedPiece, given: Mapping[str, str]) -> dict[str, Any]:
    """Return what was found, policy by policy; words of a policy's own are custom words."""
    stops = "BLOCKED" if judged.blocked else "NONE"
    acts = "BLOCKED" if judged.blocked else "ANONYMIZED" if judged.touched else "NONE"
    acting = {finding for some in judged.grounds.values() for finding in some}
    filters = [
        {
            "type": name,
            "confidence": next(word for least, word in CONFIDENCE if score >= least),
            "action": stops
            if any(_is(each, CATEGORIES.get(name, (category,))) for each in acting)
            else "NONE",
            "detected": True,
        }
        for name, category in BEDROCK.items()
        if (score := judged.score(CATEGORIES.get(name, (category,)))) >= LEAST
    ]
    private = [
        {"type": _pii(each), "match": "", "action": acts if each in acting else "NONE", "detected": True}
        for each in judged.verdict.findings
        if each.category.startswith(("pii.", "secret."))
    ]
    named = [
        {"name": rule.id, "match": "", "action": "BLOCKED" if judged.blocked else "NONE", "detected": True}
        for rule in judged.rules
    ]
    return {
        "contentPolicy": {"filters": filters},
        "sensitiveInformationPolicy": {"piiEntities": private, "regexes": []},
        "wordPolicy": {"customWords": named, "managedWordLists": []},
        "invocationMetrics": {
            "guardrailProcessingLatency": round(judged.verdict.timings_ms.get("total", 0.0))
        },
        "appliedGuardrailDetails": {
            "guardrailId": given["identifier"],
            "guardrailVersion": given["version"],
            "guardrailOrigin": ["REQUEST"],
            "guardrailOwnership": "SELF",
        },
    }


def _is(finding: Finding, categories: Sequence[str]) -> bool:
    return not set(categories).isdisjoint(with_ancestors(finding.category))


def _pii(finding: Finding) -> str:
    leaf = finding.category.split(".", 1)[1]
    return PII.get(leaf, leaf.upper().replace(".", "_"))


def write_unavailable(told: Problem) -> HookResponse:
    """Return that the guardrail intervenes: whoever takes an exception for none would let pass."""
    return HookResponse(
        {
            "action": "GUARDRAIL_INTERVENED",
            "actionReason": told.error["code"],
            "outputs": [{"text": say(UNCHECKED)}],
            "usage": dict.fromkeys(UNITS, 0),
            "assessments": [],
            "guardrailCoverage": {"textCharacters": {"guarded": 0, "total": 0}},
        },
        headers=told.headers,
    )


def write_failure(told: Problem) -> HookResponse:
    """Return one of Bedrock's exceptions."""
    usual = "ValidationException" if told.status < 500 else "InternalServerException"
    name = ERRORS.get(told.status, usual)
    return HookResponse(
        {"message": told.error["message"]}, told.status, {**told.headers, "x-amzn-errortype": name}
    )


HOOK = Hook(
    "bedrock",
    "/guardrail/{identifier}/version/{version}/apply",
    read,
    write,
    write_failure,
    write_unavailable=write_unavailable,
    summary="Bedrock: ApplyGuardrail.",
)
