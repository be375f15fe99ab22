"""Judges that answer with scores: what they say becomes findings with spans, and whatever is no answer a failure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from guardrails.detectors.asked import Ask, Asking, Local, Remote
from guardrails.remote.endpoint import RemoteError
from guardrails.types import CLEAN, Detection, Image, Place, Stage, Text

CATEGORIES = frozenset({"hate", "violence"})


class Judge:
    """Answers each ask by a function, and remembers the asks of each call."""

    def __init__(self, answer: Any, most: int = 2) -> None:
        self.answer, self.most = answer, most
        self.calls: list[list[Ask]] = []

    def scores(self, asks: Sequence[Ask]) -> list[Any]:
        """Answer at once."""
        self.calls.append([*asks])
        return [self.answer(ask) for ask in asks]


class Service(Judge):
    """The same as a coroutine."""

    async def scores(self, asks: Sequence[Ask]) -> list[Any]:  # type: ignore[override]
        """Answer when awaited."""
        return super().scores(asks)


def asking(**more: Any) -> Asking:
    """Return what a detector `d` asks, in pieces of 80 characters."""
    return Asking("d", CATEGORIES, **{"size": 80, "most": 10, **more})


@pytest.fixture(params=[(Local, Judge), (Remote, Service)], ids=["local", "remote"])
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


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RemoteError("endpoint 'x': answered 500"), "endpoint 'x': answered 500"),
        (ValueError("quotes the text"), "raised ValueError"),
    ],
)
def test_a_judge_that_raises_has_failed(ask: Any, error: Exception, said: str) -> None:
    """The reason is told where it is ours to tell, and only its kind where it may quote the text; others are judged."""

    def answer(each: Ask) -> dict[str, float]:
        if each.read == "bad":
            raise error
        return {"hate": 0.5}

    _, found = ask(answer, "bad", "good", most=1)
    assert [each.error for each in found] == [said, None]


@pytest.mark.parametrize("answers", [[], [{}, {}]], ids=["fewer", "more"])
def test_a_judge_that_answers_too_few_or_too_many_has_failed(answers: list[Any]) -> None:
    """Answers that cannot be told apart are none."""

    class Off(Judge):
        """Answers in the wrong number."""

        def scores(self, asks: Sequence[Ask]) -> Any:
            """Answer."""
            return answers

    class OffService(Off):
        """The same as a coroutine."""

        async def scores(self, asks: Sequence[Ask]) -> Any:  # type: ignore[override]
            """Answer."""
            return answers

    for driver, judge in ((Local, Off(None)), (Remote, OffService(None))):
        (found,) = driver(asking(), judge).detect([Text("text")])
        assert found.error == f"{len(answers)} answers to 1 texts"


def test_a_foreign_language_is_judged_and_named(ask: Any) -> None:
    """Outside the validated languages a score is worth less: it counts, and the text is `unchecked: language`."""
    text = "Der Zug nach Hamburg fährt heute leider nicht, weil die Strecke gesperrt worden ist."
    _, (found,) = ask(lambda _: {"hate": 0.5}, text, languages=["en"])
    assert [each.kind for each in found.unchecked] == ["language"]
    assert found.findings
    _, (plain,) = ask(lambda _: {}, text)
    assert plain is CLEAN
