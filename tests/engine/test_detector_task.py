"""Tasks: whatever a detector raises or answers is an answer for all contents, and nobody is asked for more than is wanted."""

from __future__ import annotations

import asyncio
import signal
from asyncio import CancelledError
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Content, Detection, Finding, Image, Text, Unchecked
from guardrails.cancellation import Token
from guardrails.detectors.binding import BoundDetector
from guardrails.engine.detector_task import (
    CHARACTERS_AT_ONCE,
    CONTENTS_AT_ONCE,
    Task,
    split_batches,
    validate_detection,
)
from guardrails.types import CLEAN
from tests.cases import each_case


class Answers:
    """A detector that answers a batch with what it was given."""

    def __init__(self, answers: Any) -> None:
        self.answers = answers

    def detect(self, batch: Sequence[Content]) -> Any:
        """Answer, or raise."""
        if isinstance(self.answers, BaseException):
            raise self.answers
        return self.answers


def task(answers: Any, *texts: str) -> Task:
    """Return a task over some texts that was run."""
    ran = Task(
        BoundDetector("d", Answers(answers), frozenset({"hate"})),
        list(range(len(texts))),
        [Text(t) for t in texts],
    )
    ran.run()
    return ran


class Panic(BaseException):
    """What a library in Rust raises when it panics: no `Exception`."""


@each_case(
    ("answers", "reason"),
    [
        (ValueError("the secret text"), "raised ValueError"),
        (Panic("the secret text"), "raised Panic"),
        (SystemExit("the secret text"), "raised SystemExit"),
        ([], "0 answers for 1 contents"),
        ([CLEAN, CLEAN], "2 answers for 1 contents"),
        (None, "gave no answers"),
        ([None], "answered with NoneType, not Detection"),
        (["clean"], "answered with str, not Detection"),
        ([Detection((Finding("hate", 1.5, "d"),))], "gave a score outside 0..1"),
        ([Detection((Finding("hate", float("nan"), "d"),))], "gave a score outside 0..1"),
        ([Detection((Finding("hate", 1.0, "d", (0, 99)),))], "gave a span outside the text"),
        ([Detection((Finding("hate", 1.0, "d", (3, 1)),))], "gave a span outside the text"),
        ([Detection((Finding("hate", 1.0, "d", (-1, 2)),))], "gave a span outside the text"),
        ([Detection((Finding("hate", 1.0, "d", (2, 2)),))], "gave a span outside the text"),
        ([Detection(error="no model")], "no model"),
    ],
)
def test_a_bad_answer_is_a_failure(answers: Any, reason: str) -> None:
    """Whatever a detector raises or answers wrongly is an error, which never repeats the text."""
    [answer] = task(answers, "text").answers
    assert answer.error == reason
    assert not answer.findings


def test_a_good_answer_is_taken_as_it_is() -> None:
    """Findings, what is settled and what is unchecked come through; the time is taken."""
    answer = Detection((Finding("hate", 1.0, "d", (0, 4)),), 2, (Unchecked("language", "no"),))
    ran = task([answer, CLEAN], "text", "more")
    assert list(ran.answers) == [answer, CLEAN]
    assert ran.took_ms >= 0.0


class Interrupted:
    """A detector at work while somebody presses Ctrl-C."""

    def detect(self, batch: Sequence[Content]) -> Any:
        """Be interrupted."""
        signal.raise_signal(signal.SIGINT)


def test_ctrl_c_is_no_failure_of_a_detector() -> None:
    """The person at the keyboard is obeyed."""
    interrupted = Task(BoundDetector("d", Interrupted(), frozenset()), [0], [Text("text")])
    with pytest.raises(KeyboardInterrupt):
        interrupted.run()


@each_case("error", [KeyboardInterrupt(), SystemExit(3), CancelledError()])
def test_what_would_end_a_thread_is_a_failure_of_a_detector(error: BaseException) -> None:
    """On a worker nobody pressed Ctrl-C, and nobody has called the detector off: it raised that by itself."""
    with ThreadPoolExecutor(1) as pool:
        [answer] = pool.submit(task, error, "text").result().answers
    assert answer.error == f"raised {type(error).__name__}"


