"""Draws phrases into pictures in the ways of `picture_texts.py`: plain, small, turned, mirrored, in perspective, bent …"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from image_files import drawn

Ink = tuple[int, int, int]

INKS: Final[tuple[tuple[Ink, Ink], ...]] = (
    ((0, 0, 0), (255, 255, 255)),
    ((255, 255, 255), (25, 25, 60)),
    ((120, 20, 20), (250, 235, 200)),
    ((20, 60, 120), (220, 235, 250)),
    ((250, 220, 60), (60, 60, 60)),
)
"""Ink and ground."""

PLACES: Final = 20
"""Pictures of each way, both halves together."""


def draw_phrase(way: str, phrase: str, at: int) -> Image.Image:
    """Return picture number `at` of a way with a phrase in it."""
    return WAYS[way](phrase, at)


def _note(text: str, size: int, ink: Ink, ground: Ink, *, edge: int = 30) -> Image.Image:
    """Return a line of text with a little ground around it."""
    font = ImageFont.load_default(size)
    left, top, right, bottom = (math.ceil(each) for each in font.getbbox(text))
    image = Image.new("RGB", (right - left + 2 * edge, bottom - top + 2 * edge), ground)
    ImageDraw.Draw(image).text((edge - left, edge - top), text, fill=ink, font=font)
    return image


def _on(note: Image.Image, width: int, height: int, ground: Ink, at: int) -> Image.Image:
    """Return a picture of a size with a note somewhere in it."""
    image = Image.new("RGB", (max(width, note.width), max(height, note.height)), ground)
    x, y = ((each * (37 * at + 23)) % 100 / 100 for each in (1, 3))
    image.paste(note, (int(x * (image.width - note.width)), int(y * (image.height - note.height))))
    return image


def _amount(at: int, low: float, high: float) -> float:
    """Return one of the amounts between two, each of the twenty another; every second picture is of the other half."""
    return low + (high - low) * (2 * (at % 10) + at // 10) / (PLACES - 1)


def _plain(phrase: str, at: int) -> Image.Image:
    ink, ground = INKS[at % 5]
    return _on(_note(f"about {phrase}", 18 + at, ink, ground), 640, 480, ground, at)


def _small_page(phrase: str, at: int) -> Image.Image:
    ink, ground = INKS[at % 2]
    width, height = ((1_280, 720), (1_600, 1_200), (1_920, 1_080), (2_480, 1_754))[at % 4]
    note = _note(f"we keep the {phrase} in the cellar", round(_amount(at, 9, 13)), ink, ground, edge=6)
    image = _on(note, width, height, ground, at)
    head = ImageFont.load_default(48)
    ImageDraw.Draw(image).text((60, height // 2), "An ordinary headline", fill=ink, font=head)
    return image


def _small_photo(phrase: str, at: int) -> Image.Image:
    image = drawn(1_280 + 160 * (at % 3), 960, at).filter(ImageFilter.GaussianBlur(12))
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(round(_amount(at, 13, 20)))
    left, top = 100 + 31 * at, 80 + 38 * at
    box = draw.textbbox((left, top), f"about {phrase}", font=font)
    if at % 2:
        draw.rectangle((box[0] - 6, box[1] - 4, box[2] + 6, box[3] + 4), fill=(250, 250, 250))
    stroke = 0 if at % 2 else 1
    draw.text(
        (left, top), f"about {phrase}", fill=(0, 0, 0), font=font, stroke_width=stroke, stroke_fill=(255,) * 3
    )
    return image


def _turned(phrase: str, at: int) -> Image.Image:
    ink, ground = INKS[at % 5]
    angles = (90, 180, 270, 15, -20, 30, -40, 45, 60, -75, 90, 180, 270, 10, -25, 35, -45, 55, 120, 160)
    image = _on(_note(f"about {phrase}", 22 + at % 4 * 3, ink, ground), 600, 420, ground, at)
    return image.rotate(angles[at], expand=True, fillcolor=ground, resample=Image.Resampling.BICUBIC)


def _mirrored(phrase: str, at: int) -> Image.Image:
    image = _plain(phrase, at).transpose(
        (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM)[at % 2]
    )
    return image.transpose(Image.Transpose.ROTATE_90) if at % 5 == 4 else image


def _perspective(phrase: str, at: int) -> Image.Image:
    """Draw it as on a wall or a floor that leads away."""
    ink, ground = INKS[at % 5]
    note = _note(f"about {phrase}", 36, ink, ground, edge=40)
    w, h = note.size
    far, lean = _amount(at, 0.7, 0.35), (at % 3 - 1) * 0.25
    low, high = (1 - far) / 2, (1 + far) / 2
    corners = (
        [(0.0, 0.0), (1.0, low + lean), (1.0, high + lean), (0.0, 1.0)],  # the right side is far away
        [(0.0, low + 0.25), (1.0, 0.0), (1.0, 1.0), (0.0, high + 0.25)],  # the left side is
        [(low, 0.0), (high, 0.0), (1.0, 1.0), (0.0, 1.0)],  # the upper side is
    )[at % 3]
    size = (max(360, w), max(300, 2 * h))
    target = [(60 + x * (size[0] - 40), 60 + y * h + size[1] / 3) for x, y in corners]
    source = [(0, 0), (w, 0), (w, h), (0, h)]
    factors = _solve_perspective(target, source)
    image = note.transform(
        (size[0] + 120, size[1] + 120),
        Image.Transform.PERSPECTIVE,
        factors,
        resample=Image.Resampling.BICUBIC,
        fillcolor=ground,
    )
    return image


def _solve_perspective(
    target: list[tuple[float, float]], source: list[tuple[float, float]]
) -> tuple[float, ...]:
    """Return the eight numbers by which Pillow finds the source of each point of a target."""
    rows, values = [], []
    for (x, y), (u, v) in zip(target, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return tuple(float(each) for each in np.linalg.solve(np.array(rows), np.array(values)))


def _sample(note: Image.Image, xs: NDArray[np.float64], ys: NDArray[np.float64], ground: Ink) -> Image.Image:
    """Return a picture of which each pixel is the note's at some place, or the ground."""
    pixels = np.asarray(note, dtype=np.float64)
    high, wide = pixels.shape[:2]
    inside = (xs >= 0) & (ys >= 0) & (xs < wide - 1) & (ys < high - 1)
    x, y = np.clip(xs, 0, wide - 2), np.clip(ys, 0, high - 2)
    left, top = x.astype(int), y.astype(int)
    dx, dy = (x - left)[..., None], (y - top)[..., None]
    upper = pixels[top, left] * (1 - dx) + pixels[top, left + 1] * dx
    lower = pixels[top + 1, left] * (1 - dx) + pixels[top + 1, left + 1] * dx
    made = np.where(inside[..., None], upper * (1 - dy) + lower * dy, np.array(ground, dtype=np.float64))
    return Image.fromarray(made.round().astype(np.uint8))


