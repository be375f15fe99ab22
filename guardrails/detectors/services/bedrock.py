"""AWS Bedrock's guardrails: what each policy of a guardrail found in a text or a picture.

`POST /guardrail/{id}/version/{version}/apply`, signed where the endpoint has `aws`, with the endpoint's key otherwise. What a
model wrote is `OUTPUT`, all else `INPUT`. The score of a filter is its confidence: LOW 0.33, MEDIUM 0.66, HIGH 1.0, also where
the guardrail only detects. That a guardrail intervenes for no reason that can be read here is `unsafe`, never nothing.
"""

from __future__ import annotations

import importlib.util
import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from guardrails import taxonomy
from guardrails.detectors import ConfigProblem
from guardrails.detectors.llm.llm_detector import JudgeAnswer, JudgeRequest, ScoredSpan
from guardrails.detectors.services import BOTH, Service
from guardrails.detectors.services.config import RemoteConfig
from guardrails.detectors.services.labels import ServiceLabels, best_scores
from guardrails.detectors.services.reading import (
    PerStageJudge,
    UnreadableResponse,
    read_boolean,
    read_count,
    read_list,
    read_mapping,
    read_number,
    read_picture,
    read_text,
    skip_request,
)
from guardrails.remote.aws import Signer
from guardrails.remote.client import get_client
from guardrails.remote.endpoint import Endpoint
from guardrails.types import Stage, Text, Unchecked

UNSAFE: Final = "unsafe"
TOPIC, WORD, REGEX, GROUNDING = (
    "custom.bedrock_topic",
    "custom.blocklist",
    "custom.bedrock_regex",
    "custom.ungrounded",
)
PROFANITY: Final = "profanity"
FORMATS: Final = ("png", "jpeg")
CONFIDENCE: Final = {"NONE": 0.0, "LOW": 0.33, "MEDIUM": 0.66, "HIGH": 1.0}
WRITTEN: Final = frozenset({Stage.OUTPUT, Stage.TOOL_CALL})
"""What a model wrote."""

PERSONAL: Final = {
    "ADDRESS": "pii.street_address", "AGE": "pii.age", "AWS_ACCESS_KEY": "secret.aws_access_key",
    "AWS_SECRET_KEY": "secret.aws_secret_key", "CA_HEALTH_NUMBER": "pii.ca_health_number",
    "CA_SOCIAL_INSURANCE_NUMBER": "pii.ca_sin", "CREDIT_DEBIT_CARD_CVV": "pii.card_security_code",
    "CREDIT_DEBIT_CARD_EXPIRY": "pii.card_expiry", "CREDIT_DEBIT_CARD_NUMBER": "pii.credit_card",
    "DRIVER_ID": "pii.driving_licence", "EMAIL": "pii.email", "INTERNATIONAL_BANK_ACCOUNT_NUMBER": "pii.iban",
    "IP_ADDRESS": "pii.ip_address", "LICENSE_PLATE": "pii.vehicle_registration", "MAC_ADDRESS": "pii.mac_address",
    "NAME": "pii.person", "PASSWORD": "secret.password", "PHONE": "pii.phone", "PIN": "pii.pin",
    "SWIFT_CODE": "pii.swift_bic", "UK_NATIONAL_HEALTH_SERVICE_NUMBER": "pii.uk_nhs",
    "UK_NATIONAL_INSURANCE_NUMBER": "pii.uk_nino", "UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER": "pii.uk_utr",
    "URL": "pii.url", "USERNAME": "pii.username", "US_BANK_ACCOUNT_NUMBER": "pii.us_bank_account",
    "US_BANK_ROUTING_NUMBER": "pii.us_aba_routing", "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER": "pii.us_itin",
    "US_PASSPORT_NUMBER": "pii.passport", "US_SOCIAL_SECURITY_NUMBER": "pii.us_ssn",
    "VEHICLE_IDENTIFICATION_NUMBER": "pii.vehicle_identification",
}  # fmt: skip
"""Bedrock's kinds of personal data → categories, by the names that `use: pii` and `use: secrets` give them."""


def _is_detected(entry: Any) -> float:
    """An entry is there because it was found, unless it says that it was not."""
    return 1.0 if read_boolean(entry.get("detected", True), "detected") else 0.0


def _confidence(entry: Any) -> float:
    written = read_text(entry.get("confidence"), "confidence")
    if written not in CONFIDENCE:
        raise UnreadableResponse("the answer has a confidence that there is not")
    return CONFIDENCE[written]


def _ungrounded_score(entry: Any) -> float:
    return 1.0 - read_number(entry.get("score"), "score")


@dataclass(frozen=True, slots=True)
class AssessmentPart:
    """A list in an assessment: where it is, the field with an entry's label (None: the list's own name is), what a label
    that is not in the table stands for, and how an entry is scored.
    """

    policy: str
    entries: str
    label: str | None
    otherwise: str
    score: Callable[[Any], float] = _is_detected


PARTS: Final = (
    AssessmentPart("contentPolicy", "filters", "type", UNSAFE, _confidence),
    AssessmentPart("topicPolicy", "topics", "name", TOPIC),
    AssessmentPart("wordPolicy", "customWords", None, WORD),
    AssessmentPart("wordPolicy", "managedWordLists", "type", PROFANITY),
    AssessmentPart("sensitiveInformationPolicy", "piiEntities", "type", "pii"),
    AssessmentPart("sensitiveInformationPolicy", "regexes", "name", REGEX),
    AssessmentPart("contextualGroundingPolicy", "filters", "type", GROUNDING, _ungrounded_score),
)
"""What is read of an assessment."""


