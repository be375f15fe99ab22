"""Other looks of a picture: cut, framed or shown on a screen it is near to what it was; another picture is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from guardrails.media.hashes.cropped_looks import find_blocks, hash_cropped_looks
from guardrails.media.hashes.pdq import count_differing_bits, hash_pixels
from tests.cases import each_case
from tests.media.hashes.test_pdq import NEAR, patches

Change = Callable[[Image.Image], Image.Image]


def cut(left: float, top: float, right: float, bottom: float) -> Change:
    """Return what cuts shares off the sides."""
    return lambda image: image.crop((
        round(image.width * left), round(image.height * top),
        round(image.width * (1 - right)), round(image.height * (1 - bottom)),
    ))  # fmt: skip


def framed(colour: str, share: float = 0.05) -> Change:
    """Return what puts a frame around a picture."""

    def change(image: Image.Image) -> Image.Image:
        wide = round(share * image.width)
        made = Image.new("RGB", (image.width + 2 * wide, image.height + 2 * wide), colour)
        made.paste(image, (wide, wide))
        return made

    return change


def shown(image: Image.Image) -> Image.Image:
    """Return a screen on which a picture is: a bar, an address, the picture, its caption and links beside it."""
    made = Image.new("RGB", (1_280, 800), "white")
    draw = ImageDraw.Draw(made)
    draw.rectangle((0, 0, 1_280, 70), fill=(222, 225, 230))
    draw.text((170, 30), "https://example.org/pictures/17", fill="black")
    for at in range(8):
        draw.text((900, 160 + 40 * at), f"Related: another page {at}", fill=(30, 60, 180))
    made.paste(image.resize((600, 450)), (60, 150))
    draw.text((60, 620), "What is said of the picture, in one line", fill="gray")
    return made


CHANGES: dict[str, Change] = {
    "all sides cut by 3 %": cut(0.03, 0.03, 0.03, 0.03),
    "all sides cut by 1.5 %": cut(0.015, 0.015, 0.015, 0.015),
    "left side cut": cut(0.03, 0, 0, 0),
    "lower side cut": cut(0, 0, 0, 0.03),
    "white frame": framed("white"),
    "black frame": framed("black"),
    "two frames": lambda image: framed("white")(framed("black", 0.02)(image)),
    "screen": shown,
    "cut and mirrored": lambda image: cut(0.03, 0.03, 0.03, 0.03)(image).transpose(
        Image.Transpose.FLIP_LEFT_RIGHT
    ),
    "framed and mirrored": lambda image: framed("white")(image).transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "large": lambda image: framed("white")(image.resize((1_600, 1_200))),
}


def nearest(image: Image.Image, to: bytes) -> int:
    """Return how near the other looks of a picture come to a hash."""
    looks = hash_cropped_looks(np.asarray(image))
    return min(count_differing_bits(form, to) for look in looks for form in look.hashes.forms)


@pytest.mark.parametrize("count", [5])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_picture_is_near_again(change: Change, count: int) -> None:
    """Of ten at least eight; and none is near to another picture."""
    pictures = [Image.fromarray(patches(seed)) for seed in range(count)]
    hashes = [hash_pixels(np.asarray(image)).hash for image in pictures]
    changed = [change(image) for image in pictures]
    assert sum(nearest(image, own) <= NEAR for image, own in zip(changed, hashes, strict=True)) >= 0.8 * count
    assert all(
        nearest(image, other) > NEAR
        for at, image in enumerate(changed)
        for number, other in enumerate(hashes)
        if at != number
    )


def test_a_block_is_what_stands_on_the_ground() -> None:
    """Without its frame, to the pixel."""
    pixels = patches(3)
    made = framed("white", 0.1)(Image.fromarray(pixels))
    [block, *_] = find_blocks(np.asarray(made))
    assert np.array_equal(block, pixels)


@each_case(
    "pixels",
    [
        np.full((200, 300, 3), 255, np.uint8),
        np.zeros((8, 300, 3), np.uint8),
        np.asarray(framed("white", 3.0)(Image.fromarray(patches(1)))),
    ],
    ids=["blank", "strip", "stamp"],
)
def test_what_has_no_block_has_none(pixels: Any) -> None:
    """Nothing on it, too thin, or one of many small things."""
    assert list(find_blocks(pixels)) == []


def test_looks_of_a_strip_are_none() -> None:
    """It is too thin to be a picture that was cut."""
    assert list(hash_cropped_looks(np.zeros((8, 300, 3), np.uint8))) == []
