"""Straightens letters on an arc, a circle or a wave, so that they are read as a line.

A reader cuts out each line as a rectangle. In that of a bent one most is ground, and it is left out; but what finds letters has
seen a band of them. Its outline is what is known of it here: a circle that fits is unrolled; what is not read for certain then is
followed along the middle of the band, with letters that stand square to it and with upright ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from guardrails.detectors.images.reading.ocr_lines import CERTAIN, Corners, OcrLine, is_known

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from guardrails.media.images.picture import Pixels

    Numbers = NDArray[np.float64]
    Locate = Callable[[Numbers, Numbers], tuple[Numbers, Numbers]]

LETTERS: Final = 0.3
"""How likely there are letters in a pixel from which it belongs to a band, as RapidOCR has it,"""

LIKELY: Final = 0.6
"""and on average in all of a band."""

FILLS: Final = 0.62
"""The share of its rectangle that a straight band fills at least."""

DEEP: Final = 10
"""Pixels of the short side of that, from which a band is bent, and not only small."""

MOST: Final = 3
"""Bands of one piece that are straightened, at most: those with most letters."""

TRACED: Final = 512
"""Pixels of the longer side at which a band is looked at."""

ROUND: Final = 0.9
"""How far the pixels of a band may be from a circle on average, as a share of its breadth: on one it is .3 to .6, as the band of
some letters is broader; on a wave it is 2.
"""

MARGIN: Final = 1.9
"""How far to both sides of its middle a strip goes, in breadths of the band, which is that of letters without stems."""

AHEAD: Final = 1.5
"""How far beyond both ends of the band."""

HIGH: Final = 48
"""Pixels that a strip is high at least: readers make lines as high."""

LONGEST: Final = 2_400
"""Pixels that a strip is long at most."""

EDGE: Final = 9
"""Points of each side of what was read in a strip, by which it is placed in the picture."""


def outline_bent(letters: Any) -> list[Corners]:
    """Return the outlines of bent bands of letters, as shares of the picture, from how likely there are letters in each pixel."""
    cv2: Any = import_module("cv2")  # which RapidOCR brings
    mask = (letters > LETTERS).astype("uint8")
    bent = [each for each in _find_bands(cv2, letters, mask) if _is_bent(cv2, each)]
    if not bent:
        return []
    around = 1 + 2 * round(max(_breadth(cv2, each) for each in bent))
    joined = cv2.morphologyEx(
        mask, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (around, around))
    )
    high, wide = mask.shape
    return [
        [(float(x) / wide, float(y) / high) for x, y in each.reshape(-1, 2)]
        for each in _find_bands(cv2, letters, joined, of=mask)
        if _is_bent(cv2, each)
    ]


def _find_bands(cv2: Any, letters: Any, mask: Any, of: Any = None) -> Iterator[Any]:
    """Yield the contours in which letters are likely, where a mask of their pixels says so, or another one."""
    import numpy as np

    for contour in cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]:
        if len(contour) < 2 * DEEP:
            continue
        left, top, wide, high = cv2.boundingRect(contour)
        inside = np.zeros((high, wide), np.uint8)
        cv2.drawContours(inside, [contour - (left, top)], -1, 1, -1)
        if of is not None:
            inside &= of[top : top + high, left : left + wide]
        if cv2.mean(letters[top : top + high, left : left + wide], inside)[0] >= LIKELY:
            yield contour


def _is_bent(cv2: Any, contour: Any) -> bool:
    _, sides, _ = cv2.minAreaRect(contour)
    return bool(min(sides) >= DEEP and cv2.contourArea(contour) < FILLS * sides[0] * sides[1])


def _breadth(cv2: Any, contour: Any) -> float:
    return float(2 * cv2.contourArea(contour) / cv2.arcLength(contour, closed=True))


def straighten_bent(
    piece: Pixels, lines: Sequence[OcrLine]
) -> Iterator[tuple[Pixels, Callable[[Corners], Corners]]]:
    """Yield strips in which bent bands of a piece are straight, each with what says where corners in it are in the piece. Bands
    are lines of more than four corners that were not read; another strip of the same band is looked at unless one was read for
    certain by then.
    """
    certain = [each for each in lines if each[1] >= CERTAIN]
    bands = [each for each in lines if not each[0] and len(each[2]) > 4 and not is_known(each, certain)]
    bands.sort(key=lambda each: -len(each[2]))
    for band in bands[:MOST]:
        for strip in _find_strips(band[2]):
            yield strip.cut(piece), strip.place
            if any(score >= CERTAIN and strip.holds(corners) for _, score, corners in lines):
                break


class _Strip:
    """A band as a strip: so many pixels long, so many high, `locate` says where its pixels are in the piece."""

    def __init__(self, long: float, breadth: float, locate: Locate) -> None:
        self._times = max(1.0, HIGH / (2 * MARGIN * breadth))
        self._long, self._half = min(long, LONGEST / self._times), MARGIN * breadth
        self._locate = locate

    def cut(self, piece: Pixels) -> Pixels:
        """Return the strip's pixels; beyond the piece they are those at its edge."""
        import numpy as np

        across = np.arange(round(self._long * self._times)) / self._times
        down = np.arange(round(2 * self._half * self._times)) / self._times - self._half
        xs, ys = self._locate(*np.meshgrid(across, down))
        return _sample(piece, xs, ys)

    def place(self, corners: Corners) -> Corners:
        """Return the outline in the piece of what has some corners in the strip."""
        import numpy as np

        xs, ys = (np.array(of) / self._times for of in zip(*corners, strict=True))
        along = np.linspace(xs.min(), xs.max(), EDGE)
        upper, lower = (self._locate(along, np.full(EDGE, at - self._half)) for at in (ys.min(), ys.max()))
        edges = [
            zip(*(of.tolist() for of in upper), strict=True),
            zip(*(of[::-1].tolist() for of in lower), strict=True),
        ]
        return [(x, y) for edge in edges for x, y in edge]

    def holds(self, corners: Corners) -> bool:
        """Tell whether the middle of what was read is that of the strip, or near it."""
        import numpy as np

        xs, ys = self._locate(np.linspace(0, self._long, EDGE), np.zeros(EDGE))
        x, y = (sum(corner[axis] for corner in corners) / len(corners) for axis in (0, 1))
        return bool(xs.min() <= x <= xs.max() and ys.min() - self._half <= y <= ys.max() + self._half)


