"""What each detector may find: its categories with their scores, kinds of content and stages."""

from __future__ import annotations

from collections.abc import Callable

from guardrails.policy.lints.scene.scene import LintContext
from guardrails.types import Stage


def test_lists_and_patterns_have_the_scores_that_they_say(scene_of: Callable[..., LintContext]) -> None:
    """Terms have one score, patterns one for each row; what is measured may have any."""
    scene = scene_of(
        "detectors:\n"
        "  t: {use: terms, terms: [zqx], score: 0.4}\n"
        "  p:\n    use: patterns\n    score: 0.5\n    patterns: [zqa, {pattern: zqb, score: 0.9}, {pattern: zqc, category: custom.c}]\n"
        "  m: {use: pii, entities: [email]}\n"
        "rules: [{id: a, on: input, when: custom > 0 || pii > 0, then: flag}]\n"
    )
    assert {(each.category, each.scores) for each in scene.given} == {
        ("custom.t", (0.4,)), ("custom.p", (0.5, 0.9)), ("custom.c", (0.5,)), ("pii.email", ()),
    }  # fmt: skip


def test_what_looks_at_pictures_finds_nothing_in_texts(scene_of: Callable[..., LintContext]) -> None:
    """Kinds of content go with what a detector looks at; where letters are read, texts are in pictures too."""
    text = "detectors:\n  g: {use: green_square, category: custom.g}\n  t: {use: terms, terms: [zqx]}\n"
    rules = "rules: [{id: a, on: input, when: custom > 0, then: flag}]\n"
    kinds = {each.detector: each.kinds for each in scene_of(text + rules).given}
    assert kinds == {"g": frozenset({"image", "video"}), "t": frozenset({"text"})}


def test_attacks_are_found_at_all_stages_but_one(scene_of: Callable[..., LintContext]) -> None:
    """A reply is no attack on the model that wrote it; harm is found there too."""
    scene = scene_of(
        "detectors: {s: {use: classifier}}\nrules: [{id: a, on: input, when: unsafe > 0.9, then: flag}]\n"
    )
    stages = {each.category: each.stages for each in scene.given}
    assert stages["injection"] == frozenset(Stage) - {Stage.OUTPUT}
    assert stages["hate"] == frozenset(Stage)
