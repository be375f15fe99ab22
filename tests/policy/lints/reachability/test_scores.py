"""Scores: what the shipped model has been seen to give is on file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from guardrails.detectors.classifier.shipped_classifier import HEADS, head_category
from guardrails.policy.lints.reachability import scores
from guardrails.policy.lints.scene.scene import LintContext
from tests.larger_model import install_larger_model


def test_the_highest_scores_are_on_file_for_every_category() -> None:
    """The table names each category of the shipped model, with scores in 0..1 of thousands of texts."""
    texts, highest = scores.read_observed_scores()
    assert texts > 5_000
    assert set(highest) == {head_category(head) for head in HEADS}
    assert all(0.5 < score <= 1 for score in highest.values())


def test_the_message_says_how_much_was_tried(scene_of: Callable[..., LintContext]) -> None:
    """An author sees the number behind the advice."""
    scene = scene_of(
        "detectors: {s: {use: classifier}}\nrules: [{id: a, on: input, when: hate > 0.9999, then: flag}]\n"
    )
    (found,) = scores.threshold_unreachable(scene)
    assert f"{scores.read_observed_scores()[0]:,} harmful texts" in found.message


def test_nothing_is_on_file_of_a_larger_model(
    scene_of: Callable[..., LintContext], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may give scores that the shipped one was never seen to give."""
    install_larger_model(tmp_path, monkeypatch, 1.0)
    scene = scene_of(
        "detectors: {s: {use: classifier, escalate_to: text-safety-large}}\n"
        "rules: [{id: a, on: input, when: hate > 0.9999, then: flag}]\n"
    )
    assert [*scores.threshold_unreachable(scene)] == []
