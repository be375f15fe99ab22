"""Opens a file's bytes, a path, a Pillow image or an array as a `Picture`, or raises a named error.

    picture = open_picture(Path("a.png"))
    picture.frames[0].views[0]        # uint8 [height, width, 3], as seen over white

A file is what its bytes say. What its name or its declared type says only has to agree: two who read it must not read two things.
Sizes are checked before anything is decoded, and what is risky to decode is decoded in a process that can be killed
(`get_workers`).
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from io import IOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from guardrails.media.decoding_processes import get_workers, make_task, needs_process, unpack_pixels
from guardrails.media.errors import MediaError
from guardrails.media.files import rewind_file
from guardrails.media.images.decode import (
    DecodedImage,
    check_limits,
    choose_reduction,
    decode_image,
    render_views,
)
from guardrails.media.images.decode_cache import DecodedShape, LazySequence, ShapeCache
from guardrails.media.images.outline import KNOWN, declared_format, read_outline
from guardrails.media.images.outline_parts import FileOutline
from guardrails.media.limits import PictureLimits
from guardrails.media.pixel_pool import PixelPool

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    Pixels = NDArray[np.uint8]

Source = Any
"""What a picture can be made of: `bytes`, a path, an open file, a Pillow image, an array [height, width] or
[height, width, 1 | 3 | 4].
"""

NEAR: Final = 1e-3
"""How far outside of 0..1 a number of an array may be by rounding."""


SHAPES: Final = "[height, width] and [height, width, 1, 3 or 4]"
NUMBERS: Final = "uint8, uint16, bool, and numbers with a point in 0..1"
"""What an array of pixels may be."""


@dataclass(frozen=True, slots=True, eq=False)
class PictureFrame:
    """One frame: each way in which somebody may see it, uint8 [height, width, 3], over white first; and when it is shown."""

    views: tuple[Pixels, ...]
    start_ms: int = 0
    end_ms: int = 0

    def looks_like(self, other: PictureFrame) -> bool:
        """Tell whether it shows the same."""
        import numpy as np

        pairs = zip(self.views, other.views, strict=False)
        return len(self.views) == len(other.views) and all(np.array_equal(*pair) for pair in pairs)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture that was read; nothing changes it.

    `width` and `height` are those of the upright picture at full size, which boxes refer to; the views of large ones are smaller
    (`PictureLimits.detail`). `frames` has one for a still picture, and more for what moves and for a file that holds several
    pictures; equal neighbours are one. `sha256` is that of the bytes, or of all views where there are none. `data` is the file as
    it was given, and `clean` the same without metadata and without what stood behind its end (`trailing` bytes). Frames of a file
    that was decoded before may be decoded when somebody wants them (`decode_cache.py`), once more after they were dropped
    (`release`), which raises what `open_picture` does. `covered` are the boxes that this guard has covered in it: what a detector
    infers from around one is what was covered.
    """

    format: str
    width: int
    height: int
    frames: Sequence[PictureFrame]
    had_alpha: bool
    animated: bool
    sha256: str
    trailing: int = 0
    data: bytes = b""
    outline: FileOutline | None = None
    source: Any = None
    covered: tuple[tuple[int, int, int, int], ...] = ()

    @property
    def clean(self) -> bytes:
        """The file without anything but its picture; empty for what was no file."""
        return self.outline.clean if self.outline is not None else b""

    def release(self) -> None:
        """Keep no pixels that can be decoded again."""
        if isinstance(self.frames, LazySequence):
            self.frames.release()

    @property
    def views(self) -> tuple[Pixels, ...]:
        """All views of all frames, in order."""
        return (*_views(self.frames),)


@dataclass(frozen=True, slots=True)
class UnopenedPicture:
    """A picture of which is known what it says of its size: `pixels` are those of all its frames. `open` decodes it: with the
    files that were seen, and the pool that its pixels count in.
    """

    pixels: int
    open: Callable[[ShapeCache | None, PixelPool | None], Picture]


@dataclass(frozen=True, slots=True)
class PartedFile:
    """The file of a picture of which all that stands behind its end is judged by itself (`media.uploads.trailing`)."""

    data: bytes


def measure_picture(source: Source, limits: PictureLimits, declared: str | None = None) -> UnopenedPicture:
    """Return a picture before anything of it is decoded; takes and raises what `open_picture` does."""
    if isinstance(source, PartedFile):
        return _file(source.data, replace(limits, trailing="cut"), declared)
    data = read_picture_bytes(source, limits)
    if data is None:
        return _unread(source, limits)
    return _file(data, limits, declared or name_type(source))


def name_type(source: Source) -> str | None:
    """Return the type that the name of a file says, None where there is no name, or it says none of a picture."""
    suffix = Path(source).suffix if isinstance(source, str | Path) else ""
    return suffix if suffix and declared_format(suffix) in KNOWN else None