def _sample(piece: Pixels, xs: Numbers, ys: Numbers) -> Pixels:
    """Return the pixels of a piece at some places, between pixels of what is around."""
    import numpy as np

    high, wide = piece.shape[:2]
    x, y = np.clip(xs, 0, wide - 1.001), np.clip(ys, 0, high - 1.001)
    left, top = x.astype(np.intp), y.astype(np.intp)
    dx, dy = ((of - at)[..., None].astype(np.float32) for of, at in ((x, left), (y, top)))
    right, below = np.minimum(left + 1, wide - 1), np.minimum(top + 1, high - 1)
    upper = piece[top, left] * (1 - dx) + piece[top, right] * dx
    lower = piece[below, left] * (1 - dx) + piece[below, right] * dx
    made: Pixels = (upper * (1 - dy) + lower * dy).round().astype(np.uint8)
    return made


def _find_strips(outline: Corners) -> Iterator[_Strip]:
    """Yield the strips of a band: of a circle where it is on one, and along its middle."""
    import numpy as np
    from PIL import Image, ImageDraw

    corners = np.array(outline, dtype=np.float64)
    low, high = corners.min(axis=0), corners.max(axis=0)
    times = TRACED / max(1.0, float((high - low).max()))
    drawn = Image.new("1", (int((high - low)[0] * times) + 2, int((high - low)[1] * times) + 2))
    ImageDraw.Draw(drawn).polygon([(float(x), float(y)) for x, y in (corners - low) * times], fill=1)
    rows, columns = np.nonzero(np.asarray(drawn))
    if rows.size < TRACED:
        return
    xs, ys = columns / times + low[0], rows / times + low[1]
    around = np.hypot(*(np.roll(corners, 1, axis=0) - corners).T).sum()
    breadth = max(2.0, float(2 * rows.size / times**2 / around))
    arc = _unroll_circle(xs, ys, breadth)
    if arc is not None:
        yield arc
    yield from _follow_middle(xs, ys, breadth, 1 / times)


