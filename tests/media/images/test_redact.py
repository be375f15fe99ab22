"""Redaction: what was given comes back covered, as what it was."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from guardrails.media.errors import MediaError
from guardrails.media.images.picture import open_picture
from guardrails.media.images.redact import covered_boxes, make_placeholder, redact_picture
from tests.cases import each_case

Make = Callable[..., bytes]
Draw = Callable[..., Image.Image]


def test_a_file_comes_back_as_a_file(each_file: tuple[str, bytes]) -> None:
    """Of its format, with the box and its margin covered."""
    name, data = each_file
    again = open_picture(redact_picture(open_picture(data), [(10, 10, 10, 10)]))
    assert (again.format, again.width, again.height) == (name, 48, 32)
    assert again.views[0][9:21, 9:21].max() < 16
    assert again.views[0][:, 30:].max() > 50


def test_a_film_is_covered_in_each_frame(film_of: Make) -> None:
    """All of it, or a box."""
    for format_ in ("gif", "webp", "png", "avif"):
        picture = open_picture(film_of(format_, 3))
        assert max(int(view.max()) for view in open_picture(redact_picture(picture, whole=True)).views) < 8
        again = open_picture(redact_picture(picture, [(8, 8, 12, 12)]))
        assert (again.animated, len(again.frames)) == (True, 3)
        assert all(view[10:18, 10:18].max() < 24 for view in again.views)


def test_the_whole_can_be_blurred(draw: Draw) -> None:
    """A few means are left of it."""
    picture = open_picture(draw(400, 300, seed=5))
    made = np.asarray(redact_picture(picture, whole=True, how="blur"))
    assert made.shape == (300, 400, 3)
    assert 0 < made.std() < picture.views[0].std()


def test_a_large_file_is_covered_at_full_size(draw: Draw, file_of: Make) -> None:
    """In a process of its own."""
    picture = open_picture(file_of(draw(4_200, 3_000), "png", compress_level=1))
    assert (picture.width, picture.views[0].shape[1]) == (4_200, 2_100)
    again = open_picture(redact_picture(picture, [(4_000, 1_000, 100, 100)], margin=0))
    assert again.width == 4_200
    assert again.views[0][502:548, 2_002:2_048].max() < 16


@each_case("mode", ["RGB", "RGBA", "L", "LA", "CMYK", "P"])
def test_an_image_of_pillow_comes_back_as_one(draw: Draw, mode: str) -> None:
    """Of the same mode, but for one of few colours; the given one is as it was."""
    image = draw().convert(mode)
    before = image.tobytes()
    made = redact_picture(open_picture(image), [(10, 10, 10, 10)], margin=0)
    assert made.mode == (mode if mode != "P" else "RGB")
    assert np.asarray(made.convert("RGB"))[10:20, 10:20].max() < 4
    assert image.tobytes() == before


def test_a_moving_image_of_pillow_comes_back_moving(film_of: Make) -> None:
    """As a GIF."""
    image = Image.open(io.BytesIO(film_of("webp", 3)))
    made = redact_picture(open_picture(image), [(10, 10, 10, 10)])
    assert (made.n_frames, image.tell()) == (3, 0)
    made.seek(2)
    assert np.asarray(made.convert("RGB"))[12:18, 12:18].max() < 8


@each_case("channels", [0, 1, 3, 4])
@each_case("kind", [np.uint8, np.float32, np.uint16, np.bool_])
def test_an_array_comes_back_as_one(draw: Draw, channels: int, kind: Any) -> None:
    """Of the same shape and type, black where it is covered and as it was elsewhere."""
    image = draw().convert({0: "L", 1: "L", 3: "RGB", 4: "RGBA"}[channels])
    pixels = np.asarray(image)
    pixels = pixels[:, :, None] if channels == 1 else pixels
    scaled = {
        np.float32: lambda: (pixels / 255).astype(np.float32),
        np.uint16: lambda: pixels.astype(np.uint16) * 257,
    }
    given = scaled.get(kind, lambda: pixels > 99 if kind is np.bool_ else pixels)()
    made = redact_picture(open_picture(given), [(10, 10, 10, 10)], margin=0)
    assert (made.shape, made.dtype) == (given.shape, given.dtype)
    colours = made[10:20, 10:20] if channels < 4 else made[10:20, 10:20, :3]
    assert not colours.any()
    assert (made[:, 25:] == given[:, 25:]).all() or channels == 4


def test_there_must_be_something_to_cover(draw: Draw) -> None:
    """In the picture."""
    with pytest.raises(ValueError, match="nothing to cover"):
        redact_picture(open_picture(draw()))
    with pytest.raises(ValueError, match="lies outside"):
        redact_picture(open_picture(draw()), [(100, 100, 5, 5)])


def test_what_is_covered_is_more_than_what_was_found(draw: Draw) -> None:
    """By the margin, inside the picture; or all of it."""
    picture = open_picture(draw(64, 48))
    assert covered_boxes(picture, [(10, 10, 20, 10), (0, 40, 64, 8)]) == ((7, 8, 26, 14), (0, 38, 64, 10))
    assert covered_boxes(picture, [], whole=True) == ((0, 0, 64, 48),)
    assert covered_boxes(picture, []) == ()
    with pytest.raises(ValueError, match="lies outside"):
        covered_boxes(picture, [(100, 100, 5, 5)])


@each_case("format_", ["jpeg", "png", "webp", "avif"])
def test_a_redacted_file_has_pixels_and_nothing_else(draw: Draw, file_of: Make, format_: str) -> None:
    """Upright, as nothing is left that would turn it."""
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "zqx-camera", 6
    data = file_of(draw(), format_, exif=exif, icc_profile=b"zqx-profile", xmp=b"zqx-xmp")
    picture = open_picture(data)
    made = open_picture(redact_picture(picture, [(2, 2, 4, 4)]))
    assert b"zqx" in data
    assert b"zqx" not in made.data
    assert (made.format, made.width, made.height) == (format_, 32, 48)


@each_case("format_", ["png", "jpeg", "webp", "gif", "avif", "bmp"])
def test_a_placeholder_is_a_picture_of_a_size(format_: str) -> None:
    """In any format that is written."""
    found = open_picture(make_placeholder(120, 80, format_))
    assert (found.format, found.width, found.height) == (format_, 120, 80)
    assert 60 < found.views[0].mean() < 140


def test_a_placeholder_of_another_format_is_an_error() -> None:
    """By the name that all have."""
    with pytest.raises(MediaError) as caught:
        make_placeholder(1, 1, "heic")
    assert caught.value.code == "unsupported_type"
