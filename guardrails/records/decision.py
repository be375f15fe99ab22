"""The record of one decision: what was decided, by what, for whom and when, and no word of what was judged.

What people or programs chose freely (users, conversations) is committed to, and stands in a part of its own that can be erased.
So is what was judged, where it is kept: encrypted.
Paths of findings are left out, as they may hold names of fields.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from guardrails.engine.content.places import ROLES
from guardrails.engine.model import Request
from guardrails.records.chain import SALT_BYTES, commit
from guardrails.records.detection.detection_profile import DetectionProfile
from guardrails.records.kept_content.content_form import Unkept
from guardrails.records.kept_content.sealed_content import SealedContent
from guardrails.types import ContentLayout, FiredRule, JudgedPart, Stage, Verdict
from guardrails.verdicts.coverage import Coverage

VERSION: Final = 1
"""Of the form of a record."""

MOST_FINDINGS: Final = 100
"""Findings that a record names, the surest; of further ones it has the number."""

LONGEST: Final = 512
"""Characters of a text in a record that is somebody's choice."""

KNOWN_ROLES: Final = frozenset({"system", "developer", "user", "assistant", "tool"})
UNKNOWN_ROLE: Final = "other"
"""What a record calls a role that a client made up."""

_encode_utf8 = msgspec.json.Encoder().encode
"""A fifth of what the standard library takes."""

_encode_ascii = json.JSONEncoder(separators=(",", ":")).encode


def _encode(told: dict[str, Any]) -> bytes:
    try:
        return _encode_utf8(told)
    except UnicodeEncodeError:  # a lone surrogate, in the name of a model or of a user
        return _encode_ascii(told).encode()


REQUEST_FIELDS: Final = ("request_id", "trace_id", "route", "client", "upstream")
"""What a record says of the request that its decision belongs to."""


TOKENS: Final = ("input", "output")
"""The names of the tokens that an upstream says a request and its answer took."""


class RequestFacts(Protocol):
    """What a server knows of the request that a decision belongs to: empty texts, and zeros, where it knows nothing."""

    request_id: str
    trace_id: str
    route: str
    client: str
    upstream: str
    tokens: Sequence[int]


REQUEST_FACTS: Final[ContextVar[RequestFacts | None]] = ContextVar("guardrails_request_facts", default=None)
"""The request that is served here."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a decision is about, as the store has them: the user and the conversation, each as a digest or as it is."""

    subject: str | None = None
    conversation: str | None = None


NOBODY: Final = Person()
NO_PERSON: Final = b"{}"


def encode_person(
    person: Person, salt: bytes, content: SealedContent | None = None, detection: str | None = None
) -> bytes:
    """Return the part of a record that is not chained, as JSON: whom it is about, what was judged, encrypted, and what was looked
    for where the store is to be told.
    """
    told = {
        "salt": salt.hex(),
        "subject": person.subject,
        "conversation": person.conversation,
        "content": None if content is None else content.to_json(),
        "detection": detection,
    }
    return _encode({name: value for name, value in told.items() if value is not None})


def encode_decision(
    verdict: Verdict,
    who: Request | None,
    person: Person,
    facts: RequestFacts | None,
    detection: DetectionProfile | None = None,
    *,
    announce: bool = False,
    content: SealedContent | Unkept | None = None,
) -> tuple[bytes, bytes]:
    """Return the two parts of the record of a verdict: whom it is about, and what is chained.

    Args:
        verdict: the verdict.
        who: who asked, None where nobody is known.
        person: the same, as the store is to have it.
        facts: the request of a server that it belongs to.
        detection: what was looked for (`Checker.detection`); the record has its digest.
        announce: the part that is not chained has all of it, for the store.
        content: what was judged, as it is kept, or why it is not; None where nobody wants it.
    """
    record: dict[str, Any] = {
        "v": VERSION,
        "kind": "decision",
        "id": verdict.id,
        "time": time.time_ns() // 1000,
    }
    told = _commit(record, person, content, detection.text if detection is not None and announce else None)
    if who is not None:
        if who.tenant is not None:
            record["tenant"] = who.tenant[:LONGEST]
        if who.model is not None:
            record["model"] = who.model[:LONGEST]
    if facts is not None:
        record.update(_describe_request(facts, verdict.stage))
    record.update(describe_verdict(verdict))
    if detection is not None:
        record["detection"] = detection.digest
    return told, _encode(record)


def _describe_request(facts: RequestFacts, stage: Stage) -> dict[str, Any]:
    """Return what a record says of the request of a server; of an answer also its tokens."""
    told: dict[str, Any] = {name: value for name in REQUEST_FIELDS if (value := getattr(facts, name))}
    if stage is Stage.OUTPUT and any(facts.tokens):
        told["tokens"] = dict(zip(TOKENS, facts.tokens, strict=True))
    return told


