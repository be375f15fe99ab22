"""Decodes the clean bytes of a file into pixels, as everybody who looks at it may see them.

A picture with alpha has no colours of its own: it is seen over white (a page), over black (a dark one), or with alpha left
away, which is what most models' loaders do and shows what an author hid under it. So each frame has up to three views, the third
only where something else than white or black is under what is transparent: these are what the first two show there. One whose
profile makes another picture of its colours (`colours.apply_profile`) has the same views of that besides.

Runs in this process and in those that can be killed (`workers`), so it needs Pillow alone.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from guardrails.media.errors import MediaError
from guardrails.media.images import colours
from guardrails.media.images.outline_parts import read_exif_orientation
from guardrails.media.limits import PictureLimits

if TYPE_CHECKING:
    from PIL import Image

PILLOW: Final[Mapping[str, str]] = MappingProxyType(
    {"jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "gif": "GIF", "avif": "AVIF", "bmp": "BMP"}
)
"""What Pillow calls the formats: no other of its readers ever sees a byte."""

PLUGINS: Final[Mapping[str, str]] = MappingProxyType(
    {"webp": "PIL.WebPImagePlugin", "avif": "PIL.AvifImagePlugin"}
)
"""Its modules for those that it does not know from the start."""

KEPT_PIXELS: Final = 48_000_000
"""Pixels of all views of a moving picture; frames are made smaller to fit, as 300 of full size would be gigabytes."""

THIN: Final = 0.75
"""Pixels of a picture that is judged smaller, of a square as wide as the detail: one of 3 by 4 has as many, a thinner one fewer
on its longer side (a page that was scrolled, a strip), which at that side's share would be too small to see anything in.
"""

HIDDEN: Final = 224
"""Alpha below this changes a colour so much that no ground shows it as it is."""

RANGES: Final = ((1, 255.0), (255, 1.0), (1 << 16, 1 / 256))
"""The largest number of a picture of whole or broken numbers, and by what they are multiplied to be seen."""

TURNS: Final[Mapping[int, str]] = MappingProxyType(
    {
        2: "FLIP_LEFT_RIGHT",
        3: "ROTATE_180",
        4: "FLIP_TOP_BOTTOM",
        5: "TRANSPOSE",
        6: "ROTATE_270",
        7: "TRANSVERSE",
    }
    | {8: "ROTATE_90"}
)
"""How a picture is turned to stand upright, by EXIF's number."""

SIDEWAYS: Final = frozenset((5, 6, 7, 8))
"""Those that make a width of a height."""

View = tuple[int, int, bytes]
"""Width, height, and three bytes a pixel."""


@dataclass(slots=True)
class DecodedImage:
    """The pixels of a file. `width` and `height` are those of the upright picture at full size; `frames` are milliseconds
    that each is shown (0 for a still one) and its views; `alpha` tells whether any pixel is not opaque.
    """

    width: int
    height: int
    alpha: bool = False
    frames: list[tuple[int, list[View]]] = field(default_factory=list)


def decode_image(data: bytes, format_: str, orientation: int, limits: PictureLimits) -> DecodedImage:
    """Return the pixels of a file; raises `MediaError`, whatever the decoder says or does."""
    try:
        return _decode_unsafe(data, format_, orientation, limits)
    except MediaError:
        raise
    except MemoryError as error:
        raise MediaError("too_much_memory", "decoding it takes more memory than there may be") from error
    except Exception as error:  # a decoder raises what it likes
        raise decoding_error(error, format_) from error


def decoding_error(error: Exception, format_: str) -> MediaError:
    """Return the error for what a decoder said."""
    if "truncated" in str(error):
        return MediaError("truncated", f"the {format_} file ends before its picture does")
    return MediaError("undecodable", f"the decoder of {format_} refused it ({type(error).__name__})")


