"""Why rules fired, and why others did not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from guardrails import Detection, Guard
from guardrails.authoring.explain.explained_rules import SHOWN, RuleNote
from guardrails.authoring.explain.explanation import explain
from guardrails.detectors.kinds import Kind
from tests.cases import each_case

DETECTORS = """
detectors:
  words: {use: terms, terms: [blast, boom], category: custom.x}
  rage: {use: terms, terms: [rage], category: hate, score: 0.61}
  mail: {use: pii, entities: [email]}
"""


def note(guard: Guard, content: object, stage: str = "input", **context: Any) -> RuleNote:
    """Return the note on the rule called r."""
    return next(
        each for each in explain(guard, content, stage, passes=0, **context).rules if each.rule.id == "r"
    )


@each_case(
    ("rule", "content", "state", "tried"),
    [
        ("when: custom.x > 0, then: block", "blast", "fired", True),
        ("when: custom.x > 0, then: block", "fine", "not_fired", False),
        ("when: hate >= 0.85, then: block", "rage", "not_fired", True),
        ("when: hate < 0.1, then: flag", "fine", "fired", True),
        ("when: hate < 0.1, then: flag", "rage", "not_fired", True),
        ("when: 'custom.x > 0 && request.user.tier == \"a\"', then: block", "blast", "not_fired", True),
        ("when: 'custom.x > 0 && request.user.tier != \"a\"', then: block", "blast", "fired", True),
        ("when: 'custom.x > 0 && request.user.tier == \"a\"', then: block", "fine", "not_fired", False),
        ("when: custom.x > 0, then: block, on_error: allow, mode: shadow", "blast", "fired", True),
        ("when: 'count(\"pii.email\") >= 2', then: block", "a@example.com", "not_fired", True),
        ("when: content.length > 2, then: redact, redact: [pii.email]", "fine", "nothing_to_redact", True),
        ("when: content.length > 2, then: redact, redact: [pii.email]", "a@example.com", "fired", True),
    ],
)
def test_each_rule_has_a_state(
    guard_of: Callable[..., Guard], rule: str, content: str, state: str, tried: bool
) -> None:
    """That of the check, and whether the engine evaluated it or the index knew that it cannot hold."""
    said = note(guard_of(f"{DETECTORS}rules:\n  - {{id: r, on: input, {rule}}}"), content)
    assert (said.state, said.tries[0].tried) == (state, tried)


def test_a_rule_of_other_stages_was_not_tried(guard_of: Callable[..., Guard]) -> None:
    """There is nothing to say of its condition."""
    said = note(
        guard_of(f"{DETECTORS}rules:\n  - {{id: r, on: output, when: custom.x > 0, then: block}}"), "blast"
    )
    assert (said.state, said.tries, said.verdict) == ("not_at_stage", (), None)


@each_case(
    ("condition", "context", "name", "why"),
    [
        ('request.user.tier == "a"', {}, "request.user.tier", "nobody said who asks (user)"),
        ('request.tenant == "a"', {}, "request.tenant", "nobody said for whom (tenant)"),
        ('request.client.app == "a"', {}, "request.client.app", "the client said nothing of it (client)"),
        ('request.model == "a"', {}, "request.model", "nobody said which model is asked (model)"),
        (
            'request.metadata.plan == "a"',
            {"metadata": {"other": 1}},
            "request.metadata.plan",
            "the caller gave no such value (metadata)",
        ),
    ],
)
def test_what_is_absent_has_a_reason(
    guard_of: Callable[..., Guard], condition: str, context: dict[str, Any], name: str, why: str
) -> None:
    """Which argument would have told it."""
    rule = f"  - {{id: r, on: input, when: 'custom.x > 0 && {condition}', then: flag}}"
    said = note(guard_of(f"{DETECTORS}rules:\n{rule}"), "blast", **context)
    assert (said.state, said.tries[0].unknown) == ("not_fired", {})
    assert said.tries[0].absent == said.tries[0].to_dict()["absent"] == {name: why}


def test_a_detector_that_failed_is_a_reason(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]
) -> None:
    """Its categories are unknown, not 0; another that found enough already decides."""

    def judge(_: Any) -> Detection:
        raise ValueError

    text = f"{DETECTORS}  own: {{use: own}}\nrules:\n  - {{id: r, on: input, when: hate > 0.5, then: block}}"
    guard = guard_of(text, detectors={"own": kind_of(judge, "hate")})
    unsure, sure = note(guard, "fine"), note(guard, "rage")
    assert (unsure.state, unsure.tries[0].unknown) == ("undecided", {"hate": "a detector failed: own"})
    assert (sure.state, sure.tries[0].tree.truth) == ("fired", True)


def test_exceptions_say_what_they_remove(guard_of: Callable[..., Guard]) -> None:
    """Also those that expired, of what they would have removed; not of what the rule has nothing to do with."""
    guard = guard_of(f"""{DETECTORS}rules:
  - {{id: r, on: input, when: pii.email > 0, then: block}}
  - {{id: s, on: input, when: custom.x > 0, then: flag}}
