"""Another proxy of this package: a text and its stage go in, the verdict of that proxy's own policy comes out.

`POST /check` below the endpoint's URL, which ends in `/v1`. Its findings are taken over with category, score and span, and so
is what it did not check. A detector that failed there, or tiers that it left out, are no answer here. That it blocks is
`custom.blocked`, and `unsafe` too where it found nothing that would say why.
"""

from __future__ import annotations

from typing import Any, Final

from guardrails import taxonomy
from guardrails.detectors.llm.llm_detector import Ask, Reading, Spot
from guardrails.detectors.services import Service
from guardrails.detectors.services.config import RemoteConfig
from guardrails.detectors.services.labels import Labels, highest, nearest_of
from guardrails.detectors.services.reading import (
    EachStage,
    Unreadable,
    boolean,
    count,
    listed,
    mapping,
    number,
    text,
)
from guardrails.remote.client import client
from guardrails.remote.endpoint import Endpoint
from guardrails.types import Action, Stage, Unchecked

BLOCKED: Final = "custom.blocked"
UNSAFE: Final = "unsafe"
KINDS: Final = frozenset({"language", "limit", "part", "audio"})
"""What can be unchecked, as policies know it."""

Span = tuple[int, int]


class Verdicts:
    """What one ask is answered with."""

    def __init__(self, endpoint: Endpoint, labels: Labels, known: frozenset[str]) -> None:
        self._endpoint, self._labels, self._known = endpoint, labels, known

    async def ask(self, ask: Ask, stage: Stage) -> Reading:
        """Have one ask judged at one of its stages."""
        body = {"text": ask.read, "stage": stage.value}
        verdict = mapping(await client(self._endpoint).post("/check", body), "object")
        action = text(verdict.get("action"), "action")
        if action not in map(str, Action):
            raise Unreadable("the answer has an action that there is not")
        failed = listed(verdict.get("errors"), "errors")
        if failed:
            raise Unreadable(f"{len(failed)} of its detectors failed")
        given = listed(verdict.get("findings"), "findings")
        scores: list[tuple[str, float]] = []
        spots: list[Spot] = []
        for each in given:
            self._finding(each, scores, spots)
        if action == str(Action.BLOCK):
            scores += [(BLOCKED, 1.0)] if self._labels.wants(BLOCKED) else []
            scores += [] if given else [(UNSAFE, 1.0)]
        return Reading(highest(scores), tuple(spots), self._unchecked(verdict))

    def _finding(self, given: Any, scores: list[tuple[str, float]], spots: list[Spot]) -> None:
        finding = mapping(given, "finding")
        category = text(finding.get("category"), "category")
        score = number(finding.get("score"), "score")
        span = _span(finding.get("span"))
        if not taxonomy.is_valid(category):
            raise Unreadable("the answer has a category that there is not")
        nearest = nearest_of(category, self._known)
        for each in self._labels.of(category, nearest):
            if span is None:
                scores.append((each, score))
            else:
                spots.append(Spot(each, score, *span))

    def _unchecked(self, verdict: Any) -> tuple[Unchecked, ...]:
        coverage = mapping(verdict.get("coverage"), "coverage")
        found = []
        for each in listed(coverage.get("unchecked"), "coverage of what was unchecked"):
            entry = mapping(each, "entry of what was unchecked")
            kind = text(entry.get("kind"), "kind")
            if kind not in KINDS:
                raise Unreadable("the answer has a kind of unchecked that there is not")
            found.append(
                Unchecked(
                    kind, f"not checked at endpoint {self._endpoint.name!r}", span=_span(entry.get("span"))
                )
            )
        if not boolean(verdict.get("complete"), "complete"):
            reason = f"endpoint {self._endpoint.name!r} stopped when it was sure to block"
            found.append(Unchecked("part", reason))
        return tuple(found)


def _span(given: Any) -> Span | None:
    if given is None:
        return None
    start, end = (count(each, "span") for each in listed(given, "span", 2))
    return start, end


def _judge(config: RemoteConfig, endpoint: Endpoint, labels: Labels) -> EachStage:
    named = frozenset(each for each in config.categories or () if taxonomy.is_valid(each))
    return EachStage(Verdicts(endpoint, labels, labels.categories() | named).ask)


SERVICE: Final = Service(
    labels={category: category for category in taxonomy.CATEGORIES},
    judge=_judge,
    size=20_000,
    also=lambda _: frozenset({BLOCKED, UNSAFE}),
    opens=taxonomy.OPEN,
)
