"""Pixels: small grey pictures that leave nothing out, and upright ones that look as they are shown."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.media.video.frames.frame_pixels import (
    block_means,
    frame_rotation,
    frame_views,
    output_shape,
    shrink_frame,
)
from guardrails.media.video.frames.shots import COLUMNS, ROWS
from tests.cases import each_case


def frame_of(colour: tuple[int, ...], size: tuple[int, int] = (300, 200), pixels: str = "yuv420p") -> Any:
    """Return a frame of one colour."""
    form = "rgba" if len(colour) == 4 else "rgb24"
    made = av.VideoFrame.from_ndarray(np.full((size[1], size[0], len(colour)), colour, np.uint8), form)
    return made.reformat(format=pixels, threads=1)


@each_case(
    "pixels",
    [
        *(
            "yuv420p",
            "yuv422p",
            "yuv444p",
            "yuv410p",
            "yuva420p",
            "yuv420p10le",
            "yuv422p10le",
            "yuv444p12le",
        ),
        *("yuv420p10be", "nv12", "yuyv422", "rgb24", "gbrp", "bgr0"),
    ],
)
@each_case("size", [(300, 200), (1281, 721), (721, 1281), (30, 50), (50, 30), (8, 8)])
def test_all_formats_of_pixels_give_the_same_small_picture(pixels: str, size: tuple[int, int]) -> None:
    """However many bits, planes and rows there are."""
    small = shrink_frame(frame_of((200, 60, 60), size, pixels))
    assert small.shape == (3 + ("yuva" in pixels), ROWS, COLUMNS)
    assert (small[3:] == 255).all()
    assert small[0].mean() == pytest.approx(103, abs=2)
    assert small[1].mean() == pytest.approx(106, abs=3)
    assert small[2].mean() == pytest.approx(189, abs=3)
    assert small.std(axis=(1, 2)).max() < 1.5


@each_case("form", ["yuv420p", "rgb24"])
@each_case("size", [(1280, 720), (720, 1280)])
def test_a_small_picture_has_blocks_as_wide_as_high(form: str, size: tuple[int, int]) -> None:
    """Also of what telephones film upright: what is square in the frame is so there."""
    pixels = np.full((size[1], size[0], 3), 40, np.uint8)
    pixels[200:300, 400:500] = 220
    small = shrink_frame(av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(format=form, threads=1))
    seen = small[0] > 120
    assert (seen.any(axis=0).sum(), seen.any(axis=1).sum()) == (5, 5)


def test_grey_has_no_colour() -> None:
    """It is as if it were in the middle."""
    small = shrink_frame(frame_of((90, 90, 90), pixels="gray"))
    assert (small[1:] == 128).all()


@given(st.integers(1, 200), st.integers(1, 300), st.data())
def test_every_pixel_counts(rows: int, columns: int, data: st.DataObject) -> None:
    """There is no place in a plane that no block sees."""
    values = np.zeros((rows, columns), np.uint16)
    place = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1))
    values[place] = 60_000
    assert block_means(values).max() > 0


def test_blocks_are_means() -> None:
    """Of the pixels that they stand for."""
    values = np.random.default_rng(0).integers(0, 256, (ROWS * 5, COLUMNS * 3), dtype=np.uint8)
    means = values.reshape(ROWS, 5, COLUMNS, 3).mean(axis=(1, 3))
    assert (block_means(values) == means.astype(int)).all()


@each_case(
    ("size", "aspect", "side", "shape"),
    [
        ((1920, 1080), None, 512, (512, 288)),
        ((320, 180), None, 512, (320, 180)),
        ((720, 576), Fraction(64, 45), 512, (512, 288)),
        ((720, 576), Fraction(16, 15), 512, (512, 384)),
        ((100, 400), Fraction(1, 2), 400, (50, 400)),
        ((640, 480), Fraction(0, 1), 512, (512, 384)),
        ((640, 480), Fraction(1_000, 1), 512, (512, 16)),
        ((4_000, 2), None, 512, (512, 16)),
    ],
)
def test_what_is_handed_out_is_as_wide_as_it_is_shown(
    size: tuple[int, int], aspect: Fraction | None, side: int, shape: tuple[int, int]
) -> None:
    """And never so narrow that nothing is to be seen."""
    found = output_shape(*size, aspect, side)
    assert found == pytest.approx(shape, abs=1)


def test_a_frame_without_alpha_has_one_view() -> None:
    """Its colours are those that it was made of."""
    (view,) = frame_views(frame_of((200, 60, 60)), None, 64)
    assert (view.shape, view.dtype) == ((43, 64, 3), np.uint8)
    assert view.mean(axis=(0, 1)) == pytest.approx((200, 60, 60), abs=3)


def test_a_frame_with_alpha_has_the_views_that_somebody_may_have() -> None:
    """Over white, over black, and what is under what is transparent, where there is more than one colour."""
    assert len(frame_views(frame_of((200, 60, 60, 255), pixels="rgba"), None, 64)) == 1
    white, black = frame_views(frame_of((200, 60, 60, 0), pixels="rgba"), None, 64)
    assert (white.min(), black.max()) == (255, 0)
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[::, 32:, 0] = 250
    _, _, under = frame_views(av.VideoFrame.from_ndarray(pixels, "rgba"), None, 64)
    assert (under[10, 10, 0], under[10, 50, 0]) == (0, 250)


def test_a_frame_without_a_matrix_is_upright() -> None:
    """What turns it is tested with films, which alone have one."""
    assert frame_rotation(frame_of((1, 2, 3))) == (0, False)
