"""A task: one detector over some contents. Whatever it raises or answers wrongly becomes an error of all of them."""

from __future__ import annotations

import logging
import traceback
from asyncio import CancelledError, current_task
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Final

from guardrails.cancellation import Cancelled, Token, check, current, is_interrupt, within
from guardrails.detectors.binding import BoundDetector
from guardrails.errors import GuardUnavailable
from guardrails.media.images.picture import Picture
from guardrails.types import CLEAN, Content, Detection, Media, Text, ToolCall, UnavailableReason

LOG = logging.getLogger("guardrails")

CHARACTERS_AT_ONCE: Final = 50_000
CONTENTS_AT_ONCE: Final = 256
"""What a detector is asked at a time, at most; a single longer text is asked as a whole."""

CHARACTERS_OF_FILE: Final = 100_000
"""Characters of a text that take about as long as a picture."""


@dataclass(slots=True)
class Task:
    """One detector over the contents that it has not seen yet; `answers` are in the order of `leaves`. It may take `patience_s`
    besides the time that all detectors have together.
    """

    bound: BoundDetector
    leaves: list[int] = field(default_factory=list)
    contents: list[Content] = field(default_factory=list)
    answers: Sequence[Detection] = ()
    took_ms: float = 0.0
    patience_s: float = 0.0
    token: Token = field(default_factory=current)
    """Until when the answers are wanted."""
    started: float | None = None
    """When the detector was begun to be asked, as `time.perf_counter` tells it; None while the task waits for a thread."""

    @property
    def size(self) -> int:
        """How much there is to look at, in characters; files count by their own measure."""
        return sum(
            len(content.text) if isinstance(content, Text) else CHARACTERS_OF_FILE
            for content in self.contents
            if not isinstance(content, ToolCall)
        )

    def run_within(self, seconds: float) -> None:
        """Do what `run` does, for so long: the time in which the task waited for a thread does not count."""
        self.started = perf_counter()
        self.token.set_deadline(self.started + seconds)
        self.run()

    def run(self) -> None:
        """Ask the detector; whatever it raises or answers wrongly becomes an error for all its contents."""
        with within(self.token), self._record_errors():
            answers: list[Detection] = []
            for contents in split_batches(self.contents):
                check()
                given = self._validate(self.bound.detector.detect(contents), contents)
                if given is None:
                    return
                answers += given
            self.answers = answers

    def at_once(self) -> bool:
        """Ask what the detector can answer in microseconds; False where that is not all, so that a worker must `run`."""
        if self.bound.at_once is None:
            return False
        with self._record_errors():
            answers = self.bound.at_once(self.contents)
            if answers is None:
                return False
            self._take(answers)
        return True

    async def arun(self) -> None:
        """Ask a detector that waits for a service, as `run` does."""
        assert self.bound.adetect is not None
        with self._record_errors():
            self._take(await self.bound.adetect(self.contents))

    @contextmanager
    def _record_errors(self) -> Iterator[None]:
        started = perf_counter()
        try:
            yield
        except Cancelled:
            self.fail("was not done in time", "timeout")
        except GuardUnavailable as error:  # it needs others of the process, who have no room
            self.fail("found no room to work", error.reason)
        except BaseException as error:
            if is_interrupt(error) or (isinstance(error, CancelledError) and _is_called_off()):
                raise
            # A failure is an input of the verdict, never a pass; libraries in Rust panic with no Exception at all.
            # What it says stays out: it may quote the text.
            LOG.debug("detector %s raised %s at %s", self.bound.name, type(error).__name__, _place_of(error))
            self.fail(f"raised {type(error).__name__}", self._own_reason)
        finally:
            self.took_ms = (perf_counter() - started) * 1000.0

    def _take(self, answers: Sequence[Detection] | None) -> None:
        checked = self._validate(answers, self.contents)
        if checked is not None:
            self.answers = checked

    def _validate(
        self, answers: Sequence[Detection] | None, contents: Sequence[Content]
    ) -> list[Detection] | None:
        """Return the answers for some contents as a verdict can be built on them; fail, and return None, where they are not one
        for each.
        """
        if answers is None:
            self.fail("gave no answers", self._own_reason)
            return None
        if len(answers) != len(contents):
            self.fail(f"{len(answers)} answers for {len(contents)} contents", self._own_reason)
            return None
        valid = [
            answer if answer is CLEAN else validate_detection(answer, content, self.bound)
            for answer, content in zip(answers, contents, strict=True)
        ]
        if self.bound.adetect is None:
            return valid
        # What a service could not say, or said in no form that can be read, is the service's failure.
        return [answer if answer.error is None else replace(answer, reason="service") for answer in valid]

    @property
    def _own_reason(self) -> UnavailableReason:
        """What it is that failed, if that is not for want of time or room: a service that it asks, or the detector itself."""
        return "crash" if self.bound.adetect is None else "service"

    def fail(self, error: str, reason: UnavailableReason) -> None:
        """Answer with an error for all contents."""
        self.answers = [Detection(error=error, reason=reason)] * len(self.leaves)

    def give_up(self, deadline_s: float, *, begun: bool) -> None:
        """Answer with an error, as the check's time is over: that no worker was free if it has not `begun`."""
        error = f"not done after {deadline_s * 1000:.0f} ms"
        if self.bound.adetect is not None:
            self.fail(error, "service")
        else:
            self.fail(error, "timeout") if begun else self.fail(f"{error}: no worker was free", "capacity")


