"""What exceptions do with findings: remove them, or have them count for what a model says without a phrase.

A finding of lists and patterns is removed where its text is one of the exception's `matches`, or stands within one of them. What
a model finds is a whole passage, which may hold harm besides the phrase. So the passage is judged again without the phrase, and
the finding counts for what is left: 'shoot a payment over' passes, and what stands beside it does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from guardrails.detectors.binding import BoundDetector
from guardrails.engine.conditions.bindings import bind_names, evaluate_condition, stages_of
from guardrails.engine.detector_task import Task
from guardrails.engine.model import Request
from guardrails.policy.compilation.phrases import NEAR, Stretch, leave_out
from guardrails.policy.compiled import ExceptionRule, Rule
from guardrails.taxonomy import with_ancestors
from guardrails.types import Content, Detection, Finding, Text

Reread = tuple[str, str]
"""A detector, by name, and a text that it judges again."""

RereadScores = Mapping[str, float]
"""Category → the highest score that a detector gives it in a text that it judged again."""


@dataclass(frozen=True, slots=True)
class FindingScene:
    """What exceptions are decided by, beside the finding: the content that it stands in, who asks, and what was found in that
    content. `unknown` are, by identity of a condition, its names of which nothing is known, because detectors failed or were not
    asked yet; with `lenient` an exception that depends on those holds. `rereads` is what detectors said of texts without phrases.
    """

    content: Content
    request: Request
    findings: Sequence[Finding] = ()
    unknown: Mapping[int, frozenset[str]] = field(default_factory=dict)
    lenient: bool = False
    rereads: Mapping[Reread, RereadScores] = field(default_factory=dict)


def is_expired(exception: ExceptionRule, request: Request) -> bool:
    """Tell whether an exception held until a day before this one."""
    return exception.expires is not None and exception.expires < request.today


def is_covered(exception: ExceptionRule, finding: Finding, scene: FindingScene) -> bool:
    """Tell whether a finding is one of those that an exception is for, as long as it holds."""
    if not _is_addressed(exception, finding, scene):
        return False
    return exception.matches is None or bool(_find_matches(exception, finding, scene.content))


def _is_addressed(exception: ExceptionRule, finding: Finding, scene: FindingScene) -> bool:
    """Tell whether an exception is for a finding, but for the texts that it `matches`."""
    content, request = scene.content, scene.request
    if exception.tenants is not None and request.tenant not in exception.tenants:
        return False
    if exception.on is not None and not exception.on.issuperset(stages_of(content)):
        return False
    if exception.categories is not None and exception.categories.isdisjoint(with_ancestors(finding.category)):
        return False
    if exception.near is not None:
        if not isinstance(content, Text):
            return False
        span = finding.span or (0, len(content.text))
        if not any(True for _ in exception.near.find_around(content.text, span, NEAR)):
            return False
    return _holds(exception, scene)


def _holds(exception: ExceptionRule, scene: FindingScene) -> bool:
    """Tell whether the condition of an exception holds; what depends on the unknown does not, if not `lenient`."""
    condition = exception.condition
    if condition is None:
        return True
    unknown = scene.unknown.get(id(condition), frozenset())
    findings = scene.findings if condition.categories else ()
    answer = evaluate_condition(
        condition, bind_names(condition, findings, unknown, scene.content, scene.request)
    )
    return scene.lenient and bool(unknown) if answer is None else answer


def is_judged(exception: ExceptionRule, finding: Finding) -> bool:
    """Tell whether a finding is of a whole passage."""
    return finding.span is None or finding.detector in exception.passages


def _find_matches(exception: ExceptionRule, finding: Finding, content: Content) -> list[Stretch]:
    """Return where the texts of an exception stand around a finding, or within it where that is a whole passage."""
    if not isinstance(content, Text) or exception.matches is None:
        return []
    text, phrases = content.text, exception.matches
    span = finding.span or (0, len(text))
    if is_judged(exception, finding):
        return [(span[0] + start, span[0] + end) for start, end in phrases.find(text[slice(*span)])]
    if phrases.is_one(text[slice(*span)]):
        return [span]
    around = phrases.find_around(text, span, phrases.longest)
    return [each for each in around if each[0] <= span[0] and span[1] <= each[1]]


def _find_phrases(rule: Rule, finding: Finding, scene: FindingScene) -> list[Stretch] | None:
    """Return the phrases without which a finding is to be judged, none if no exception is for it; None where one removes it."""
    stretches: list[Stretch] = []
    for exception in rule.exceptions:
        if is_expired(exception, scene.request) or not _is_addressed(exception, finding, scene):
            continue
        found = [] if exception.matches is None else _find_matches(exception, finding, scene.content)
        if exception.matches is None or (found and not is_judged(exception, finding)):
            return None
        stretches += found
    return stretches


def find_reread(rule: Rule, finding: Finding, scene: FindingScene) -> Reread | None:
    """Return what is to be judged again, and by whom, to know what a finding counts for; None where nothing is."""
    return _leave_phrases_out(_find_phrases(rule, finding, scene), finding, scene)


def _leave_phrases_out(
    stretches: Sequence[Stretch] | None, finding: Finding, scene: FindingScene
) -> Reread | None:
    if not stretches or not isinstance(scene.content, Text):
        return None
    start, end = finding.span or (0, len(scene.content.text))
    left = leave_out(scene.content.text[start:end], ((low - start, high - start) for low, high in stretches))
    return finding.detector, left


def apply_exceptions(rule: Rule, finding: Finding, scene: FindingScene) -> Finding | None:
    """Return a finding as it counts for a rule, None where exceptions leave nothing of it."""
    if not rule.exceptions:
        return finding
    stretches = _find_phrases(rule, finding, scene)
    if stretches is None:
        return None
    reread = _leave_phrases_out(stretches, finding, scene)
    scores = None if reread is None else read_blank(reread) or scene.rereads.get(reread)
    if scores is None:
        return finding  # what was not judged again counts as it is
    score = min(finding.score, scores.get(finding.category, 0.0))
    return replace(finding, score=score) if score > 0 else None


BLANK: Final[RereadScores] = {"": 0.0}
"""What is said of a text of which nothing is left."""


def read_blank(reread: Reread) -> RereadScores | None:
    """Return what is said of a text without a word, for which nobody need be asked; None of others."""
    return None if any(map(str.isalnum, reread[1])) else BLANK


class Rereading:
    """Texts without phrases that detectors judge again.

    Attributes:
        tasks: what is to be run for it.
    """

    def __init__(self, wanted: Mapping[Reread, Text], bounds: Sequence[BoundDetector]) -> None:
        by_name = {bound.name: bound for bound in bounds}
        self._of: dict[str, list[Reread]] = {}
        tasks: dict[str, Task] = {}
        for reread, like in wanted.items():
            name, text = reread
            if read_blank(reread) is not None or name not in by_name:
                continue
            task = tasks.setdefault(name, Task(by_name[name]))
            task.leaves.append(len(task.leaves))
            task.contents.append(replace(like, text=text))
            self._of.setdefault(name, []).append(reread)
        self.tasks = [*tasks.values()]

    def settle(self) -> Iterator[tuple[Reread, RereadScores]]:
        """Yield what was said of each text that could be judged."""
        for task in self.tasks:
            for reread, answer in zip(self._of[task.bound.name], task.answers, strict=True):
                if answer.error is None:
                    yield reread, _highest(answer)


def _highest(answer: Detection) -> RereadScores:
    scores: dict[str, float] = {}
    for finding in answer.findings:
        scores[finding.category] = max(scores.get(finding.category, 0.0), finding.score)
    return scores
