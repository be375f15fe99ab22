"""Boxes in views of a picture, as boxes of the picture at full size."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from guardrails.media.images.picture import Picture, Pixels


def scale_box(box: tuple[int, int, int, int], view: Pixels, picture: Picture) -> tuple[int, int, int, int]:
    """Return a box of a view as one of the picture at full size, all of it inside."""
    height, width = view.shape[:2]
    x, y, wide, high = box
    left, top = x * picture.width // width, y * picture.height // height
    right, bottom = -(-(x + wide) * picture.width // width), -(-(y + high) * picture.height // height)
    return left, top, min(right, picture.width) - left, min(bottom, picture.height) - top
