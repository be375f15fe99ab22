"""Applies colour profiles where they make another picture than the numbers alone.

A profile (ICC) or a gamma (PNG) can make another picture of the same numbers: colours that swap places, what is nearly black seen
bright. The profiles of cameras, screens and editors do not: `is_ordinary_profile` tells these by what is in them, and no library
ever reads one. What is left is put to lcms where the file is decoded, over the picture itself (`apply_profile`): a few colours of
its own would tell an author which ones to leave alone. One that lcms refuses counts for nothing, as it does to who shows
pictures.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from guardrails.media.errors import MediaError

if TYPE_CHECKING:
    from PIL import Image

MOST: Final = 4 << 20
"""Bytes that a profile may have."""

SHORT: Final = 16_384
"""Bytes of a profile up to which it is remembered what it is."""

HEAD: Final = 132
MARK: Final = b"acsp"
"""Bytes that a profile has at least, and what stands in each: who shows pictures passes over what has none."""

NEAR: Final = 48
"""How far a channel of any pixel may be from what the numbers alone show, to count as no other picture."""

GAMMAS: Final = (0.3, 0.7)
"""What a PNG may say of its gamma (0.45 is usual) that counts as no other picture."""

PRIMARIES: Final = (
    (b"rXYZ", ((0.35, 1.0), (0.1, 0.4), (-0.1, 0.1))),
    (b"gXYZ", ((0.05, 0.5), (0.5, 0.9), (-0.1, 0.2))),
    (b"bXYZ", ((-0.05, 0.25), (-0.1, 0.15), (0.6, 1.0))),
)
"""Where red, green and blue of ordinary profiles lie: from sRGB to the widest of editors."""

POINTS: Final = (((0.55, 0.8), (0.15, 0.45)), ((0.0, 0.45), (0.5, 1.0)), ((0.0, 0.2), (0.0, 0.2)))
"""Where red, green and blue of a PNG that says so lie in the plane of colours, from sRGB to the widest of editors."""

CURVES: Final[Mapping[bytes, tuple[bytes, ...]]] = {b"RGB ": (b"rTRC", b"gTRC", b"bTRC"), b"GRAY": (b"kTRC",)}
"""The curves that a profile has, by what its numbers are."""

STEPS: Final = 32
"""Parts of 0..1 at whose ends a curve is looked at; between these it may not turn around."""

GAMMA: Final = (1.5, 3.2)
"""Between which powers an ordinary curve lies."""

ENTRIES: Final = 4096
"""Entries of a curve that are looked at; one with more is not ordinary."""

TABLES: Final = frozenset((b"A2B0", b"A2B1", b"A2B2", b"D2B0", b"D2B1", b"D2B2", b"D2B3", b"cicp"))
"""Tags that say what colours mean in another way than by primaries and curves."""

MODES: Final = frozenset(("L", "RGB", "CMYK"))
"""What profiles are for."""


def is_ordinary_profile(profile: bytes) -> bool:
    """Tell whether a profile makes no other picture of the same numbers, by what is in it, or as it is none to anybody."""
    if len(profile) < HEAD or profile[36:40] != MARK:
        return True
    return _remembered(profile) if len(profile) <= SHORT else _is_ordinary(profile)


def _is_ordinary(profile: bytes) -> bool:
    try:
        return _has_ordinary(profile)
    except (IndexError, ValueError, KeyError):
        return False


_remembered = lru_cache(maxsize=64)(_is_ordinary)
"""Most files have one of a few profiles."""


def _has_ordinary(profile: bytes) -> bool:
    tags: dict[bytes, bytes] = {}
    for entry in range(HEAD, HEAD + 12 * min(_number(profile, 128, 4), 100), 12):
        at, size = _number(profile, entry + 4, 4), _number(profile, entry + 8, 4)
        name = profile[entry : entry + 4]
        if name in tags:
            return False
        tags[name] = profile[at : at + size]
    space = profile[16:20]
    if profile[20:24] != b"XYZ " or not TABLES.isdisjoint(tags) or space not in CURVES:
        return False
    if not all(_is_usual(tags[name]) for name in CURVES[space]):
        return False
    return space == b"GRAY" or all(
        tags[name][:4] == b"XYZ "
        and all(
            low <= each <= high
            for each, (low, high) in zip(_read_fixed_point(tags[name], 8, 3), lie, strict=True)
        )
        for name, lie in PRIMARIES
    )


def _number(data: bytes, at: int, size: int) -> int:
    if at + size > len(data):
        raise IndexError
    return int.from_bytes(data[at : at + size], "big")


def _read_fixed_point(data: bytes, at: int, count: int) -> list[float]:
    """Return numbers with a point, of 16 bits before and after it."""
    if at + 4 * count > len(data):
        raise IndexError
    places = range(at, at + 4 * count, 4)
    return [int.from_bytes(data[place : place + 4], "big", signed=True) / 65536 for place in places]


def _is_usual(curve: bytes) -> bool:
    """Tell whether a curve rises all the way, near the usual ones."""
    count = _number(curve, 8, 4) if curve[:4] == b"curv" else 0
    if count > ENTRIES:
        return False
    table = [_number(curve, 12 + 2 * at, 2) for at in range(count if count > 1 else 0)]
    if table != sorted(table):
        return False
    for step in range(STEPS + 1):
        number = step / STEPS
        light = _light(curve, number)
        if not number ** GAMMA[1] - 0.02 <= light <= number ** GAMMA[0] + 0.02:
            return False
    return True


def _light(curve: bytes, number: float) -> float:
    """Return how light a number of 0..1 is by a curve; raises `ValueError` for one of an unknown kind."""
    if curve[:4] == b"curv":
        count = _number(curve, 8, 4)
        if count == 0:
            return number
        if count == 1:
            return _power(number, _number(curve, 12, 2) / 256)
        return _number(curve, 12 + 2 * round(number * (count - 1)), 2) / 65535
    if curve[:4] == b"para":
        kind = _number(curve, 8, 2)
        gamma, *more = _read_fixed_point(curve, 12, {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}[kind])
        a, b, c, d, e, f = [*more, *[0.0] * 6][:6] if kind else (1.0, *[0.0] * 5)
        if a < 0 or gamma <= 0:
            raise ValueError
        if kind in (3, 4) and number < d:
            return c * number + f
        return _power(max(a * number + b, 0.0), gamma) + (c if kind == 2 else e if kind == 4 else 0.0)
    raise ValueError


def _power(number: float, gamma: float) -> float:
    """Return a power; raises `ValueError` for one that is out of reach."""
    if not 0 <= number <= 16 or not 0 < gamma <= 16:
        raise ValueError
    made: float = number**gamma
    return made


def are_ordinary(points: bytes) -> bool:
    """Tell whether the points of colours that a PNG says (white, red, green, blue) are ordinary, or none that anybody takes."""
    if len(points) != 32:
        return True
    numbers = [_number(points, at, 4) / 100_000 for at in range(8, 32, 4)]
    if any(not 0 <= number <= 1 for number in numbers) or not any(numbers):
        return True
    lie = [between for point in POINTS for between in point]
    return all(low <= number <= high for number, (low, high) in zip(numbers, lie, strict=True))


def unpack_profile(content: bytes) -> bytes:
    """Return the profile in a chunk of PNG (a name, a method, the profile packed), empty where there is none.

    Raises:
        MediaError: it is larger than a profile may be.
    """
    try:
        profile = zlib.decompressobj().decompress(content[content.index(b"\0") + 2 :], MOST + 1)
    except (ValueError, zlib.error):
        return b""
    check_profile_size(profile)
    return profile


def check_profile_size(profile: bytes) -> None:
    """Raise `MediaError` where a profile is larger than it may be."""
    if len(profile) > MOST:
        raise MediaError("too_many_bytes", f"its profile of colours has more than {MOST} bytes")


def apply_profile(image: Image.Image, near: int = NEAR) -> Image.Image | None:
    """Return a picture of one byte a channel as it is seen by its profile, or its gamma, in RGB or RGBA; None where it has none
    that is not ordinary, or no channel of any pixel is seen more than `near` from what it is.

    Raises:
        MediaError: its profile is larger than one may be.
    """
    profile = image.info.get("icc_profile")
    if isinstance(profile, bytes) and profile and not is_ordinary_profile(profile):
        check_profile_size(profile)
        return _by_profile(image, profile, near)
    gamma = image.info.get("gamma")
    if isinstance(gamma, float) and gamma > 0 and not GAMMAS[0] <= gamma <= GAMMAS[1]:
        return _by_gamma(image, gamma)
    return None


def _by_gamma(image: Image.Image, gamma: float) -> Image.Image:
    alpha, colours = _split_alpha(image)
    table = [round(255 * (level / 255) ** (1 / (gamma * 2.2))) for level in range(256)]
    return _merge_alpha(colours.convert("RGB").point(table * 3), alpha)


def _by_profile(image: Image.Image, profile: bytes, near: int) -> Image.Image | None:
    from PIL import ImageChops, ImageCms

    alpha, colours = _split_alpha(image)
    try:
        own, screen = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
        made: Any = ImageCms.buildTransform(own, screen, colours.mode, "RGB").apply(colours)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None  # who shows pictures shows it without
    bands: Any = ImageChops.difference(colours.convert("RGB"), made).getextrema()
    if max(most for _, most in bands) <= near:
        return None
    return _merge_alpha(made, alpha)


def _merge_alpha(image: Image.Image, alpha: Image.Image | None) -> Image.Image:
    """Return colours with their alpha, and nothing else."""
    if alpha is not None:
        image.putalpha(alpha)
    image.info.clear()
    return image


def _split_alpha(image: Image.Image) -> tuple[Image.Image | None, Image.Image]:
    """Return the alpha of a picture, None where it has none, and its colours in a mode that profiles are for."""
    if image.mode in MODES and "transparency" not in image.info:
        return None, image
    if image.mode in ("1", "LA"):
        return (None if image.mode == "1" else image.getchannel("A")), image.convert("L")
    if image.mode in ("RGBA", "PA", "RGBa") or "transparency" in image.info:
        found = image.convert("RGBA")
        return found.getchannel("A"), found.convert("RGB")
    return None, image.convert("RGB")