def _unroll_circle(xs: Numbers, ys: Numbers, breadth: float) -> _Strip | None:
    """Return the strip of a band on a circle, which begins at its left end; None where it is on none."""
    import numpy as np

    rows = np.stack((2 * xs, 2 * ys, np.ones_like(xs)), axis=1)
    x, y, rest = np.linalg.lstsq(rows, xs**2 + ys**2, rcond=None)[0]
    radius = float(np.sqrt(max(0.0, rest + x**2 + y**2)))
    if np.std(np.hypot(xs - x, ys - y)) > ROUND * breadth or radius < breadth:
        return None
    turns = np.sort(np.arctan2(ys - y, xs - x))
    gaps = np.diff(turns, append=turns[0] + 2 * np.pi)
    widest = int(gaps.argmax())
    begin = float(turns[(widest + 1) % turns.size])
    more = AHEAD * breadth / radius
    sweep = min(2 * np.pi - float(gaps[widest]) + 2 * more, 2 * np.pi)
    clockwise = (
        np.sin(begin - more + sweep / 2) < 0 or sweep > 1.5 * np.pi
    )  # letters with their feet to the middle
    start, way = (begin - more, 1) if clockwise else (begin - more + sweep, -1)

    def locate(across: Numbers, down: Numbers) -> tuple[Numbers, Numbers]:
        turn, away = start + way * across / radius, radius - way * down
        return x + away * np.cos(turn), y + away * np.sin(turn)

    return _Strip(radius * sweep, breadth, locate)


def _follow_middle(xs: Numbers, ys: Numbers, breadth: float, step: float) -> Iterator[_Strip]:
    """Yield the strips of a band along its middle: with letters that stand square to it, and with upright ones."""
    import numpy as np

    turned = np.ptp(ys) > np.ptp(xs)
    along, across = (ys, xs) if turned else (xs, ys)
    edges = np.arange(along.min(), along.max() + breadth / 2, max(step, breadth / 4))
    at = np.clip(np.digitize(along, edges) - 1, 0, edges.size - 1)
    counts = np.bincount(at, minlength=edges.size)
    means = np.bincount(at, across, minlength=edges.size)[counts > 0] / counts[counts > 0]
    us, vs = (
        (edges + breadth / 8)[counts > 0],
        np.convolve(np.pad(means, 2, mode="edge"), np.ones(5) / 5, "valid"),
    )
    if us.size < 4:
        return
    slopes = np.gradient(vs, us)
    us = np.concatenate(([us[0] - AHEAD * breadth], us, [us[-1] + AHEAD * breadth]))
    vs = np.concatenate(([vs[0] - AHEAD * breadth * slopes[0]], vs, [vs[-1] + AHEAD * breadth * slopes[-1]]))
    slopes = np.gradient(vs, us)
    lengths = np.concatenate(([0.0], np.cumsum(np.hypot(np.diff(us), np.diff(vs)))))

    def locate(across: Numbers, down: Numbers, *, square: bool) -> tuple[Numbers, Numbers]:
        u = np.interp(across, lengths, us) if square else across + us[0]
        v, slope = np.interp(u, us, vs), np.interp(u, us, slopes) if square else np.zeros_like(u)
        norm = np.sqrt(1 + slope**2)
        first, second = u - down * slope / norm, v + down / norm
        return (second, first) if turned else (first, second)

    upright = breadth * float(lengths[-1] / (us[-1] - us[0]))
    yield _Strip(float(lengths[-1]), breadth, partial(locate, square=True))
    yield _Strip(float(us[-1] - us[0]), upright, partial(locate, square=False))
