"""Judges by a larger model what a smaller one is not sure of: a cascade of two, by the score of each head.

A score of the smaller model that lies in the grey zone is judged again; all others stay, whatever the larger model would say. So
a score depends on nothing but its own window and head. The manifest of the larger model tells, for each head:

* the zone, both ends included: `grey: [low, high]`, in the head's row of `scores`, or at the top for all heads that have none;
* what the score is then: the larger model's own, or with `blend: [larger, smaller, bias]` in the row

      sigmoid(larger * logit(score of the larger) + smaller * logit(score of the smaller) + bias)

The larger one reads the smaller one's rows: it has the same tokens, view, fast tier and heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from guardrails.inference.safety.folder import ModelError
from guardrails.inference.safety.model import SafetyModel
from guardrails.inference.safety.scores import Scores, read_columns, sigmoid
from guardrails.inference.safety.windows import TokenRow

ALONE: Final = (1.0, 0.0, 0.0)
"""The blend in which the larger model's score is all."""

LEAST: Final = 1e-6
"""How near to 0 and 1 a score counts in a blend: a float32 of more is 1, whose logit is infinite."""


class Escalation:
    """Two models, of which the second judges what the first is not sure of; `identity` is a digest of both.

    Raises:
        ModelError: the second one does not read what the first one reads, or has zones or blends that are not sound.
    """

    def __init__(self, smaller: SafetyModel, larger: SafetyModel) -> None:
        _check_match(smaller, larger)
        self.identity = [smaller.identity, larger.identity]
        self._larger = larger
        of, heads = larger.manifest, larger.heads
        rows = {head: {"grey": of.grey, "blend": ALONE, **row} for head, row in of.scores.items()}
        self._low, self._high = read_columns(heads, rows, "grey", 2)
        if not ((self._low >= 0) & (self._low <= self._high) & (self._high <= 1)).all():
            raise ModelError("manifest.json: 'grey' is not [low, high] with 0 <= low <= high <= 1")
        self._blend = read_columns(heads, rows, "blend", 3)
        self._blends = np.any(np.array(ALONE, dtype=np.float32) != self._blend.T, axis=1)

    def is_grey(self, scores: Scores) -> NDArray[np.bool_]:
        """Tell which scores of the smaller model are judged again."""
        return np.asarray((scores >= self._low) & (scores <= self._high), dtype=np.bool_)

    def judge(self, rows: Sequence[TokenRow], hashed: Scores, scores: Scores) -> Scores:
        """Judge rows by the larger model.

        Args:
            rows: of tokens.
            hashed: the logits of the fast tier for the same texts, one row each.
            scores: what the smaller model says of them, one row each; those of heads that are not grey count for nothing.

        Returns:
            the scores that count for those that are grey.
        """
        found = self._larger.both(rows, hashed)
        if not self._blends.any():
            return found
        of_larger, of_smaller, bias = self._blend
        mixed = sigmoid(of_larger * _logit(found) + of_smaller * _logit(scores) + bias)
        return np.where(self._blends, mixed, found)


def _logit(scores: Scores) -> Scores:
    inside = np.clip(scores.astype(np.float64), LEAST, 1 - LEAST)
    return np.asarray(np.log(inside / (1 - inside)), dtype=np.float32)


def _check_match(smaller: SafetyModel, larger: SafetyModel) -> None:
    """Raise `ModelError` where the larger model does not read what the smaller one reads, or is the same."""
    one, other = smaller.manifest, larger.manifest
    if one.identity == other.identity:
        raise ModelError(f"is {one.name} itself", "name a larger model, or leave it out")
    names = [name for name in ("tokenizer.json", "hashed.npz") if one.files[name] != other.files[name]]
    names += [name for name in ("heads", "view") if getattr(one, name) != getattr(other, name)]
    if other.window < one.window:
        names.append("window")
    if names:
        raise ModelError(
            f"{other.name} {other.version} does not read what {one.name} {one.version} reads: another {', '.join(names)}",
            "name a model that was trained together with it",
        )
