"""Lines that were read in a view, each with how sure it is and its corners, and which of them are the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import hypot
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from guardrails.media.images.picture import Pixels

Corners = Sequence[tuple[float, float]]
"""x and y of each corner; more than four are the outline of what is not straight."""

OcrLine = tuple[str, float, Corners]
"""A text, how sure it is, and its corners in pixels. An empty text is a place with letters that could not be read."""

OcrReader = Callable[["Pixels"], Sequence[OcrLine]]

SURE: Final = 0.75
"""A line of less is one that was not read."""

CERTAIN: Final = 0.93
"""A line of less may be one that stands on its head or in a mirror: some of its letters are letters then too."""

LONG: Final = 2.0
"""How many times as long as high, or as high as long, a place with letters is: on photos a single ring is taken for one."""


def move_corners(left: int, top: int, corners: Corners) -> Corners:
    """Return corners in a part of a view as they are in the view."""
    return [(x + left, y + top) for x, y in corners]


def is_long(corners: Corners) -> bool:
    """Tell whether a place is that of several letters in a row, whichever way it runs."""
    first, second = (
        hypot(corners[at + 1][0] - corners[at][0], corners[at + 1][1] - corners[at][1]) for at in (0, 1)
    )
    return max(first, second) >= LONG * max(1.0, min(first, second))


def is_known(found: OcrLine, known: Sequence[OcrLine]) -> bool:
    """Tell whether a line is read already, surely enough to count, or something where it is, as surely."""
    text, score, corners = found
    x, y = (sum(corner[axis] for corner in corners) / len(corners) for axis in (0, 1))
    return any(
        (sure >= score or (other == text and sure >= SURE))
        and min(xs) <= x <= max(xs)
        and min(ys) <= y <= max(ys)
        for other, sure, others in known
        for xs, ys in [tuple(zip(*others, strict=True))]
    )


def is_told(found: OcrLine, known: Sequence[OcrLine]) -> bool:
    """Tell whether the same line is told already."""
    return is_known(found, [each for each in known if each[0] == found[0]])