def _decode_unsafe(data: bytes, format_: str, orientation: int, limits: PictureLimits) -> DecodedImage:
    found: DecodedImage | None = None
    for image, count in open_frames(data, format_, limits):
        orientation = read_orientation(image, format_, orientation)
        if found is None:
            found = DecodedImage(*(image.size[::-1] if orientation in SIDEWAYS else image.size))
        times = choose_reduction(image.size, count, limits)
        if format_ == "jpeg" and times > 1:
            image.draft("RGB", (max(1, image.width // times), max(1, image.height // times)))
            times = choose_reduction(image.size, count, limits)
        image.load()
        shown = int(image.info.get("duration", 0)) if count > 1 else 0
        views, alpha = render_views(turn_upright(image, orientation))
        found.alpha |= alpha
        views = [view.reduce(times) for view in views] if times > 1 else views
        raw = [(*view.size, view.tobytes()) for view in views]
        if found.frames and found.frames[-1][1] == raw:
            found.frames[-1] = (found.frames[-1][0] + shown, raw)  # the same is seen for longer
        else:
            found.frames.append((shown, raw))
    assert found is not None  # a file that opens has a frame
    return found


def choose_reduction(size: tuple[int, int], count: int, limits: PictureLimits) -> int:
    """Return how many times smaller the sides of each of so many frames are kept."""
    most = limits.detail * limits.detail * THIN
    times = max(1, min(max(size) // limits.detail, int((size[0] * size[1] / most) ** 0.5)))
    while count > 1 and 2 * count * (size[0] // times) * (size[1] // times) > KEPT_PIXELS:
        times += 1
    return times


def read_orientation(image: Image.Image, format_: str, orientation: int) -> int:
    """Return how a picture is turned: in an AVIF that stands among its boxes, which the decoder has read."""
    return read_exif_orientation(image.info.get("exif", b"")) if format_ == "avif" else orientation


def open_frames(data: bytes, format_: str, limits: PictureLimits) -> Iterator[tuple[Image.Image, int]]:
    """Yield the frames of a file before they are loaded, each with how many there are; Pillow's are one object that moves on.

    Raises:
        MediaError: there are more than the limits allow, or they are larger.
        Exception: what the decoder raises.
    """
    if format_ == "heic":
        yield from _heic(data, limits)
        return
    from PIL import Image

    register_format(format_)
    image = Image.open(io.BytesIO(data), formats=[PILLOW[format_]])
    count = getattr(image, "n_frames", 1)
    check_limits(image.size, count, limits)
    for number in range(count):
        if number:
            image.seek(number)
            check_limits(image.size, count, limits)
        yield image, count


def register_format(format_: str) -> None:
    """Make a format known to Pillow, which else loads all that it has, those that are never used among them."""
    if format_ in PLUGINS:
        import_module(PLUGINS[format_])


def _heic(data: bytes, limits: PictureLimits) -> Iterator[tuple[Image.Image, int]]:
    """Yield all pictures of a HEIC; libheif turns them upright."""
    try:
        heif: Any = import_module("pi_heif")
    except ModuleNotFoundError as error:
        message = "files of type heic are read with: pip install 'guardrails-middleware[heic]'"
        raise MediaError("unsupported_type", message) from error
    found = heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
    for each in found:
        check_limits(each.size, len(found), limits)
    for each in found:
        yield each.to_pillow(), len(found)


def check_limits(size: tuple[int, int], frames: int, limits: PictureLimits) -> None:
    """Raise `MediaError` where a picture of that size and number of frames is over a limit."""
    pixels = size[0] * size[1]
    if pixels > limits.pixels:
        raise MediaError("too_many_pixels", f"{size[0]} x {size[1]} pixels are more than {limits.pixels}")
    if frames > limits.frames:
        raise MediaError("too_many_frames", f"{frames} frames are more than {limits.frames}")
    if pixels * frames > limits.total_pixels:
        message = (
            f"{frames} frames of {size[0]} x {size[1]} pixels are more than {limits.total_pixels} pixels"
        )
        raise MediaError("too_many_pixels", message)


def turn_upright(image: Image.Image, orientation: int) -> Image.Image:
    """Return a picture as EXIF's number says that it is to be seen."""
    from PIL import Image

    turn = TURNS.get(orientation)
    return image if turn is None else image.transpose(Image.Transpose[turn])


def to_eight_bit(image: Image.Image) -> Image.Image:
    """Return a picture with one byte a channel: of 16 bits the upper ones (Pillow's own conversion makes them all white), of
    numbers that say no range what the largest of them says.
    """
    if image.mode.startswith("I;16"):
        return image.point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in ("I", "F"):
        most: Any = image.getextrema()[1]
        by = next((by for largest, by in RANGES if most <= largest), None) or 255 / most
        return image.convert("F").point(lambda value: value * by + 0).convert("L")
    return (
        image.convert("LA") if image.mode == "La" else image
    )  # the only one that Pillow turns into no other


def with_alpha(image: Image.Image) -> Image.Image | None:
    """Return a picture with its alpha as a channel, or None where all of it is opaque."""
    if image.mode not in ("RGBA", "LA", "PA", "La", "RGBa") and "transparency" not in image.info:
        return None
    found = image.convert("RGBA")
    return None if found.getchannel("A").getextrema()[0] == 255 else found


def render_views(image: Image.Image) -> tuple[list[Image.Image], bool]:
    """Return the views of a frame, and whether it has alpha."""
    image = to_eight_bit(image)
    views, alpha = _make_views(image)
    other = colours.apply_profile(image)
    return views if other is None else [*views, *_make_views(other)[0]], alpha


def _make_views(image: Image.Image) -> tuple[list[Image.Image], bool]:
    from PIL import Image

    found = with_alpha(image)
    if found is None:
        return [image if image.mode == "RGB" else image.convert("RGB")], False
    alpha, stored = found.getchannel("A"), found.convert("RGB")
    views = []
    for ground in ((255, 255, 255), (0, 0, 0)):
        view = Image.new("RGB", found.size, ground)
        view.paste(stored, mask=alpha)
        views.append(view)
    clear = alpha.point(lambda value: 255 if value < HIDDEN else 0)
    seen = stored.histogram(clear)
    hidden = clear.histogram()[255]
    if not any(all(seen[band + level] == hidden for band in (0, 256, 512)) for level in (0, 255)):
        views.append(stored)
    return views, True
