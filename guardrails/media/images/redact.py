"""Covers boxes of a picture and returns the same kind of thing, with nothing in it but pixels.

    redact_picture(picture, [(10, 10, 80, 20)])              # bytes for a file, else a Pillow image or an array
    redact_picture(picture, whole=True, how="blur")
    make_placeholder(512, 512)                              # a picture in the place of one that may not be shown

What comes out is judged again by who asked, before anybody sees it. All metadata is left out but what says what the numbers
mean: an ordinary profile of colours goes on, rewritten (`profiles.py`). What other profiles do is done: colours become those of
sRGB, those of CMYK too. 16 bits a channel become eight. Pictures behind the first one of a file, such as a map of brightness
(gain map), are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from guardrails.media.decoding_processes import get_workers, make_task, needs_process
from guardrails.media.errors import MediaError
from guardrails.media.images.edit import (
    Box,
    How,
    cover_boxes,
    draw_placeholder,
    edit_file,
    flatten_image,
    profile_of,
    widen_box,
    write_frames,
)
from guardrails.media.images.picture import Picture, to_bytes
from guardrails.media.limits import PictureLimits

MARGIN: Final = 0.15
"""How much larger than what was found a box is, on each side."""


def redact_picture(
    picture: Picture,
    boxes: Sequence[Box] = (),
    how: How = "solid",
    *,
    whole: bool = False,
    margin: float = MARGIN,
    limits: PictureLimits | None = None,
) -> Any:
    """Return what a picture was made of, with boxes of all its frames covered, or all of it: bytes, a Pillow image or an array.

    Raises:
        ValueError: a box lies outside of the picture, or there is nothing to cover.
        MediaError: the file cannot be decoded at its full size.
        GuardUnavailable: all processes that decode are busy.
    """
    wide = covered_boxes(picture, boxes, whole=whole, margin=margin)
    if not wide:
        raise ValueError("there is nothing to cover: no box, and not the whole")
    return _redact_by_kind(picture, wide, how, limits or PictureLimits())


def rewrite_picture(picture: Picture, limits: PictureLimits | None = None) -> Any:
    """Return what a picture was made of with nothing in it but pixels; raises as `redact_picture`."""
    return _redact_by_kind(picture, (), "solid", limits or PictureLimits())


def covered_boxes(
    picture: Picture, boxes: Sequence[Box], *, whole: bool = False, margin: float = MARGIN
) -> tuple[Box, ...]:
    """Return what of a picture is covered where boxes are to be, or all of it; raises `ValueError` for one outside of it."""
    size = (picture.width, picture.height)
    return ((0, 0, *size),) if whole else tuple(widen_box(box, margin, size) for box in boxes)


def _redact_by_kind(picture: Picture, boxes: Sequence[Box], how: How, limits: PictureLimits) -> Any:
    of = picture.outline
    if of is not None:
        if needs_process(of):
            return get_workers().do(make_task("edit", of, boxes, how), of.clean, limits)[1]
        return edit_file(of.clean, of.format, of.orientation, limits, boxes, how, of.profile)[1]
    return _image(picture, boxes, how) if picture.format == "image" else _array(picture, boxes, how)


def _image(picture: Picture, boxes: Sequence[Box], how: How) -> Any:
    """Return a Pillow image of the same mode, where that is one of colours; one that moves as one of a GIF."""
    import io

    from PIL import Image

    frames, shown, source = [], [], picture.source
    for number in range(getattr(source, "n_frames", 1)):
        if picture.animated:
            source.seek(number)
        frame = flatten_image(source)
        cover_boxes(frame, boxes, how)
        frames.append(frame)
        shown.append(int(source.info.get("duration", 0)))
    if picture.animated:
        source.seek(0)
        return Image.open(io.BytesIO(write_frames(frames, "gif", shown)[1]), formats=["GIF"])
    made = frames[0]
    made = made.convert(source.mode) if source.mode in ("L", "LA", "RGB", "RGBA", "CMYK", "1") else made
    made.info = {"icc_profile": profile} if (profile := profile_of(source)) else {}
    return made


def _array(picture: Picture, boxes: Sequence[Box], how: How) -> Any:
    """Return an array of the same shape and type."""
    import numpy as np
    from PIL import Image

    given = np.asarray(picture.source)
    values = to_bytes(given)
    frame = Image.fromarray(values).convert("RGBA" if values.ndim == 3 and values.shape[2] == 4 else "RGB")
    cover_boxes(frame, boxes, how)
    made = np.asarray(frame.convert("L") if values.ndim == 2 else frame)
    if given.dtype.kind == "f":
        return (made / 255).astype(given.dtype).reshape(given.shape)
    if given.dtype == np.bool_:
        return (made > 127).reshape(given.shape)
    return (made.astype(np.uint16) * 257 if given.dtype == np.uint16 else made).reshape(given.shape)


def make_placeholder(width: int, height: int, format_: str = "png") -> bytes:
    """Return a file with a grey picture that has a bar across it.

    Raises:
        MediaError: the format is none that is written.
    """
    if format_ not in ("png", "jpeg", "webp", "gif", "avif", "bmp"):
        raise MediaError("unsupported_type", f"files of type {format_[:16]} are not written")
    return write_frames([draw_placeholder(max(1, width), max(1, height)).convert("RGB")], format_)[1]
