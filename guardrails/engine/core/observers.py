"""Observers of checks, who show people how far a film is, what was seen and heard of it, and how a check came to its outcome.

A verdict says what was found. A person who is to trust it wants to see the rest, too: what was looked at without a finding, what
was read and heard, and what did not fire. That is told here, in the context of `observe_checks`, and kept by
nobody else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from guardrails.detectors.images.text_layout import Clip

if TYPE_CHECKING:
    from guardrails.engine.content.content_tree import ContentTree
    from guardrails.engine.core.detection_round import DetectionRound
    from guardrails.engine.core.rule_evaluation import Evaluation
    from guardrails.engine.detector_task import Task
    from guardrails.engine.model import Outcome, RuleMatch


@dataclass(frozen=True, slots=True)
class FilmRecord:
    """What was seen and heard of one film: by category the score of each frame that was looked at, with when that is shown; and
    the lines that were read or heard, each with its origin (`ocr`, `speech`, `subtitle`, …) and when, where it has a time.
    """

    path: str
    scores: Mapping[str, Sequence[tuple[Clip, float]]]
    lines: Sequence[tuple[str, str, Clip | None]]


@dataclass(frozen=True, slots=True)
class CheckRecord:
    """How one check came to its outcome: the leaves, what detectors said of them, the tasks that were run for that (what is not
    among them was known), and of each policy, the floor last, the evaluation and what fired. `sure` is the tier after which a
    block was certain already, None where that took all of them.
    """

    tree: ContentTree
    round: DetectionRound
    tasks: Sequence[Task]
    evaluations: Sequence[Evaluation]
    fired: Sequence[Sequence[RuleMatch]]
    sure: int | None
    outcome: Outcome


class Observer:
    """Is told of what happens while contents are judged; each method does nothing here. One with `wants_checks` is told of each
    check by `on_check`, for which no check takes the fast path.
    """

    wants_checks: ClassVar[bool] = False

    def on_check(self, check: CheckRecord) -> None:
        """Take note of how a check came to its outcome; one that leaves turns out tells it anew each time, at last as it is."""

    def on_progress(self, seconds: float, of: float | None, listening: bool) -> None:
        """Take note that so many seconds of a film were watched, of how many (None: nobody knows), and whether its sound is
        listened to by now.
        """

    def on_film(self, film: FilmRecord) -> None:
        """Take note of what was seen and heard of a film; one that was redacted is told once more as what it became."""


CURRENT: Final[ContextVar[Observer | None]] = ContextVar("CURRENT", default=None)


@contextmanager
def observe_checks(observer: Observer) -> Iterator[None]:
    """Have somebody told of what is judged in this context."""
    token = CURRENT.set(observer)
    try:
        yield
    finally:
        CURRENT.reset(token)
