"""An explanation is of the check itself: it says what the verdict says, and no more than people can read."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from guardrails import Guard, GuardrailsError
from guardrails.authoring.explain.explanation import CheckWitness, explain
from guardrails.policy.schema import TestDoc as Doc
from guardrails.policy.shipped import shipped_names
from guardrails.types import Action, Stage
from tests.cases import each_case

POLICY = """
detectors:
  words: {use: terms, terms: [blast, boom], category: custom.x}
  more: {use: terms, terms: [rage], category: hate, score: 0.61}
rules:
  - {id: block, on: input, when: custom.x > 0 && request.user.tier != "trusted", then: block}
  - {id: near, on: input, when: hate >= 0.85, then: block}
  - {id: mask, on: output, when: custom.x > 0, then: redact}
  - {id: shadow, on: input, when: custom.x > 0, then: block, mode: shadow}
"""


def given(test: Doc) -> tuple[str, object]:
    """Return the stage and the content of a policy's test."""
    texts = [(stage.value, getattr(test, stage.value)) for stage in Stage]
    return ("input", test.messages) if test.messages else next(each for each in texts if each[1] is not None)


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard of two lists of words."""
    return guard_of(POLICY)


@pytest.mark.parametrize("step", [12])
@each_case("name", shipped_names())
def test_it_says_what_the_verdict_says(name: str, step: int) -> None:
    """For tests of the shipped policies: the verdict is that of an ordinary check, and each rule's state is the verdict's."""
    guard = Guard.load(name)
    for _, test in guard.policy.tests[::step]:
        stage, content = given(test)
        who = {"user": test.user, "metadata": test.metadata}
        verdict = guard.check(content, stage, complete=True, **who)
        said = explain(guard, content, stage, passes=0, **who)
        for field in ("action", "rules", "shadow", "findings", "content", "coverage", "errors", "removed"):
            assert getattr(said.verdict, field) == getattr(verdict, field), (field, content)
        fired = {note.rule.id for note in said.rules if note.verdict is not None}
        assert fired == {rule.id for rule in (*verdict.rules, *verdict.shadow) if rule.reason != "unchecked"}
        for note in said.rules:
            first = note.tries[0] if note.tries else None
            assert (first is not None and first.tree.truth is True) == (note.state == "fired"), note.rule.id


def test_rules_come_as_people_ask_for_them(guard: Guard) -> None:
    """Those that fired, those that nobody could decide, the nearest, then the others."""
    said = explain(guard, "blast rage", user={"tier": 7})
    assert [(note.rule.id, note.state) for note in said.rules] == [
        ("shadow", "fired"),
        ("block", "undecided"),
        ("near", "not_fired"),
        ("mask", "not_at_stage"),
    ]
    assert said.rules[2].tries[0].missing is not None
    assert said.rules[2].tries[0].missing.distance == pytest.approx(0.24)


@each_case(("tier", "state", "action"), [("trusted", "not_fired", "flag"), ("guest", "fired", "block")])
def test_the_context_is_that_of_a_check(guard: Guard, tier: str, state: str, action: str) -> None:
    """Who asks is given as to `check`."""
    said = explain(guard, "blast", user={"tier": tier}, only="block")
    assert [note.state for note in said.rules] == [state]
    assert str(said.verdict.action) == action.replace("flag", "allow")


def test_one_rule_may_be_asked_for(guard: Guard) -> None:
    """A misspelt id is an error that names the nearest."""
    assert [note.rule.id for note in explain(guard, "blast", only="near").rules] == ["near"]
    with pytest.raises(GuardrailsError, match="has no rule 'nera' - did you mean 'near'"):
        explain(guard, "blast", only="nera")


def test_a_clear_text_is_explained_as_well(guard: Guard) -> None:
    """A check that needs no rules at all takes a shorter way, an explanation of it does not."""
    said = explain(guard, "all is fine")
    assert said.verdict.action is Action.ALLOW
    assert {each.name: each.state for each in said.detectors} == {"words": "ran", "more": "ran"}
    assert {note.state for note in said.rules} == {"not_fired", "not_at_stage"}
    assert not any(each.tried for note in said.rules for each in note.tries)


def test_where_a_check_would_stop_is_known(guard_of: Callable[..., Guard]) -> None:
    """Every detector is asked, and those that an ordinary check would have spared are named."""
    guard = guard_of("""
