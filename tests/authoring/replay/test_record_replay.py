"""A policy on a record: whatever is said to be known is what a guard with that policy decides of the content."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardrails.authoring.replay.record_replay import REASONS, PolicyReplay, ReplayedDecision
from tests.authoring.replay.replay_kit import (
    BOTH,
    ENCODED,
    WORDS,
    check_recorded,
    describe,
    load_guard,
    make_policy,
)

RULES: list[dict[str, Any]] = [
    {"id": "mixed", "on": "input", "when": "custom.mixed > {n}", "then": "block"},
    {"id": "by_detector", "on": BOTH, "when": "detector.low.custom.mixed > {n}", "then": "flag"},
    {"id": "answers", "on": "output", "when": "custom.mixed > {n}", "then": "block"},
    {"id": "code", "on": BOTH, "when": "custom.code > {n}", "then": "redact"},
    {"id": "pii", "on": BOTH, "when": "pii > {n}", "then": "redact", "redact": ["pii.email"]},
    {"id": "many", "on": BOTH, "when": 'count("custom.code") >= 2', "then": "block"},
    {
        "id": "message",
        "on": BOTH,
        "scope": "message",
        "when": "custom.mixed > {n} && custom.code > 0",
        "then": "block",
    },
    {
        "id": "all",
        "on": BOTH,
        "scope": "conversation",
        "when": "custom.mixed > {n} && pii > 0",
        "then": "block",
    },
    {"id": "absent", "on": BOTH, "when": "custom.mixed < {n}", "then": "flag"},
    {
        "id": "neither",
        "on": BOTH,
        "scope": "message",
        "when": "custom.mixed < {n} && custom.code > 0",
        "then": "flag",
    },
    {"id": "tenant", "on": BOTH, "when": 'request.tenant == "acme" && custom.code > {n}', "then": "block"},
    {"id": "role", "on": BOTH, "when": 'message.role == "assistant" && custom.mixed > {n}', "then": "block"},
    {"id": "length", "on": BOTH, "when": "custom.mixed > {n} && content.length < 40", "then": "block"},
    {"id": "user", "on": BOTH, "when": 'request.user.tier == "x" && custom.mixed > {n}', "then": "block"},
    {"id": "shadow", "on": BOTH, "mode": "shadow", "when": "custom.code > {n}", "then": "block"},
]
EXCEPTIONS: list[dict[str, Any]] = [
    {"id": "by.tenant", "tenants": ["acme"], "rules": ["code"], "reason": "r"},
    {"id": "by.text", "matches": ["AB-9999"], "categories": ["custom.code"], "reason": "r"},
    {"id": "by.stage", "on": "output", "rules": ["pii"], "reason": "r"},
    {"id": "expired", "categories": ["custom"], "expires": "2020-01-01", "reason": "r"},
]

texts = st.lists(st.sampled_from([*WORDS, *ENCODED]), min_size=1, max_size=4).map(" ".join)
parts = st.lists(texts, min_size=1, max_size=3).map(
    lambda each: [{"type": "text", "text": text} for text in each]
)
message = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "user", "system"]), "content": texts | parts}
)
contents = (
    texts
    | st.lists(message, min_size=1, max_size=4)
    | st.dictionaries(st.sampled_from("ab"), texts, min_size=1)
)


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    """Return a policy of some rules of the table, with numbers and actions of its own."""
    chosen = draw(st.lists(st.sampled_from(RULES), min_size=1, max_size=4, unique_by=lambda rule: rule["id"]))
    rules = []
    for rule in chosen:
        number, then = (
            draw(st.sampled_from((0, 0.5, 0.8))),
            draw(st.sampled_from((rule["then"], rule["then"], "flag"))),
        )
        made = {**rule, "when": rule["when"].replace("{n}", str(number)), "then": then}
        rules.append({name: value for name, value in made.items() if name != "redact" or then == "redact"})
    ids = {rule["id"] for rule in rules}
    exceptions = [
        each
        for each in draw(st.lists(st.sampled_from(EXCEPTIONS), max_size=2, unique_by=lambda each: each["id"]))
        if ids.issuperset(each.get("rules", ()))
    ]
    history = draw(st.sampled_from(("remove", "block")))
    return make_policy(rules, exceptions=exceptions, history=history)


def assert_agrees(said: ReplayedDecision, verdict: Any) -> None:
    """What is known is what was decided; nothing is known that was not."""
    action, rules = describe(verdict)
    told = {name: str(each) for name, each in said.rules}
    assert told.items() <= rules.items()
    assert rules.keys() <= told.keys() | {*said.undecided}
    if said.action is None:
        assert said.why in REASONS
    else:
        assert (str(said.action), said.unavailable) == (action, verdict.unavailable is not None)
        assert not said.why
    shadow = {rule.id for rule in verdict.shadow}
    assert shadow.issuperset(said.shadow)


cases = st.lists(
    st.tuples(contents, st.sampled_from(BOTH), st.sampled_from((None, "acme")), st.booleans()),
    min_size=1,
    max_size=8,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(policies(), policies(), cases)
def test_what_is_known_is_what_the_policy_decides(
    old: dict[str, Any], new: dict[str, Any], cases: list[tuple[Any, Any, str | None, bool]]
) -> None:
    """Whatever the rules, numbers, actions, exceptions, and contents; also where the first check ended early."""
    before, after, both = load_guard(old), load_guard(new), load_guard(new, old)
    alone, under = PolicyReplay(after.policy), PolicyReplay(after.policy, before.policy)
    for content, stage, tenant, complete in cases:
        _, record = check_recorded(before, content, stage, tenant=tenant, complete=complete)
        assert_agrees(alone.replay(record), after.check(content, stage, tenant=tenant))
        assert_agrees(under.replay(record), both.check(content, stage, tenant=tenant))


PLAIN = [
    rule for rule in RULES if rule["id"] not in ("role", "length", "user", "many", "absent", "neither", "all")
]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from(PLAIN), min_size=1, unique_by=lambda rule: rule["id"]),
    st.sampled_from((0, 0.5, 0.8)),
    st.sampled_from((0, 0.5, 0.8)),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join),
    st.sampled_from(BOTH),
)
def test_a_text_under_the_same_rules_with_other_numbers_is_known(
    rules: list[dict[str, Any]], before: float, after: float, text: str, stage: str
) -> None:
    """Always: that is what replays are for."""
    old, new = (
        make_policy([{**rule, "when": rule["when"].replace("{n}", str(number))} for rule in rules])
        for number in (before, after)
    )
    _, record = check_recorded(load_guard(old), text, stage)
    said = PolicyReplay(load_guard(new).policy).replay(record)
    assert said.action is not None, said
    assert not said.undecided
    would = load_guard(new).check(text, stage)
    assert_agrees(said, would)
    assert {*said.shadow} == {rule.id for rule in would.shadow}
