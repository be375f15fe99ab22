"""Detectors over judges that read texts and answer with scores, behind a server or in this process.

`JudgeAdapter` is what all of them share: pieces of texts, categories, limits, languages. `RemoteDetector` drives a service that
answers over the network, on the process's loop; `LocalDetector` a model in this process, on a worker. A judge raises
`RemoteError` or any other exception, or gives scores that are none, and the contents concerned have failed: nothing is ever "not
found" because nobody could tell.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from guardrails.detectors.classifier.classifier_windows import FOREIGN_REASON
from guardrails.detectors.classifier.passages import Span, TextPieces, cut_pieces
from guardrails.detectors.language.foreign_text import is_foreign
from guardrails.remote.endpoint import RemoteError
from guardrails.remote.loop import submit
from guardrails.types import CLEAN, Content, Detection, Finding, Text, Unchecked

MAX_CONCURRENT_GROUPS: Final = 8
"""Groups of one check that are asked at a time, so that a long text leaves room for others at its endpoint."""

Scores = Mapping[str, float]
"""Category → score in 0..1; categories that are not named are 0."""


@dataclass(frozen=True, slots=True)
class ScoredSpan:
    """A finding with its place: from `start` to `end` in what was read."""

    category: str
    score: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class JudgeAnswer:
    """An answer that says more than scores: places, and what was left out (spans in what was read, None for all of it)."""

    scores: Scores = field(default_factory=dict)
    spots: tuple[ScoredSpan, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()


@dataclass(frozen=True, slots=True)
class JudgeRequest:
    """One question: what is read (all of a text, or a piece of it; "" for what is no text) of which content.

    `prompt` is what a reply answers to: "" where that is not known, None where the content is no reply.
    """

    read: str
    content: Content
    prompt: str | None = None


class RemoteJudge(Protocol):
    """A service. `most` asks may go into one call of `score`, which answers each in order or raises `RemoteError`."""

    most: int

    async def score(self, asks: Sequence[JudgeRequest]) -> Sequence[Scores | JudgeAnswer]:
        """Answer each ask."""
        ...


class LocalJudge(Protocol):
    """A model in this process, called by one worker at a time for each check."""

    most: int

    def score(self, asks: Sequence[JudgeRequest]) -> Sequence[Scores]:
        """Answer each ask."""
        ...


class JudgeAdapter:
    """From contents to asks, and from answers to detections.

    Args:
        name: the detector's.
        categories: what may be found; answers with others have failed.
        size: characters of a piece.
        most: pieces of one text that are judged; the rest is `unchecked: limit`.
        min_score: the score below which nothing is reported.
        languages: those that the judge was validated on, none for all; others are judged, and `unchecked: language`.
    """

    def __init__(
        self,
        name: str,
        categories: frozenset[str],
        *,
        size: int,
        most: int,
        min_score: float = 0.1,
        languages: Iterable[str] = (),
    ) -> None:
        self._name = name
        self._categories = categories
        self._size, self._most, self._min_score = size, most, min_score
        self.languages = frozenset(languages)

    def requests(self, content: Content) -> tuple[list[JudgeRequest], TextPieces | None]:
        """Return the asks of a content, and the pieces that they are of where it is a text."""
        if not isinstance(content, Text):
            return [JudgeRequest("", content)], None
        prompt = None if content.context is None else content.context.get("prompt")
        cut = cut_pieces(content.text, self._size, self._most)
        return [JudgeRequest(read, content, prompt) for read in cut.reads], cut

    def detection(
        self,
        content: Content,
        cut: TextPieces | None,
        answers: Sequence[Scores | JudgeAnswer] | BaseException,
    ) -> Detection:
        """Return what the answers to the asks of a content come to."""
        if isinstance(answers, RemoteError):
            return Detection(error=str(answers))
        if isinstance(answers, BaseException):
            return Detection(error=f"raised {type(answers).__name__}")
        spans = [None] if cut is None else cut.spans
        best: dict[tuple[str, Span | None], float] = {}
        unchecked = [*(() if cut is None else cut.unchecked), *self._foreign(content)]
        for at, (span, answer) in enumerate(zip(spans, answers, strict=True)):
            given = answer if isinstance(answer, JudgeAnswer) else JudgeAnswer(answer)
            if (wrong := self._wrong(given, None if cut is None else len(cut.reads[at]))) is not None:
                return Detection(error=wrong)
            placed = [(category, score, span) for category, score in given.scores.items()]
            placed += [
                (spot.category, spot.score, _place(cut, at, spot.start, spot.end)) for spot in given.spots
            ]
            for category, score, where in placed:
                if score >= max(self._min_score, best.get((category, where), 0.0)):
                    best[category, where] = float(score)
            for left in given.unchecked:
                where = span if left.span is None else _place(cut, at, *left.span)
                unchecked.append(replace(left, span=where))
        findings = tuple(
            Finding(category, score, self._name, where) for (category, where), score in best.items()
        )
        return Detection(findings, unchecked=tuple(unchecked)) if findings or unchecked else CLEAN

    def _wrong(self, given: JudgeAnswer, length: int | None) -> str | None:
        """Return what is wrong with an answer about what has a length (None: what is no text)."""
        scores = [*given.scores.items(), *((spot.category, spot.score) for spot in given.spots)]
        unknown = sorted({category for category, _ in scores} - self._categories)
        if unknown:
            return f"gave a score for {unknown[0]!r}, which it cannot find"
        for category, score in scores:
            if not (isinstance(score, int | float) and math.isfinite(score) and 0.0 <= score <= 1.0):
                return f"gave a score for {category!r} that is none"
        places = [(spot.start, spot.end) for spot in given.spots]
        places += [left.span for left in given.unchecked if left.span is not None]
        if any(length is None or not 0 <= start < end <= length for start, end in places):
            return "gave a place outside of what it read"
        return None

    def _foreign(self, content: Content) -> tuple[Unchecked, ...]:
        if not (self.languages and isinstance(content, Text) and is_foreign(content.text, self.languages)):
            return ()
        return (Unchecked("language", FOREIGN_REASON, span=(0, len(content.text))),)


class RemoteDetector:
    """A detector that asks a service."""

    inline = False
    prose = True

    def __init__(self, asking: JudgeAdapter, judge: RemoteJudge, identity: str = "") -> None:
        self.identity = identity
        self.languages = asking.languages
        self._asking, self._judge = asking, judge

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Wait for `adetect`; the pipeline itself does not."""
        return submit(self.adetect(batch)).result()

    async def adetect(self, batch: Sequence[Content]) -> list[Detection]:
        """Judge all contents, their asks in groups, `MAX_CONCURRENT_GROUPS` of them at a time."""
        asked = [self._asking.requests(content) for content in batch]
        flat = [(at, ask) for at, (asks, _) in enumerate(asked) for ask in asks]
        groups = [flat[at : at + self._judge.most] for at in range(0, len(flat), self._judge.most)]
        free = asyncio.Semaphore(MAX_CONCURRENT_GROUPS)
        work = [self._group([ask for _, ask in group], free) for group in groups]
        results = await asyncio.gather(*work) if len(work) > 1 else [await each for each in work]
        answers: list[list[Scores | JudgeAnswer] | BaseException] = [[] for _ in batch]
        for group, result in zip(groups, results, strict=True):
            for place, (at, _) in enumerate(group):
                _add(answers, at, result if isinstance(result, Exception) else result[place])
        return [
            self._asking.detection(content, cut, own)
            for content, (_, cut), own in zip(batch, asked, answers, strict=True)
        ]

    async def _group(
        self, asks: Sequence[JudgeRequest], free: asyncio.Semaphore
    ) -> Sequence[Scores | JudgeAnswer] | Exception:
        try:
            async with free:
                found = await self._judge.score(asks)
        except Exception as error:
            return error
        return found if len(found) == len(asks) else RemoteError(f"{len(found)} answers to {len(asks)} texts")


