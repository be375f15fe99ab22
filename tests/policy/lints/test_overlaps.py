"""Rules beside one another: only one that always comes to nothing is told, and by which other."""

from __future__ import annotations

import json
from collections.abc import Callable

import yaml

from guardrails.policy.lints import overlaps
from guardrails.policy.lints.scene.scene import LintContext
from tests.cases import each_case

WIDE = "{id: wide, on: [input, output], when: pii.email > 0.5, then: block}"
NARROW = "{id: narrow, on: input, when: pii.email > 0.8, then: block}"
BASIS = {
    "wide": {"on": ["input", "output"], "when": "pii.email > 0.5"},
    "narrow": {"on": "input", "when": "pii.email > 0.8"},
}


@each_case(
    ("wide", "narrow", "shadowed"),
    [
        ("", "", True),
        ("on: input", "on: [input, output]", False),
        ("scope: message", "", False),
        ("scope: message", "scope: message", True),
        ("on_error: allow", "", False),
        ("on_error: allow", "on_error: allow", True),
        ("mode: shadow", "", False),
        ("", "mode: shadow", False),
        ("", "severity: high", False),
        ("severity: high", "severity: high", True),
        ("stream: annotate", "", False),
        ("then: flag", "", False),
        ("", "then: flag, severity: critical", True),
        ("when: pii.email > 0.5 && content.length < 99", "", False),
        ("", "when: pii.email > 0.8 && content.length < 99", True),
        (
            "when: 'pii.email > 0.5 && request.user.x == 1'",
            "when: 'pii.email > 0.8 && request.user.x == 1'",
            True,
        ),
        ("when: pii > 0.5", "", True),
        ("when: detector.mail.pii > 0.5", "", True),
        ("when: custom > 0.5", "", False),
        ("then: redact, when: pii.email > 0", "then: redact", True),
        ("then: redact, redact: [pii.email]", "then: redact, redact: [pii.email, custom]", False),
        ("then: redact, redact: [pii.email, custom]", "then: redact, redact: [pii.email]", True),
    ],
)
def test_a_rule_is_shadowed_by_what_does_as_much_wherever_it_fires(
    scene_of: Callable[..., LintContext], wide: str, narrow: str, shadowed: bool
) -> None:
    """Stages, scope, failures, order, streams and conditions all count."""
    changes = {"wide": wide, "narrow": narrow}
    rules = [
        {
            "id": name,
            "then": "block",
            **BASIS[name],
            **yaml.safe_load(f"{{{changes[name]}}}".replace(" on:", " 'on':").replace("{on:", "{'on':")),
        }
        for name in BASIS
    ]
    found = [*overlaps.shadowed_rule(scene_of(f"rules: {json.dumps(rules)}\n"))]
    assert [each.subject for each in found] == ["narrow"] * shadowed


def test_an_exception_keeps_a_rule_from_shadowing(scene_of: Callable[..., LintContext]) -> None:
    """What an exception takes from the wide rule alone is left to the narrow one."""
    exception = "exceptions: [{{id: e, rules: [{}], matches: [a@b.example], reason: our own address}}]\n"
    text = f"rules:\n  - {WIDE}\n  - {NARROW}\n"
    assert [*overlaps.shadowed_rule(scene_of(text + exception.format("wide")))] == []
    assert len([*overlaps.shadowed_rule(scene_of(text + exception.format("wide, narrow")))]) == 1
    assert len([*overlaps.shadowed_rule(scene_of(text + exception.format("narrow")))]) == 1


def test_who_shadows_is_named_with_its_place(scene_of: Callable[..., LintContext]) -> None:
    """The author finds the other rule by its line, and is told apart which of the two mistakes it is."""
    weak = NARROW.replace("block", "flag").replace("narrow", "weak")
    scene = scene_of(f"rules:\n  - {WIDE}\n  - {NARROW}\n  - {weak}\n")
    narrow, flag = overlaps.shadowed_rule(scene)
    assert "policy.yaml:9) does the same first" in narrow.message
    assert "never decides" in flag.message
    assert "higher threshold" in flag.cure


def test_equal_rules_are_told_once(scene_of: Callable[..., LintContext]) -> None:
    """A duplicate is not told as shadowed too."""
    twin = NARROW.replace("narrow", "twin")
    scene = scene_of(f"rules:\n  - {NARROW}\n  - {twin}\n")
    assert [each.subject for each in overlaps.duplicate_rule(scene)] == ["twin"]
    assert [*overlaps.shadowed_rule(scene)] == []


def test_ids_are_compared_without_separators(scene_of: Callable[..., LintContext]) -> None:
    """`a.b` and `a-b` are one to a reader in a hurry."""
    scene = scene_of(f"rules:\n  - {NARROW.replace('narrow', 'a.b')}\n  - {WIDE.replace('wide', 'a-b')}\n")
    assert [each.subject for each in overlaps.similar_ids(scene)] == ["a-b"]


def test_a_stage_at_which_all_is_blocked_is_named(scene_of: Callable[..., LintContext]) -> None:
    """A redaction that only some stages still see is told with those that do not."""
    mask = "{id: mask, on: [input, output, retrieval], when: pii.email > 0.6, then: redact}"
    (found,) = overlaps.redact_under_block(scene_of(f"rules:\n  - {WIDE}\n  - {mask}\n"))
    assert "replaces nothing at stage input, output" in found.message
