"""Frames that are written again: formats, sides, turns, and what is covered in them."""

from __future__ import annotations

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from guardrails.media.images.edit import How
from guardrails.media.rewrite.recode_frames import FORMAT, FULL, LIMITED, FrameMaker, is_rgb, split_planes
from tests.cases import each_case

Pixels = NDArray[np.uint8]


def drawn(width: int = 64, height: int = 48) -> Pixels:
    """Return a picture whose quarters are red, green, blue and grey."""
    pixels = np.full((height, width, 3), 90, np.uint8)
    top, left = height // 2, width // 2
    pixels[:top, :left], pixels[:top, left:], pixels[top:, :left] = (
        (200, 30, 30),
        (30, 200, 30),
        (30, 30, 200),
    )
    return pixels


def framed(pixels: Pixels, format_: str = FORMAT) -> av.VideoFrame:
    """Return a picture as a frame of a format."""
    return av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(format=format_, threads=1)


def seen(frame: av.VideoFrame) -> NDArray[np.int16]:
    """Return a frame as red, green and blue."""
    return np.asarray(frame.to_ndarray(format="rgb24")).astype(np.int16)


def near(frame: av.VideoFrame, pixels: Pixels, at: tuple[slice, slice] = np.s_[:, :]) -> bool:
    """Tell whether a part of a frame looks like that of a picture, but for what its format cannot keep."""
    return bool((np.abs(seen(frame)[at] - pixels[at]).max(axis=2) > 12).mean() < 0.2)


def test_a_frame_that_fits_stays_the_same() -> None:
    """Nothing is converted, turned or copied."""
    frame = framed(drawn())
    assert FrameMaker((64, 48)).make(frame, []) is frame


@each_case("format_", ["yuv420p10le", "yuv444p", "yuva420p", "yuvj420p", "rgb24", "bgra", "gray", "yuv422p"])
def test_all_formats_become_one(format_: str) -> None:
    """Eight bits, four pixels a colour, the usual range, and it looks the same."""
    pixels = drawn()
    if format_ == "gray":
        pixels = np.repeat(pixels.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    frame = framed(pixels, format_)
    made = FrameMaker((64, 48)).make(frame, [])
    assert (made.format.name, made.color_range) == (FORMAT, LIMITED)
    assert near(made, pixels)


def test_the_full_range_becomes_the_usual_one() -> None:
    """Also where only the frame says so, and not its format."""
    frame = av.VideoFrame(64, 48, FORMAT)
    for plane, value in zip(split_planes(frame), (255, 128, 128), strict=True):
        plane[:] = value
    frame.color_range = FULL
    made = FrameMaker((64, 48)).make(frame, [])
    assert {int(value) for value in split_planes(made)[0].ravel()} == {235}


@each_case(("format_", "expected"), [("rgb24", True), ("pal8", True), ("yuv420p", False), ("gray", False)])
def test_which_formats_have_no_brightness(format_: str, expected: bool) -> None:
    """Their colours are counted by us."""
    assert is_rgb(av.VideoFormat(format_)) is expected


@each_case("mirrored", [False, True])
@each_case("degrees", [90, 180, 270])
def test_a_frame_is_turned(degrees: int, mirrored: bool) -> None:
    """Clockwise, after it was mirrored; boxes are those of the upright picture."""
    pixels = drawn()
    upright = np.ascontiguousarray(np.rot90(pixels[:, ::-1] if mirrored else pixels, -degrees // 90))
    size = (upright.shape[1], upright.shape[0])
    made = FrameMaker(size, degrees, mirrored).make(framed(pixels), [((0, 0, 16, 16), "solid")])
    assert (made.width, made.height) == size
    assert near(made, upright, np.s_[16:, 16:])
    assert seen(made)[1:15, 1:15].max() < 8


def test_what_is_transparent_is_black() -> None:
    """What an author hid under it is not written."""
    pixels = np.dstack([drawn(), np.full((48, 64, 1), 255, np.uint8)])
    pixels[:, 32:, 3] = 0
    made = FrameMaker((64, 48)).make(av.VideoFrame.from_ndarray(pixels, "rgba"), [])
    assert near(made, drawn(), np.s_[:, :31])
    assert seen(made)[:, 33:].max() < 8


def test_odd_sides_become_even() -> None:
    """The last row and column are there twice; a box at the border covers them, too."""
    pixels = drawn(63, 47)
    frames = FrameMaker((63, 47))
    made = frames.make(framed(pixels), [])
    assert (made.width, made.height) == frames.even == (64, 48)
    brightness = split_planes(made)[0]
    assert np.array_equal(brightness[:, 63], brightness[:, 62])
    assert np.array_equal(brightness[47], brightness[46])
    assert near(made, np.pad(pixels, ((0, 1), (0, 1), (0, 0)), mode="edge"))
    covered = frames.make(framed(pixels), [((40, 30, 23, 17), "solid")])
    assert seen(covered)[30:, 40:].max() < 8


def test_another_size_becomes_that_of_the_first() -> None:
    """A film may change it; what is encoded may not."""
    made = FrameMaker((64, 48)).make(framed(drawn(128, 96)), [])
    assert (made.width, made.height) == (64, 48)
    assert near(made, drawn(), np.s_[:20, :28])


@pytest.mark.parametrize("how", ["solid", "pixelate", "blur", "placeholder"])
def test_a_box_is_covered(how: How) -> None:
    """What was fine in it is gone, what is outside is the same to the bit, and the frame that was given is as it was."""
    pixels = drawn()
    pixels[8:40, 8:40] = np.indices((32, 32)).sum(axis=0)[..., None] % 2 * 255
    frame = framed(pixels)
    before = [plane.copy() for plane in split_planes(frame)]
    kept = av.VideoFrame(64, 48, FORMAT)
    for plane, old in zip(split_planes(kept), before, strict=True):
        plane[:] = old
    made = FrameMaker((64, 48)).make(frame, [((9, 9, 31, 31), how)])
    for by, plane, old in zip((1, 2, 2), split_planes(made), before, strict=True):
        at = np.s_[8 // by : 40 // by, 8 // by : 40 // by]
        plane, old = plane.copy(), old.copy()
        assert by == 2 or np.abs(np.diff(plane[at].astype(int))).mean() < 20
        plane[at] = old[at] = 0
        assert np.array_equal(plane, old)


def test_covering_leaves_the_decoder_its_frame() -> None:
    """A decoder makes the next frames of those it gave: what they hold may not change."""
    made = FrameMaker((64, 48)).make(framed(drawn(), "yuv444p"), [((0, 0, 64, 48), "solid")])
    assert {int(value) for value in split_planes(made)[0].ravel()} == {16}
    assert {int(value) for value in split_planes(made)[1].ravel()} == {128}
