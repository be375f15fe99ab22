"""Another proxy of this package: the verdict of that proxy's own policy on a text and its stage.

`POST /check` below the endpoint's URL, which ends in `/v1`. Its findings are taken over with category, score and span, and so
is what it did not check. A detector that failed there, or tiers that it left out, are no answer here. That it blocks is
`custom.blocked`, and `unsafe` too where it found nothing that would say why.
"""

from __future__ import annotations

from typing import Any, Final

from guardrails import taxonomy
from guardrails.detectors.llm.llm_detector import JudgeAnswer, JudgeRequest, ScoredSpan
from guardrails.detectors.services import Service
from guardrails.detectors.services.config import RemoteConfig
from guardrails.detectors.services.labels import ServiceLabels, best_scores, nearest_category
from guardrails.detectors.services.reading import (
    PerStageJudge,
    UnreadableResponse,
    read_boolean,
    read_count,
    read_list,
    read_mapping,
    read_number,
    read_text,
)
from guardrails.remote.client import get_client
from guardrails.remote.endpoint import Endpoint
from guardrails.types import Action, Stage, Unchecked

BLOCKED: Final = "custom.blocked"
UNSAFE: Final = "unsafe"
KINDS: Final = frozenset({"language", "limit", "part", "audio"})
"""What can be unchecked, as policies know it."""

Span = tuple[int, int]


class RemoteGuardrails:
    """What one ask is answered with."""

    def __init__(self, endpoint: Endpoint, labels: ServiceLabels, known: frozenset[str]) -> None:
        self._endpoint, self._labels, self._known = endpoint, labels, known

    async def ask(self, ask: JudgeRequest, stage: Stage) -> JudgeAnswer:
        """Have one ask judged at one of its stages."""
        body = {"text": ask.read, "stage": stage.value}
        verdict = read_mapping(await get_client(self._endpoint).post("/check", body), "object")
        action = read_text(verdict.get("action"), "action")
        if action not in map(str, Action):
            raise UnreadableResponse("the answer has an action that there is not")
        failed = read_list(verdict.get("errors"), "errors")
        if failed:
            raise UnreadableResponse(f"{len(failed)} of its detectors failed")
        if verdict.get("unavailable") is not None:
            raise UnreadableResponse("its guard is unavailable")
        given = read_list(verdict.get("findings"), "findings")
        scores: list[tuple[str, float]] = []
        spots: list[ScoredSpan] = []
        for each in given:
            self._finding(each, scores, spots)
        if action == str(Action.BLOCK):
            scores += [(BLOCKED, 1.0)] if self._labels.wants(BLOCKED) else []
            scores += [] if given else [(UNSAFE, 1.0)]
        return JudgeAnswer(best_scores(scores), tuple(spots), self._read_unchecked(verdict))

    def _finding(self, given: Any, scores: list[tuple[str, float]], spots: list[ScoredSpan]) -> None:
        finding = read_mapping(given, "finding")
        category = read_text(finding.get("category"), "category")
        score = read_number(finding.get("score"), "score")
        span = _span(finding.get("span"))
        if not taxonomy.is_valid(category):
            raise UnreadableResponse("the answer has a category that there is not")
        nearest = nearest_category(category, self._known)
        for each in self._labels.resolve(category, nearest):
            if span is None:
                scores.append((each, score))
            else:
                spots.append(ScoredSpan(each, score, *span))

    def _read_unchecked(self, verdict: Any) -> tuple[Unchecked, ...]:
        coverage = read_mapping(verdict.get("coverage"), "coverage")
        found = []
        for each in read_list(coverage.get("unchecked"), "coverage of what was unchecked"):
            entry = read_mapping(each, "entry of what was unchecked")
            kind = read_text(entry.get("kind"), "kind")
            if kind not in KINDS:
                raise UnreadableResponse("the answer has a kind of unchecked that there is not")
            found.append(
                Unchecked(
                    kind, f"not checked at endpoint {self._endpoint.name!r}", span=_span(entry.get("span"))
                )
            )
        if not read_boolean(verdict.get("complete"), "complete"):
            reason = f"endpoint {self._endpoint.name!r} stopped when it was sure to block"
            found.append(Unchecked("part", reason))
        return tuple(found)


def _span(given: Any) -> Span | None:
    if given is None:
        return None
    start, end = (read_count(each, "span") for each in read_list(given, "span", 2))
    return start, end


def _judge(config: RemoteConfig, endpoint: Endpoint, labels: ServiceLabels) -> PerStageJudge:
    named = frozenset(each for each in config.categories or () if taxonomy.is_valid(each))
    return PerStageJudge(RemoteGuardrails(endpoint, labels, labels.categories() | named).ask)


SERVICE: Final = Service(
    labels={category: category for category in taxonomy.CATEGORIES},
    judge=_judge,
    size=20_000,
    also=lambda _: frozenset({BLOCKED, UNSAFE}),
    opens=taxonomy.OPEN,
)
