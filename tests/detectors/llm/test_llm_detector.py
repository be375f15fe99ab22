"""Judges that answer with scores: what they say becomes findings with spans, and whatever is no answer a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from guardrails.detectors.llm.llm_detector import (
    MAX_CONCURRENT_GROUPS,
    JudgeAdapter,
    JudgeAnswer,
    JudgeRequest,
    LocalDetector,
    RemoteDetector,
    ScoredSpan,
)
from guardrails.remote.endpoint import RemoteError
from guardrails.types import CLEAN, Detection, Image, Place, Stage, Text, Unchecked
from tests.cases import each_case

CATEGORIES = frozenset({"hate", "violence"})


class Judge:
    """Answers each ask by a function, and remembers the asks of each call."""

    def __init__(self, answer: Any, most: int = 2) -> None:
        self.answer, self.most = answer, most
        self.calls: list[list[JudgeRequest]] = []

    def score(self, asks: Sequence[JudgeRequest]) -> list[Any]:
        """Answer at once."""
        self.calls.append([*asks])
        return [self.answer(ask) for ask in asks]


class Service(Judge):
    """The same as a coroutine."""

    async def score(self, asks: Sequence[JudgeRequest]) -> list[Any]:  # type: ignore[override]
        """Answer when awaited."""
        return super().score(asks)


def asking(**more: Any) -> JudgeAdapter:
    """Return what a detector `d` asks, in pieces of 80 characters."""
    return JudgeAdapter("d", CATEGORIES, **{"size": 80, "most": 10, **more})


@pytest.fixture(params=[(LocalDetector, Judge), (RemoteDetector, Service)], ids=["local", "remote"])
def ask(request: pytest.FixtureRequest) -> Any:
    """Return a function: an answer and contents in, the judge and the detections out."""
    driver, judge_of = request.param

    def run(answer: Any, *contents: Any, most: int = 2, **more: Any) -> tuple[Any, list[Detection]]:
        judge = judge_of(answer, most)
        found = driver(asking(**more), judge).detect([Text(c) if isinstance(c, str) else c for c in contents])
        return judge, found

    return run


def test_a_score_is_a_finding_of_its_piece(ask: Any) -> None:
    """Each piece has its own scores; what is below the least score is left out."""
    text = "All is fine here, as far as anybody knows. " * 2 + "Here is the bad part of it, which is judged."
    _, (found,) = ask(lambda each: {"hate": 0.9 if "bad" in each.read else 0.05}, text)
    (finding,) = found.findings
    assert (finding.category, finding.score, finding.detector) == ("hate", 0.9, "d")
    start, end = finding.span or (0, 0)
    assert "bad" in text[start:end]
    assert start > 0


def test_contents_share_calls_and_keep_their_order(ask: Any) -> None:
    """Asks go out in groups of the judge's size at most; every content gets its own answers."""
    judge, found = ask(lambda each: {"hate": float(each.read)}, "0.5", "", "0.7", "0.9")
    assert [[f.score for f in each.findings] for each in found] == [[0.5], [], [0.7], [0.9]]
    assert all(len(call) <= 2 for call in judge.calls)


def test_a_reply_is_asked_beside_its_prompt(ask: Any) -> None:
    """The prompt goes along where the content has one; None says that it is no reply."""
    reply = Text("yes", Place(Stage.OUTPUT), {"prompt": "really?"})
    judge, _ = ask(lambda _: {}, reply, "plain")
    assert {each.prompt for call in judge.calls for each in call} == {"really?", None}


def test_a_picture_is_one_ask_without_text(ask: Any) -> None:
    """What is no text is asked as a whole, and its findings have no span."""
    _, (found,) = ask(lambda each: {"violence": 0.5 if each.read == "" else 0.0}, Image(b"png"))
    assert [(f.category, f.span) for f in found.findings] == [("violence", None)]


@each_case(
    ("answer", "said"),
    [
        ({"hate": float("nan")}, "'hate' that is none"),
        ({"hate": 1.2}, "'hate' that is none"),
        ({"hate": -0.1}, "'hate' that is none"),
        ({"hate": "high"}, "'hate' that is none"),
        ({"hate": None}, "'hate' that is none"),
        ({"sexual": 0.1}, "'sexual', which it cannot find"),
    ],
)
def test_an_answer_that_is_none_is_a_failure(ask: Any, answer: Any, said: str) -> None:
    """Scores that are no scores fail the content, and never count as nothing found."""
    _, (found,) = ask(lambda _: answer, "text")
    assert said in (found.error or "")
    assert found.findings == ()


@each_case(
    ("error", "said"),
    [
        (RemoteError("endpoint 'x': answered 500"), "endpoint 'x': answered 500"),
        (ValueError("quotes the text"), "raised ValueError"),
    ],
)
def test_a_judge_that_raises_has_failed(ask: Any, error: Exception, said: str) -> None:
    """The reason is told where it is ours to tell, and only its kind where it may quote the text; others are judged."""

    def answer(each: JudgeRequest) -> dict[str, float]:
        if each.read == "bad":
            raise error
        return {"hate": 0.5}

    _, found = ask(answer, "bad", "good", most=1)
    assert [each.error for each in found] == [said, None]


