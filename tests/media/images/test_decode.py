"""Decoding: what everybody who looks at a picture may see of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from guardrails.media.errors import MediaError
from guardrails.media.images.decode import (
    DecodedImage,
    View,
    check_limits,
    choose_reduction,
    decode_image,
    render_views,
    to_eight_bit,
)
from guardrails.media.limits import PictureLimits
from tests.cases import each_case

Make = Callable[..., bytes]
Draw = Callable[..., Image.Image]


def array(view: View) -> Any:
    """Return a view as an array."""
    wide, high, raw = view
    return np.frombuffer(raw, np.uint8).reshape(high, wide, 3)


def read(data: bytes, format_: str, orientation: int = 1, **limits: Any) -> DecodedImage:
    """Decode with some limits."""
    return decode_image(data, format_, orientation, PictureLimits(**limits))


def code_of(*args: Any, **limits: Any) -> str:
    """Return the code of the error that decoding gives."""
    with pytest.raises(MediaError) as caught:
        read(*args, **limits)
    return caught.value.code


def test_each_format_gives_what_was_drawn(each_file: tuple[str, bytes], draw: Draw) -> None:
    """One view of one frame, nearly as it was."""
    found = read(each_file[1], each_file[0])
    assert (found.width, found.height, found.alpha, len(found.frames)) == (48, 32, False, 1)
    shown, views = found.frames[0]
    assert (shown, len(views)) == (0, 1)
    assert np.abs(array(views[0]).astype(int) - np.asarray(draw()).astype(int)).mean() < 12


@each_case("orientation", range(1, 9))
def test_a_picture_is_turned_upright(draw: Draw, file_of: Make, orientation: int) -> None:
    """As every viewer turns it by the same number."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = file_of(draw(), "png", exif=exif)
    wanted = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    found = read(data, "png", orientation)
    assert (found.height, found.width) == wanted.shape[:2]
    assert (array(found.frames[0][1][0]) == wanted).all()


def test_an_avif_says_itself_how_it_is_turned(draw: Draw, file_of: Make) -> None:
    """Among its boxes, which the decoder reads."""
    exif = Image.Exif()
    exif[0x0112] = 6
    found = read(file_of(draw(), "avif", exif=exif), "avif")
    assert (found.width, found.height) == (32, 48)
    assert found.frames[0][1][0][:2] == (32, 48)


def test_a_colour_under_nothing_is_seen_too(draw: Draw, file_of: Make) -> None:
    """Over white, over black, and as whoever leaves alpha away sees it."""
    image = draw()
    image.putalpha(0)
    found = read(file_of(image, "png"), "png")
    white, black, stored = map(array, found.frames[0][1])
    assert found.alpha
    assert (white == 255).all()
    assert (black == 0).all()
    assert (stored == np.asarray(draw())).all()


def test_half_a_colour_is_mixed_with_the_ground(file_of: Make) -> None:
    """And seen as it is stored, as it is on no ground."""
    found = read(file_of(Image.new("RGBA", (4, 4), (200, 0, 0, 128)), "png"), "png")
    white, black, stored = map(array, found.frames[0][1])
    assert white[0, 0].tolist() == [227, 127, 127]
    assert black[0, 0].tolist() == [100, 0, 0]
    assert stored[0, 0].tolist() == [200, 0, 0]


@each_case(
    ("under", "alpha", "views"),
    [
        ((0, 255, 0), 0, 3),
        ((0, 255, 0), 127, 3),
        ((0, 255, 0), 190, 3),
        ((0, 255, 0), 250, 2),
        ((0, 0, 0), 0, 2),
        ((255, 255, 255), 0, 2),
    ],
)
@each_case("format_", ["png", "webp"])
def test_a_field_of_one_colour_is_not_hidden_by_alpha(
    file_of: Make, format_: str, under: tuple[int, int, int], alpha: int, views: int
) -> None:
    """White and black are what the ground shows; of anything else there is a view that has it."""
    image = Image.new("RGBA", (40, 30), (90, 20, 20, 255))
    image.paste((*under, alpha), (10, 10, 30, 20))
    more = {"lossless": True, "exact": True} if format_ == "webp" else {}
    found = read(file_of(image, format_, **more), format_).frames[0][1]
    assert len(found) == views
    assert any(np.abs(array(view)[15, 20].astype(int) - under).max() < 9 for view in found)


@each_case("size", [(1, 20_000), (20_000, 1), (1, 1)])
@each_case("format_", ["jpeg", "png", "webp", "gif"])
def test_a_picture_may_be_as_thin_as_it_likes(file_of: Make, format_: str, size: tuple[int, int]) -> None:
    """Also where a part of it is read at a fraction of its size."""
    wide = tuple(min(side, 16_000) for side in size)
    found = read(file_of(Image.new("RGB", wide, (9, 99, 9)), format_), format_, detail=1_000)
    assert (found.width, found.height) == wide


def test_alpha_that_hides_nothing_is_none(draw: Draw, file_of: Make) -> None:
    """Then there is one view."""
    image = draw()
    image.putalpha(255)
    found = read(file_of(image, "png"), "png")
    assert (found.alpha, len(found.frames[0][1])) == (False, 1)


def in_mode(image: Image.Image, mode: str) -> Image.Image:
    """Return a picture with another kind of pixel."""
    if mode == "I;16":
        return Image.new(mode, image.size, 9)
    steps = {"PA": ["LA", "PA"], "La": ["LA", "La"], "RGBa": ["RGBA", "RGBa"], "I": ["L", "I"]}.get(
        mode, [mode]
    )
    for step in steps:
        image = image.convert(step)
    return image


