"""What the verdict on a stream says that was stopped: the outcome of a check of what there was, as the block that it came to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from guardrails import Action, Guard
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome, Request
from guardrails.engine.streaming.rule_decisions import StreamStop
from guardrails.engine.streaming.stream import CHANGED, add_rules, stop_outcome
from guardrails.types import Mode, Place, Severity, Stage, Unavailable
from tests.cases import each_case

POLICY = """
detectors:
  words: {use: terms, terms: [zqxbomb], category: custom.bad}
  stops: {use: terms, terms: [kkstop], category: custom.stop}
rules:
  - {id: stop, on: output, when: custom.stop > 0, then: block, severity: critical, tags: [x], message: {en: No., de: Nein.}}
  - {id: mask, on: output, when: custom.bad > 0, then: redact}
"""


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that blocks one word and redacts another."""
    return guard_of(POLICY)


def outcome(guard: Guard, *texts: str) -> Outcome:
    """Return the outcome of a check of texts."""
    tree = ContentTree()
    for index, text in enumerate(texts):
        tree.text(text, (index,), Place(Stage.OUTPUT))
    return guard.pipeline.check(tree, Request())


def stop(guard: Guard, reason: str = "matched") -> StreamStop:
    """Return a stop by the first rule."""
    return StreamStop(guard.policy.rules[0], reason, 0)


def test_a_check_that_blocks_already_is_the_verdict(guard: Guard) -> None:
    """It knows more than the stream did."""
    blocked = outcome(guard, "kkstop")
    assert stop_outcome(blocked, stop(guard), Request()) is blocked
    assert stop_outcome(blocked, None, Request()) is blocked
    assert stop_outcome(blocked, stop(guard), Request(), 0) is blocked


def test_a_check_that_blocks_another_text_blocks_this_one_too(guard: Guard) -> None:
    """Each choice by itself."""
    two = outcome(guard, "fine", "kkstop")
    assert (two.action, two.blocked) == (Action.BLOCK, frozenset({1}))
    assert stop_outcome(two, stop(guard, "error"), Request(), 0).blocked == {0, 1}
    assert stop_outcome(two, stop(guard, "error"), Request(), 1) is two


@each_case("reason", ["matched", "error"])
@each_case(("language", "words"), [(None, "No."), ("de", "Nein.")])
def test_the_rule_that_stopped_it_is_named_as_ever(
    guard: Guard, reason: str, language: str | None, words: str
) -> None:
    """With all that it says, in the language of the client, before the rules that fired otherwise."""
    request = Request(client={} if language is None else {"language": language})
    found = stop_outcome(outcome(guard, "zqxbomb"), stop(guard, reason), request, 0)
    assert (found.action, found.blocked) == (Action.BLOCK, frozenset({0}))
    assert [rule.id for rule in found.rules] == ["stop", "mask"]
    first = found.rules[0]
    assert (first.action, first.message, first.severity) == (Action.BLOCK, words, Severity.CRITICAL)
    assert (first.tags, first.mode, first.reason) == (("x",), Mode.ENFORCE, reason)


def test_a_rule_is_named_once(guard: Guard) -> None:
    """As what it came to."""
    rule = guard.policy.rules[1]
    found = stop_outcome(outcome(guard, "zqxbomb"), StreamStop(rule, "error", 0), Request())
    assert [(each.id, each.action, each.reason) for each in found.rules] == [("mask", Action.BLOCK, "error")]


@each_case(
    ("why", "name", "reason"),
    [
        (StreamStop(None, "unchecked", 0, "limit"), "unchecked.limit", "unchecked"),
        (StreamStop(None, "unchecked", 0, "language"), "unchecked.language", "unchecked"),
        (None, CHANGED, "unsafe_edit"),
    ],
)
def test_what_no_rule_stopped_has_a_name_too(
    guard: Guard, why: StreamStop | None, name: str, reason: str
) -> None:
    """What could not be judged, and a whole text that is judged otherwise than its beginnings were."""
    found = stop_outcome(outcome(guard, "fine"), why, Request())
    assert (found.action, found.blocked) == (Action.BLOCK, frozenset({-1}))
    [rule] = found.rules
    assert (rule.id, rule.reason, rule.severity, rule.message) == (name, reason, Severity.HIGH, None)


def test_what_went_on_before_and_is_not_in_the_whole_is_on_record(guard) -> None:
    """Its rules, each once, and the strictest action; nothing else of it."""
    whole, other = outcome(guard, "fine"), outcome(guard, "a zqxbomb")
    made = add_rules(whole, other)
    assert (made.action, [rule.id for rule in made.rules]) == (Action.REDACT, ["mask"])
    assert (made.edits, made.findings) == (whole.edits, whole.findings)
    assert add_rules(made, other) == made
    assert add_rules(outcome(guard, "kkstop"), other).action is Action.BLOCK


def late(guard: Guard) -> StreamStop:
    """Return a stop by a rule that a late detector leaves undecided."""
    return StreamStop(guard.policy.rules[0], "error", 0, failure="timeout")


def test_a_stream_that_could_not_be_judged_is_unavailable(guard: Guard) -> None:
    """No rule is said to have fired; what else is undecided is named besides, and the reason that lasts longest."""
    stopped = stop_outcome(outcome(guard, "fine"), late(guard), Request(), 0)
    assert (stopped.action, stopped.rules, stopped.blocked) == (Action.BLOCK, (), {0})
    assert stopped.unavailable == Unavailable("timeout", ("stop",))
    before = replace(
        outcome(guard, "fine"), action=Action.BLOCK, unavailable=Unavailable("capacity", ("mask",))
    )
    assert stop_outcome(before, late(guard), Request(), 0).unavailable == Unavailable(
        "timeout", ("mask", "stop")
    )


def test_a_certain_block_wins_over_what_is_undecided(guard: Guard) -> None:
    """Whether the check finds it or the stream did, or what went on before."""
    assert stop_outcome(outcome(guard, "kkstop"), late(guard), Request(), 0).unavailable is None
    undecided = replace(
        outcome(guard, "fine"), action=Action.BLOCK, unavailable=Unavailable("crash", ("mask",))
    )
    certain = stop_outcome(undecided, stop(guard), Request(), 0)
    assert ([rule.id for rule in certain.rules], certain.unavailable) == (["stop"], None)
    assert add_rules(undecided, outcome(guard, "kkstop")).unavailable is None
    assert add_rules(outcome(guard, "fine"), undecided).unavailable == undecided.unavailable
    assert stop_outcome(undecided, None, Request()) is undecided
