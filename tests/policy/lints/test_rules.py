"""Rules for themselves: why one never fires is said, and what is meant is left alone."""

from __future__ import annotations

from collections.abc import Callable

from guardrails.policy.lints import rules
from guardrails.policy.lints.scene.scene import LintContext
from tests.cases import each_case


@each_case(
    ("condition", "reason"),
    [
        ("custom.soft >= 0.9", "custom.soft is 0.8 at most, the score of detector 'soft'"),
        ("custom.w > 1", "custom.w is 1.0 at most, the score of detector 'words'"),
        ("pii.email > 1", "no score is above 1, and pii.email is one; 1 is certainty, 0.8 a usual threshold"),
        ("pii.email > 0.5 && pii.email < 0.4", "no score and no request makes its condition hold"),
    ],
)
def test_why_a_rule_never_fires_is_said(
    rules_of: Callable[..., LintContext], condition: str, reason: str
) -> None:
    """The score that a list has, or else that nothing can do."""
    (found,) = rules.never_fires(rules_of(condition))
    assert found.message == f"rule 'r0' can never fire: {reason}"


def test_a_reply_is_no_attack(scene_of: Callable[..., LintContext]) -> None:
    """The shipped model finds jailbreaks in no reply, and the reason names it."""
    scene = scene_of(
        "detectors: {safety: {use: classifier}}\nrules: [{id: a, on: output, when: jailbreak > 0.8, then: block}]\n"
    )
    (found,) = rules.never_fires(scene)
    assert found.message.endswith("detector 'safety' does not find jailbreak at stage output")


def test_the_part_that_changes_nothing_is_pointed_to(rules_of: Callable[..., LintContext]) -> None:
    """The column is that of the part, inside the condition."""
    scene = rules_of("custom.soft > 0 || custom.w > 0 || (custom.w > 0 && pii.email > 0)")
    (found,) = rules.dead_operand(scene)
    (row,) = scene.rows
    assert found.mark == row.item.inside(("when",), 36)


def test_scores_that_are_compared_are_not_judged_part_by_part(rules_of: Callable[..., LintContext]) -> None:
    """What is no comparison with a number is taken as it may be: nothing is told of it."""
    scene = rules_of("custom.w > custom.soft", "(custom.w + custom.soft) > 1.5 || pii.email > 0.5")
    for check in (rules.never_fires, rules.always_fires, rules.dead_operand, rules.fires_on_nothing):
        assert [*check(scene)] == []


def test_a_gap_that_another_rule_fills_is_none(scene_of: Callable[..., LintContext]) -> None:
    """What a rule lets pass above its bound may be another's; only if that does as much, at the same stages."""
    text = "rules:\n  - {id: low, on: input, when: pii.email > 0.4 && pii.email < 0.8, then: block}\n"
    high = "  - {{id: high, on: {}, when: pii.email >= 0.8, then: {}}}\n"
    assert [each.subject for each in rules.worse_passes(scene_of(text))] == ["low"]
    assert [*rules.worse_passes(scene_of(text + high.format("input", "block")))] == []
    assert len([*rules.worse_passes(scene_of(text + high.format("output", "block")))]) == 1
    assert len([*rules.worse_passes(scene_of(text + high.format("input", "flag")))]) == 1
