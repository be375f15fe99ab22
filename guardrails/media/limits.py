"""The limits of what a picture may cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

FORMATS: Final = ("jpeg", "png", "webp", "gif", "avif", "bmp", "heic")
"""What can be read; `heic` by the extra of that name."""


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """What is read of pictures.

    `bytes` are the file's, `pixels` those of one frame, `total_pixels` those of all; `seconds` are a killable process's for one
    picture. A still picture of `detail` times two or more on its longer side is judged at a half, a third, … that is still as
    large as `detail` (a thin one at one of as many pixels): what is in it at full size is seen there, and memory is bounded.
    With `by_bytes` a file is what its bytes are, whatever somebody says that it is.
    `trailing` says what becomes of what stands behind the end of a file: it is refused, or cut off.
    """

    bytes: int = 20_000_000
    pixels: int = 64_000_000
    total_pixels: int = 320_000_000
    frames: int = 300
    seconds: float = 10.0
    detail: int = 2_000
    formats: tuple[str, ...] = FORMATS
    by_bytes: bool = False
    trailing: Literal["refuse", "cut"] = "refuse"
