"""The heads that a text needs, by what stands beside it, and the windows of it in which a model has to tell them.

The detector over the shipped model (`shipped_classifier.py`) makes and reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from guardrails.detectors.classifier.classifier_windows import TierWindows
from guardrails.inference.safety.folder import FewWords
from guardrails.inference.safety.model import FastScores
from guardrails.inference.safety.scores import Scores

Columns = NDArray[np.bool_]
"""Which heads, or which windows."""


class HeadGroups(NamedTuple):
    """The heads that a text needs: `groups` of them, each with whether it reads the text beside its prompt; all `wanted`."""

    groups: tuple[tuple[Columns, bool], ...]
    wanted: Columns

    @classmethod
    def make(cls, alone: Sequence[Columns], beside: Sequence[Columns] = ()) -> HeadGroups:
        """Return the groups that have any heads: those that read a text alone, and those that read it beside its prompt."""
        groups = [(each, False) for each in alone] + [(each, True) for each in beside]
        return cls(
            tuple(group for group in groups if group[0].any()), np.logical_or.reduce([*alone, *beside])
        )


class HeadTable(NamedTuple):
    """The heads that texts need which are no reply, a reply to a prompt that is not known, and one to a prompt that is."""

    text: HeadGroups
    reply: HeadGroups
    pair: HeadGroups

    def of(self, prompt: tuple[int, ...] | None) -> HeadGroups:
        """Return the heads of a text beside that prompt."""
        if prompt is None:
            return self.text
        return self.pair if prompt else self.reply


class AskedText(NamedTuple):
    """A text with what is asked of it."""

    windows: TierWindows
    fast: FastScores
    table: HeadTable

    @property
    def heads(self) -> HeadGroups:
        """The heads that it needs, by the rows that they read."""
        return self.table.of(self.windows.prompt)


class OpenWindows(NamedTuple):
    """Windows of a text that need a model, for some heads.

    Attributes:
        at: which windows.
        columns: which heads, in all of them or one row for each.
        beside: whether they are read beside the prompt.
        short: which of them have so few words that both tiers must find what is found.
    """

    at: NDArray[np.intp]
    columns: Columns
    beside: bool
    short: Columns


def doubt(found: Scores, alone: Scores, few: FewWords) -> Scores:
    """Return the scores of both tiers for a few words, as far as the fast tier agrees."""
    return np.where(alone >= few.agreement, found, np.minimum(found, few.doubted)).astype(found.dtype)
