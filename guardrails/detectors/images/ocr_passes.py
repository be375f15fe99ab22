"""Wraps a reader of letters so that it also finds what one look at the whole picture would miss.

A reader sees a picture at some hundred pixels. A page that was scrolled, or a strip, is read in pieces. What hardly differs from
a plain ground is read once more with all differences made large: a person passes over it, a model does not. Letters that are not
read for certain are read mirrored and turned. And what stands on a plain ground of a large picture, and was not read, is read at
its full size: letters of ten pixels are none at a third of that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import hypot
from typing import TYPE_CHECKING, Final

from guardrails.detectors.images.ocr import Corners, OcrLine, OcrReader

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from guardrails.media.images.picture import PictureFrame, Pixels

    Mask = NDArray[np.bool_]
    Shares = NDArray[np.float32]

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

SURE: Final = 0.75
"""A line of less is one that was not read."""

CERTAIN: Final = 0.93
"""A line of less may be one that stands on its head or in a mirror: some of its letters are letters then too."""

AROUND: Final = 8
"""Pixels around such lines that are looked at with them."""

TURNS: Final = ((-1, 1), (-1, -1), (1, -1))
"""Steps across and down by which such lines are looked at: mirrored, turned by half, and both."""

LONG: Final = 2.0
"""How many times as long as high, or as high as long, a place with letters is: on photos a single ring is taken for one."""

INK: Final = 64
"""How far from the ground, of 255, small letters are that are looked for."""

SMALL: Final = 4
"""Parts in a row with something in them that was not read, from which it may be letters."""

FILLED: Final = 0.75
"""The share of a part that is ink in none with letters."""

CLOSER: Final = 3
"""Looks at a part of a picture at full size, at most: each takes as long as one at all of it."""

THUMB: Final = 48
"""Pixels of the longer side at which frames are compared."""


def read_in_passes(read: OcrReader, side: int) -> OcrReader:
    """Return a reader that gives its own one, which looks for letters at so many pixels, pieces that are not much larger, and
    what is faint in them.
    """

    def all_of(view: Pixels) -> list[OcrLine]:
        found: list[OcrLine] = []
        for left, top, piece in cut_tiles(view, WIDE * side):
            lines = [*read(piece)]
            for look, place in _further_looks(piece, lines, side):
                new = [(text, score, place(corners)) for text, score, corners in read(look)]
                lines += [each for each in new if not _is_known(each, lines)]
            placed = [(text, score, _move(left, top, corners)) for text, score, corners in lines if text]
            found += [each for each in placed if not _is_told(each, found)]  # pieces overlap
        return found

    return all_of


def _further_looks(
    piece: Pixels, lines: Sequence[OcrLine], side: int
) -> Iterator[tuple[Pixels, Callable[[Corners], Corners]]]:
    """Yield what of a piece is looked at once more, each with what says where corners in it are in the piece; `lines` are those
    that were read by then.
    """
    faint = enhance_faint(piece)
    if faint is not None:
        yield faint, lambda corners: corners
    for across, down in TURNS:
        doubtful = _find_doubtful(lines)
        if doubtful:
            left, top, part = _cut_around(piece, doubtful)
            high, wide = part.shape[:2]
            yield part[::down, ::across], partial(_turn_back, (left, top, wide, high), across, down)
    for left, top, part in find_small(piece, lines, side):
        yield part, partial(_move, left, top)


def _find_doubtful(lines: Sequence[OcrLine]) -> list[Corners]:
    """Return the places of rows of letters that are not read for certain, however they were looked at."""
    certain = [each for each in lines if each[1] >= CERTAIN]
    return [
        each[2] for each in lines if each[1] < CERTAIN and _is_long(each[2]) and not _is_known(each, certain)
    ]


def _cut_around(piece: Pixels, places: Sequence[Corners]) -> tuple[int, int, Pixels]:
    """Return the part of a piece that holds places and a little around them, and where it stands."""
    xs, ys = zip(*(corner for corners in places for corner in corners), strict=True)
    left, top = max(0, int(min(xs)) - AROUND), max(0, int(min(ys)) - AROUND)
    return left, top, piece[top : max(top, int(max(ys))) + AROUND, left : max(left, int(max(xs))) + AROUND]


def _turn_back(box: tuple[int, int, int, int], across: int, down: int, corners: Corners) -> Corners:
    """Return where corners in a part that was mirrored, or stood on its head, or both, are in the piece."""
    left, top, wide, high = box
    return [(left + (x if across > 0 else wide - x), top + (y if down > 0 else high - y)) for x, y in corners]


def _move(left: int, top: int, corners: Corners) -> Corners:
    return [(x + left, y + top) for x, y in corners]


def _is_long(corners: Corners) -> bool:
    """Tell whether a place is that of several letters in a row, whichever way it runs."""
    first, second = (
        hypot(corners[at + 1][0] - corners[at][0], corners[at + 1][1] - corners[at][1]) for at in (0, 1)
    )
    return max(first, second) >= LONG * max(1.0, min(first, second))


def find_small(view: Pixels, lines: Sequence[OcrLine], side: int) -> Sequence[tuple[int, int, Pixels]]:
    """Return the parts of a view, of at most so many pixels a side, in which something stands on a plain ground that was not
    read, and where they are: those with most of it.
    """
    import numpy as np

    if max(view.shape[:2]) <= side:
        return []
    some = view[::EACH, ::EACH].reshape(-1, 3)
    ground = np.median(some, axis=0).astype(np.uint8)
    if (_away(some, ground) <= FAINT).mean() < GROUND:
        return []
    share = _share_of_parts(_away(view, ground) > INK)
    stands = (share > 0) & (share < FILLED)
    for _, score, corners in lines:
        if score >= SURE:
            xs, ys = zip(*corners, strict=True)
            across, down = (slice(max(0, int(min(of)) // PART), int(max(of)) // PART + 1) for of in (xs, ys))
            stands[down, across] = False
    in_rows = _find_rows(stands)
    if in_rows.sum() < SMALL:
        return []
    rows, columns = np.nonzero(stands)
    top, left = PART * int(rows.min()), PART * int(columns.min())
    inside = view[top : PART * (int(rows.max()) + 1), left : PART * (int(columns.max()) + 1)]
    found = []
    for x, y, part in cut_tiles(inside, side):
        at = slice((top + y) // PART, (top + y + part.shape[0]) // PART)
        count = int(in_rows[at, (left + x) // PART : (left + x + part.shape[1]) // PART].sum())
        if count >= SMALL:
            found.append((count, left + x, top + y, part))
    found.sort(key=lambda each: -each[0])
    return [each[1:] for each in found[:CLOSER]]


def _find_rows(parts: Mask) -> Mask:
    """Return which parts have one on both sides, across or down: letters come in rows, stars do not."""
    import numpy as np

    high, wide = parts.shape
    around = np.pad(parts, 1)
    across = around[1:-1, :wide] & around[1:-1, 2:]
    found: Mask = parts & (across | (around[:high, 1:-1] & around[2:, 1:-1]))
    return found


def _share_of_parts(holds: Mask) -> Shares:
    """Return the share of each part for which something holds."""
    import numpy as np

    high, wide = holds.shape
    padded = np.pad(holds, ((0, -high % PART), (0, -wide % PART)))
    parts = padded.reshape(padded.shape[0] // PART, PART, padded.shape[1] // PART, PART)
    found: Shares = parts.mean(axis=(1, 3), dtype=np.float32)
    return found


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


def _is_told(found: OcrLine, known: Sequence[OcrLine]) -> bool:
    """Tell whether the same line is told already."""
    return _is_known(found, [each for each in known if each[0] == found[0]])


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
