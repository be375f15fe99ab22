"""Where small letters may stand on large pages."""

from __future__ import annotations

from typing import Any

import numpy as np

from guardrails.detectors.images.reading.small_text import CLOSER, find_small
from tests.cases import each_case


def plain(height: int = 60, width: int = 90, shade: int = 255) -> Any:
    """Return a view of one shade."""
    return np.full((height, width, 3), shade, dtype=np.uint8)


def lettered(height: int, width: int, *places: tuple[int, int]) -> Any:
    """Return a white page with small marks, in rows as letters are, at some places (left, top)."""
    view = plain(height, width)
    for left, top in places:
        view[top : top + 9, left : left + 200 : 5] = 0
        view[top : top + 9, left + 1 : left + 200 : 5] = 0
    return view


def test_small_letters_are_looked_at_at_full_size() -> None:
    """Where nothing was read; what was, is not looked at again."""
    view = lettered(1_000, 1_800, (1_300, 700))
    [(left, top, part)] = find_small(view, [], 640)
    assert left <= 1_300
    assert left + part.shape[1] >= 1_500
    assert top <= 700 < 709 <= top + part.shape[0]
    assert max(part.shape[:2]) <= 640
    assert np.array_equal(part, view[top : top + part.shape[0], left : left + part.shape[1]])
    known = ("read", 0.9, [(1_300.0, 700.0), (1_500.0, 700.0), (1_500.0, 709.0), (1_300.0, 709.0)])
    assert list(find_small(view, [known], 640)) == []
    doubtful = ("read", 0.5, known[2])
    assert len(find_small(view, [doubtful], 640)) == 1


@each_case("kind", ["small", "photo", "blocks", "stars", "blank"])
def test_other_pictures_are_looked_at_once(kind: str) -> None:
    """Those that are no larger than what is looked at, photos, filled shapes, and pages with nothing on them."""
    view = lettered(400, 600, (30, 30)) if kind == "small" else plain(900, 1_500)
    if kind == "photo":
        view = np.random.default_rng(0).integers(0, 255, view.shape, dtype=np.uint8)
    if kind == "stars":
        view[::60, ::60] = 0
    if kind == "blocks":
        view[160:480, 160:640] = (20, 60, 90)
    assert list(find_small(view, [], 640)) == []


def test_few_parts_are_looked_at_closer() -> None:
    """Those with most in them: each takes as long as a look at all."""
    places = [(left, top) for left in range(50, 3_000, 300) for top in range(50, 1_900, 90)]
    assert len(find_small(lettered(2_000, 3_200, *places), [], 640)) == CLOSER
