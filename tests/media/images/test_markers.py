"""JPEG and GIF: their sizes, what is left of them without metadata, and how they can be broken."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from guardrails.media.errors import MediaError
from guardrails.media.images.markers import outline_gif, outline_jpeg
from tests.cases import each_case

Make = Callable[..., bytes]


def code_of(walk: Callable[[bytes], object], data: bytes) -> str:
    """Return the code of the error that a walk gives."""
    with pytest.raises(MediaError) as caught:
        walk(data)
    return caught.value.code


def pixels(data: bytes) -> np.ndarray:
    """Return what Pillow makes of a file."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@each_case("more", [{}, {"progressive": True}, {"quality": 30}])
def test_a_jpeg_is_walked_to_its_end(
    draw: Callable[..., Image.Image], file_of: Make, more: dict[str, bool]
) -> None:
    """Its size stands in it, and a progressive one has several scans."""
    found = outline_jpeg(data := file_of(draw(70, 40), "jpeg", **more))
    assert (found.width, found.height, found.frames, found.trailing, found.more) == (70, 40, 1, 0, ())
    assert (found.scans > 1) is ("progressive" in more)
    assert len(found.clean) == len(data)


def test_a_jpeg_of_thousands_of_passes_is_refused(draw: Callable[..., Image.Image], file_of: Make) -> None:
    """Each takes as long as decoding it once, so that some hundred kilobytes can take minutes."""
    data = file_of(draw(), "jpeg", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    assert outline_jpeg(data[:-2] + last * 50 + data[-2:]).scans > 50
    with pytest.raises(MediaError, match="passes over its pixels") as caught:
        outline_jpeg(data[:-2] + last * 100 + data[-2:])
    assert caught.value.code == "too_many_pixels"


def test_a_jpeg_without_metadata_has_the_same_pixels(draw: Callable[..., Image.Image], file_of: Make) -> None:
    """EXIF, XMP, profiles and comments are gone, and how it is turned is known."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "zqx-camera"
    more = {"exif": exif, "xmp": b"zqx-xmp", "icc_profile": b"zqx-profile", "comment": b"zqx-comment"}
    data = file_of(draw(), "jpeg", **more)
    found = outline_jpeg(data)
    assert data.count(b"zqx") == 4
    assert b"zqx" not in found.clean
    assert found.orientation == 6
    assert (pixels(found.clean) == pixels(data)).all()


def test_a_thumbnail_in_the_head_is_left_out(draw: Callable[..., Image.Image], file_of: Make) -> None:
    """What says how colours are stored stays, without it and without a resolution."""
    data = file_of(draw(), "jpeg", dpi=(72, 72))
    assert data[6:11] == b"JFIF\0"
    thumbnail = (
        data[:4] + (16 + 3 * 4).to_bytes(2, "big") + data[6:18] + b"\2\2" + b"zqxzqxzqxzqx" + data[20:]
    )
    for given in (data, thumbnail):
        found = outline_jpeg(given)
        assert b"zqx" not in found.clean
        assert found.clean[:20] == data[:13] + b"\0\0\1\0\1\0\0"
        assert (pixels(found.clean) == pixels(data)).all()


def test_colours_of_four_inks_stay(draw: Callable[..., Image.Image], file_of: Make) -> None:
    """What says how colours are stored is no metadata."""
    data = file_of(draw().convert("CMYK"), "jpeg")
    assert (pixels(outline_jpeg(data).clean) == pixels(data)).all()


def test_pictures_behind_a_jpeg_are_pictures_of_it(draw: Callable[..., Image.Image], file_of: Make) -> None:
    """As phones write them; what is none of them stands behind the end."""
    one, two = file_of(draw(48, 32), "jpeg"), file_of(draw(24, 16), "jpeg")
    found = outline_jpeg(one + b"\0\0" + two)
    assert (found.trailing, [(each.width, each.height) for each in found.more]) == (0, [(24, 16)])
    assert found.clean == outline_jpeg(one).clean
    assert outline_jpeg(one + two + b"PK\3\4zip").trailing == 7
    assert outline_jpeg(one + two[:-9]).trailing == len(two) - 9


@each_case(
    ("change", "code"),
    [
        (lambda data: data[:-2], "truncated"),
        (lambda data: data[:300], "truncated"),
        (lambda data: data[:2], "truncated"),
        (lambda data: data[:2] + b"\0" + data[2:], "undecodable"),
        (lambda data: data[:2] + b"\xff\xd9", "undecodable"),
    ],
)
def test_a_broken_jpeg_is_named(
    draw: Callable[..., Image.Image], file_of: Make, change: Make, code: str
) -> None:
    """Cut anywhere, or with something in between."""
    assert code_of(outline_jpeg, change(file_of(draw(), "jpeg"))) == code


def test_a_gif_is_walked_frame_by_frame(film_of: Make) -> None:
    """Without a decoder it is known how many there are."""
    found = outline_gif(data := film_of("gif", 5, loop=0))
    assert (found.width, found.height, found.frames, found.trailing) == (48, 32, 5, 0)
    assert Image.open(io.BytesIO(found.clean)).n_frames == 5
    assert len(found.clean) <= len(data)


def test_a_gif_without_comments_has_the_same_frames(film_of: Make) -> None:
    """Comments and extensions of applications are gone; how often it runs stays."""
    data = film_of("gif", 3, loop=7, comment=b"zqx-comment")
    data = data[:-1] + b"\x21\xff\x0bXMP DataXMP\x03zqx\0" + b";"
    found = outline_gif(data)
    assert b"zqx" in data
    assert b"zqx" not in found.clean
    assert b"XMP" not in found.clean
    image = Image.open(io.BytesIO(found.clean))
    assert (image.n_frames, image.info["loop"]) == (3, 7)


def test_an_end_too_many_is_passed_over(film_of: Make) -> None:
    """As everybody does who shows a GIF."""
    data = film_of("gif", 2)
    found = outline_gif(data[:-1] + b"\0\0;")
    assert (found.frames, found.clean) == (2, outline_gif(data).clean)


def test_a_frame_larger_than_the_screen_counts(draw: Callable[..., Image.Image], file_of: Make) -> None:
    """The size is that of what must be decoded."""
    data = file_of(draw(10, 10), "gif")
    at = data.index(b"\x2c\0\0\0\0\x0a\0\x0a\0")
    larger = data[: at + 5] + (5_000).to_bytes(2, "little") * 2 + data[at + 9 :]
    assert (outline_gif(larger).width, outline_gif(larger).height) == (5_000, 5_000)


@each_case(
    ("change", "code"),
    [
        (lambda data: data[:-1], "truncated"),
        (lambda data: data[:-9], "truncated"),
        (lambda data: data[:-1] + b"\x77;", "undecodable"),
        (lambda data: data[:6] + b"\0\0\0\0\0\0\0;", "undecodable"),
    ],
)
def test_a_broken_gif_is_named(film_of: Make, change: Make, code: str) -> None:
    """Cut anywhere, with a part that is none, or with nothing in it."""
    assert code_of(outline_gif, change(film_of("gif"))) == code