@each_case("answers", [[], [{}, {}]], ids=["fewer", "more"])
def test_a_judge_that_answers_too_few_or_too_many_has_failed(answers: list[Any]) -> None:
    """Answers that cannot be told apart are none."""

    class Off(Judge):
        """Answers in the wrong number."""

        def score(self, asks: Sequence[JudgeRequest]) -> Any:
            """Answer."""
            return answers

    class OffService(Off):
        """The same as a coroutine."""

        async def score(self, asks: Sequence[JudgeRequest]) -> Any:  # type: ignore[override]
            """Answer."""
            return answers

    for driver, judge in ((LocalDetector, Off(None)), (RemoteDetector, OffService(None))):
        (found,) = driver(asking(), judge).detect([Text("text")])
        assert found.error == f"{len(answers)} answers to 1 texts"


def test_a_long_text_leaves_room_for_others() -> None:
    """Of all that one check asks, a few are under way at a time; the answers keep their order."""
    running = most = 0

    class Slow(Service):
        """Lets all who can begin before it answers."""

        async def score(self, asks: Sequence[JudgeRequest]) -> Any:  # type: ignore[override]
            """Answer in the next turn of the loop."""
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1
            return [{"hate": float(asks[0].read)}]

    contents = [Text(f"0.{at:02}") for at in range(20, 70)]
    found = RemoteDetector(asking(), Slow(None, most=1)).detect(contents)
    assert most == MAX_CONCURRENT_GROUPS
    assert [f"{each.findings[0].score:.2f}" for each in found] == [content.text for content in contents]


def test_a_foreign_language_is_judged_and_named(ask: Any) -> None:
    """Outside the validated languages a score is worth less: it counts, and the text is `unchecked: language`."""
    text = "Der Zug nach Hamburg fährt heute leider nicht, weil die Strecke gesperrt worden ist."
    _, (found,) = ask(lambda _: {"hate": 0.5}, text, languages=["en"])
    assert [each.kind for each in found.unchecked] == ["language"]
    assert found.findings
    _, (plain,) = ask(lambda _: {}, text)
    assert plain is CLEAN


TWO = "All is fine here, as far as anybody knows. " * 2 + "Here is the bad part of it, which is judged."


def test_a_place_in_what_was_read_is_one_in_the_text(ask: Any) -> None:
    """Also in what a piece begins with of the text before it; what two pieces find is found once, with the best score."""

    def answer(each: JudgeRequest) -> JudgeAnswer:
        at = each.read.find("anybody")
        return JudgeAnswer(spots=(ScoredSpan("hate", 0.5 + at / 1000, at, at + 7),) if at >= 0 else ())

    judge, (found,) = ask(answer, TWO, size=60)
    reads = [each.read for call in judge.calls for each in call]
    places = [TWO.index("anybody"), TWO.rindex("anybody")]
    assert len([read for read in reads if "anybody" in read]) >= 2
    assert sorted(each.span for each in found.findings) == [(at, at + 7) for at in places]


def test_a_place_in_a_text_without_its_tricks_is_one_in_the_text(ask: Any) -> None:
    """Of all that spells it."""
    text = "so b\u200ba\u200bd a word"
    _, (found,) = ask(
        lambda each: JudgeAnswer(
            spots=(ScoredSpan("hate", 1.0, at, at + 3),) if (at := each.read.find("bad")) >= 0 else ()
        ),
        text,
    )
    assert [text[slice(*each.span)] for each in found.findings] == ["b\u200ba\u200bd"]


def test_what_a_judge_left_out_is_unchecked(ask: Any) -> None:
    """In the place that it names, else in all of what it read."""
    left = (Unchecked("limit", "x", span=(1, 3)), Unchecked("part", "y"))
    _, (found,) = ask(lambda each: JudgeAnswer({"hate": 0.9}, unchecked=left), "a text")
    assert [(each.kind, each.span) for each in found.unchecked] == [("limit", (1, 3)), ("part", (0, 6))]
    assert [(each.category, each.span) for each in found.findings] == [("hate", (0, 6))]


@each_case(
    "reading",
    [
        JudgeAnswer({"other": 1.0}), JudgeAnswer({"hate": 2.0}), JudgeAnswer(spots=(ScoredSpan("other", 1.0, 0, 1),)),
        JudgeAnswer(spots=(ScoredSpan("hate", -1.0, 0, 1),)), JudgeAnswer(spots=(ScoredSpan("hate", 1.0, 1, 1),)),
        JudgeAnswer(spots=(ScoredSpan("hate", 1.0, -1, 1),)), JudgeAnswer(spots=(ScoredSpan("hate", 1.0, 0, 7),)),
        JudgeAnswer(unchecked=(Unchecked("limit", "x", span=(0, 7)),)),
    ],
)  # fmt: skip
def test_a_reading_that_is_none_has_failed(ask: Any, reading: JudgeAnswer) -> None:
    """Unknown categories, scores out of range, places outside of what was read."""
    _, (found,) = ask(lambda _: reading, "a text")
    assert found.error is not None
    assert found.findings == ()


def test_a_picture_has_no_places(ask: Any) -> None:
    """Its scores have no span, and a place in it is none."""
    image = Image(b"x", Place(Stage.INPUT))
    _, (found,) = ask(lambda _: JudgeAnswer({"hate": 0.9}, unchecked=(Unchecked("part", "x"),)), image)
    assert [(each.span, each.score) for each in found.findings] == [(None, 0.9)]
    assert [each.span for each in found.unchecked] == [None]
    _, (found,) = ask(lambda _: JudgeAnswer(spots=(ScoredSpan("hate", 1.0, 0, 1),)), image)
    assert found.error == "gave a place outside of what it read"
