"""Picks the frames of what moves that are worth a look, where there are too many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from guardrails.media.images.picture import PictureFrame, Pixels

THUMB: Final = 48
"""Pixels of the longer side at which frames are compared."""


def pick_distinct_frames(frames: Sequence[PictureFrame], most: int) -> Sequence[PictureFrame]:
    """Return at most so many frames, those that differ most from one another, in their order: one with something in it that is
    in no other is not left out for many that are alike.
    """
    if len(frames) <= most:
        return frames
    import numpy as np

    small = [_small(frame.views[0]) for frame in frames]
    chosen = [0]
    away = np.full(len(frames), np.inf)
    while len(chosen) < most:
        last = small[chosen[-1]]
        for at, each in enumerate(small):
            same = each.shape == last.shape
            away[at] = min(away[at], float(np.abs(each - last).max()) if same else 256.0)
        away[chosen] = -1.0
        chosen.append(int(away.argmax()))
    return [frames[at] for at in sorted(chosen)]


def _small(view: Pixels) -> Pixels:
    """Return a view as means of its parts, as signed numbers."""
    import numpy as np
    from PIL import Image

    times = max(1, max(view.shape[:2]) // THUMB)
    return np.asarray(Image.fromarray(view).reduce(times), dtype=np.int16)
