"""Looks at pieces of a picture, and once more at what one of them shows signs of."""

from __future__ import annotations

from typing import Any

import numpy as np

from guardrails.detectors.images.reading.reading_passes import read_in_passes


def plain(height: int = 60, width: int = 90, shade: int = 255) -> Any:
    """Return a view of one shade."""
    return np.full((height, width, 3), shade, dtype=np.uint8)


def test_each_look_is_read() -> None:
    """Pieces, and what is faint in them, with the corners where they are in all of the view; what is known is told once."""
    seen: list[tuple[int, ...]] = []

    def read(view: Any) -> list[Any]:
        seen.append(view.shape)
        at = [(1.0, 2.0), (5.0, 2.0), (5.0, 4.0), (1.0, 4.0)]
        return [("faint", 0.97, at)] if view.min() < 200 else [("plain", 0.95, at)]

    view = plain(300, 40)
    view[10:20, 10:30] = 250
    found = read_in_passes(read, 50)(view)
    assert seen == [(200, 40, 3)] * 3
    assert [(score, corners[0]) for _, score, corners in found] == [(0.95, (1.0, 2.0)), (0.97, (1.0, 2.0)), (0.95, (1.0, 102.0))]  # fmt: skip
    view[10:20, 10:30] = 100
    assert len(read_in_passes(read, 100)(view)) == 1


def test_a_line_in_two_pieces_is_told_once() -> None:
    """As pieces overlap."""

    def read(view: Any) -> list[Any]:
        rows = np.flatnonzero((view == 7).any(axis=(1, 2)))
        return [
            ("line", 0.9, [(2.0, y), (20.0, y), (20.0, y + 3), (2.0, y + 3)]) for y in map(float, rows[:1])
        ]

    view = np.random.default_rng(0).integers(10, 255, (300, 40, 3), dtype=np.uint8)
    view[150:154] = 7
    assert [text for text, _, _ in read_in_passes(read, 50)(view)] == ["line"]
