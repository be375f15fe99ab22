"""The frames that are worth reading."""

from __future__ import annotations

import numpy as np

from guardrails.detectors.images.reading.distinct_frames import pick_distinct_frames
from guardrails.media.images.picture import PictureFrame
from tests.cases import each_case


def frames(count: int, odd: int) -> list[PictureFrame]:
    """Return so many frames that are alike, and one of them with something in it."""
    made = []
    for number in range(count):
        view = np.full((60, 90, 3), 100 + number % 5, np.uint8)
        if number == odd:
            view[10:14, 10:40] = 0
        made.append(PictureFrame((view,), number, number + 1))
    return made


@each_case("odd", [0, 1, 37, 99])
def test_the_frame_that_differs_is_among_those_that_are_read(odd: int) -> None:
    """Wherever it stands; they come in their order."""
    found = pick_distinct_frames(frames(100, odd), 4)
    starts = [frame.start_ms for frame in found]
    assert odd in starts
    assert starts == sorted(set(starts))
    assert len(starts) == 4


def test_few_frames_are_all_read() -> None:
    """Also where some are of another size, as those of several pictures in one file are."""
    few = [*frames(3, 1), PictureFrame((np.full((20, 20, 3), 255, np.uint8),))]
    assert pick_distinct_frames(few, 4) is few
    assert len(pick_distinct_frames(few, 3)) == 3
