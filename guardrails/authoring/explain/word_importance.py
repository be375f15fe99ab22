"""Measures what each word of a passage adds to a classifier's score.

The method is occlusion (Zeiler and Fergus, 2014): the passage is judged again without each of its words, and what its score loses
is what the word adds. That takes at most `passes` judgements in a few batches, each by the detector's own `detect`, so that it is
the same for every model: of a passage with more words than that stretches of neighbouring ones are left out first, then shorter
ones of those that matter most, at last their words, one by one. Words that say the same twice add nothing each, so the first of
them are also left out together, until the score is half of what it was. The same passage gives the same words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

from guardrails.authoring.explain.explained_findings import CheckFindings, NumberedFinding
from guardrails.detectors.binding import BoundDetector
from guardrails.detectors.terms.term_matcher import UNSPACED
from guardrails.engine.core.observers import CheckRecord
from guardrails.engine.streaming.stream_plan import reads
from guardrails.types import Text

PASSES: Final = 64
"""Judgements of one passage."""

TOGETHER: Final = 8
"""Words that are left out together, one more each time."""

FEWEST: Final = 4 * TOGETHER
"""Judgements below which words could not be told apart."""

HALVES: Final = 3
"""Judgements that are left for words once stretches cannot become shorter."""

SHOWN: Final = 8
"""Words that are told of one category."""

CATEGORIES: Final = 3
"""Categories of one passage that words are told of, those with the highest scores."""

LEAST: Final = 0.2
"""The score from which it is asked what raises it."""

ADDS: Final = 0.02
"""What a word adds at least that is told, and which part of what the first one adds (`SHARE`)."""
SHARE: Final = 0.1

MARKED: Final = 0.1
"""What a word adds from which it is marked in the text."""

_UNSPACED: Final = "".join(f"{chr(low)}-{chr(high)}" for low, high in UNSPACED)
_WORD: Final = re.compile(f"[{_UNSPACED}]|[^\\s{_UNSPACED}]+")
_CORE: Final = re.compile(r"\w(?:\S*\w)?")
_BLANKS: Final = re.compile(r"\s+")

Span = tuple[int, int]
Scores = Mapping[str, float]
"""Category → the highest score in a passage; what is not found is left out."""


@dataclass(frozen=True, slots=True)
class WordImportance:
    """A word of a passage, where it stands in the text, and what it adds to the score: what that loses without it."""

    text: str
    span: Span
    adds: float

    def to_dict(self) -> dict[str, object]:
        """Return the word as plain JSON values."""
        return {"text": self.text, "span": list(self.span), "adds": self.adds}


@dataclass(frozen=True, slots=True)
class ScoreImportance:
    """What raises the score of one category. `score` is that of the passage by itself, which may differ a little from that of the
    finding (by `finding`, its number), as that is read with what stands before it. Without all of `together` it is `left`.
    """

    finding: int
    detector: str
    category: str
    score: float
    words: tuple[WordImportance, ...]
    together: tuple[WordImportance, ...]
    left: float | None
    passes: int
    error: str | None = None

    @property
    def marked(self) -> list[Span]:
        """Where the words stand that matter most."""
        return [word.span for word in self.words if word.adds >= MARKED or word in self.together]

    def to_dict(self) -> dict[str, object]:
        """Return it as plain JSON values."""
        return {
            "finding": self.finding,
            "detector": self.detector,
            "category": self.category,
            "method": "occlusion",
            "passes": self.passes,
            "score": self.score,
            "words": [word.to_dict() for word in self.words],
            "together": [word.to_dict() for word in self.together],
            "left": self.left,
            "error": self.error,
        }


def measure_importance(
    check: CheckRecord, findings: CheckFindings, passes: int = PASSES
) -> list[ScoreImportance]:
    """Return for each classifier of a check what raises the scores in the passage that scores highest.

    Args:
        check: how it was evaluated.
        findings: what was found, by number.
        passes: judgements of each passage; 0 for none.

    Raises:
        ValueError: there are so few that nothing could be told.
    """
    if not passes:
        return []
    if passes < FEWEST:
        raise ValueError(f"{passes} judgements tell no words apart: at least {FEWEST}, or 0 for none")
    out: list[ScoreImportance] = []
    for bound in _classifiers(check):
        own = [
            found
            for found in findings.found
            if found.finding.detector == bound.name
            and found.finding.score >= LEAST
            and found.finding.span is not None
            and isinstance(check.tree.leaves[found.leaf].content, Text)
        ]
        wanted = [found for found in own if _is_read(check, bound, found)] or own
        if not wanted:
            continue
        first = wanted[0]
        same = [each for each in wanted if (each.leaf, each.finding.span) == (first.leaf, first.finding.span)]
        out += _measure_passage(check, bound, same[:CATEGORIES], passes)
    return out


def _classifiers(check: CheckRecord) -> Iterable[BoundDetector]:
    """Yield the classifiers of the policies, each once."""
    bounds = {bound.digest: bound for each in check.evaluations for bound in each.policy.detectors}
    # They judge passages, which nothing else does.
    return [bound for bound in bounds.values() if bound.passages]


def _is_read(check: CheckRecord, bound: BoundDetector, found: NumberedFinding) -> bool:
    """Tell whether a rule that looks at a part reads the category of a finding in it."""
    one = replace(bound, categories=frozenset((found.finding.category,)))
    plans = check.round.plans[found.leaf]
    return any(reads(rule, one) for plan in plans for rule in plan.rules)


def _measure_passage(
    check: CheckRecord, bound: BoundDetector, same: Sequence[NumberedFinding], passes: int
) -> list[ScoreImportance]:
    """Return what raises the scores of findings in one passage."""
    content, span = check.tree.leaves[same[0].leaf].content, same[0].finding.span
    assert isinstance(content, Text)
    assert span is not None
    try:
        passage = ClassifierPassage(bound, content, span)
        return [passage.measure(found, first=found is same[0], passes=passes) for found in same]
    except Exception as error:  # what a model of anybody's raises
        said = f"raised {type(error).__name__}"
        return [
            ScoreImportance(
                each.number, bound.name, each.finding.category, each.finding.score, (), (), None, 0, said
            )
            for each in same
        ]


class ClassifierPassage:
    """A passage of a text that a classifier judged; each judgement of it is made once."""

    def __init__(self, bound: BoundDetector, content: Text, span: Span) -> None:
        self._bound, self._content = bound, content
        self._at, self._text = span[0], content.text[slice(*span)]
        self.words: list[Span] = [match.span() for match in _WORD.finditer(self._text)]
        self._known: dict[tuple[int, ...], Scores] = {}

    @property
    def passes(self) -> int:
        """How many judgements were made."""
        return len(self._known)

    def judge(self, left_out: Iterable[tuple[int, ...]]) -> list[Scores]:
        """Return the scores without some words, by number, for each of these."""
        asked = [*left_out]
        new = [gone for gone in dict.fromkeys(asked) if gone not in self._known]
        texts = [self._without(gone) for gone in new]
        batch = [Text(text, self._content.place, self._content.context) for text in texts]
        for gone, detection in zip(new, self._bound.detector.detect(batch) if batch else (), strict=True):
            scores: dict[str, float] = {}
            for finding in detection.findings:
                scores[finding.category] = max(finding.score, scores.get(finding.category, 0.0))
            self._known[gone] = scores
        return [self._known[gone] for gone in asked]

    def _without(self, gone: Sequence[int]) -> str:
        """Return the passage without some words; a blank on both sides of one is one blank."""
        out: list[str] = []
        position = 0
        for start, end in (self.words[number] for number in gone):
            out.append(self._text[position:start])
            blank = _BLANKS.match(self._text, end)
            position = blank.end() if blank and (start == 0 or self._text[start - 1].isspace()) else end
        return "".join((*out, self._text[position:]))

    def measure(self, found: NumberedFinding, *, first: bool, passes: int) -> ScoreImportance:
        """Return what raises the score of a finding; of all but the `first` as far as that was found out already."""
        category = found.finding.category
        score = self.judge([()])[0].get(category, 0.0)
        if first:
            self._explore(category, score, passes)
        adds = {
            gone[0]: score - scores.get(category, 0.0)
            for gone, scores in self._known.items()
            if len(gone) == 1
        }
        ranked = sorted(adds, key=lambda number: (-adds[number], number))
        told = [number for number in ranked[:SHOWN] if adds[number] >= max(ADDS, SHARE * adds[ranked[0]])]
        together, left = self._find_joint_words(category, score, ranked)
        words = tuple(self._word(number, adds[number]) for number in told)
        joint = tuple(self._word(number, adds[number]) for number in together)
        return ScoreImportance(
            found.number, self._bound.name, category, score, words, joint, left, self.passes
        )

    def _word(self, number: int, adds: float) -> WordImportance:
        """Return a word as people read it: without what stands around it, unless that is all."""
        start, end = self.words[number]
        core = _CORE.search(self._text, start, end)
        start, end = core.span() if core else (start, end)
        return WordImportance(self._text[start:end], (self._at + start, self._at + end), adds)

    def _explore(self, category: str, score: float, passes: int) -> None:
        """Find out what words add, in so many judgements."""
        room = passes - 1 - TOGETHER
        every = [*range(len(self.words))]
        if len(every) > room:
            every = self._best(category, every, room)
        adds = self.judge((number,) for number in every)
        ranked = sorted(zip(every, adds, strict=True), key=lambda pair: (pair[1].get(category, 0.0), pair[0]))
        first = [number for number, _ in ranked[:TOGETHER]]
        self.judge(tuple(sorted(some)) for some in accumulate([number] for number in first))

    def _best(self, category: str, every: Sequence[int], room: int) -> list[int]:
        """Return the words of the stretches that matter most, as many as there is room for after these were found; half of the
        room is for stretches each time, which become shorter until their words fit.
        """
        words = [*every]
        while len(words) > room > HALVES:
            size = -(-len(words) // max(room // 2, 1))
            stretches = [tuple(words[at : at + size]) for at in range(0, len(words), size)]
            room -= len(stretches)
            scores = self.judge(stretches)
            pairs = zip(stretches, scores, strict=True)
            ranked = sorted(pairs, key=lambda pair: (pair[1].get(category, 0.0), pair[0]))
            first = ranked[0][0]
            words = [number for stretch, _ in ranked for number in stretch]
            words = [*first] if len(first) > room else words[:room]
        return sorted(words[:room])

    def _find_joint_words(
        self, category: str, score: float, ranked: Sequence[int]
    ) -> tuple[Sequence[int], float | None]:
        """Return the fewest of the first words without which the score is half at most, and what it is then."""
        for count in range(2, min(TOGETHER, len(ranked)) + 1):
            scores = self._known.get(tuple(sorted(ranked[:count])))
            if scores is not None and scores.get(category, 0.0) <= score / 2:
                single = self._known[(ranked[0],)].get(category, 0.0)
                return ((), None) if single <= score / 2 else (ranked[:count], scores.get(category, 0.0))
        return (), None
