"""Choices of an answer are refused one by one, or all of them."""

from __future__ import annotations

from typing import Any

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome
from guardrails.protocols.choices import choice_index, refuse_choices
from guardrails.types import Action, Coverage, Place, Stage
from tests.cases import each_case

ANSWER: dict[str, Any] = {"id": "x", "picks": [{"index": 0, "say": "a"}, {"index": 1, "say": "b"}]}
PATHS: tuple[Any, ...] = (("picks", 0, "say"), ("picks", 1, "say"), ("id",), ("picks",))
NO = {"no": 0}, {"no": 1}


@each_case(
    ("blocked", "left"),
    [
        ([], ANSWER),
        ([0], {**ANSWER, "picks": [NO[0], ANSWER["picks"][1]]}),
        ([1], {**ANSWER, "picks": [ANSWER["picks"][0], NO[1]]}),
        ([0, 1], {**ANSWER, "picks": [*NO]}),
        ([2], {"picks": [*NO]}),
        ([0, 2], {"picks": [*NO]}),
        ([3], {**ANSWER, "picks": [*NO]}),
        ([-1], {**ANSWER, "picks": [*NO]}),
    ],
)
def test_what_is_blocked_is_refused(blocked: list[int], left: dict[str, Any]) -> None:
    """All choices for what belongs to none of them; what stands beside them is left out where it is blocked."""
    tree = ContentTree()
    for path in PATHS:
        tree.text("x", path, Place(Stage.OUTPUT))
    outcome = Outcome(Action.BLOCK, (), (), (), Coverage(), (), True, blocked=frozenset(blocked))
    assert refuse_choices(ANSWER, "picks", tree, outcome, lambda choice, position: {"no": position}) == left


def test_an_answer_without_choices_gets_one_that_refuses() -> None:
    """So that its client reads why."""
    outcome = Outcome(Action.BLOCK, (), (), (), Coverage(), (), True, blocked=frozenset([-1]))
    for answer in ({}, {"picks": []}, {"picks": None}):
        left = refuse_choices(answer, "picks", ContentTree(), outcome, lambda choice, position: choice)
        assert left == {"picks": [{}]}


def test_a_choice_has_the_index_that_it_says() -> None:
    """Else its position."""
    given: tuple[dict[str, Any], ...] = ({"index": 7}, {"index": True}, {"index": "7"}, {})
    assert [choice_index(choice, 2) for choice in given] == [7, 2, 2, 2]
