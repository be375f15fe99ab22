"""What a rule leaves behind, and when a client may come again."""

from __future__ import annotations

import pytest

from guardrails import Guard, PolicyErrors
from guardrails.policy.abuse.effects import Effect
from tests.cases import each_case

RULE = "on: input, when: custom.a > 0, then: block"


def load(rule: str) -> Guard:
    """Return a guard of one rule."""
    return Guard.load(
        "format: 1\nname: p\ndetectors: {a: {use: terms, terms: [foo], category: custom.a}}\n"
        f"rules:\n  - {{id: r, {rule}}}\n"
    )


@each_case(
    ("more", "effects"),
    [
        ("", ()),
        (", effects: [{strike: 2, for: 30d, to: key}]", (Effect("key", 2.0, 2_592_000),)),
        (
            ", effects: [{ban: true, for: 24h}, {strike: 0.5, for: 90s}]",
            (Effect("user", 0.0, 86_400), Effect("user", 0.5, 90)),
        ),
    ],
)
def test_effects_are_read(more: str, effects: tuple[Effect, ...]) -> None:
    """Weight, time and whom they are noted of, who is the user where nothing is said."""
    assert load(RULE + more).policy.rules[0].effects == effects


def test_the_time_to_come_again_is_read() -> None:
    """In seconds."""
    assert load(f"{RULE}, retry_after: 15m").policy.rules[0].retry_after == 900


@each_case(
    ("rule", "words"),
    [
        (f"{RULE}, effects: [{{strike: 1}}]", "needs 'for'"),
        (f"{RULE}, effects: [{{for: 1d}}]", "write strike: 1, or ban: true"),
        (f"{RULE}, effects: [{{strike: 1, ban: true, for: 1d}}]", "write strike: 1, or ban: true"),
        (f"{RULE}, effects: [{{strike: 0, for: 1d}}]", "must be more than 0"),
        (f"{RULE}, effects: [{{strike: 1000, for: 1d}}]", "must be at most 100"),
        (f"{RULE}, effects: [{{strike: 1, for: 1month}}]", "such as 90s, 15m"),
        (f"{RULE}, effects: [{{strike: 1, for: 4000d}}]", "longer than ten years"),
        (f"{RULE}, effects: [{{strike: 1, for: 1d, to: users}}]", "'user'"),
        (f"{RULE}, retry_after: 15", "retry_after must be a text"),
        ("on: input, when: custom.a > 0, then: flag, retry_after: 15m", "write then: block, or remove it"),
    ],
)
def test_what_is_wrong_is_said(rule: str, words: str) -> None:
    """The message says what to write."""
    with pytest.raises(PolicyErrors, match=words):
        load(rule)


def test_digests_tell_of_them_and_stay_without_them() -> None:
    """Another strike is another policy; none is what it was."""
    plain, strike = load(RULE), load(f"{RULE}, effects: [{{strike: 1, for: 1d}}]")
    again = load(f"{RULE}, retry_after: 1m")
    assert len({each.policy.ref.digest for each in (plain, strike, again)}) == 3


def test_an_effect_is_written_as_policies_have_it() -> None:
    """In messages on what is weaker."""
    assert str(Effect("user", 2.0, 2_592_000)) == "{strike: 2, for: 30d, to: user}"
    assert str(Effect("key", 0.0, 86_400)) == "{ban: true, for: 1d, to: key}"
