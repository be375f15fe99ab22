"""What rules say of a growing text, finding by finding, and what waits for the text behind it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Action, Detection, Finding, Guard, Stage
from guardrails.engine.model import Request
from guardrails.engine.streaming.rule_decisions import GrowingText, RuleDecisions
from guardrails.types import Place
from tests.cases import each_case

POLICY = """
detectors:
  words: {use: terms, terms: [zqxbomb], category: custom.bad}
  stops: {use: terms, terms: [kkstop], category: custom.stop}
rules:
  - {id: stop, on: output, when: custom.stop > 0, then: block}
  - {id: mask, on: output, when: custom.bad > 0, then: redact}
  - {id: long, on: output, when: custom.bad > 0.5 && content.length > 20, then: block}
exceptions:
  - {id: fine, rules: [stop], near: [fine], reason: what stands beside it says so}
"""


class Decided:
    """A text that came in full or in part, and what rules say of it."""

    def __init__(self, guard: Guard, text: str) -> None:
        pipeline = guard.pipeline
        self.text = GrowingText(Place(Stage.OUTPUT), kept=text, length=len(text))
        self.bounds = {bound.name: bound for bound in guard.policy.detectors}
        plan = pipeline.stream_plan((Stage.OUTPUT,))
        self.rules = RuleDecisions(pipeline.policies, plan, self.text, Request())

    def find(self, detector: str, category: str, word: str) -> None:
        """Have a detector find a word."""
        at = self.text.kept.index(word)
        finding = Finding(category, 1.0, detector, (at, at + len(word)))
        self.rules.take((self.bounds[detector],), Detection((finding,)))

    def grow(self, delta: str, *, ended: bool = False) -> None:
        """Let the text go on."""
        self.text.kept += delta
        self.text.length += len(delta)
        self.text.ended = ended
        self.rules.reconsider(last=ended)


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard with a word that stops unless something stands beside it, and one that is replaced, or stops a long text."""
    return guard_of(POLICY)


def test_what_is_replaced_is_handed_out(guard: Guard) -> None:
    """With the place, and the rule that says so."""
    decided = Decided(guard, "a zqxbomb")
    decided.find("words", "custom.bad", "zqxbomb")
    assert [(span.start, span.end, span.rule.id) for span in decided.rules.spans] == [(2, 9, "mask")]
    assert decided.rules.stop is None


@each_case(
    ("more", "stopped"), [("x" * 30, True), (" was it" + " z" * 20, True), (", which is fine.", False)]
)
def test_exceptions_wait_for_what_they_look_at(guard: Guard, more: str, *, stopped: bool) -> None:
    """Until then the text is not settled from the finding on."""
    decided = Decided(guard, "a kkstop")
    decided.find("stops", "custom.stop", "kkstop")
    assert (decided.rules.waiting, decided.rules.stop) == ([2], None)
    decided.grow(more, ended=True)
    assert decided.rules.waiting == []
    assert (decided.rules.stop is not None and decided.rules.stop.at == 2) is stopped


@each_case(("more", "stopped"), [("", False), (" and thirty letters of other things", True)])
def test_a_length_is_waited_for(guard: Guard, more: str, *, stopped: bool) -> None:
    """A rule about how long a text is cannot be decided before it is that long, or over."""
    decided = Decided(guard, "a zqxbomb")
    decided.find("words", "custom.bad", "zqxbomb")
    assert decided.rules.waiting == [2]
    decided.grow(more, ended=not more)
    assert decided.rules.waiting == []
    stop = decided.rules.stop
    assert (stop is not None and stop.rule is not None and stop.rule.id == "long") is stopped


@each_case(("reason", "action"), [("timeout", Action.BLOCK), ("overloaded", Action.BLOCK)], ids=str)
def test_a_failure_stops_what_depends_on_it(guard: Guard, reason: str, action: Action) -> None:
    """At the place up to which the text was settled."""
    decided = Decided(guard, "some text")
    decided.text.mark = 5
    decided.rules.take((decided.bounds["stops"],), Detection(error="down", reason=reason))  # type: ignore[arg-type]
    stop = decided.rules.stop
    assert stop is not None
    assert (stop.at, stop.reason, stop.failure) == (5, "error", reason)
    assert stop.rule is not None
    assert stop.rule.on_error is action


@given(st.lists(st.text(max_size=9), max_size=9), st.lists(st.integers(0, 40), max_size=5))
def test_what_is_kept_of_a_text_stands_at_its_places(parts: list[str], forgotten: list[int]) -> None:
    """Whatever is dropped, places are those of the whole text."""
    text, whole = GrowingText(Place(Stage.OUTPUT)), ""
    for index, part in enumerate(parts):
        text.kept += part
        text.length += len(part)
        whole += part
        if index < len(forgotten):
            text.forget(min(forgotten[index], text.length))
        assert text.end == len(whole)
        assert text.between(text.base, text.end) == whole[text.base :]