def split_batches(contents: Sequence[Content]) -> Iterator[Sequence[Content]]:
    """Yield contents in order, as many at a time as a detector gets through in some tenths of a second: once nobody waits it is
    given no more of them. Files stay together: who opens, reads or covers them looks at all at once.
    """
    begin = size = 0
    for at, content in enumerate(contents):
        if not isinstance(content, Text):
            continue
        length = len(content.text)
        if at > begin and (size + length > CHARACTERS_AT_ONCE or at - begin >= CONTENTS_AT_ONCE):
            yield contents[begin:at]
            begin, size = at, 0
        size += length
    yield contents[begin:]


def find_undeclared(answer: Detection, bound: BoundDetector) -> bool:
    """Tell whether a detector of others finds what its kind does not declare, which no rule would look at."""
    return bound.foreign and any(finding.category not in bound.categories for finding in answer.findings)


def validate_detection(answer: object, content: Content, bound: BoundDetector) -> Detection:
    """Return a detector's answer, or an error in its place where a verdict cannot be built on it."""
    if not isinstance(answer, Detection):
        return Detection(error=f"answered with {type(answer).__name__}, not Detection")
    if find_undeclared(answer, bound):
        return Detection(error="gave a category that its kind does not declare")
    end = len(content.text) if isinstance(content, Text) else None
    picture = content.source if isinstance(content, Media) and isinstance(content.source, Picture) else None
    for finding in answer.findings:
        if not 0.0 <= finding.score <= 1.0:
            return Detection(error="gave a score outside 0..1")
        if finding.span is not None and end is not None and not 0 <= finding.span[0] < finding.span[1] <= end:
            return Detection(error="gave a span outside the text")
        if finding.box is not None and picture is not None and not _is_inside(finding.box, picture):
            return Detection(error="gave a box outside the picture")
    return answer


def _is_inside(box: tuple[int, int, int, int], picture: Picture) -> bool:
    x, y, width, height = box
    return 0 <= x < x + width <= picture.width and 0 <= y < y + height <= picture.height


def _is_called_off() -> bool:
    """Tell whether the task of an event loop that runs here was cancelled from outside."""
    try:
        task = current_task()
    except RuntimeError:  # a thread without a loop
        return False
    return task is not None and task.cancelling() > 0


def _place_of(error: BaseException) -> str:
    """Return the file and the line at which something was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
