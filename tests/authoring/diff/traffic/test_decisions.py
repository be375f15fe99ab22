"""What one policy decided."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from guardrails import Guard
from guardrails.authoring.diff.traffic.decisions import (
    Decision,
    DecisiveRule,
    make_decision,
    read_decision,
    rule_categories,
)
from guardrails.types import Action
from tests.cases import each_case

POLICY = """
detectors:
  words: {use: terms, terms: [forbidden], category: custom.word}
  mail: {use: pii, entities: [email]}
rules:
  - {id: word.block, on: input, when: custom.word > 0, then: block}
  - {id: pii.mask, on: [input, output], when: pii > 0, then: redact}
  - {id: long.flag, on: input, when: content.length > 60, then: flag}
  - {id: word.shadow, on: input, when: custom.word > 0, then: block, mode: shadow}
"""


@each_case(
    ("text", "expected"),
    [
        ("fine", Decision(Action.ALLOW)),
        (
            "a forbidden word",
            Decision(
                Action.BLOCK, (DecisiveRule("word.block", Action.BLOCK, ("custom.word",)),), ("word.shadow",)
            ),
        ),
        (
            "to jo@example.com",
            Decision(
                Action.REDACT, (DecisiveRule("pii.mask", Action.REDACT, ("pii.email",)),), left="to [EMAIL]"
            ),
        ),
        ("x" * 61, Decision(Action.FLAG, (DecisiveRule("long.flag", Action.FLAG),))),
    ],
)
def test_a_verdict_becomes_a_decision(text: str, expected: Decision, guard_of: Callable[..., Guard]) -> None:
    """Rules keep what they did, and which of the findings they name, by parents too; what is left is known of redactions."""
    guard = guard_of(POLICY)
    verdict = guard.check(text, complete=True)
    assert make_decision(verdict, rule_categories(guard), verdict.content) == expected


def test_rules_of_the_floor_are_named_too(guard_of: Callable[..., Guard]) -> None:
    """A rule of both has the categories of both."""
    words = "{use: terms, terms: [a], category: custom.%s}"
    rule = "{id: %s, on: input, when: custom.%s > 0, then: block}"
    policy = "detectors: {w: %s}\nrules: [%s]"
    guard = guard_of(
        policy % (words % "one", rule % ("same", "one")),
        floor=policy % (words % "two", rule % ("same", "two")),
    )
    assert rule_categories(guard) == {"same": frozenset({"custom.one", "custom.two"})}


def test_a_decision_survives_json() -> None:
    """All but what is left, which is a text, goes into a log and comes back."""
    made = Decision(
        Action.BLOCK, (DecisiveRule("a", Action.BLOCK, ("hate",)),), ("b",), ("c",), left="secret"
    )
    written = json.dumps(made.to_dict())
    assert "secret" not in written
    assert read_decision(json.loads(written)) == Decision(made.action, made.rules, made.shadow, made.failed)
    assert (made.did("a"), made.did("b")) == (Action.BLOCK, Action.ALLOW)


@each_case("data", [None, {}, {"action": "stop", "rules": []}, {"action": "block", "rules": [{}]}, []])
def test_other_values_are_no_decision(data: object) -> None:
    """A broken log is an error, never a pass."""
    with pytest.raises((ValueError, TypeError, KeyError)):
        read_decision(data)
