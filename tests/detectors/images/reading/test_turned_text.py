"""What is not certain is looked at mirrored and turned."""

from __future__ import annotations

from typing import Any

import numpy as np

from guardrails.detectors.images.reading.reading_passes import read_in_passes
from guardrails.detectors.images.reading.turned_text import TURNS, turn_doubtful
from tests.cases import each_case

ROW = [(20.0, 10.0), (80.0, 10.0), (80.0, 20.0), (20.0, 20.0)]
COLUMN = [(30.0, 10.0), (40.0, 10.0), (40.0, 50.0), (30.0, 50.0)]
RING = [(20.0, 10.0), (31.0, 10.0), (31.0, 20.0), (20.0, 20.0)]


@each_case(
    ("place", "score", "reads", "looks"),
    [
        (ROW, 0.0, 1, 2),
        (ROW, 0.8, 2, 3),
        (ROW, 0.8, 3, 4),
        (ROW, 0.8, 9, 4),
        (COLUMN, 0.5, 1, 2),
        (RING, 0.0, 1, 1),
        (ROW, 0.95, 1, 1),
    ],
)
def test_what_is_not_certain_is_read_mirrored_and_turned(
    place: list[tuple[float, float]], score: float, reads: int, looks: int
) -> None:
    """A row of letters and what is around it, until it can be read; not a ring, as on photos."""
    view = np.random.default_rng(0).integers(0, 255, (60, 200, 3), dtype=np.uint8)
    seen: list[Any] = []

    def read(look: Any) -> list[Any]:
        seen.append(look)
        if len(seen) == 1:
            return [("doubtful" if score else "", score, place)]
        xs, ys = zip(*place, strict=True)
        wide, high = max(xs) - min(xs), max(ys) - min(ys)
        return [("plain", 0.96, [(8, 8), (8 + wide, 8), (8 + wide, 8 + high), (8, 8 + high)])][
            : len(seen) > reads
        ]

    found = read_in_passes(read, 640)(view)
    assert len(seen) == looks
    left, top = (int(min(each[axis] for each in place)) - 8 for axis in (0, 1))
    right, bottom = (int(max(each[axis] for each in place)) + 8 for axis in (0, 1))
    part = view[top:bottom, left:right]
    for look, turned in zip(seen[1:], (part[:, ::-1], part[::-1, ::-1], part[::-1]), strict=False):
        assert np.array_equal(look, turned)
    if 1 < looks == reads + 1:
        assert {*found[-1][2]} == {*place}
    assert all(text for text, _, _ in found)


def test_what_is_bent_is_not_turned() -> None:
    """Its outline says not how it runs; nor is what stands in a line that is certain."""
    view = np.zeros((60, 200, 3), np.uint8)
    bent = ("", 0.0, [*ROW, (10.0, 15.0)])
    certain = ("read", 0.99, [(0.0, 0.0), (100.0, 0.0), (100.0, 40.0), (0.0, 40.0)])
    assert turn_doubtful(view, [bent], *TURNS[0]) is None
    assert turn_doubtful(view, [("", 0.0, ROW), certain], *TURNS[0]) is None
    assert turn_doubtful(view, [("", 0.0, ROW)], *TURNS[0]) is not None
