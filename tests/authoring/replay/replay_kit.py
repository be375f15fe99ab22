"""Policies, contents and records to try policies on: real guards decide, and what they put on record is replayed."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from guardrails import Guard
from guardrails.engine.content.payload import Payload
from guardrails.engine.model import Request
from guardrails.records.configuration import RecordsDoc
from guardrails.records.decision import NOBODY, encode_decision
from guardrails.records.decision_log import DecisionLog
from guardrails.records.detection.detection_profile import DetectionProfile
from guardrails.types import Verdict

DETECTORS: Mapping[str, Mapping[str, Any]] = {
    "low": {"use": "terms", "terms": ["lowly", "lesser"], "category": "custom.mixed", "score": 0.4},
    "high": {"use": "terms", "terms": ["highly", "greater"], "category": "custom.mixed", "score": 0.9},
    "codes": {
        "use": "patterns",
        "score": 0.7,
        "patterns": [{"pattern": r"AB-\d{4}", "category": "custom.code"}],
    },
    "pii": {"use": "pii", "entities": ["email", "credit_card"]},
}
WORDS = (
    "lowly",
    "highly",
    "greater",
    "AB-1234",
    "AB-9999",
    "a@b.example",
    "4111 1111 1111 1111",
    "plain",
    "words",
)
ENCODED = ("aGlnaGx5IEFCLTEyMzQgaGlnaGx5IEFCLTEyMzQ=",)
"""`highly AB-1234 highly AB-1234`, which stands encoded in a text."""

BOTH = ["input", "output"]


class KeptLog(DecisionLog):
    """A log of which the last record can be had at once, with all that the journal has of it."""

    kept: dict[str, Any]

    def append(
        self,
        verdict: Verdict,
        who: Request | None,
        detection: DetectionProfile | None = None,
        *,
        content: Payload | None = None,
    ) -> bool:
        """Put a record in the journal, and keep it, with what was looked for."""
        assert detection is not None
        self.kept = json.loads(encode_decision(verdict, who, NOBODY, None)[1]) | json.loads(detection.text)
        return super().append(verdict, who, detection, content=content)


def make_policy(
    rules: Sequence[Mapping[str, Any]], detectors: Any = DETECTORS, **more: Any
) -> dict[str, Any]:
    """Return a policy of these rules."""
    return {"format": 1, "name": "tried", "detectors": dict(detectors), "rules": [*rules], **more}


@lru_cache(maxsize=512)
def _load(policy: str, floor: str | None) -> Guard:
    guard = Guard.load(json.loads(policy), floor=None if floor is None else json.loads(floor))
    guard.records = KeptLog(RecordsDoc(path=str(Path(tempfile.mkdtemp()) / "records")))
    return guard


def load_guard(policy: Any, floor: Any = None) -> Guard:
    """Return a guard that puts its decisions on record."""
    return _load(json.dumps(policy), None if floor is None else json.dumps(floor))


def check_recorded(
    guard: Guard, content: Any, stage: Any = "input", **asked: Any
) -> tuple[Verdict, dict[str, Any]]:
    """Return a verdict, and the record of it."""
    verdict = guard.check(content, stage, **asked)
    assert isinstance(guard.records, KeptLog)
    return verdict, guard.records.kept


def describe(verdict: Verdict) -> tuple[str, dict[str, str]]:
    """Return the action of a verdict and what its rules did."""
    return str(verdict.action), {rule.id: str(rule.action) for rule in verdict.rules}
