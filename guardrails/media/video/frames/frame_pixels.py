"""Turns decoded frames into small grey pictures to compare, and into upright pixels to look at.

Runs in the process that decodes. Brightness and colour are read from the planes as they are, where they have some, which
takes a tenth of the time of decoding; nothing is converted but what is handed out, by libswscale straight to its size.
"""

from __future__ import annotations

import struct
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from guardrails.media.video.frames.high_dynamic_range import tone_map
from guardrails.media.video.frames.shots import COLUMNS, ROWS

if TYPE_CHECKING:
    import numpy as np
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Small = NDArray[np.int16]

NARROWEST: Final = 16
"""Pixels of the shorter side at least: a film that is shown as a line is looked at as a strip."""

HIDDEN: Final = 128
"""Alpha below this hides a colour more than it shows it."""

PLANAR: Final = ("yuv", "yuvj", "yuva")
"""How the names of formats begin that have planes of brightness and of two colours."""

TURNS: Final = ((1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0))
"""The directions of display matrices that turn by 0, 90, 180 and 270 degrees clockwise."""


def shrink_frame(frame: VideoFrame) -> Small:
    """Return brightness and colours of a frame in blocks, 0..255, and how opaque it is if it has alpha; every pixel counts.

    One that is taller than wide lies on its side, so that blocks are as wide as high.
    """
    import numpy as np

    name, clear, tall = frame.format.name, has_alpha(frame), frame.height > frame.width
    rows, columns = (COLUMNS, ROWS) if tall else (ROWS, COLUMNS)
    if not name.startswith(PLANAR) or name.endswith("be"):
        form = "yuva444p" if clear else "yuv444p"
        frame = frame.reformat(columns, rows, form, interpolation="AREA", threads=1)
    small = np.empty((3 + clear, ROWS, COLUMNS), np.int16)
    for number, component in enumerate(frame.format.components[: 3 + clear]):
        plane, kind = frame.planes[component.plane], np.uint8 if component.bits == 8 else np.uint16
        values = np.frombuffer(plane, kind).reshape(plane.height, -1)  # type: ignore[call-overload]
        means = block_means(values[:, : plane.width], rows, columns) >> (component.bits - 8)
        small[number] = means.T if tall else means
    return small


def has_alpha(frame: VideoFrame) -> bool:
    """Tell whether a frame may be transparent."""
    return any(component.is_alpha for component in frame.format.components)


def block_means(
    values: NDArray[np.uint8] | NDArray[np.uint16], rows: int = ROWS, columns: int = COLUMNS
) -> NDArray[np.uint32]:
    """Return the means of so many rows and columns of blocks of a plane; lines are repeated where that does not come out even."""
    import numpy as np

    height, width = values.shape
    high = -(-height // rows)
    if height % rows:
        values = values[np.arange(rows * high) * height // (rows * high)]
    if width < columns:
        values, width = values[:, np.arange(columns) * width // columns], columns
    short = values.itemsize == 1 and high < 256
    lines = values.reshape(rows, high, width).sum(axis=1, dtype=np.uint16 if short else np.uint32)
    edges, counts = _columns(width, columns)
    sums = np.add.reduceat(lines, edges, axis=1, dtype=np.uint32)
    means: NDArray[np.uint32] = sums // (counts * np.uint32(high))
    return means


@lru_cache(64)
def _columns(width: int, columns: int) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Return where the blocks of a row begin, and how many pixels each has."""
    import numpy as np

    edges = np.arange(columns + 1) * width // columns
    return edges[:-1], np.diff(edges).astype(np.uint32)


def frame_rotation(frame: VideoFrame) -> tuple[int, bool]:
    """Return by how many degrees clockwise a frame is turned to stand upright (a multiple of 90), and whether it is
    mirrored.
    """
    data = bytes(frame.side_data.get("DISPLAYMATRIX", b""))  # type: ignore[call-overload]
    if len(data) < 36:
        return 0, False
    a, b, _, c, d, *_ = struct.unpack("=9i", data[:36])
    mirrored = a * d - b * c < 0
    if mirrored:
        a, c = -a, -c
    scores = [a * x + b * y + c * z + d * w for x, y, z, w in TURNS]
    return 90 * scores.index(max(scores)), mirrored


def output_shape(width: int, height: int, aspect: Fraction | None, side: int) -> tuple[int, int]:
    """Return the size of what is handed out, before it is turned: at most `side` long, as wide as it is shown."""
    wide, high = float(width), float(height)
    ratio = float(aspect) if aspect else 1.0
    if ratio > 1:
        wide *= ratio
    else:
        high /= ratio or 1.0
    scale = min(1.0, side / max(wide, high))
    return (
        min(side, max(NARROWEST, round(wide * scale))),
        min(side, max(NARROWEST, round(high * scale))),
    )


def frame_views(
    frame: VideoFrame, aspect: Fraction | None, side: int, by: VideoReformatter | None = None
) -> list[Pixels]:
    """Return how a frame looks, upright: once, or over white, over black, and with what is transparent shown; of one for screens
    of high range (HDR) also as others show it, first.

    `by` is what converts it; one that is kept need not be set up for each frame.
    """
    import numpy as np
    from av.video.reformatter import VideoReformatter

    width, height = output_shape(frame.width, frame.height, aspect, side)
    clear = has_alpha(frame)
    form = "rgba" if clear else "rgb24"
    made = (by or VideoReformatter()).reformat(frame, width, height, form, interpolation="AREA", threads=1)
    plane = made.planes[0]
    channels = 4 if clear else 3
    pixels: Pixels = np.frombuffer(plane, np.uint8)  # type: ignore[call-overload]
    pixels = pixels.reshape(height, plane.line_size)[:, : width * channels].reshape(height, width, channels)
    degrees, mirrored = frame_rotation(frame)
    if mirrored:
        pixels = pixels[:, ::-1]
    pixels = np.rot90(pixels, -degrees // 90)
    seen = _over(pixels) if clear else [np.ascontiguousarray(pixels)]
    return seen if (bright := tone_map(seen[0], frame)) is None else [bright, *seen]


def _over(pixels: Pixels) -> list[Pixels]:
    import numpy as np

    colours, alpha = np.ascontiguousarray(pixels[..., :3]), pixels[..., 3:].astype(np.uint16)
    if alpha.min() == 255:
        return [colours]
    seen = [((colours * alpha + ground * (255 - alpha) + 127) // 255).astype(np.uint8) for ground in (255, 0)]
    under = colours[alpha[..., 0] < HIDDEN]
    if len(under) and int(under.max(axis=0).max() - under.min(axis=0).min()) and np.ptp(under, axis=0).max():
        seen.append(colours)
    return seen