def read_picture_bytes(source: Source, limits: PictureLimits) -> bytes | None:
    """Return the bytes of a picture's file, None for what came as pixels; raises what `open_picture` does for files."""
    match source:
        case bytes() | bytearray() | memoryview():
            return bytes(source)
        case str() | Path():
            return _read(Path(source), limits.bytes)
        case IOBase():
            with rewind_file(cast(BinaryIO, source)) as file:
                return file.read(limits.bytes + 1)
        case _:
            return None


def open_picture(
    source: Source,
    limits: PictureLimits | None = None,
    declared: str | None = None,
    seen: ShapeCache | None = None,
    pool: PixelPool | None = None,
) -> Picture:
    """Return a picture; `declared` is the type that a file is said to be (for a path: its suffix, where it has one). A file that
    is among those `seen` is decoded when its frames are wanted; others are added to them. With a `pool` the pixels of a file
    count in it, and may be dropped and decoded again.

    Raises:
        MediaError: why it cannot be judged.
        GuardUnavailable: all processes that decode are busy.
        OSError: a path cannot be read.
        TypeError: it is none of what a picture can be made of.
    """
    return measure_picture(source, limits or PictureLimits(), declared).open(seen, pool)


def _read(path: Path, most: int) -> bytes:
    """Return the bytes of a file, and one more than it may have where it has too many."""
    state = path.stat()
    if not stat.S_ISREG(state.st_mode):
        raise MediaError("unsupported_type", "it is no file: a folder, a pipe and a device are not read")
    if state.st_size > most:
        raise MediaError("too_many_bytes", f"{state.st_size} bytes are more than {most}")
    with path.open("rb") as file:
        return file.read(most + 1)  # it may have grown


def _unread(source: Any, limits: PictureLimits) -> UnopenedPicture:
    if hasattr(source, "getbands"):
        (width, height), count = source.size, getattr(source, "n_frames", 1)
        check_limits((width, height), count, limits)
        return UnopenedPicture(width * height * count, lambda _seen, _pool: _image(source, count, limits))
    if hasattr(source, "__array_interface__"):
        height, width, *_ = _shape(source)
        check_limits((width, height), 1, limits)
        return UnopenedPicture(width * height, lambda _seen, _pool: _array(source, limits))
    raise TypeError(f"a {type(source).__name__} is no picture: bytes, a path, a Pillow image or an array is")


def _file(data: bytes, limits: PictureLimits, declared: str | None) -> UnopenedPicture:
    if len(data) > limits.bytes:
        raise MediaError("too_many_bytes", f"{len(data)} bytes are more than {limits.bytes}")
    of = read_outline(data, None if limits.by_bytes else declared, limits.formats)
    if of.trailing and limits.trailing == "refuse":
        raise MediaError("trailing_data", f"{of.trailing} bytes stand behind the end of the {of.format} file")
    pixels = _fitting([of, *of.more], limits)
    return UnopenedPicture(pixels, lambda seen, pool: _open_file(data, of, pixels, limits, seen, pool))