def test_a_service_that_is_called_off_has_not_failed() -> None:
    """Who is cancelled ends as such; a service that says it was, when nobody did that, has failed."""

    async def cancel(_batch: Sequence[Content]) -> Any:
        raise CancelledError

    async def wait(_batch: Sequence[Content]) -> Any:
        await asyncio.Event().wait()

    def ask(answer: Any) -> Task:
        return Task(BoundDetector("d", Answers([]), frozenset(), adetect=answer), [0], [Text("text")])

    async def main() -> None:
        failed = ask(cancel)
        await failed.arun()
        assert failed.answers[0].error == "raised CancelledError"
        waiting = asyncio.ensure_future(ask(wait).arun())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(CancelledError):
            await waiting

    asyncio.run(main())


def test_a_span_is_compared_with_texts_alone() -> None:
    """What is no text has no length in characters."""
    answer = Detection((Finding("hate", 1.0, "d", (0, 99)),))
    assert validate_detection(answer, Image(b"x"), task([]).bound) is answer


@each_case(
    ("at_once", "answered", "error"),
    [
        (None, False, None),
        (lambda _batch: None, False, None),
        (lambda batch: [CLEAN] * len(batch), True, None),
        (lambda batch: [], True, "0 answers for 2 contents"),
        (lambda batch: 1 / 0, True, "raised ZeroDivisionError"),
    ],
)
def test_what_a_detector_answers_at_once_needs_no_worker(
    at_once: Any, answered: bool, error: str | None
) -> None:
    """None means that it must be run; a wrong answer is the same failure as from a worker."""
    bound = BoundDetector("d", Answers([]), frozenset({"hate"}), inline=False, at_once=at_once)
    asked = Task(bound, [0, 1], [Text("a"), Text("b")])
    assert asked.at_once() is answered
    assert [answer.error for answer in asked.answers] == ([error] * 2 if answered else [])


@given(st.lists(st.integers(0, 90_000), max_size=600))
def test_slices_hold_all_contents_in_order(lengths: list[int]) -> None:
    """Each is as large as a detector gets through soon, or is one content alone."""
    contents = [Text("x" * length) for length in lengths]
    cut = [*split_batches(contents)]
    assert [content for some in cut for content in some] == contents
    for some in cut:
        assert len(some) <= CONTENTS_AT_ONCE
        assert len(some) <= 1 or sum(len(content.text) for content in some) <= CHARACTERS_AT_ONCE


def test_a_detector_is_asked_no_more_once_nobody_waits(own: Any) -> None:
    """What was asked for when the caller left is finished; the rest is not begun, and all of it is an error."""
    detector = own(lambda content: task.token.cancel() or CLEAN)
    contents = [Text(str(number)) for number in range(10 * CONTENTS_AT_ONCE)]
    task = Task(
        BoundDetector("d", detector, frozenset({"hate"})), [*range(len(contents))], [*contents], token=Token()
    )

    task.run()

    assert len(detector.seen) == CONTENTS_AT_ONCE
    assert [answer.error for answer in task.answers] == ["was not done in time"] * len(contents)


def test_wrong_answers_to_one_slice_are_an_error_of_all() -> None:
    """Nobody knows which answer is whose."""
    count = 2 * CONTENTS_AT_ONCE
    ran = task([CLEAN] * count, *map(str, range(count)))
    assert {answer.error for answer in ran.answers} == {f"{count} answers for {CONTENTS_AT_ONCE} contents"}


def test_files_are_not_cut_apart() -> None:
    """Who opens, reads or covers pictures knows all of them, however many there are."""
    contents = [Image(b"x")] * (3 * CONTENTS_AT_ONCE)
    assert [*split_batches(contents)] == [contents]
