"""What is near to examples scores high, what is as far as ordinary texts low, and the examples say what that means."""

from __future__ import annotations

import numpy as np
import pytest

from guardrails.detectors.semantic.similarity_scores import LEAST_GAP, USUAL_GAP, fit_nearness, nearest_cosine
from tests.cases import each_case

RNG = np.random.default_rng(5)


def around(center: int, count: int, spread: float = 0.25, width: int = 32) -> np.ndarray:
    """Return vectors of length 1 about an axis."""
    rows = RNG.normal(0, spread / np.sqrt(width), (count, width))
    rows[:, center] += 1
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def anywhere(count: int, width: int = 32) -> np.ndarray:
    """Return vectors of length 1 in all directions."""
    rows = RNG.normal(0, 1, (count, width))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


NONE = np.zeros((0, 32), dtype=np.float32)


def test_what_is_like_the_examples_scores_high_and_the_rest_low() -> None:
    """New texts about the topic are above a half, nearly all others below."""
    near = fit_nearness(around(0, 8), NONE, anywhere(300))
    assert (near.scores(around(0, 50)) > 0.5).all()
    assert (near.scores(anywhere(300)) > 0.5).mean() <= 0.02


def test_counterexamples_move_the_border() -> None:
    """What is said to be something else, however near, scores lower than it did."""
    axis = np.eye(32, dtype=np.float32)
    other = around(0, 20) + 0.6 * axis[1]
    other /= np.linalg.norm(other, axis=1, keepdims=True)
    examples = around(0, 8)
    without, with_ = fit_nearness(examples, NONE, anywhere(300)), fit_nearness(examples, other, anywhere(300))
    assert (with_.scores(other) < without.scores(other)).all()
    assert with_.far > without.far


@each_case(("count", "gap"), [(1, USUAL_GAP), (3, USUAL_GAP)])
def test_few_examples_are_not_measured(count: int, gap: float) -> None:
    """With so few the usual difference is taken."""
    near = fit_nearness(around(0, count), NONE, anywhere(300))
    assert near.near - near.far == pytest.approx(gap)


def test_examples_that_tell_nothing_keep_a_gap() -> None:
    """Where the examples are no nearer to each other than ordinary texts are, those stay below a half all the same."""
    near = fit_nearness(anywhere(8), NONE, anywhere(500))
    assert near.near - near.far >= LEAST_GAP
    assert (near.scores(anywhere(500)) > 0.5).mean() <= 0.02


def test_scores_rise_with_nearness() -> None:
    """The order of scores is that of the mean cosine to the nearest examples, all within 0..1."""
    examples = around(0, 8)
    near, texts = fit_nearness(examples, NONE, anywhere(300)), np.concatenate([anywhere(50), around(0, 50)])
    scores = near.scores(texts)
    assert ((scores >= 0) & (scores <= 1)).all()
    assert (np.argsort(scores) == np.argsort(nearest_cosine(texts, examples))).all()
