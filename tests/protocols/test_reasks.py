"""When a model is asked again, and with what."""

from __future__ import annotations

from typing import Any

from guardrails.protocols.reasks import find_reask
from guardrails.types import Action, FiredRule, PolicyRef, Stage, Verdict
from guardrails.verdicts.format_failure import FormatFailure, FormatProblem
from tests.cases import each_case


def failure(rule: str = "form", reasks: int = 1, **more: Any) -> FormatFailure:
    """Return what a rule could not repair."""
    return FormatFailure(
        rule, (FormatProblem("/age", "must be of type integer"),), reasks, **{"text": "no", **more}
    )


def verdict(*failures: FormatFailure, blocks: tuple[str, ...] = ("form",)) -> Verdict:
    """Return a verdict on an answer."""
    rules = tuple(FiredRule(name, Action.BLOCK) for name in blocks)
    action = Action.BLOCK if blocks else Action.FLAG
    return Verdict(
        "vd", action, Stage.OUTPUT, PolicyRef("p", "1", "d"), None, rules=rules, format_failures=failures
    )


@each_case(
    ("found", "done", "asks"),
    [
        (verdict(failure()), 0, True),
        (verdict(failure()), 1, False),
        (verdict(failure(reasks=3)), 2, True),
        (verdict(failure(reasks=0)), 0, False),
        (verdict(failure(), blocks=("form", "hate")), 0, False),
        (verdict(failure(), blocks=()), 0, True),
        (verdict(failure(), failure("other", 0), blocks=("form", "other")), 0, True),
        (verdict(blocks=("hate",)), 0, False),
    ],
)
def test_when_a_model_is_asked_again(found: Verdict, done: int, asks: bool) -> None:
    """As often as the rule says, and only where nothing else is wrong."""
    assert (find_reask(found, done) is not None) is asks


def test_an_empty_answer_has_words() -> None:
    """No API takes an empty turn."""
    reask = find_reask(verdict(failure(text=" ")), 0)
    assert reask is not None
    assert reask.answer == "(no answer)"


def test_it_is_told_what_is_wrong_with_one_choice() -> None:
    """The first that failed: its text, and each problem once."""
    other = FormatFailure("form", (FormatProblem("", "must be valid JSON"),), 1, 1, "other")
    reask = find_reask(verdict(failure(choice_index=0), failure("more", choice_index=0), other), 0)
    assert reask is not None
    assert reask.answer == "no"
    assert reask.words.splitlines()[1:-1] == ["- /age: must be of type integer"]
