"""The policy as a whole: overrides are compared with what they change, detectors with what rules read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from guardrails.policy.lints import document
from guardrails.policy.lints.scene.scene import LintContext

PARENT = """\
format: 1
name: parent
detectors:
  words: {use: terms, terms: [zqx], category: custom.w}
rules:
  - {id: a, on: input, when: custom.w > 0, then: block, tags: [t.x]}
"""
CHILD = "extends: [parent.yaml]\ndetectors: {own: {use: terms, terms: [zqy], category: custom.w}}\n"


def test_an_override_is_compared_with_what_was(scene_of: Callable[..., LintContext], tmp_path: Path) -> None:
    """Rules and detectors alike; the fix takes the field, or the whole override where nothing else is in it."""
    (tmp_path / "parent.yaml").write_text(PARENT)
    scene = scene_of(
        f"{CHILD}override:\n  rules:\n    - {{id: a, then: block, severity: high}}\n"
        "  detectors:\n    words: {terms: [zqx]}\n"
    )
    rule, detector = document.override_without_effect(scene)
    assert rule.fix is not None
    assert detector.fix is not None
    assert (rule.fix.path, rule.fix.key) == (("override", "rules", 0), "then")
    assert (detector.fix.path, detector.fix.key) == (("override", "detectors"), "words")


def test_what_two_files_change_is_left_alone(scene_of: Callable[..., LintContext], tmp_path: Path) -> None:
    """Where a parent overrides a rule as well, its first form says nothing."""
    (tmp_path / "first.yaml").write_text(PARENT)
    (tmp_path / "parent.yaml").write_text(
        "format: 1\nname: middle\nextends: [first.yaml]\noverride: {rules: [{id: a, then: flag}]}\n"
    )
    scene = scene_of(f"{CHILD}override: {{rules: [{{id: a, then: block}}]}}\n")
    assert [*document.override_without_effect(scene)] == []


def test_what_helps_others_is_used(scene_of: Callable[..., LintContext]) -> None:
    """A detector counts as used if a rule reads a category above what it finds, or what it redacts."""
    scene = scene_of("rules: [{id: a, on: input, when: custom > 0, then: flag}]\n")
    assert [each.subject for each in document.unused_detector(scene)] == ["mail"]


def test_a_policy_without_any_rule_is_told(scene_of: Callable[..., LintContext]) -> None:
    """With detectors alone nothing is ever done."""
    (found,) = document.no_rules(scene_of("description: none\n"))
    assert "has no rules" in found.message


def test_films_are_told_at_each_number_that_does_not_fit(scene_of: Callable[..., LintContext]) -> None:
    """Only where it is written."""
    rules = "rules: [{id: a, on: input, when: custom > 0, then: flag}]\n"
    scene = scene_of(f"films: {{enter: 0.5, leave: 0.6, hard: 0.4}}\n{rules}")
    assert [each.message.split(" ")[0] for each in document.films_misfit(scene)] == ["leave", "hard"]
    assert [*document.films_misfit(scene_of(rules))] == []