def _open_file(
    data: bytes,
    of: FileOutline,
    pixels: int,
    limits: PictureLimits,
    seen: ShapeCache | None,
    pool: PixelPool | None,
) -> Picture:
    """Return the picture of a file."""

    def decode() -> tuple[DecodedShape, Sequence[PictureFrame]]:
        if pool is None:
            return _whole(of, limits)
        return pool.decode(lambda: _whole(of, limits), pixels, limits.seconds, lambda made: _views(made[1]))

    def keep(frames: LazySequence[PictureFrame], made: Sequence[PictureFrame]) -> None:
        if pool is not None:
            pool.keep(frames, sum(view.size // 3 for view in _views(made)))

    digest = hashlib.sha256(data).hexdigest()
    shape = None if seen is None else seen.get((digest, limits))
    made: Sequence[PictureFrame] | None = None
    if shape is None:
        shape, made = decode()
        if seen is not None:
            seen.add((digest, limits), shape)
    frames = (
        made
        if made is not None and pool is None
        else LazySequence(shape.frames, lambda: decode()[1], made, keep)
    )
    width, height, _, alpha, animated = shape
    return Picture(of.format, width, height, frames, alpha, animated, digest, of.trailing, data, of)


def _views(frames: Iterable[PictureFrame]) -> Iterator[Pixels]:
    return (view for frame in frames for view in frame.views)


def _whole(of: FileOutline, limits: PictureLimits) -> tuple[DecodedShape, Sequence[PictureFrame]]:
    """Decode a file."""
    first, *others = [_pixels(part, limits) for part in (of, *of.more)]
    frames = _frames(first)
    frames += tuple(frame for each in others for frame in _frames(each) if not frame.looks_like(frames[0]))
    animated = of.frames != 1 and len(first.frames) > 1
    return DecodedShape(first.width, first.height, len(frames), first.alpha, animated), frames


def _fitting(parts: Sequence[FileOutline], limits: PictureLimits) -> int:
    """Return the pixels of all that a file has, as it says; raises `MediaError` where that is over a limit."""
    for part in parts:
        check_limits((part.width, part.height), part.frames or 1, limits)
    pixels = sum(part.width * part.height * (part.frames or 1) for part in parts)
    if pixels > limits.total_pixels:
        raise MediaError("too_many_pixels", f"its pictures have more than {limits.total_pixels} pixels")
    return pixels


def _pixels(of: FileOutline, limits: PictureLimits) -> DecodedImage:
    if needs_process(of):
        return unpack_pixels(*get_workers().do(make_task("decode", of), of.clean, limits))
    return decode_image(of.clean, of.format, of.orientation, limits)


def _frames(found: DecodedImage) -> tuple[PictureFrame, ...]:
    import numpy as np

    frames, at = [], 0
    for shown, views in found.frames:
        pixels = tuple(np.frombuffer(raw, dtype=np.uint8).reshape(high, wide, 3) for wide, high, raw in views)
        frames.append(PictureFrame(pixels, at, at + shown))
        at += shown
    return tuple(frames)


def _image(source: Image.Image, count: int, limits: PictureLimits) -> Picture:
    """Return a Pillow image of so many frames as it is: who opened it turned it, or did not mean to."""
    found, place = DecodedImage(*source.size), source.tell() if count > 1 else 0
    times = choose_reduction(source.size, count, limits)
    try:
        for number in range(count):
            if count > 1:
                source.seek(number)
            views, alpha = render_views(source)
            found.alpha |= alpha
            views = [view.reduce(times) for view in views] if times > 1 else views
            shown = int(source.info.get("duration", 0)) if count > 1 else 0
            found.frames.append((shown, [(*view.size, view.tobytes()) for view in views]))
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise MediaError("undecodable", f"Pillow cannot load it ({type(error).__name__})") from error
    finally:
        if count > 1:
            source.seek(place)
    return _from_pixels("image", found, source)


def _array(source: Any, limits: PictureLimits) -> Picture:
    from PIL import Image

    height, width, *_ = _shape(source)
    values = to_bytes(source)
    found, times = DecodedImage(width, height), choose_reduction((width, height), 1, limits)
    if times == 1 and values.shape[2:] == (3,):
        found.frames.append((0, [(width, height, values.tobytes())]))
        return _from_pixels("array", found, source)
    views, found.alpha = render_views(Image.fromarray(values))
    views = [view.reduce(times) for view in views] if times > 1 else views
    found.frames.append((0, [(*view.size, view.tobytes()) for view in views]))
    return _from_pixels("array", found, source)


def _shape(source: Any) -> tuple[int, ...]:
    """Return the height and the width of an array of pixels, and its channels where it has any; raises `MediaError`."""
    import numpy as np

    shape: tuple[int, ...] = np.shape(source)
    if 0 in shape or not (len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4))):
        raise MediaError("undecodable", f"an array of shape {shape} is no picture; {SHAPES} are")
    return shape


def to_bytes(source: Any) -> NDArray[np.uint8]:
    """Return an array of pixels as bytes [height, width] or [height, width, 3 | 4]; numbers with a point are in 0..1.

    Raises:
        MediaError: it is no picture.
    """
    import numpy as np

    values = np.asarray(source)
    if _shape(values)[2:] == (1,):
        values = values[:, :, 0]
    if values.dtype.kind == "f":
        if not (values.min() >= -NEAR and values.max() <= 1 + NEAR):  # NaN is neither
            raise MediaError("undecodable", "an array of numbers with a point has them in 0..1")
        values = values * 255
        np.clip(np.rint(values, out=values), 0, 255, out=values)
    elif values.dtype == np.bool_:
        values = values * np.uint8(255)
    elif values.dtype == np.uint16:
        values = values >> 8
    elif values.dtype != np.uint8:
        raise MediaError("undecodable", f"an array of {values.dtype} is no picture; {NUMBERS} are")
    return np.ascontiguousarray(values, dtype=np.uint8)


def _from_pixels(kind: str, found: DecodedImage, source: Any) -> Picture:
    """Return what came as pixels; its digest is that of all views."""
    digest = hashlib.sha256(f"{kind} {found.width} {found.height}".encode())
    for _, views in found.frames:
        for _, _, raw in views:
            digest.update(raw)
    return Picture(
        kind,
        found.width,
        found.height,
        _frames(found),
        found.alpha,
        len(found.frames) > 1,
        digest.hexdigest(),
        source=source,
    )
