"""The parts of a view: pieces that overlap, small squares, and how far pixels are from the view's ground."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from guardrails.media.images.picture import Pixels

    Mask = NDArray[np.bool_]
    Shares = NDArray[np.float32]

SHARED: Final = 8
"""Parts of a piece that it shares with the next one, so that a line stands in one of them as a whole."""

GROUND: Final = 0.5
"""The share of a picture that has one colour, from which that is its ground."""

FAINT: Final = 24
"""How far from the ground, of 255, is so little that readers take it for none."""

PART: Final = 16
"""Pixels of the sides of the squares in which something is looked for: an edge fades into its ground, in a JPEG over as much."""

EACH: Final = 4
"""Of so many pixels each way one is looked at to tell whether there is a ground."""


def cut_tiles(view: Pixels, longest: int) -> Iterator[tuple[int, int, Pixels]]:
    """Yield the parts of a view of at most so many pixels a side, each with where it stands; neighbours overlap."""
    height, width = view.shape[:2]
    for top, bottom in _cuts(height, longest):
        for left, right in _cuts(width, longest):
            yield left, top, view[top:bottom, left:right]


def _cuts(size: int, longest: int) -> list[tuple[int, int]]:
    """Return the parts of a side, all as long."""
    if size <= longest:
        return [(0, size)]
    step = longest - longest // SHARED
    count = 1 + -(-(size - longest) // step)
    starts = [at * (size - longest) // (count - 1) for at in range(count)]
    return [(start, start + longest) for start in starts]


def find_ground(view: Pixels, within: int) -> Pixels | None:
    """Return the colour of which half of a view is, give or take so many steps of 255; None where there is none."""
    import numpy as np

    some = view[::EACH, ::EACH].reshape(-1, 3)
    ground: Pixels = np.median(some, axis=0).astype(np.uint8)
    return ground if (measure_away(some, ground) <= within).mean() >= GROUND else None


def measure_away(pixels: Pixels, ground: Pixels) -> Pixels:
    """Return how far pixels are from a colour, in the channel where they are farthest."""
    import numpy as np

    by = np.maximum(pixels, ground) - np.minimum(pixels, ground)
    farthest: Pixels = np.maximum(np.maximum(by[..., 0], by[..., 1]), by[..., 2])
    return farthest


def share_of_parts(holds: Mask) -> Shares:
    """Return the share of each square for which something holds."""
    import numpy as np

    high, wide = holds.shape
    padded = np.pad(holds, ((0, -high % PART), (0, -wide % PART)))
    parts = padded.reshape(padded.shape[0] // PART, PART, padded.shape[1] // PART, PART)
    found: Shares = parts.mean(axis=(1, 3), dtype=np.float32)
    return found
