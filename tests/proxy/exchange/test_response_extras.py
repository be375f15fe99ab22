"""What is told beside an answer: several wishes as one, and nothing where there is none."""

from __future__ import annotations

from dataclasses import replace

from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.model import Outcome
from guardrails.protocols.streaming.codec import Event
from guardrails.proxy.exchange.response_extras import NO_EXTRAS, JudgedSide, ResponseExtras, extra_chunk
from guardrails.types import Action, Coverage, DetectorFailure, Place, PolicyRef, Stage, Text, Verdict
from tests.cases import each_case

ALLOWED = Outcome(Action.ALLOW, (), (), (), Coverage(), (), True)


class Noted:
    """An aside that leaves its name wherever it is asked, and makes outcomes stricter by one step."""

    def __init__(self, name: str, *, holds: bool = False) -> None:
        self.name, self.holds = name, holds
        self.heard: list[tuple[str, JudgedSide]] = []

    def settled(self, side, outcome):
        return replace(outcome, action=Action(outcome.action + 1))

    def saw(self, side, heard):
        self.heard.append((side, heard))

    def refused(self, error):
        return {**error, self.name: "refused"}

    def opening(self):
        return [Event("", {"opens": self.name})]

    def whole(self, answer):
        return {**answer, self.name: "whole"}

    def ending(self, events):
        return [*events, Event("", {"ends": self.name})]


def verdict(*errors):
    """Return a verdict on an input."""
    policy = PolicyRef("p", "1", "sha256:0")
    failures = tuple(DetectorFailure(name, "it broke") for name in errors)
    return Verdict("vd_1", Action.ALLOW, Stage.INPUT, policy, None, errors=failures)


def test_all_wishes_are_asked_in_their_order() -> None:
    """Each for what it has to say, on top of the others."""
    first, second = Noted("a"), Noted("b", holds=True)
    asides = ResponseExtras((first, second))

    assert bool(asides)
    assert asides.holds
    assert asides.settled("input")(ALLOWED).action == Action(2)
    assert asides.refused({"error": 1}) == {"error": 1, "a": "refused", "b": "refused"}
    assert asides.whole({"id": 1}) == {"id": 1, "a": "whole", "b": "whole"}
    assert [event.data for event in asides.opening()] == [{"opens": "a"}, {"opens": "b"}]
    assert [event.data for event in asides.ending([])] == [{"ends": "a"}, {"ends": "b"}]
    asides.saw("output", verdict(), ContentTree(), ALLOWED)
    assert first.heard == second.heard == [("output", JudgedSide(verdict(), ContentTree(), ALLOWED))]


def test_without_a_wish_nothing_changes() -> None:
    """The very objects come back."""
    answer, events = {"id": 1}, [Event("", {})]

    assert not NO_EXTRAS
    assert not NO_EXTRAS.holds
    assert NO_EXTRAS.whole(answer) is answer
    assert NO_EXTRAS.refused(answer) is answer
    assert NO_EXTRAS.ending(events) is events
    assert NO_EXTRAS.opening() == []
    assert NO_EXTRAS.settled("output")(ALLOWED) is ALLOWED


def leaf(stage, *also, choice=None):
    """Return a leaf that stands there."""
    return Leaf(Text("x", Place(stage, also, choice_index=choice)))


@each_case(
    ("found", "stages", "choices"),
    [
        ([], (Stage.INPUT,), []),
        ([leaf(Stage.OUTPUT, choice=1), leaf(Stage.TOOL_CALL, choice=0)], (Stage.OUTPUT, Stage.TOOL_CALL), [0, 1]),
        ([leaf(Stage.OUTPUT, Stage.INPUT), leaf(Stage.INPUT)], (Stage.INPUT, Stage.OUTPUT), []),
    ],
)  # fmt: skip
def test_what_was_judged_says_where_it_stood(found, stages, choices) -> None:
    """At which stages, in which choices."""
    heard = JudgedSide(verdict(), ContentTree(leaves=found), ALLOWED)

    assert (heard.stages, heard.choices) == (stages, choices)


@each_case(("errors", "failed"), [((), ""), (("a", "b", "a"), "a, b")])
def test_detectors_that_failed_are_named_once(errors, failed) -> None:
    """By their names alone."""
    assert JudgedSide(verdict(*errors), ContentTree(), ALLOWED).failed == failed


def test_one_more_chunk_belongs_to_the_others() -> None:
    """It has their id and model, whichever of them says so, and no choice."""
    events = [
        Event("", {"id": "c", "choices": [1]}),
        Event("", {"id": "d", "model": "m", "usage": {}, "choices": []}),
    ]

    told = {"object": "chat.completion.chunk", "choices": [], "x": 1}
    assert extra_chunk(events, x=1).data == {"id": "c", "created": 0, "model": "m", **told}
    assert extra_chunk([], x=1).data == {"id": "", "created": 0, "model": "", **told}
