"""Covers boxes of a picture's file, in its format and with only pixels.

`solid` leaves nothing of what was there. `pixelate` and `blur` leave at most 8 x 8 means of a box, in blocks or in waves: enough
to see that there is something, and for faces; of a text or a number a mean can still say something, so text is for `solid`.
What is under transparent pixels is black afterwards, and what was turned by EXIF is stored upright.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

from guardrails.media.errors import MediaError
from guardrails.media.images import colours
from guardrails.media.images.decode import (
    PILLOW,
    decoding_error,
    open_frames,
    read_orientation,
    register_format,
    to_eight_bit,
    turn_upright,
    with_alpha,
)
from guardrails.media.images.profiles import is_grey, profile_for, rewrite_profile
from guardrails.media.limits import PictureLimits

if TYPE_CHECKING:
    from PIL import Image

Box = tuple[int, int, int, int]
"""x, y, width, height in pixels of the upright picture."""

How = Literal["solid", "pixelate", "blur", "placeholder"]
"""How a box is covered: with black, with what is left of it, or with a grey field that has a bar across it."""

GROUND: Final = (128, 128, 128, 255)
"""The colour of a placeholder, and of the bar across it."""

BAR: Final = (96, 96, 96, 255)

CELLS: Final = 8
"""Means along the longer side that pixelation and blur leave of a box."""

WRITTEN: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "jpeg": {"quality": 92},
        "png": {"compress_level": 4},
        "webp": {"quality": 92, "exact": False},
        "gif": {},
        "avif": {"quality": 85, "speed": 8},
        "bmp": {},
    }
)
"""How each format is written."""

OPAQUE: Final = frozenset(("jpeg", "bmp"))
"""Formats that have no alpha."""


PROFILED: Final = frozenset(("jpeg", "png", "webp", "avif"))
"""Formats that have a profile of their colours."""


def widen_box(box: Box, margin: float, size: tuple[int, int]) -> Box:
    """Return a box that is larger by a share of its sides, all around, within a picture; raises `ValueError` if it is outside."""
    x, y, width, height = box
    if width <= 0 or height <= 0 or x >= size[0] or y >= size[1] or x + width <= 0 or y + height <= 0:
        raise ValueError(f"the box {box} lies outside of a picture of {size[0]} x {size[1]} pixels")
    by_x, by_y = int(width * margin + 0.999), int(height * margin + 0.999)
    left, top = max(0, x - by_x), max(0, y - by_y)
    right, bottom = min(size[0], x + width + by_x), min(size[1], y + height + by_y)
    return left, top, right - left, bottom - top


def cover_boxes(image: Image.Image, boxes: Sequence[Box], how: How) -> None:
    """Cover boxes of a picture (RGB or RGBA), in place."""
    for x, y, width, height in boxes:
        at = (x, y, x + width, y + height)
        if how == "solid":
            image.paste((0, 0, 0, 255)[: len(image.getbands())], at)
            continue
        if how == "placeholder":
            image.paste(draw_placeholder(width, height).convert(image.mode), at)
            continue
        image.paste(smear_image(image.crop(at).convert("RGB"), how).convert(image.mode), at)


def smear_image(image: Image.Image, how: How) -> Image.Image:
    """Return what `pixelate` or `blur` leaves of a picture without alpha, or of one of its channels, at the same size."""
    from PIL import Image

    width, height = image.size
    longest = max(width, height)
    cells = (max(1, CELLS * width // longest), max(1, CELLS * height // longest))
    between = Image.Resampling.NEAREST if how == "pixelate" else Image.Resampling.BICUBIC
    return image.resize(cells, Image.Resampling.BOX).resize((width, height), between)


def draw_placeholder(width: int, height: int) -> Image.Image:
    """Return a grey field with a bar across it."""
    from PIL import Image, ImageDraw

    image = Image.new("RGBA", (width, height), GROUND)
    thick = max(1, min(image.size) // 16)
    ImageDraw.Draw(image).line((0, height, width, 0), fill=BAR, width=thick)
    return image


def flatten_image(image: Image.Image) -> Image.Image:
    """Return a picture as RGB, or as RGBA with nothing under what is transparent, in the colours in which it is seen."""
    from PIL import Image

    image = to_eight_bit(image)
    image = colours.apply_profile(image, near=0) or image
    found = with_alpha(image)
    if found is None:
        made = image.convert("RGB")
        return made if made is not image else image.copy()
    nothing = Image.new("RGBA", found.size, (0, 0, 0, 0))
    nothing.paste(found, mask=found.getchannel("A").point(lambda value: 255 if value else 0))
    return nothing


def edit_file(
    data: bytes,
    format_: str,
    orientation: int,
    limits: PictureLimits,
    boxes: Sequence[Box],
    how: How,
    profile: bytes = b"",
) -> tuple[str, bytes]:
    """Return a file with boxes covered in each frame, and its format: what HEIC is written as is JPEG, or PNG with alpha. Its
    `profile` (`FileOutline.profile`; that of a HEIC or AVIF only the decoder finds) goes on, as the numbers do.

    Raises:
        MediaError: whatever the decoder says or does.
    """
    frames, shown = [], []
    try:
        for image, _ in open_frames(data, format_, limits):
            image.load()
            profile = profile_of(image, profile)
            shown.append(int(image.info.get("duration", 0)))
            frames.append(flatten_image(turn_upright(image, read_orientation(image, format_, orientation))))
        loops = int(image.info.get("loop", 0)) if len(frames) > 1 else 0
    except MediaError:
        raise
    except MemoryError as error:
        raise MediaError("too_much_memory", "decoding it takes more memory than there may be") from error
    except Exception as error:
        raise decoding_error(error, format_) from error
    for frame in frames:
        cover_boxes(frame, boxes, how)
    return write_frames(frames, format_, shown, loops, profile)


def profile_of(image: Image.Image, known: bytes = b"") -> bytes:
    """Return the ordinary profile of a picture, where its numbers are of the kind that the profile is for; `known` is one that
    was read from its file already.
    """
    own: object = image.info.get("icc_profile")
    if not known and isinstance(own, bytes) and len(own) <= colours.MOST:
        known = rewrite_profile(own)
    return profile_for(known, image.mode)


def write_frames(
    frames: Sequence[Image.Image],
    format_: str,
    shown: Sequence[int] = (),
    loops: int = 0,
    profile: bytes = b"",
) -> tuple[str, bytes]:
    """Return frames as a file, with a profile of their colours where the format has such, and its format."""
    from PIL import Image

    alpha = any(frame.mode == "RGBA" for frame in frames)
    if format_ not in WRITTEN:
        format_ = "png" if alpha else "jpeg"
        frames = frames[:1]
    if alpha and format_ in OPAQUE:
        frames = [
            Image.alpha_composite(Image.new("RGBA", f.size, "white"), f.convert("RGBA")) for f in frames
        ]
        frames = [frame.convert("RGB") for frame in frames]
    more: dict[str, Any] = dict(WRITTEN[format_])
    if profile and format_ in PROFILED:
        more["icc_profile"] = profile
        if is_grey(profile):
            frames = [frame.convert("LA" if frame.mode == "RGBA" else "L") for frame in frames]
    if len(frames) > 1:
        mode = "RGBA" if alpha else "RGB"
        frames = [frame.convert(mode) for frame in frames]
        more |= {"save_all": True, "append_images": frames[1:], "duration": [*shown]}
        more |= {} if format_ == "avif" else {"loop": loops}
        more |= {"disposal": 2} if format_ == "gif" and alpha else {}
    out = io.BytesIO()
    for frame in frames:
        frame.info.clear()
    register_format(format_)
    frames[0].save(out, PILLOW[format_], **more)
    return format_, out.getvalue()