exceptions:
  - {{id: own, matches: [me@example.com], reason: ours}}
  - {{id: old, matches: [you@example.com], reason: it was, expires: "2020-01-01"}}
""")
    said = explain(guard, "me@example.com you@example.com blast")
    by_id = {each.rule.id: each for each in said.rules}
    number = {each.quote: each.number for each in said.findings}
    assert [each.to_dict() for each in by_id["r"].tries[0].excepted] == [
        {"finding": number["me@example.com"], "exception": "own", "expires": None, "expired": False},
        {"finding": number["you@example.com"], "exception": "old", "expires": "2020-01-01", "expired": True},
    ]
    assert by_id["s"].tries[0].excepted == ()
    alone = note(guard, "me@example.com")
    assert (alone.state, alone.tries[0].evidence) == ("not_fired", True)


FIRST, SECOND, JOINED = "/0/content/0/text", "/0/content/1/text", "/0/content"


@each_case(
    ("scope", "paths"),
    [
        ("part", [(FIRST,), (SECOND,), ("/1/content",)]),
        ("message", [(FIRST, SECOND, JOINED), ("/1/content",)]),
        ("conversation", [(FIRST, SECOND, JOINED, "/1/content", "")]),
    ],
)
def test_tries_are_of_what_the_rule_looks_at_together(
    guard_of: Callable[..., Guard], scope: str, paths: list[tuple[str, ...]]
) -> None:
    """Parts, messages or the conversation, with what is read together of them; those that fired first."""
    rule = f"  - {{id: r, on: input, when: custom.x > 0, then: flag, scope: {scope}}}"
    parts = [{"type": "text", "text": "blast"}, {"type": "text", "text": " fine"}]
    messages = [{"role": "user", "content": parts}, {"role": "user", "content": "fine"}]
    said = note(guard_of(f"{DETECTORS}rules:\n{rule}"), messages)
    assert [each.paths for each in said.tries] == paths
    assert [each.state for each in said.tries] == ["fired", "not_fired", "not_fired"][: len(paths)]


def test_tries_are_bounded_and_counted(guard_of: Callable[..., Guard]) -> None:
    """Of a long conversation those that people ask for first."""
    guard = guard_of(f"{DETECTORS}rules:\n  - {{id: r, on: input, when: hate >= 0.85, then: flag}}")
    messages = [{"role": "user", "content": "fine"} for _ in range(300)]
    messages[250] = {"role": "user", "content": "rage"}
    said = note(guard, messages)
    assert (len(said.tries), said.left_out) == (SHOWN, 300 - SHOWN)
    assert said.tries[0].paths == ("/250/content",)
    assert said.tries[0].missing is not None
    assert said.tries[0].missing.distance == pytest.approx(0.24)


def test_a_note_is_plain_json(guard_of: Callable[..., Guard]) -> None:
    """With all that the policy says of the rule."""
    guard = guard_of(
        f"{DETECTORS}rules:\n  - {{id: r, on: [output, input], when: hate >= 0.85, then: block, severity: high}}"
    )
    said = note(guard, "rage").to_dict()
    tries = said.pop("tries")
    assert said == {
        "id": "r",
        "floor": False,
        "state": "not_fired",
        "action": None,
        "then": "block",
        "mode": "enforce",
        "severity": "high",
        "on": ["input", "output"],
        "scope": "part",
        "on_error": "block",
        "when": "hate >= 0.85",
        "message": None,
        "left_out": 0,
    }
    [one] = tries  # type: ignore[misc] # it is a list
    assert one["missing"]["changes"][0]["name"] == "hate"
    assert one["condition"]["short"] == pytest.approx(0.24)