class BedrockGuardrail:
    """What one ask is answered with."""

    def __init__(self, config: RemoteConfig, endpoint: Endpoint, labels: ServiceLabels) -> None:
        block = config.bedrock
        assert block is not None
        self._path = f"/guardrail/{quote(block.guardrail, safe='')}/version/{block.version}/apply"
        self._endpoint, self._labels = endpoint, labels
        self._signer = None if endpoint.aws is None else Signer(*endpoint.aws)

    async def ask(self, ask: JudgeRequest, stage: Stage) -> JudgeAnswer:
        """Have one ask judged at one of its stages."""
        if isinstance(ask.content, Text):
            content: dict[str, Any] = {"text": {"text": ask.read}}
        else:
            found = read_picture(ask, FORMATS)
            if found is None:
                return skip_request("no picture whose bytes the service reads (PNG, JPEG)")
            content = {"image": {"format": found[0], "source": {"bytes": b64encode(found[1]).decode()}}}
        source = "OUTPUT" if stage in WRITTEN else "INPUT"
        body = {"source": source, "outputScope": "FULL", "content": [content]}
        sign = None if self._signer is None else await self._signer.ready(self._endpoint.name)
        answer = await get_client(self._endpoint).post(self._path, body, sign=sign)
        return self._read(read_mapping(answer, "object"), ask.read)

    def _read(self, answer: Any, read: str) -> JudgeAnswer:
        action = read_text(answer.get("action"), "action")
        if action not in ("NONE", "GUARDRAIL_INTERVENED"):
            raise UnreadableResponse("the answer has an action that there is not")
        scores: list[tuple[str, float]] = []
        spots: list[ScoredSpan] = []
        explained = False
        for each in read_list(answer.get("assessments"), "assessments"):
            for part, entry in _entries(read_mapping(each, "assessment")):
                explained |= read_text(entry.get("action"), "action") != "NONE"
                score = part.score(entry)
                places = _places(entry, read)
                for category in self._categories(part, entry):
                    scores += [] if places else [(category, score)]
                    spots += [ScoredSpan(category, score, *place) for place in places if score]
        if action != "NONE" and not explained:
            scores.append((UNSAFE, 1.0))
        return JudgeAnswer(best_scores(scores), tuple(spots), _read_uncovered(answer))

    def _categories(self, part: AssessmentPart, entry: Any) -> tuple[str, ...]:
        # A regular expression need not have a name.
        label = part.entries if part.label is None else read_text(entry.get(part.label) or "", part.label)
        if part.otherwise == UNSAFE and not self._labels.knows(label):
            return (UNSAFE,)  # a filter that is newer than this table, whatever else is wanted
        return self._labels.resolve(label, part.otherwise)


def _entries(assessment: Any) -> Iterator[tuple[AssessmentPart, Any]]:
    for part in PARTS:
        policy = assessment.get(part.policy)
        entries = None if policy is None else read_mapping(policy, part.policy).get(part.entries)
        for entry in [] if entries is None else read_list(entries, part.entries):
            yield part, read_mapping(entry, f"entry of {part.entries}")


def _places(entry: Any, read: str) -> list[tuple[int, int]]:
    """Return where in what was read that stands which an entry says was found."""
    match = entry.get("match")
    if match is None or not read_text(match, "match"):
        return []
    return [found.span() for found in re.finditer(re.escape(match), read, re.IGNORECASE)]


def _read_uncovered(answer: Any) -> tuple[Unchecked, ...]:
    """Return what the guardrail says that it did not look at."""
    coverage = answer.get("guardrailCoverage")
    if coverage is None:
        return ()
    for name in ("textCharacters", "images"):
        counts = read_mapping(coverage, "guardrailCoverage").get(name)
        if counts is None:
            continue
        guarded, total = (
            read_count(read_mapping(counts, name).get(each), each) for each in ("guarded", "total")
        )
        if guarded < total:
            return (Unchecked("limit", f"the guardrail read {guarded} of {total} ({name})"),)
    return ()


def _judge(config: RemoteConfig, endpoint: Endpoint, labels: ServiceLabels) -> PerStageJudge:
    return PerStageJudge(BedrockGuardrail(config, endpoint, labels).ask)


def _problems(_config: RemoteConfig, endpoint: Endpoint) -> list[ConfigProblem]:
    if endpoint.aws is None or importlib.util.find_spec("botocore") is not None:
        return []
    message = f"requests to endpoint {endpoint.name!r} are signed by botocore, which is not installed"
    return [ConfigProblem("missing_extra", message, ("endpoint",), hint="pip install botocore")]


SERVICE: Final = Service(
    labels={**taxonomy.BEDROCK, **PERSONAL, "PROFANITY": PROFANITY, "customWords": WORD},
    judge=_judge,
    size=10_000,
    also=lambda _: frozenset({UNSAFE, TOPIC, REGEX, GROUNDING, "pii", PROFANITY}),
    fields=frozenset({"bedrock"}),
    needs="bedrock",
    contents=lambda _: BOTH,
    problems=_problems,
)
