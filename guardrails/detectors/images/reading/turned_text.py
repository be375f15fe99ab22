"""Looks at rows of letters that were not read for certain mirrored, turned by half, and both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from guardrails.detectors.images.reading.ocr_lines import CERTAIN, Corners, OcrLine, is_known, is_long

if TYPE_CHECKING:
    from guardrails.media.images.picture import Pixels

AROUND: Final = 8
"""Pixels around such lines that are looked at with them."""

TURNS: Final = ((-1, 1), (-1, -1), (1, -1))
"""Steps across and down by which such lines are looked at: mirrored, turned by half, and both."""


def turn_doubtful(
    piece: Pixels, lines: Sequence[OcrLine], across: int, down: int
) -> tuple[Pixels, Callable[[Corners], Corners]] | None:
    """Return the part of a piece with what is not read for certain, turned, and what says where corners in it are in the piece;
    None where all is certain.
    """
    doubtful = _find_doubtful(lines)
    if not doubtful:
        return None
    left, top, part = _cut_around(piece, doubtful)
    high, wide = part.shape[:2]
    return part[::down, ::across], partial(_turn_back, (left, top, wide, high), across, down)


def _find_doubtful(lines: Sequence[OcrLine]) -> list[Corners]:
    """Return the places of rows of letters that are not read for certain, however they were looked at."""
    certain = [each for each in lines if each[1] >= CERTAIN]
    return [
        each[2]
        for each in lines
        if each[1] < CERTAIN and len(each[2]) == 4 and is_long(each[2]) and not is_known(each, certain)
    ]


def _cut_around(piece: Pixels, places: Sequence[Corners]) -> tuple[int, int, Pixels]:
    """Return the part of a piece that holds places and a little around them, and where it stands."""
    xs, ys = zip(*(corner for corners in places for corner in corners), strict=True)
    left, top = max(0, int(min(xs)) - AROUND), max(0, int(min(ys)) - AROUND)
    return left, top, piece[top : max(top, int(max(ys))) + AROUND, left : max(left, int(max(xs))) + AROUND]


def _turn_back(box: tuple[int, int, int, int], across: int, down: int, corners: Corners) -> Corners:
    """Return where corners in a part that was mirrored, or stood on its head, or both, are in the piece."""
    left, top, wide, high = box
    return [(left + (x if across > 0 else wide - x), top + (y if down > 0 else high - y)) for x, y in corners]
