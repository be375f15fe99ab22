"""Wraps a reader of letters so that it also finds what one look at the whole picture would miss.

A reader sees a picture at some hundred pixels. A page that was scrolled, or a strip, is read in pieces. And what hardly differs
from a plain ground is read once more with all differences made large: a person passes over it, a model does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from guardrails.detectors.images.ocr import OcrLine, OcrReader

if TYPE_CHECKING:
    from guardrails.media.images.picture import PictureFrame, Pixels

WIDE: Final = 4
"""How many times as long as the side at which letters are looked for a picture may be that is read in one piece."""

SHARED: Final = 8
"""Parts of a piece that it shares with the next one, so that a line stands in one of them as a whole."""

GROUND: Final = 0.5
"""The share of a picture that has one colour, from which that is its ground."""

FAINT: Final = 24
"""How far from the ground, of 255, is so little that readers take it for none."""

PART: Final = 16
"""Pixels of the sides of the parts in which that is looked for, away from all that is not faint: an edge fades into its ground,
in a JPEG over as much.
"""

SOME: Final = 4
"""Parts with something faint in them, from which it may be letters."""

LARGE: Final = 20
"""By what differences from the ground are multiplied."""

EACH: Final = 4
"""Of so many pixels each way one is looked at to tell whether there is a ground."""

THUMB: Final = 48
"""Pixels of the longer side at which frames are compared."""


def read_in_passes(read: OcrReader, side: int) -> OcrReader:
    """Return a reader that gives its own one, which looks for letters at so many pixels, pieces that are not much larger, and
    what is faint in them.
    """

    def all_of(view: Pixels) -> list[OcrLine]:
        found: list[OcrLine] = []
        for left, top, piece in cut_tiles(view, WIDE * side):
            plain = [*read(piece)]
            look = enhance_faint(piece)
            more = [] if look is None else [each for each in read(look) if not _is_known(each, plain)]
            for text, score, corners in (*plain, *more):
                found.append((text, score, [(x + left, y + top) for x, y in corners]))
        return found

    return all_of


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


def enhance_faint(view: Pixels) -> Pixels | None:
    """Return a view with what is faint on its plain ground made dark on white; None where there is no such ground, or nothing."""
    import numpy as np

    some = view[::EACH, ::EACH].reshape(-1, 3)
    ground = np.median(some, axis=0).astype(np.uint8)
    if (_away(some, ground) <= 1).mean() < GROUND:
        return None
    differs = _away(view, ground)
    rows = np.maximum.reduceat(differs, range(0, view.shape[0], PART), axis=0)
    parts = np.maximum.reduceat(rows, range(0, view.shape[1], PART), axis=1)
    high, wide = parts.shape
    plain = np.pad(parts > FAINT, 1)
    beside = [plain[y : y + high, x : x + wide] for y in range(3) for x in range(3)]
    if ((parts > 1) & ~np.any(beside, axis=0)).sum() < SOME:
        return None
    made = 255 - np.minimum(differs, 255 // LARGE) * np.uint8(LARGE)
    return np.repeat(made[:, :, None], 3, axis=2)


def _away(pixels: Pixels, ground: Pixels) -> Pixels:
    """Return how far pixels are from a colour, in the channel where they are farthest."""
    import numpy as np

    by = np.maximum(pixels, ground) - np.minimum(pixels, ground)
    farthest: Pixels = np.maximum(np.maximum(by[..., 0], by[..., 1]), by[..., 2])
    return farthest


def _is_known(found: OcrLine, known: Sequence[OcrLine]) -> bool:
    """Tell whether a line is read already, or something where it is, as surely."""
    text, score, corners = found
    x, y = (sum(corner[axis] for corner in corners) / len(corners) for axis in (0, 1))
    return any(
        (sure >= score or other == text) and min(xs) <= x <= max(xs) and min(ys) <= y <= max(ys)
        for other, sure, others in known
        for xs, ys in [tuple(zip(*others, strict=True))]
    )


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