detectors:
  words: {use: terms, terms: [blast], category: custom.x}
  safety: {use: classifier}
rules:
  - {id: a, on: input, when: custom.x > 0, then: block}
  - {id: b, on: input, when: toxic > 0.5, then: block}
""")
    said = explain(guard, "blast", passes=0)
    assert said.sure == 0
    assert {each.name: (each.state, each.spared) for each in said.detectors} == {
        "words": ("ran", False),
        "safety": ("ran", True),
    }
    assert [*said.tiers] == [0, 1]
    assert not guard.check("blast boom").complete
    assert explain(guard, "fine", passes=0).sure is None


def test_a_floor_has_rules_of_its_own(guard_of: Callable[..., Guard]) -> None:
    """Also of the same name: each says what it did itself."""
    rule = "  - {id: a, on: input, when: custom.x > 0, then: %s}\n"
    words = "detectors:\n  words: {use: terms, terms: [blast], category: custom.x}\nrules:\n"
    floor = "format: 1\nname: below\n" + words + rule % "redact"
    said = explain(guard_of(words + rule % "flag", floor=floor), "blast")
    assert said.floor is not None
    assert said.floor.name == "below"
    assert [(note.floor, note.verdict and str(note.verdict.action)) for note in said.rules] == [
        (True, "redact"),
        (False, "flag"),
    ]


def test_a_blocked_turn_is_explained_as_it_was_before_it_was_left_out(guard_of: Callable[..., Guard]) -> None:
    """The rule fired; what it came to is that the turn is removed."""
    guard = guard_of("""
detectors:
  words: {use: terms, terms: [blast], category: custom.x}
rules:
  - {id: a, on: input, when: custom.x > 0, then: block}
""")
    messages = [
        {"role": "user", "content": "blast"},
        {"role": "assistant", "content": "no"},
        {"role": "user", "content": "fine"},
    ]
    said = explain(guard, messages)
    [note] = said.rules
    assert (note.state, note.verdict and str(note.verdict.action)) == ("fired", "redact")
    assert said.verdict.removed == ("/0", "/1")
    assert note.tries[0].paths == ("/0/content",)


def test_it_is_plain_json_and_bounded(guard: Guard) -> None:
    """However much there is to say; what is left out is counted, and findings stand there once."""
    said = explain(guard, "blast " * 30_000, "output").to_dict()
    text = json.dumps(said)
    assert len(text) < 300_000
    assert len(said["findings"]) == 200  # type: ignore[arg-type]
    left_out = said["left_out"]
    assert left_out == {"texts": 0, "findings": 29_800, "content": 120_002}
    verdict = said["verdict"]
    assert isinstance(verdict, dict)
    assert verdict["content"] is None
    assert "findings" not in verdict


def test_names_of_its_json_are_stable(guard: Guard) -> None:
    """Programs read them."""
    said = explain(guard, "blast").to_dict()
    assert [*said] == [
        "verdict",
        "floor",
        "texts",
        "findings",
        "raised",
        "detectors",
        "rules",
        "redaction",
        "streaming",
        "timings_ms",
        "sure_after_tier",
        "left_out",
    ]


def test_who_looks_on_sees_the_check(guard: Guard) -> None:
    """A witness of the caller's own has it afterwards."""
    witness = CheckWitness()
    said = explain(guard, "blast", witness=witness)
    assert witness.check is not None
    assert witness.check.outcome.action is said.verdict.action
