"""Boxes in views of a picture, as boxes of the picture at full size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from guardrails.media.images.picture import Picture, Pixels


MOSTLY: Final = 0.5
"""How much of what is found must lie in what was covered, for it to be what was covered."""


def scale_box(box: tuple[int, int, int, int], view: Pixels, picture: Picture) -> tuple[int, int, int, int]:
    """Return a box of a view as one of the picture at full size, all of it inside."""
    height, width = view.shape[:2]
    x, y, wide, high = box
    left, top = x * picture.width // width, y * picture.height // height
    right, bottom = -(-(x + wide) * picture.width // width), -(-(y + high) * picture.height // height)
    return left, top, min(right, picture.width) - left, min(bottom, picture.height) - top


def is_covered(box: tuple[int, int, int, int], picture: Picture) -> bool:
    """Tell whether most of a box lies in what was covered: models infer a face or a thing from what is around a cover, too."""
    x, y, width, height = box
    for left, top, wide, high in picture.covered:
        across = min(x + width, left + wide) - max(x, left)
        down = min(y + height, top + high) - max(y, top)
        if across > 0 and down > 0 and across * down > MOSTLY * width * height:
            return True
    return False