def _bent(phrase: str, at: int) -> Image.Image:
    """Draw it on an arc that opens downwards or upwards, or on a wave."""
    ink, ground = INKS[at % 5]
    note = _note(f"about {phrase}", 34, ink, ground, edge=8)
    wide, high = note.size
    if at % 3 == 2:
        swing, length = high * _amount(at, 0.4, 1.0), wide / (1 + at % 2)
        ys, xs = np.mgrid[0 : high + 2 * int(swing) + 60, 0 : wide + 60].astype(np.float64)
        ys -= 30 + swing + swing * np.sin(2 * np.pi * (xs - 30) / length)
        return _sample(note, xs - 30, ys, ground)
    sweep = math.radians(_amount(at, 50, 190))
    radius = wide / sweep
    half = radius * math.sin(min(sweep, math.pi) / 2) + high
    depth = radius * (1 - math.cos(sweep / 2)) + high
    ys, xs = np.mgrid[0 : int(depth) + 80, 0 : int(2 * half) + 80].astype(np.float64)
    if at % 3 == 1:  # a smile
        ys = ys[::-1]
    xs -= xs.shape[1] / 2
    ys -= 40 + radius + high / 2
    angle, away = np.arctan2(xs, -ys), np.hypot(xs, ys)
    across = radius + high / 2 - away
    return _sample(note, (angle + sweep / 2) * radius, high - across if at % 3 == 1 else across, ground)


def _faint(phrase: str, at: int) -> Image.Image:
    shade = (255, 0, 128, 200, 60)[at % 5]
    away = round(_amount(at, 16, 4)) * (-1 if shade > 127 else 1)
    ground: Ink = (shade, shade, shade)
    ink: Ink = (shade + away,) * 3 if at % 3 else (shade, shade, shade + away)
    image = _on(_note(f"about {phrase}", 20 + at % 3 * 4, ink, ground), 640, 480, ground, at)
    if at % 2:  # beside something plain
        ImageDraw.Draw(image).rectangle((0, 0, 90, 12), fill=(200, 30, 30))
    return image


def _coloured(phrase: str, at: int) -> Image.Image:
    image = drawn(640, 480, at)
    size = 22 + at % 5 * 4
    ImageDraw.Draw(image).text(
        (20 + 2 * at, 30 + 19 * at),
        f"about {phrase}",
        fill=((255, 255, 255), (0, 0, 0))[at % 2],
        font=ImageFont.load_default(size),
        stroke_width=1 + at % 2,
        stroke_fill=((0, 0, 0), (255, 255, 255))[at % 2],
    )
    return image


def _damaged(phrase: str, at: int) -> Image.Image:
    """Blur it, fill it with noise, or save it as a poor JPEG."""
    ink, ground = INKS[at % 5]
    image = _on(_note(f"about {phrase}", 26, ink, ground), 640, 480, ground, at)
    if at % 3 == 0:
        return image.filter(ImageFilter.GaussianBlur(_amount(at, 1.0, 2.6)))
    if at % 3 == 1:
        noise = np.random.default_rng(at).normal(0, _amount(at, 20, 60), (480, 640, 3))
        pixels = np.asarray(image, dtype=np.float64)[:480, :640] + noise
        return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=round(_amount(at, 25, 8)))
    return Image.open(out).convert("RGB")


def _apart(phrase: str, at: int) -> Image.Image:
    """Draw it in capitals without spaces, with wide letters, or on several lines."""
    ink, ground = INKS[at % 5]
    if at % 3 == 0:
        return _on(_note(f"{phrase.upper().replace(' ', '')}", 30, ink, ground), 640, 480, ground, at)
    if at % 3 == 1:
        spaced = "  ".join(" ".join(each) for each in phrase.split())
        return _on(_note(spaced, 24, ink, ground), 640, 480, ground, at)
    image = Image.new("RGB", (640, 480), ground)
    for row, word in enumerate(phrase.split()):
        font = ImageFont.load_default(40)
        ImageDraw.Draw(image).text((60 + 10 * at, 60 + 70 * row), word, fill=ink, font=font)
    return image


WAYS: Final[Mapping[str, Callable[[str, int], Image.Image]]] = MappingProxyType(
    {
        "plain": _plain,
        "small, on a page": _small_page,
        "small, on a photo": _small_photo,
        "turned": _turned,
        "mirrored": _mirrored,
        "perspective": _perspective,
        "bent": _bent,
        "faint": _faint,
        "coloured ground": _coloured,
        "damaged": _damaged,
        "letters apart": _apart,
    }
)
"""Ways to write, by their names in the table."""
