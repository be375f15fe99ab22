"""Prepares pixels (uint8 [height, width, 3]) as a model's folder says that it reads them.

`preprocessor_config.json` is read as the transformers library writes it. One thing is left alone: a crop. What a model does not
see, it cannot judge, so a picture is always resized as a whole to the size that the model reads, whatever its shape.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from guardrails.inference.safety.folder import ModelError

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

Pixels = NDArray[np.uint8]
"""[height, width, 3], red first."""

Box = tuple[int, int, int, int]
"""x, y, width, height."""

LARGE: Final = 1_200
"""A picture with a longer side is judged as a whole and in four parts, as what is small in it is lost in the whole."""

SIDES: Final = (16, 2_048)
"""The least and the most pixels of a side that a model may read."""

GAP: Final = 2.0
"""A picture more than twice so many times as large as what is made of it is first reduced by whole steps, which is faster: to no
less than so many times the size. On 36 photos of 900 to 3,000 pixels the shipped model's scores move by 0.005 on average.
"""


@dataclass(frozen=True, slots=True)
class PixelPreparation:
    """What is made of a picture: its size, how that is done (Pillow's number), and `(pixel * factor - mean) / deviation`."""

    height: int
    width: int
    resample: int
    factor: float
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]


def read_preparation(folder: Path) -> PixelPreparation:
    """Read what a folder says of pixels; raises `ModelError`."""
    try:
        of = json.loads((folder / "preprocessor_config.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        hint = "save it beside the model: AutoImageProcessor.from_pretrained(…).save_pretrained(…)"
        raise ModelError("the folder has no preprocessor_config.json", hint) from error
    except (OSError, ValueError) as error:
        raise ModelError(f"preprocessor_config.json: {error}") from error
    if not isinstance(of, dict):
        raise ModelError("preprocessor_config.json is no mapping")
    height, width = _size(of)
    normal = bool(of.get("do_normalize", "image_mean" in of))
    try:
        return PixelPreparation(
            height,
            width,
            _resample(of.get("resample", 2)),
            float(of.get("rescale_factor", 1 / 255)) if of.get("do_rescale", True) else 1.0,
            _three(of["image_mean"]) if normal else (0.0, 0.0, 0.0),
            _three(of["image_std"]) if normal else (1.0, 1.0, 1.0),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"preprocessor_config.json: {error}") from error


def _size(of: Mapping[str, Any]) -> tuple[int, int]:
    """Return the height and width that the model reads."""
    size = of.get("crop_size") if of.get("do_center_crop") and of.get("crop_size") else of.get("size")
    if isinstance(size, Mapping):
        found = [size.get("height", size.get("shortest_edge")), size.get("width", size.get("shortest_edge"))]
    else:
        found = list(size) if isinstance(size, list | tuple) and len(size) == 2 else [size, size]
    if not all(isinstance(side, int) and SIDES[0] <= side <= SIDES[1] for side in found):
        raise ModelError(
            "preprocessor_config.json does not say a size", "it is {'height': …, 'width': …}", field="size"
        )
    return found[0], found[1]


def _resample(number: Any) -> int:
    if not isinstance(number, int) or not 0 <= number <= 5:
        raise ValueError("resample is none of Pillow's numbers")
    return number


def _three(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    if not np.isfinite([red, green, blue]).all():
        raise ValueError("a mean or a deviation is no number")
    return red, green, blue


def prepare_pixels(
    view: Pixels | PillowImage, of: PixelPreparation, box: Box | None = None
) -> NDArray[np.float32]:
    """Return a picture, or the part of it in a box, as a model reads it, float32 [3, height, width]."""
    from PIL import Image

    image = Image.fromarray(view) if isinstance(view, np.ndarray) else view
    x, y, wide, high = box or (0, 0, *image.size)
    if (wide, high, *image.size) != (of.width, of.height) * 2:
        method = Image.Resampling(of.resample)
        image = image.resize((of.width, of.height), method, (x, y, x + wide, y + high), reducing_gap=GAP)
    values: NDArray[np.float32] = np.multiply(np.asarray(image), np.float32(of.factor), dtype=np.float32)
    if of.mean != (0.0, 0.0, 0.0) or of.deviation != (1.0, 1.0, 1.0):
        values -= np.array(of.mean, dtype=np.float32)
        values /= np.array(of.deviation, dtype=np.float32)
    return np.ascontiguousarray(values.transpose(2, 0, 1))


def split_view(view: Pixels, large: int = LARGE) -> list[Box]:
    """Return what of a picture is judged: all of it, and of a large one its four quarters as well."""
    height, width = view.shape[0], view.shape[1]
    whole = (0, 0, width, height)
    if max(height, width) <= large or min(height, width) < 2:
        return [whole]
    top, left = height // 2, width // 2
    quarters = [
        (x, y, wide, high)
        for y, high in ((0, top), (top, height - top))
        for x, wide in ((0, left), (left, width - left))
    ]
    return [whole, *quarters]
