"""Which texts the fast tier may settle by itself, so that no encoder reads them; fitted on held-out texts and natural ones.

`clear` has a limit for each head, for policies that ask for a few heads. `calm` has limits for all heads together: a text in
which none reaches its own is settled for all. What one head overlooks another hears, so heads with few texts to learn from
need no limit that nothing is below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Matrix = np.ndarray
LOST, LOST_BY_HEAD, MOST_CLEAR = 0.01, 0.03, 0.6
"""Of the texts that the whole model finds by a group of heads the part that may be settled, of those by a head alone; and the
highest limit of `clear`."""
STEPS = (2, 8, 25, 80)
"""How many more natural texts than before a limit may leave to the encoder, at each step."""


def clear(whole: Matrix, quick: Matrix, text: float) -> Matrix:
    """Return a limit for each head, all at one quantile of what the head finds: the highest one at which of the texts that
    are found by any head at most `LOST` are below the limits of all. `text` is the score from which on a text is found.
    """
    found = whole >= text
    any_found = found.any(1)
    best = np.zeros(whole.shape[1])
    for quantile in np.arange(0.002, 0.4, 0.002):
        limits = np.array(
            [np.quantile(quick[rows, at], quantile) if rows.any() else 0.0 for at, rows in enumerate(found.T)]
        )
        if (quick[any_found] < np.minimum(limits, MOST_CLEAR)).all(1).mean() > LOST:
            break
        best = np.minimum(limits, MOST_CLEAR)
    return best


@dataclass(slots=True)
class _Found:
    """The fast tier's scores of texts that are found, which of them are above a limit, and the part that need not be."""

    quick: Matrix
    heard: Matrix
    lost: float

    @property
    def is_open(self) -> bool:
        """Whether too many are below all limits."""
        return 1 - float(self.heard.mean()) > self.lost

    def gain(self, at: int, limit: float) -> float:
        """Return which part of them a lower limit of one head adds to those that are heard."""
        return float(((self.quick[:, at] >= limit) & ~self.heard).mean())


def calm(
    whole: Matrix, quick: Matrix, groups: Sequence[Sequence[int]], natural: Matrix, text: float
) -> Matrix:
    """Return limits below all of which a text is settled for all heads, greedily: from limits that no natural text reaches on,
    the limit falls that hears most of what is still lost for the natural texts which it leaves to the encoder, until of
    what each group of columns finds at most `LOST` is lost, and of each column's `LOST_BY_HEAD`.

    `quick` and `natural` are scores of the fast tier, rows by columns, of held-out and of natural texts.
    """
    steps = np.sort(natural, 0)[::-1]
    limits = steps[0] * (1 + 1e-6)
    asked = [(list(group), LOST) for group in groups] + [([at], LOST_BY_HEAD) for at in range(whole.shape[1])]
    rows = [((whole[:, columns] >= text).any(1), lost) for columns, lost in asked]
    found = [_Found(quick[mine], (quick[mine] >= limits).any(1), lost) for mine, lost in rows if mine.any()]
    read = np.zeros(len(natural), dtype=bool)
    while lacking := [each for each in found if each.is_open]:
        best = (0.0, -1, 0.0)
        for at, limit in enumerate(limits):
            above = int((natural[:, at] >= limit).sum())
            for lower in (steps[above + more, at] for more in STEPS if above + more < len(steps)):
                cost = float(((natural[:, at] >= lower) & ~read).sum()) + 0.5
                best = max(best, (sum(each.gain(at, lower) for each in lacking) / cost, at, float(lower)))
        worth, at, lower = best
        if not worth:
            break
        limits[at] = lower
        read |= natural[:, at] >= lower
        for each in found:
            each.heard |= each.quick[:, at] >= lower
    return limits
