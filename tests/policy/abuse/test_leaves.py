"""What conditions may ask of who asks: names, types, and where what is asked is not there or not known."""

from __future__ import annotations

import pytest

from guardrails import Guard, PolicyErrors
from guardrails.policy.abuse.leaves import ABUSE_LEAVES, AbuseLeaf, describe_leaf
from guardrails.policy.condition import UNKNOWN, compile_condition
from guardrails.policy.names import ConditionNames
from tests.cases import each_case


@each_case(
    ("name", "leaf", "kind"),
    [
        ("abuse.user.strikes", AbuseLeaf("user", "strikes"), "double"),
        ("abuse.key.banned", AbuseLeaf("key", "banned"), "bool"),
        ("abuse.conversation.risk", AbuseLeaf("conversation", "risk"), "double"),
        ("abuse.address.tokens_last_month", AbuseLeaf("address", "tokens", 2_592_000), "double"),
    ],
)
def test_names_are_typed(name: str, leaf: AbuseLeaf, kind: str) -> None:
    """Whom it is about, what is asked, and over which time."""
    assert ABUSE_LEAVES[name] == leaf
    assert describe_leaf(leaf)[0] == kind


@each_case(
    ("condition", "value", "holds"),
    [
        ("abuse.user.strikes >= 3", 3.0, True),
        ("abuse.user.strikes >= 3", 2.5, False),
        ("abuse.user.strikes >= 3", None, False),
        ("abuse.user.strikes >= 3", UNKNOWN, None),
        ("!abuse.user.banned", True, False),
        ("!abuse.user.banned", None, True),
        ("!abuse.user.banned", UNKNOWN, None),
        ("has(abuse.user.strikes)", None, False),
        ("has(abuse.user.strikes)", 0.0, True),
        ("has(abuse.user.strikes)", UNKNOWN, None),
        ("abuse.user.requests_last_minute > 1000", 1001.0, True),
        ("true || abuse.user.banned", UNKNOWN, True),
    ],
)
def test_what_is_not_there_is_not_what_is_not_known(
    condition: str, value: object, holds: bool | None
) -> None:
    """Of nobody nothing is known, which is false; a store that is lost leaves the condition open."""
    compiled = compile_condition(condition, ConditionNames())
    assert compiled.evaluate(compiled.bind_context(lambda _: value)) is holds


@each_case(
    ("condition", "words"),
    [
        ("abuse.user.strike >= 1", "did you mean 'abuse.user.strikes'"),
        ("abuse.user.blocked_last_week > 1", "'abuse.user.blocked_last_day'"),
        ("user.strikes > 3", "write abuse.user.strikes"),
        ("abuse.user.banned > 1", "cannot take true or false"),
    ],
)
def test_a_slip_is_an_error_with_a_cure(condition: str, words: str) -> None:
    """A name that there is not, or a comparison of what cannot be compared."""
    with pytest.raises(PolicyErrors, match=words):
        Guard.load(f"format: 1\nname: t\nrules: [{{id: r, on: input, when: '{condition}', then: block}}]\n")
