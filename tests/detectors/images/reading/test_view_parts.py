"""The parts of a view: pieces that overlap."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.images.reading.view_parts import (
    cut_tiles,
    find_ground,
    measure_away,
    share_of_parts,
)


@given(st.integers(1, 9_000), st.integers(1, 300), st.integers(64, 900))
def test_pieces_hold_all_of_a_view(height: int, width: int, longest: int) -> None:
    """Each is as small as it must be, and whatever is not longer than what two share is in one of them as a whole."""
    found = [*cut_tiles(np.zeros((height, width, 3), np.uint8), longest)]
    assert all(max(piece.shape[:2]) <= longest for _, _, piece in found)
    rows = sorted({(top, top + piece.shape[0]) for _, top, piece in found})
    assert (rows[0][0], rows[-1][1]) == (0, height)
    assert all(after[0] <= before[1] - longest // 8 for before, after in pairwise(rows))


def test_the_ground_is_what_half_of_a_view_is() -> None:
    """Give or take some steps; where there is none, nothing stands on it."""
    view = np.full((40, 60, 3), 200, np.uint8)
    view[:, :20] = 7
    assert find_ground(view, 1).tolist() == [200, 200, 200]  # type: ignore[union-attr]
    view[:, 1::3] += 9
    view[:, 2::3] += 18
    assert find_ground(view, 1) is None
    assert find_ground(view, 24) is not None


def test_squares_say_how_much_of_them_differs() -> None:
    """Those at the edges too; in whichever channel a pixel differs."""
    view = np.full((20, 40, 3), 100, np.uint8)
    view[:16, :8, 2] = 90
    away = measure_away(view, np.array([100, 100, 100], np.uint8))
    assert (away.max(), away[19].max()) == (10, 0)
    assert share_of_parts(away > 0).tolist() == [[0.5, 0, 0], [0, 0, 0]]
