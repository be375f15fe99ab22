"""Makes the frames of a film that is written again.

It is upright and has eight bits, one pixel of colour for four (`yuv420p`), and even sides: one row or column more than odd ones.
What is transparent is seen over black. Boxes are covered as those of pictures are (`edit`), but in its own planes, so that
nothing outside of them is touched; a box grows to whole pixels of colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from guardrails.media.images.edit import Box, How, draw_placeholder, smear_image

if TYPE_CHECKING:
    import av
    import numpy as np
    from numpy.typing import NDArray

    Plane = NDArray[np.uint8]

FORMAT: Final = "yuv420p"

BLACK: Final = (16, 128, 128)
"""What of brightness and of both colours black is."""

LIMITED, FULL = 1, 2
"""FFmpeg's numbers for how brightness is counted."""

BT709: Final = 1
"""Its number for how colours of what was red, green and blue are counted."""


class FrameMaker:
    """Makes the frames of one track."""

    def __init__(self, size: tuple[int, int], degrees: int = 0, mirrored: bool = False) -> None:
        """`size` is that of the upright picture; each frame is mirrored, then turned by so many degrees clockwise, to be that."""
        self.size = size
        self.even = (size[0] + size[0] % 2, size[1] + size[1] % 2)
        self._quarters = degrees // 90
        self._mirrored = mirrored
        self._bars: dict[tuple[int, int], list[Plane]] = {}

    def make(self, frame: av.VideoFrame, covers: Sequence[tuple[Box, How]]) -> av.VideoFrame:
        """Return a frame: the given one, where nothing is to be done to it, or one that shares nothing with it."""
        made = self._plain(frame)
        if self._quarters or self._mirrored or self.even != (made.width, made.height):
            made = self._upright(made)
        elif covers:
            made.make_writable()  # a decoder still needs what it gave
        for box, how in covers:
            self._cover(split_planes(made), box, how)
        return made

    def _plain(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return a frame of the size of the first one, in our format."""
        width, height = self.size[::-1] if self._quarters % 2 else self.size
        fits = (frame.width, frame.height) == (width, height) and frame.color_range != FULL
        if fits and frame.format.name == FORMAT:
            return frame
        if any(component.is_alpha for component in frame.format.components):
            frame = _over_black(frame)
        colours = {"dst_colorspace": BT709} if is_rgb(frame.format) else {}
        return frame.reformat(width, height, FORMAT, dst_color_range=LIMITED, threads=1, **colours)

    def _upright(self, frame: av.VideoFrame) -> av.VideoFrame:
        import av
        import numpy as np

        made = av.VideoFrame(*self.even, FORMAT)
        for old, new in zip(split_planes(frame), split_planes(made), strict=True):
            turned = np.rot90(old[:, ::-1] if self._mirrored else old, -self._quarters)
            rows, columns = turned.shape
            new[:rows, :columns] = turned
            new[rows:, :columns] = new[rows - 1, :columns]
            new[:, columns:] = new[:, columns - 1 : columns]
        return made

    def _cover(self, found: list[Plane], box: Box, how: How) -> None:
        import numpy as np
        from PIL import Image

        x, y, width, height = box
        left, top = x - x % 2, y - y % 2
        right, bottom = (
            min(x + width + (x + width) % 2, self.even[0]),
            min(y + height + (y + height) % 2, self.even[1]),
        )
        bars = self._draw_placeholder(right - left, bottom - top) if how == "placeholder" else None
        for number, plane in enumerate(found):
            by = 2 if number else 1
            at = (slice(top // by, bottom // by), slice(left // by, right // by))
            if how == "solid":
                plane[at] = BLACK[number]
            elif bars is not None:
                plane[at] = bars[number]
            else:
                plane[at] = np.asarray(smear_image(Image.fromarray(plane[at]), how))

    def _draw_placeholder(self, width: int, height: int) -> list[Plane]:
        import av
        import numpy as np

        if (found := self._bars.get((width, height))) is None:
            pixels = np.asarray(draw_placeholder(width, height).convert("RGB"))
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
            found = split_planes(frame.reformat(format=FORMAT, dst_color_range=LIMITED, threads=1))
            self._bars = {(width, height): [plane.copy() for plane in found]}
        return self._bars[width, height]


def _over_black(frame: av.VideoFrame) -> av.VideoFrame:
    import av
    import numpy as np

    pixels = frame.to_ndarray(format="rgba").astype(np.uint16)
    seen = (pixels[..., :3] * pixels[..., 3:] // 255).astype(np.uint8)
    return av.VideoFrame.from_ndarray(seen, "rgb24")


def is_rgb(format_: av.VideoFormat) -> bool:
    """Tell whether a format has no brightness of its own."""
    return format_.is_rgb or format_.has_palette


def split_planes(frame: av.VideoFrame) -> list[Plane]:
    """Return the brightness and both colours of a frame, to be read and, where nobody shares it, to be written."""
    import numpy as np

    return [
        np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]  # type: ignore[call-overload]
        for plane in frame.planes
    ]