@each_case(
    "mode", ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "CMYK", "I;16", "I", "F", "HSV", "YCbCr"]
)
def test_each_kind_of_pixel_has_a_view(draw: Draw, mode: str) -> None:
    """As three bytes a pixel."""
    views, _ = render_views(in_mode(draw(), mode))
    assert {view.mode for view in views} == {"RGB"}


def test_of_sixteen_bits_the_upper_ones_are_seen(file_of: Make) -> None:
    """What is dark grey there is not white here."""
    values = np.array([[0, 255, 256, 25_600, 65_535]], dtype=np.uint16)
    found = read(file_of(Image.fromarray(values), "png"), "png")
    assert array(found.frames[0][1][0])[0, :, 0].tolist() == [0, 0, 1, 100, 255]
    assert np.asarray(to_eight_bit(Image.fromarray(values.astype(np.int32)))).tolist() == [
        [0, 0, 1, 100, 255]
    ]


@each_case("most", [1, 255, 65_535, 1_000_000])
@each_case("kind", [np.int32, np.float32])
def test_numbers_without_a_range_are_seen_in_their_own(kind: type, most: int) -> None:
    """The largest is white, or nearly: nothing is too dark to be read."""
    image = Image.fromarray(np.array([[0, most]], dtype=kind))
    assert np.asarray(to_eight_bit(image)).tolist()[0] in ([0, 255], [0, 254])
    assert not np.asarray(to_eight_bit(Image.fromarray(np.zeros((2, 2), kind)))).any()


@each_case("format_", ["gif", "webp", "png", "avif"])
def test_all_frames_are_seen(film_of: Make, format_: str) -> None:
    """With how long each is shown."""
    found = read(film_of(format_, 4), format_)
    assert [shown for shown, _ in found.frames] == [40] * 4
    assert len({views[0][2] for _, views in found.frames}) == 4


def test_equal_neighbours_are_one_frame(draw: Draw, file_of: Make) -> None:
    """Shown for as long as all of them."""
    frames = [draw(), draw(seed=1), draw(seed=1), draw()]
    data = file_of(frames[0], "webp", save_all=True, append_images=frames[1:], duration=30, lossless=True)
    assert [shown for shown, _ in read(data, "webp").frames] == [30, 60, 30]


@each_case("format_", ["jpeg", "png"])
def test_a_large_picture_is_judged_smaller(draw: Draw, file_of: Make, format_: str) -> None:
    """Never smaller than the detail that is asked for; boxes are in the full size."""
    found = read(file_of(draw(900, 675), format_), format_, detail=200)
    assert (found.width, found.height) == (900, 675)
    wide, high, _ = found.frames[0][1][0]
    assert 200 <= wide < 400
    assert abs(wide / high - 4 / 3) < 0.1


@each_case(
    ("size", "times"),
    [((4_000, 3_000), 2), ((3_000, 4_000), 2), ((6_300, 6_300), 3), ((600, 8_000), 1), ((40_000, 1_000), 3)],
)
def test_a_thin_picture_keeps_its_detail(size: tuple[int, int], times: int) -> None:
    """A page that was scrolled is read at the size at which it can be read: pixels cost, not a side."""
    assert choose_reduction(size, 1, PictureLimits()) == times


@given(st.integers(1, 6000), st.integers(1, 6000), st.integers(1, 300))
def test_views_fit_into_memory(width: int, height: int, count: int) -> None:
    """Of one frame as of three hundred."""
    times = choose_reduction((width, height), count, PictureLimits())
    kept = 2 * count * (width // times) * (height // times)
    assert kept <= (48_000_000 if count > 1 else 2 * 4096 * 4096)


@each_case(
    ("size", "frames", "code"),
    [
        ((9_000, 9_000), 1, "too_many_pixels"),
        ((10, 10), 301, "too_many_frames"),
        ((2_000, 2_000), 90, "too_many_pixels"),
    ],
)
def test_what_is_over_a_limit_is_named(size: tuple[int, int], frames: int, code: str) -> None:
    """One frame, their number, and all of them."""
    with pytest.raises(MediaError) as caught:
        check_limits(size, frames, PictureLimits())
    assert caught.value.code == code


def test_a_decoder_meets_the_limits_again(each_file: tuple[str, bytes], film_of: Make) -> None:
    """What only it can tell is checked before it loads."""
    name, data = each_file
    assert code_of(data, name, pixels=1_000) == "too_many_pixels"
    assert code_of(film_of("avif", 5), "avif", frames=4) == "too_many_frames"


def test_what_a_decoder_says_has_one_of_two_names(draw: Draw, file_of: Make) -> None:
    """Its own words are not passed on."""
    data = file_of(draw(200, 200), "jpeg")
    assert code_of(data[: len(data) // 2], "jpeg") == "truncated"
    assert code_of(b"zqx", "png") == "undecodable"
    with pytest.raises(MediaError, match=r"^the decoder of png refused it \(UnidentifiedImageError\)$"):
        read(b"zqx", "png")


def test_a_heic_is_read_by_its_own_library(heic: bytes) -> None:
    """Of libheif; what it refuses is named."""
    found = read(heic, "heic")
    assert (found.width, found.height) == (64, 48)
    assert array(found.frames[0][1][0]).mean(axis=(0, 1)).argmax() == 0
    assert code_of(heic, "heic", pixels=100) == "too_many_pixels"
    assert code_of(heic[:-100], "heic") in ("undecodable", "truncated")
