"""Hashes a picture also as it may have been before its sides were cut off, or before a frame or a screen was put around it.

A perceptual hash is one of where things stand: 3 % off each side change 40 to 80 of its 256 bits, and a frame of 5 % more. So a
picture has some looks besides its own:

* `trimmed`: the largest block in it that is not ground, found as the blocks of a page are: the rows that are all of the colour
  that the edge has, or nearly, part it, then the columns, and so on inside of what is left. That takes off frames, bars above
  and below, and what a screen shows around a picture.
* `extended`: with the outermost pixels of some sides once more, so that what is left stands again where it stood.

Of 12 photographs, cut by 3 % on each side, in a white and in a black frame of 5 %, on a screen and on a telephone, 0 of 60 are
within 31 bits as they are, and 57 by these looks. Of 222 harmless pictures none comes near to another one by them that is not in
it. They take as long as the hash itself to ten times that, and are made of what is on no list alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from guardrails.media.hashes.pdq import (
    PdqHashes,
    hash_pixels,
    hash_samples,
    measure_luminance,
    sample_rows,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from guardrails.media.images.picture import Pixels

    Mask = NDArray[np.bool_]

EXTENDED: Final = (
    *((share, share, share, share) for share in (0.015, 0.03, 0.05)),
    (0.03, 0.0, 0.0, 0.0),
    (0.0, 0.03, 0.0, 0.0),
    (0.0, 0.0, 0.03, 0.0),
    (0.0, 0.0, 0.0, 0.03),
)
"""Shares of the sides that may have been cut off: above, below, left and right."""

MIRRORED: Final = 2
"""Forms of an extended picture that are looked up: as it is, and mirrored."""

LARGE: Final = 1_024
"""From this side on a picture is looked at at a half of its size or less."""

CLOSE: Final = 24
"""How far from the ground, of 255, a pixel is ground still: JPEG frays the edges of a picture."""

FULL: Final = 0.1
"""The share of a row that is not ground in one of a picture; a line of text, or a bar to scroll by, has less, or is a block of
its own.
"""

DEPTH: Final = 3
"""How often what is left is trimmed again: a picture in a frame in a window."""

LEAST_SHARE: Final = 0.1
"""Of the whole picture: a smaller block is one of many things in it."""

LEAST_SIDE: Final = 64
"""Pixels of the sides of what has such looks."""

Area = tuple[int, int, int, int]
"""Top, bottom, left and right of a part, the second of each not in it."""


@dataclass(frozen=True, slots=True)
class CroppedLook:
    """The hashes of a picture as it may have been; `form` says what was done to have it."""

    form: str
    hashes: PdqHashes


def hash_cropped_looks(pixels: Pixels) -> Iterator[CroppedLook]:
    """Yield the looks of a picture besides its own: of trimmed ones all forms, of others two."""
    small = _reduce(pixels)
    for block in find_blocks(small):
        yield CroppedLook("trimmed", hash_pixels(block))
    if min(small.shape[:2]) < LEAST_SIDE:
        return
    bright = measure_luminance(small)
    height, width = bright.shape
    rows = {
        sides: sample_rows(bright, *_count_pixels(height, *sides)).T
        for sides in dict.fromkeys(each[:2] for each in EXTENDED)
    }
    for above, below, left, right in EXTENDED:
        found = hash_samples(sample_rows(rows[above, below], *_count_pixels(width, left, right)).T)
        yield CroppedLook("extended", PdqHashes(found.forms[:MIRRORED], found.quality))


def _count_pixels(length: int, before: float, after: float) -> tuple[int, int]:
    """Return how many pixels shares of the whole side are, of which `length` is what is left."""
    whole = length / (1 - before - after)
    return round(whole * before), round(whole * after)


def _reduce(pixels: Pixels) -> Pixels:
    """Return a large picture at a fraction of its size, at which no bit changes that counts."""
    import numpy as np
    from PIL import Image

    times = 2 * max(pixels.shape[:2]) // LARGE
    return np.asarray(Image.fromarray(pixels).reduce(times)) if times > 1 else pixels


def find_blocks(pixels: Pixels) -> Iterator[Pixels]:
    """Yield the largest block of a picture, without what is around it, then the largest in that, and so on. What is left of a
    frame may also be ground of the picture itself: so each of them may be the picture.
    """
    area: Area = (0, pixels.shape[0], 0, pixels.shape[1])
    for _ in range(DEPTH):
        inner = _find_largest_block(pixels, area)
        top, bottom, left, right = inner
        high, wide = bottom - top, right - left
        whole = pixels.shape[0] * pixels.shape[1]
        if inner == area or min(high, wide) < LEAST_SIDE or high * wide < LEAST_SHARE * whole:
            return
        yield pixels[top:bottom, left:right]
        area = inner


def _find_largest_block(pixels: Pixels, area: Area) -> Area:
    """Return the block of a part that is parted from all else by ground."""
    top, bottom, left, right = area
    part = pixels[top:bottom, left:right]
    stands = _find_content(part)
    above, below = _longest_run(stands.mean(axis=1) > FULL)
    before, after = _longest_run(stands[above:below].mean(axis=0) > FULL)
    return top + above, top + below, left + before, left + after


def _find_content(part: Pixels) -> Mask:
    """Return where a part is not of the colour that most of its edge has."""
    import numpy as np

    edge = np.concatenate([part[0], part[-1], part[:, 0], part[:, -1]])
    coarse = (edge >> 4).astype(np.int32) @ np.array([256, 16, 1])
    most = np.bincount(coarse).argmax()
    ground = np.median(edge[coarse == most], axis=0).astype(np.uint8)
    away = np.maximum(part, ground) - np.minimum(part, ground)
    found: Mask = np.maximum(np.maximum(away[..., 0], away[..., 1]), away[..., 2]) > CLOSE
    return found


def _longest_run(holds: Mask) -> tuple[int, int]:
    """Return from where to where most values in a row hold; all where none does."""
    import numpy as np

    steps = np.flatnonzero(np.diff(np.concatenate([[False], holds, [False]]).astype(np.int8)))
    if not len(steps):
        return 0, len(holds)
    starts, ends = steps[::2], steps[1::2]
    at = int((ends - starts).argmax())
    return int(starts[at]), int(ends[at])