def _commit(
    record: dict[str, Any], person: Person, content: SealedContent | Unkept | None, detection: str | None
) -> bytes:
    """Put commitments to a person and to what was judged into a record, and return the part that is not chained: what can be
    erased, and what was looked for.
    """
    sealed = content if isinstance(content, SealedContent) else None
    if content is not None and sealed is None:
        record["content"] = content
    if person is NOBODY and sealed is None and detection is None:
        return NO_PERSON
    salt = os.urandom(SALT_BYTES)
    if person.subject is not None:
        record["subject"] = commit(salt, "subject", person.subject)
    if person.conversation is not None:
        record["conversation"] = commit(salt, "conversation", person.conversation)
    if sealed is not None:
        record["content"] = commit(salt, "content", sealed.digest)
    return encode_person(person, salt, sealed, detection)


def describe_verdict(verdict: Verdict) -> dict[str, Any]:
    """Return what a record says of a verdict."""
    policy = verdict.policy
    told: dict[str, Any] = {
        "stage": verdict.stage.value,
        "action": str(verdict.action),
        "policy": policy.to_dict(),
        "ms": {name: round(took, 3) for name, took in verdict.timings_ms.items()},
    }
    if verdict.rules:
        told["rules"] = [_describe_rule(rule) for rule in verdict.rules]
    if verdict.shadow:
        told["shadow"] = [_describe_rule(rule) for rule in verdict.shadow]
    if verdict.findings:
        told["findings"] = _describe_findings(verdict)
        if len(verdict.findings) > MOST_FINDINGS:
            told["further_findings"] = len(verdict.findings) - MOST_FINDINGS
    if verdict.layout is not None:
        told.update(_describe_layout(verdict.layout, (verdict.stage,)))
    coverage = describe_coverage(verdict.coverage)
    if coverage:
        told["coverage"] = coverage
    if verdict.errors:
        told["errors"] = [{"detector": each.detector, "reason": each.reason} for each in verdict.errors]
    if not verdict.complete:
        told["complete"] = False
    if verdict.unavailable is not None:
        told["unavailable"] = verdict.unavailable.reason
    return told


def _describe_rule(rule: FiredRule) -> dict[str, str]:
    told = {"id": rule.id, "action": str(rule.action)}
    return told if rule.reason == "matched" else {**told, "reason": rule.reason}


def _describe_findings(verdict: Verdict) -> list[dict[str, Any]]:
    findings = shown = verdict.findings
    usual = (verdict.stage,)
    if len(findings) > MOST_FINDINGS:
        shown = tuple(sorted(findings, key=lambda finding: -finding.score)[:MOST_FINDINGS])
    return [
        {"category": each.category, "score": each.score, "detector": each.detector}
        | ({} if each.span is None else {"span": each.span})
        | ({} if each.listed is None else {"list": each.listed.list, "entry": each.listed.id})
        | ({} if each.choice_index is None else {"choice": each.choice_index})
        | ({} if each.part is None else _describe_part(each.part, usual))
        for each in shown
    ]


def _describe_part(part: JudgedPart, usual: tuple[Stage, ...]) -> dict[str, Any]:
    """Return what a record says of the part that something was found in: what is not as in a text that comes alone."""
    told: dict[str, Any] = {}
    if part.number:
        told["part"] = part.number
    if part.stages != usual:
        told["stages"] = part.stages
    if part.role != ROLES[part.stages[0]]:
        told["role"] = part.role if part.role in KNOWN_ROLES else UNKNOWN_ROLE
    if part.message is not None:
        told["message"] = part.message
    told.update((name, True) for name in ("derived", "across") if getattr(part, name))
    if not part.editable:
        told["fixed"] = True
    return told


def _describe_layout(layout: ContentLayout, usual: tuple[Stage, ...]) -> dict[str, Any]:
    """Return what a record says of how contents lie, where they are not one text that comes alone."""
    told: dict[str, Any] = {}
    if layout.stages != (usual,):
        told["stages"] = layout.stages
    if layout.current_from:
        told["current"] = layout.current_from
    return told


def describe_coverage(coverage: Coverage) -> dict[str, Any]:
    """Return how much of each kind of content was judged, and what was not, without paths."""
    told: dict[str, Any] = {kind: count.to_dict() for kind, count in coverage.kinds.items()}
    if coverage.unchecked:
        counts: dict[str, int] = {}
        for each in coverage.unchecked:
            counts[each.kind] = counts.get(each.kind, 0) + 1
        told["unchecked"] = counts
    if coverage.unknown_fields:
        told["unknown_fields"] = len(coverage.unknown_fields)
    if coverage.not_seen:
        told["not_seen"] = list(coverage.not_seen)
    return told