class LocalDetector:
    """A detector that asks a model in this process."""

    inline = False
    prose = True

    def __init__(self, asking: JudgeAdapter, judge: LocalJudge, identity: str = "") -> None:
        self.identity = identity
        self.languages = asking.languages
        self._asking, self._judge = asking, judge

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Judge all contents, each by itself, so that what fails on one is no failure of the others."""
        return [self._detect_one(content) for content in batch]

    def _detect_one(self, content: Content) -> Detection:
        asks, cut = self._asking.requests(content)
        answers: list[Scores] = []
        try:
            for at in range(0, len(asks), self._judge.most):
                answers += self._judge.score(asks[at : at + self._judge.most])
        except Exception as error:
            return self._asking.detection(content, cut, error)
        if len(answers) != len(asks):
            return Detection(error=f"{len(answers)} answers to {len(asks)} texts")
        return self._asking.detection(content, cut, answers)


def _place(cut: TextPieces | None, at: int, start: int, end: int) -> Span | None:
    return None if cut is None else cut.original(at, start, end)


def _add(
    answers: list[list[Scores | JudgeAnswer] | BaseException],
    at: int,
    answer: Scores | JudgeAnswer | Exception,
) -> None:
    """Keep an answer; one failure is that of the whole content."""
    own = answers[at]
    if isinstance(answer, Exception):
        answers[at] = answer
    elif isinstance(own, list):
        own.append(answer)
