"""Scores: what each detector may find is known, and what the shipped model has been seen to give is on file."""

from __future__ import annotations

from collections.abc import Callable

from guardrails.detectors.classifier.shipped_classifier import HEADS, head_category
from guardrails.policy.lints.issue import LintContext
from guardrails.policy.lints.reachability import scores
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
    assert {(each.category, each.scores) for each in scores.list_possible_findings(scene)} == {
        ("custom.t", (0.4,)), ("custom.p", (0.5, 0.9)), ("custom.c", (0.5,)), ("pii.email", ()),
    }  # fmt: skip


def test_what_looks_at_pictures_finds_nothing_in_texts(scene_of: Callable[..., LintContext]) -> None:
    """Kinds of content go with what a detector looks at; where letters are read, texts are in pictures too."""
    text = "detectors:\n  g: {use: green_square, category: custom.g}\n  t: {use: terms, terms: [zqx]}\n"
    rules = "rules: [{id: a, on: input, when: custom > 0, then: flag}]\n"
    kinds = {each.detector: each.kinds for each in scores.list_possible_findings(scene_of(text + rules))}
    assert kinds == {"g": frozenset({"image", "video"}), "t": frozenset({"text"})}


def test_attacks_are_found_at_all_stages_but_one(scene_of: Callable[..., LintContext]) -> None:
    """A reply is no attack on the model that wrote it; harm is found there too."""
    scene = scene_of(
        "detectors: {s: {use: classifier}}\nrules: [{id: a, on: input, when: unsafe > 0.9, then: flag}]\n"
    )
    stages = {each.category: each.stages for each in scores.list_possible_findings(scene)}
    assert stages["injection"] == frozenset(Stage) - {Stage.OUTPUT}
    assert stages["hate"] == frozenset(Stage)


def test_the_highest_scores_are_on_file_for_every_category() -> None:
    """The table names each category of the shipped model, with scores in 0..1 of thousands of texts."""
    texts, highest = scores.read_observed_scores()
    assert texts > 5_000
    assert set(highest) == {head_category(head) for head in HEADS}
    assert all(0.5 < score <= 1 for score in highest.values())


def test_the_message_says_how_much_was_tried(scene_of: Callable[..., LintContext]) -> None:
    """An author sees the number behind the advice."""
    scene = scene_of(
        "detectors: {s: {use: classifier}}\nrules: [{id: a, on: input, when: injection > 0.9999, then: flag}]\n"
    )
    (found,) = scores.threshold_unreachable(scene)
    assert f"{scores.read_observed_scores()[0]:,} harmful texts" in found.message
