"""Scores vectors by how near they are to examples, calibrated on these examples.

A vector is as near as the mean of the three examples nearest to it. What that is worth is learnt from the examples themselves:
`far` is what the nearest three of ordinary texts come to (and the counterexamples, which are said to be near and
still something else), `near` is the median of the examples, each measured against the others. Halfway between the two the
score is 0.5, at `near` 0.9, at `far` 0.1. Where the two meet, examples do not tell a topic from ordinary text; then what is
not nearer than any ordinary text stays below 0.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from guardrails.inference.safety.scores import Scores

NEAREST: Final = 3
"""Examples that count: one may be odd."""

ORDINARY: Final = 0.98
"""The share of ordinary texts that are far."""

LEAST_GAP: Final = 0.12
"""The least difference between near and far: with few examples alike it would be smaller by chance."""

USUAL_GAP: Final = 0.3
"""The difference where there are too few examples to measure it."""

FEWEST: Final = 4
"""Examples from which on they are measured against each other."""

STEEP: Final = 2 * math.log(9)
"""From 0.1 to 0.9, in logits."""


@dataclass(frozen=True, slots=True)
class NearnessScorer:
    """Examples as rows of length 1, and what it means to be `near` and `far`."""

    examples: Scores
    near: float
    far: float

    def scores(self, vectors: Scores) -> Scores:
        """Return a score in 0..1 for each row."""
        middle, gap = (self.near + self.far) / 2, self.near - self.far
        return np.asarray(
            1.0 / (1.0 + np.exp(-STEEP * (nearest_cosine(vectors, self.examples) - middle) / gap))
        )


def nearest_cosine(vectors: Scores, examples: Scores) -> Scores:
    """Return the mean cosine of each row to the examples that are nearest to it."""
    cosines = np.sort(vectors @ examples.T, axis=1)
    return np.asarray(cosines[:, -NEAREST:].mean(axis=1))


def fit_nearness(examples: Scores, others: Scores, ordinary: Scores) -> NearnessScorer:
    """Return the nearness to some examples: one row at least.

    Args:
        examples: of what is looked for.
        others: counterexamples, and examples of something else; any number of rows.
        ordinary: of anything.
    """
    far = float(np.quantile(nearest_cosine(ordinary, examples), ORDINARY))
    if len(others):
        far = max(far, float(np.quantile(nearest_cosine(others, examples), ORDINARY)))
    if len(examples) < FEWEST:
        return NearnessScorer(examples, far + USUAL_GAP, far)
    cosines = examples @ examples.T
    np.fill_diagonal(cosines, -1.0)
    near = float(np.median(np.sort(cosines, axis=1)[:, -NEAREST:].mean(axis=1)))
    return NearnessScorer(examples, max(near, far + LEAST_GAP), far)
