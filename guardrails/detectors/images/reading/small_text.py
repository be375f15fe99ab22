"""Finds where small letters may stand unread on the plain ground of a large picture: ten pixels are none at a third of that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from guardrails.detectors.images.reading.ocr_lines import SURE, OcrLine
from guardrails.detectors.images.reading.view_parts import (
    FAINT,
    PART,
    cut_tiles,
    find_ground,
    measure_away,
    share_of_parts,
)

if TYPE_CHECKING:
    from guardrails.detectors.images.reading.view_parts import Mask
    from guardrails.media.images.picture import Pixels

INK: Final = 64
"""How far from the ground, of 255, small letters are that are looked for."""

SMALL: Final = 4
"""Squares in a row with something in them that was not read, from which it may be letters."""

FILLED: Final = 0.75
"""The share of a square that is ink in none with letters."""

CLOSER: Final = 3
"""Looks at a part of a picture at full size, at most: each takes as long as one at all of it."""


def find_small(view: Pixels, lines: Sequence[OcrLine], side: int) -> Sequence[tuple[int, int, Pixels]]:
    """Return the parts of a view, of at most so many pixels a side, in which something stands on a plain ground that was not
    read, and where they are: those with most of it.
    """
    import numpy as np

    if max(view.shape[:2]) <= side:
        return []
    ground = find_ground(view, FAINT)
    if ground is None:
        return []
    share = share_of_parts(measure_away(view, ground) > INK)
    stands = (share > 0) & (share < FILLED)
    for _, score, corners in lines:
        if score >= SURE:
            xs, ys = zip(*corners, strict=True)
            across, down = (slice(max(0, int(min(of)) // PART), int(max(of)) // PART + 1) for of in (xs, ys))
            stands[down, across] = False
    in_rows = _find_rows(stands)
    if in_rows.sum() < SMALL:
        return []
    rows, columns = np.nonzero(stands)
    top, left = PART * int(rows.min()), PART * int(columns.min())
    inside = view[top : PART * (int(rows.max()) + 1), left : PART * (int(columns.max()) + 1)]
    found = []
    for x, y, part in cut_tiles(inside, side):
        at = slice((top + y) // PART, (top + y + part.shape[0]) // PART)
        count = int(in_rows[at, (left + x) // PART : (left + x + part.shape[1]) // PART].sum())
        if count >= SMALL:
            found.append((count, left + x, top + y, part))
    found.sort(key=lambda each: -each[0])
    return [each[1:] for each in found[:CLOSER]]


def _find_rows(parts: Mask) -> Mask:
    """Return which squares have one on both sides, across or down: letters come in rows, stars do not."""
    import numpy as np

    high, wide = parts.shape
    around = np.pad(parts, 1)
    across = around[1:-1, :wide] & around[1:-1, 2:]
    found: Mask = parts & (across | (around[:high, 1:-1] & around[2:, 1:-1]))
    return found
