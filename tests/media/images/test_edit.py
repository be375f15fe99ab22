"""Edits: nothing is left of what is covered, and of a file nothing but pixels."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from guardrails.media.errors import MediaError
from guardrails.media.images.edit import CELLS, cover_boxes, edit_file, flatten_image, widen_box, write_frames
from guardrails.media.limits import PictureLimits
from tests.cases import each_case

Make = Callable[..., bytes]
Draw = Callable[..., Image.Image]


def shown(data: bytes) -> Any:
    """Return a file's pixels."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@given(st.integers(-20, 60), st.integers(-20, 60), st.integers(1, 40), st.integers(1, 40), st.floats(0, 0.5))
def test_a_box_grows_within_the_picture(x: int, y: int, width: int, height: int, margin: float) -> None:
    """It holds all of itself that lies in the picture; one that lies outside is a mistake."""
    inside = {
        (left, top)
        for left in range(max(0, x), min(48, x + width))
        for top in range(max(0, y), min(32, y + height))
    }
    if not inside:
        with pytest.raises(ValueError, match="lies outside"):
            widen_box((x, y, width, height), margin, (48, 32))
        return
    left, top, wide, high = widen_box((x, y, width, height), margin, (48, 32))
    assert left >= 0
    assert top >= 0
    assert left + wide <= 48
    assert top + high <= 32
    assert all(left <= at < left + wide and top <= down < top + high for at, down in inside)


@given(st.integers(0, 40), st.integers(0, 25), st.integers(1, 60), st.integers(1, 60), st.integers(0, 9))
def test_nothing_is_left_in_a_solid_box(x: int, y: int, width: int, height: int, seed: int) -> None:
    """And nothing is changed outside of it."""
    noise = np.random.default_rng(seed).integers(1, 255, (32, 48, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    cover_boxes(image, [(x, y, min(width, 48 - x), min(height, 32 - y))], "solid")
    made = np.asarray(image).copy()
    assert (made[y : y + height, x : x + width] == 0).all()
    made[y : y + height, x : x + width] = noise[y : y + height, x : x + width]
    assert (made == noise).all()


@each_case("how", ["pixelate", "blur"])
def test_a_box_is_told_by_a_few_means(how: Any) -> None:
    """So many that one sees that there is something, and not what was written."""
    noise = np.random.default_rng(0).integers(0, 255, (200, 400, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    cover_boxes(image, [(40, 40, 320, 120)], how)
    made = np.asarray(image)[40:160, 40:360]
    assert made.std() < 20 < noise.std()
    if how == "pixelate":
        assert len(np.unique(made.reshape(-1, 3), axis=0)) <= CELLS * 3
    other = np.asarray(image).copy()
    other[40:160, 40:360] = noise[40:160, 40:360]
    assert (other == noise).all()


def test_nothing_is_kept_under_what_is_transparent(draw: Draw) -> None:
    """It is black there; what shows even a little stays."""
    image = draw()
    image.putalpha(Image.fromarray(np.tile(np.array([0, 1, 255] * 16, dtype=np.uint8), (32, 1))))
    made, given_ = np.asarray(flatten_image(image)), np.asarray(image)
    assert (made[:, 0::3] == 0).all()
    assert (made[:, 1::3] == given_[:, 1::3]).all()
    assert (made[:, 2::3] == given_[:, 2::3]).all()


def test_the_given_picture_is_not_changed(draw: Draw) -> None:
    """A copy is made, whatever its mode."""
    image = draw()
    assert flatten_image(image) is not image


def test_each_format_is_written_as_itself(each_file: tuple[str, bytes]) -> None:
    """With the box black, and the rest nearly as it was."""
    name, data = each_file
    format_, made = edit_file(data, name, 1, PictureLimits(), [(8, 8, 16, 16)], "solid")
    assert (format_, Image.open(io.BytesIO(made)).format) == (name, name.upper())
    assert shown(made)[10:22, 10:22].max() < 16
    assert np.abs(shown(made)[:, 30:].astype(int) - shown(data)[:, 30:].astype(int)).mean() < 14


@each_case("format_", ["gif", "webp", "png", "avif"])
def test_each_frame_is_covered(film_of: Make, format_: str) -> None:
    """And they move as before."""
    made = Image.open(
        io.BytesIO(edit_file(film_of(format_, 3), format_, 1, PictureLimits(), [(0, 0, 48, 32)], "solid")[1])
    )
    assert np.asarray(made.convert("RGB")).max() < 4
    moving = Image.open(
        io.BytesIO(edit_file(film_of(format_, 3), format_, 1, PictureLimits(), [(8, 8, 8, 8)], "solid")[1])
    )
    assert moving.n_frames == 3
    for number in range(3):
        moving.seek(number)
        moving.load()
        assert moving.info["duration"] == 40
        assert np.asarray(moving.convert("RGB"))[10:14, 10:14].max() < 24


def test_what_moves_and_has_alpha_keeps_both(draw: Draw, file_of: Make) -> None:
    """Where the format has them."""
    frames = [draw(seed=seed).convert("RGBA") for seed in range(3)]
    for frame in frames:
        frame.paste((0, 0, 0, 0), (0, 0, 20, 20))
    for format_ in ("webp", "png", "gif"):
        data = file_of(frames[0], format_, save_all=True, append_images=frames[1:], duration=50)
        made = Image.open(io.BytesIO(edit_file(data, format_, 1, PictureLimits(), [], "solid")[1]))
        assert made.n_frames == 3
        assert made.convert("RGBA").getchannel("A").getextrema() == (0, 255)


def test_a_turned_picture_is_stored_upright(draw: Draw, file_of: Make) -> None:
    """Boxes are those of the picture as it is seen."""
    made = shown(edit_file(file_of(draw(), "png"), "png", 6, PictureLimits(), [(0, 0, 10, 10)], "solid")[1])
    assert made.shape == (48, 32, 3)
    assert made[:10, :10].max() == 0
    assert made[38:, :10].max() > 0


def test_a_heic_becomes_what_can_be_written(heic: bytes, draw: Draw) -> None:
    """JPEG, or PNG where there is alpha; alpha over white where a format has none."""
    assert edit_file(heic, "heic", 1, PictureLimits(), [(0, 0, 4, 4)], "solid")[0] == "jpeg"
    clear = draw().convert("RGBA")
    clear.putalpha(0)
    assert write_frames([clear], "heic")[0] == "png"
    assert (shown(write_frames([clear], "bmp")[1]) == 255).all()


def test_no_metadata_is_written(draw: Draw) -> None:
    """Whatever Pillow knows of the picture."""
    for format_ in ("jpeg", "png", "webp", "avif"):
        image = draw()
        image.info |= {
            "exif": b"Exif\0\0zqx",
            "icc_profile": b"zqx",
            "comment": b"zqx",
            "xmp": b"zqx",
            "dpi": (9, 9),
        }
        assert b"zqx" not in write_frames([image], format_)[1]


def test_what_cannot_be_decoded_is_named() -> None:
    """As for decoding."""
    with pytest.raises(MediaError, match="refused it"):
        edit_file(b"zqx", "png", 1, PictureLimits(), [], "solid")
