"""Adapters of media: bytes, pictures of Pillow and arrays of pixels, and the contents of `guardrails.types`."""

from __future__ import annotations

from codecs import BOM_UTF16_LE
from dataclasses import replace
from typing import Any, Final

from guardrails.engine.values.adapters import ValueAdapter
from guardrails.engine.values.media_types import medium
from guardrails.errors import RequestError
from guardrails.media.images.outline import WALKS, sniff_format
from guardrails.media.unread_types import CURES, find_unread
from guardrails.media.video.file_type import HEAD, detect_file_type
from guardrails.types import Audio, Content, Image, Media, Text, ToolCall, Unchecked, Video
from guardrails.wire.forms import Upload

MOST_DIMENSIONS: Final = 3
"""Dimensions of an array that is one picture."""

SMALLEST: Final = 8
"""Pixels of each side from which on an array of bytes is taken for a picture."""

BATCH: Final = "give each picture of a batch by itself, as [height, width, 3]"
TENSOR: Final = "give a tensor as an array of pixels, [height, width, 3]: tensor.detach().cpu().numpy()"
"""What to do with what is no picture as it is."""

FILES: Final = {"pdf": "PDF", "zip": "ZIP", "gzip": "gzip", "postscript": "PostScript", "fits": "FITS"}
"""Types of files that are no media and that nobody reads, by what `sniff_format` calls them."""

PICTURES: Final = frozenset((*WALKS, *(each.name for each in find_unread("picture"))))
"""Types of files that are pictures, be they of types that are read or not."""

CURE: Final = CURES["document"]


def read_bytes(data: bytes) -> Content | Unchecked:
    """Return what bytes are: a text where they decode as UTF-8, a picture, film or sound where they begin like one; all else is
    unchecked. Types of files that are written in letters (PDF, PostScript, SVG) are none the less files.
    """
    head = data[:HEAD]
    found = sniff_format(head)
    if found in FILES:
        return Unchecked("part", f"no detector reads files of type {FILES[found]}: {CURE}")
    if found != "svg" and b"\0" not in data:
        try:
            return Text(data.decode())
        except UnicodeDecodeError:
            pass
    # The mark of UTF-16 is also how a frame of a sound may begin.
    if found in PICTURES or (detect_file_type(head) is not None and not head.startswith(BOM_UTF16_LE)):
        return medium(head)(data)
    return Unchecked(
        "part", f"{len(data)} bytes that are neither a picture, a film, a sound nor text in UTF-8: {CURE}"
    )


def _write_bytes(value: Any, new: Any) -> Any:
    data = new.encode() if isinstance(new, str) else new
    return type(value)(data) if isinstance(data, bytes) else data


def is_pixels(given: object) -> bool:
    """Tell whether something is a Pillow image or an array of pixels."""
    named = type(given).__module__.split(".")[0] == "PIL"
    return named or (hasattr(given, "__array_interface__") and getattr(given, "ndim", 0) >= 2)


def is_tensor(given: object) -> bool:
    """Tell whether something is a tensor of torch."""
    return type(given).__module__.partition(".")[0] == "torch" and hasattr(given, "detach")


def is_picture(given: Any) -> bool:
    """Tell whether something is taken for one picture wherever it stands: of Pillow, an array with the colours of each pixel, or
    one of bytes with the grey of each. Arrays of other shapes are vectors and the like.
    """
    if not is_pixels(given):
        return False
    if not hasattr(given, "ndim"):
        return True
    grey = str(given.dtype) == "uint8" and min(given.shape[:2]) >= SMALLEST
    if given.ndim == MOST_DIMENSIONS:
        return given.shape[2] in (3, 4) or (grey and given.shape[2] == 1)
    return bool(given.ndim == 2 and grey)


def is_batch(given: Any) -> bool:
    """Tell whether something is an array of several pictures."""
    return is_pixels(given) and getattr(given, "ndim", 0) > MOST_DIMENSIONS and given.shape[-1] in (3, 4)


def refuse_batch(given: Any) -> None:
    """Raise `TypeError` for an argument that is pictures by its shape and cannot be judged as it is: a tensor, or several."""
    if is_tensor(given) and given.ndim in (3, 4) and 3 in tuple(given.shape)[-3::2]:
        raise TypeError(f"cannot check a tensor of pixels: {TENSOR}")
    if is_batch(given) and given.ndim == 4:
        raise TypeError(f"cannot check an array of several pictures: {BATCH}")


def _write_media(value: Media, new: Any) -> Media:
    return replace(value, data=new) if isinstance(new, bytes) else replace(value, source=new)


def _refuse_upload(value: Upload) -> None:
    """Raise `RequestError`: a file of a form stands where nobody knows what a server does with it."""
    raise RequestError("not_json", f"cannot judge a value of type {type(value).__name__}")


ADAPTERS: Final = (
    # Where a file is known it is read by its own table, which makes a file again of the bytes that are left.
    ValueAdapter(name="upload", types=(Upload,), content=_refuse_upload, write=lambda value, new: new),
    ValueAdapter(
        name="bytes",
        types=(bytes, bytearray, memoryview),
        content=lambda value: read_bytes(bytes(value)),
        write=_write_bytes,
    ),
    ValueAdapter(
        name="guardrails.text",
        types=(Text,),
        content=lambda value: value,
        write=lambda value, new: replace(value, text=new),
    ),
    ValueAdapter(
        name="guardrails.tool_call",
        types=(ToolCall,),
        content=lambda value: value,
        write=lambda value, new: replace(value, arguments=new),
    ),
    ValueAdapter(
        name="guardrails.media",
        types=(Media, Image, Video, Audio),
        content=lambda value: value,
        write=_write_media,
    ),
    ValueAdapter(
        name="pixels",
        matches=is_picture,
        content=lambda value: Image(source=value),
        write=lambda value, new: new,
    ),
    ValueAdapter(
        name="pictures",
        matches=is_batch,
        content=lambda value: Unchecked("part", f"an array of several pictures: {BATCH}"),
    ),
)
