"""PDQ: what hashes of pictures, and of their other forms, have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from guardrails.media.hashes.pdq import FORMS, count_differing_bits, hash_pixels, split_words
from tests.cases import each_case

NEAR = 31
"""Lists match at this distance."""


def patches(seed: int, height: int = 300, width: int = 400) -> Any:
    """Return the pixels of a picture with much to see in it."""
    small = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


KNOWN = [
    (0, "d77a4842fe50cd2eda3832d081af37bd2a85e1632ccad3e590732ef305cb4e83"),
    (1, "f502684b2d32ca822510357dc2cf97b40afdc171102db9acc77c1b7bd87d3d8b"),
    (2, "b4cd087df1db8c47d7d573b80e24f782cb3235c468ea17f100232785e6aae4ce"),
]


@each_case(("seed", "wanted"), KNOWN)
def test_hashes_are_those_of_the_reference(seed: int, wanted: str) -> None:
    """As `pdqhash` 0.2.8 gives them for the same pixels."""
    found = hash_pixels(patches(seed))
    assert found.hash.hex() == wanted
    assert found.quality == 100


@each_case(
    ("form", "turn"),
    [
        ("original", lambda pixels: pixels),
        ("mirrored", lambda pixels: pixels[:, ::-1]),
        ("upside_down", lambda pixels: pixels[::-1]),
        ("turned_180", lambda pixels: pixels[::-1, ::-1]),
        ("transposed", lambda pixels: pixels.swapaxes(0, 1)),
        ("turned_90", lambda pixels: np.rot90(pixels)),
        ("turned_270", lambda pixels: np.rot90(pixels, 3)),
        ("transversed", lambda pixels: np.rot90(pixels, 2).swapaxes(0, 1)),
    ],
)
def test_each_form_is_the_hash_of_the_turned_picture(form: str, turn: Callable[[Any], Any]) -> None:
    """But for a few bits, as the filters are not the same to both sides."""
    for seed in range(5):
        pixels = patches(seed)
        of_form = hash_pixels(pixels).forms[FORMS.index(form)]
        assert count_differing_bits(of_form, hash_pixels(turn(pixels)).hash) <= NEAR


@each_case(
    "change",
    [
        lambda image: image.resize((200, 150)),
        lambda image: image.resize((800, 600)),
        lambda image: image.convert("L").convert("RGB"),
        lambda image: image.point(lambda value: value * 0.8 + 20),
        lambda image: image.quantize(64).convert("RGB"),
    ],
)
def test_a_picture_that_was_worked_on_is_near(change: Callable[[Image.Image], Image.Image]) -> None:
    """And another one is far."""
    for seed in range(5):
        image = Image.fromarray(patches(seed))
        found = hash_pixels(np.asarray(image)).hash
        assert count_differing_bits(found, hash_pixels(np.asarray(change(image))).hash) <= NEAR
        assert count_differing_bits(found, hash_pixels(patches(seed + 100)).hash) > 80


@each_case(
    "pixels",
    [
        np.zeros((200, 200, 3), np.uint8),
        np.full((200, 200, 3), 255, np.uint8),
        np.tile(np.linspace(0, 255, 300).astype(np.uint8)[None, :, None], (200, 1, 3)),
        np.zeros((4, 400, 3), np.uint8),
    ],
)
def test_what_says_little_has_little_quality(pixels: Any) -> None:
    """Blank, black, a slope, a line."""
    assert hash_pixels(pixels).quality < 50


@given(
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=32, max_size=32),
)
def test_distance_is_one(first: bytes, second: bytes, third: bytes) -> None:
    """Between 0 and 256, to and fro, and never longer straight than over another."""
    assert count_differing_bits(first, first) == 0
    assert 0 <= count_differing_bits(first, second) == count_differing_bits(second, first) <= 256
    assert count_differing_bits(first, third) <= count_differing_bits(first, second) + count_differing_bits(
        second, third
    )
    counted = np.bitwise_count(split_words([first])[0] ^ split_words([second])[0]).sum()
    assert counted == count_differing_bits(first, second)


@given(st.integers(5, 90), st.integers(5, 90), st.integers(0, 9))
def test_a_hash_has_half_of_its_bits(height: int, width: int, seed: int) -> None:
    """The median parts them; of any size."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    found = hash_pixels(noise)
    assert len(found.forms) == len(FORMS)
    assert all(int.from_bytes(form, "big").bit_count() <= 128 for form in found.forms)
    assert 0 <= found.quality <= 100
    assert hash_pixels(noise) == found
