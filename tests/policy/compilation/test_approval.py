"""Where a rule may say `approval`, and what is said where it may not."""

from __future__ import annotations

import pytest

from guardrails import Guard, PolicyErrors
from guardrails.policy.compiled import ApprovalTerms
from guardrails.policy.weakening import find_weakenings
from tests.cases import each_case

RULE = "on: tool_call, when: command.delete > 0, then: block"


def load(rule: str) -> Guard:
    """Return a guard of one rule."""
    return Guard.load(
        f"format: 1\nname: p\ndetectors:\n  commands: {{use: commands}}\nrules:\n  - {{id: r, {rule}}}\n"
    )


@each_case(
    ("more", "terms"),
    [
        ("", None),
        (", approval: {by: operators}", ApprovalTerms("operators", 600)),
        (", approval: {by: sre.night, for: 24h, on_timeout: block}", ApprovalTerms("sre.night", 86_400)),
    ],
)
def test_who_may_lift_a_block(more: str, terms: ApprovalTerms | None) -> None:
    """Nobody where nothing is said; ten minutes where no time is."""
    assert load(RULE + more).policy.rules[0].approval == terms


@each_case(
    ("rule", "words"),
    [
        (f"{RULE}, approval: {{by: operators, for: 10x}}", "such as 90s, 15m, 24h"),
        (f"{RULE}, approval: {{by: operators, for: 10}}", "approval.for must be a text"),
        (f"{RULE}, approval: {{by: operators, on_timeout: allow}}", "on_timeout must be 'block'"),
        (f"{RULE}, approval: {{for: 10m}}", "needs 'by'"),
        (f"{RULE}, stream: annotate, approval: {{by: operators}}", "remove stream: annotate"),
        (
            "on: tool_call, when: command.delete > 0, then: flag, approval: {by: operators}",
            "write then: block, or remove approval",
        ),
        (
            "on: [input, tool_call], when: command.delete > 0, then: block, approval: {by: operators}",
            "write on: tool_call, and a rule of its own for the rest",
        ),
    ],
)
def test_what_cannot_be_approved_is_an_error(rule: str, words: str) -> None:
    """The message says what to write."""
    with pytest.raises(PolicyErrors, match=words):
        load(rule)


def test_digests_without_a_word_on_it_stay_what_they_were() -> None:
    """Another time is another policy, so that what was approved under the one is not under the other."""
    digests = [
        load(RULE + more).policy.ref.digest
        for more in ("", ", approval: {by: a}", ", approval: {by: a, for: 1h}", ", approval: {by: b}")
    ]
    assert len(set(digests)) == 4


def test_an_approval_weakens_a_rule() -> None:
    """A block that people may lift is less than one that nobody may."""
    plain, by_some = load(RULE).policy, load(f"{RULE}, approval: {{by: a, for: 1h}}").policy
    assert [str(each) for each in find_weakenings(plain, by_some)] == [
        "p: r: weaker_approval (default to by a for 1h)"
    ]
    assert not [*find_weakenings(by_some, plain)]
