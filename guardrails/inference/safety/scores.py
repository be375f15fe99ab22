"""Calibrates the logits of a model's two tiers to probabilities, and tells which of them the fast tier may settle.

For each head, with `h` the logit of the hashed model and `e` that of the encoder:

* the fast tier's score is `sigmoid(a * h + b)`, with `hashed: [a, b]`;
* the score of both is `sigmoid(w_e * e + w_h * h + bias)`, with `both: [w_e, w_h, bias]`;
* a head that is a leaf of another (`sexual.minors` of `sexual`) has at most the other's score: what is not the one is not
  the other, and leaves have little to learn from;
* the fast tier **settles** a head where its score is below `clear` or above `sure`, and every head that has a limit `calm`
  where the scores of all these are below theirs: what one head overlooks another hears. A text that it settles for
  every head that is asked for needs no encoder, and has the fast tier's scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from guardrails.inference.safety.folder import ModelError

Scores = NDArray[np.float32]
"""One row a text, one column a head."""


NO_LIMITS: Scores = np.zeros(0, dtype=np.float32)


class HeadCalibration:
    """The calibration of all heads; raises `ModelError` where a manifest has none that is sound."""

    def __init__(self, heads: Sequence[str], rows: Mapping[str, Mapping[str, Any]]) -> None:
        self._hashed = read_columns(heads, rows, "hashed", 2)
        self._both = read_columns(heads, rows, "both", 3)
        self._clear = read_columns(heads, rows, "clear", 1)[0]
        self._sure = read_columns(heads, rows, "sure", 1)[0]
        self._together = [at for at, head in enumerate(heads) if "calm" in rows[head]]
        together = [heads[at] for at in self._together]
        self._calm = read_columns(together, rows, "calm", 1)[0] if together else NO_LIMITS
        self._leaves = leaf_columns(heads)

    def fast(self, hashed: Scores) -> Scores:
        """Return the scores of the fast tier alone."""
        a, b = self._hashed
        return bound_leaves(sigmoid(a * hashed + b), self._leaves)

    def both(self, encoder: Scores, hashed: Scores) -> Scores:
        """Return the scores of both tiers together."""
        of_encoder, of_hashed, bias = self._both
        return bound_leaves(sigmoid(of_encoder * encoder + of_hashed * hashed + bias), self._leaves)

    def is_settled(self, fast: Scores) -> NDArray[np.bool_]:
        """Tell which scores of the fast tier need no encoder."""
        settled = np.asarray((fast < self._clear) | (fast > self._sure), dtype=np.bool_)
        return self._add_calm(settled, fast, 1.0)

    def is_clear(self, fast: Scores, part: float) -> NDArray[np.bool_]:
        """Tell which scores of the fast tier are below some part of what is clear."""
        return self._add_calm(np.asarray(fast < part * self._clear, dtype=np.bool_), fast, part)

    def _add_calm(self, clear: NDArray[np.bool_], fast: Scores, part: float) -> NDArray[np.bool_]:
        """Return what is clear, with all heads of texts in which no head is above a part of its limit."""
        if self._together:
            calm = np.all(fast[:, self._together] < part * self._calm, axis=1, keepdims=True)
            clear[:, self._together] |= calm
        return clear


def leaf_columns(heads: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Return the columns of heads that are leaves of others, each with the other's."""
    return tuple(
        (at, heads.index(parent))
        for at, head in enumerate(heads)
        for parent in [head.rpartition(".")[0]]
        if parent in heads
    )


def bound_leaves(scores: Scores, of: Sequence[tuple[int, int]]) -> Scores:
    """Return scores in which no leaf is more than its parent; changes them in place."""
    for leaf, parent in of:
        np.minimum(scores[:, leaf], scores[:, parent], out=scores[:, leaf])
    return scores


def read_columns(heads: Sequence[str], rows: Mapping[str, Mapping[str, Any]], name: str, size: int) -> Scores:
    """Return the numbers called `name` of all heads, one column a head."""
    try:
        found = np.array([np.ravel(rows[head][name]) for head in heads], dtype=np.float32)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"manifest.json: not every head has {name!r} in 'scores'") from error
    if found.shape != (len(heads), size) or not np.isfinite(found).all():
        raise ModelError(f"manifest.json: {name!r} in 'scores' is not {size} finite number(s) for every head")
    return found.T


def sigmoid(logits: Scores) -> Scores:
    """Return the probabilities of logits; raises `ArithmeticError` where one is no number."""
    if not np.isfinite(logits).all():  # NaN is below every threshold, and would pass
        raise ArithmeticError("the model gave a score that is no number")
    # Below -80 the exponential is more than a float32 holds; above 80 the score is 1 as it is.
    return np.asarray(1.0 / (1.0 + np.exp(-np.maximum(logits, np.float32(-80.0)))), dtype=np.float32)
