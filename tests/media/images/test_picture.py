"""Pictures: anything that is one is read, and what is none has a name."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from guardrails.media.errors import MediaError
from guardrails.media.images.decode_cache import LazySequence, ShapeCache
from guardrails.media.images.picture import open_picture
from guardrails.media.limits import PictureLimits
from tests.cases import each_case

Make = Callable[..., bytes]
Draw = Callable[..., Image.Image]


def code_of(source: Any, declared: str | None = None, **limits: Any) -> str:
    """Return the code of the error that opening gives."""
    with pytest.raises(MediaError) as caught:
        open_picture(source, PictureLimits(**limits), declared)
    return caught.value.code


def test_a_file_of_each_format_is_a_picture(each_file: tuple[str, bytes], tmp_path: Path) -> None:
    """As bytes, and by its path."""
    name, data = each_file
    path = tmp_path / f"a.{name}"
    path.write_bytes(data)
    for source in (data, bytearray(data), memoryview(data), path, str(path)):
        found = open_picture(source)
        assert (found.format, found.width, found.height, found.animated, found.had_alpha) == (
            name,
            48,
            32,
            False,
            False,
        )
        assert [view.shape for view in found.views] == [(32, 48, 3)]
        assert found.sha256 == hashlib.sha256(data).hexdigest()
        assert found.data == data
    assert not found.views[0].flags.writeable


@each_case("format_", ["gif", "webp", "png", "avif"])
def test_a_file_that_moves_has_all_its_frames(film_of: Make, format_: str) -> None:
    """One after the other."""
    found = open_picture(film_of(format_, 3))
    assert found.animated
    assert [(frame.start_ms, frame.end_ms) for frame in found.frames] == [(0, 40), (40, 80), (80, 120)]


def test_a_heic_is_a_picture(heic: bytes) -> None:
    """With the extra of that name."""
    found = open_picture(heic, declared="image/heif")
    assert (found.format, found.width, found.height) == ("heic", 64, 48)


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    """By its size, by the size of all its frames, and by their number."""
    out = io.BytesIO()
    Image.new("L", (12_000, 12_000)).save(out, "PNG")
    assert len(out.getvalue()) < 200_000
    assert code_of(out.getvalue()) == "too_many_pixels"
    out = io.BytesIO()
    Image.new("L", (1_500, 1_500)).save(out, "GIF")
    at = out.getvalue().index(b"\x2c\0\0\0\0\xdc\x05")
    bomb = out.getvalue()[:at] + out.getvalue()[at:-1] * 150 + b";"
    assert code_of(bomb) == "too_many_pixels"
    assert code_of(bomb, frames=50) == "too_many_frames"


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, draw: Draw, file_of: Make) -> None:
    """Nor is one of bytes walked."""
    data = file_of(draw(), "png")
    (tmp_path / "a.png").write_bytes(data)
    assert code_of(tmp_path / "a.png", bytes=100) == code_of(data, bytes=100) == "too_many_bytes"


def test_a_path_of_no_file_is_not_read(tmp_path: Path) -> None:
    """Reading a pipe or a device may never end."""
    pipe = tmp_path / "a.png"
    os.mkfifo(pipe)
    assert [code_of(path) for path in (pipe, tmp_path, Path("/dev/zero"))] == ["unsupported_type"] * 3


def test_a_picture_that_is_a_zip_as_well_is_refused(draw: Draw, file_of: Make) -> None:
    """Or is a picture only: what stands behind it can be cut off, and then nobody gets it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("zqx.txt", "zqx")
    for format_ in ("jpeg", "png", "gif", "webp", "avif", "bmp"):
        data = file_of(draw(), format_)
        assert code_of(data + out.getvalue()) == "trailing_data"
        found = open_picture(data + out.getvalue(), PictureLimits(trailing="cut"))
        assert (found.trailing, b"zqx" in found.clean) == (len(out.getvalue().rstrip(b"\0")), False)
        assert open_picture(data + b"\0" * 9).trailing == 0


def test_what_a_name_says_must_agree(tmp_path: Path, draw: Draw, file_of: Make) -> None:
    """A PNG is no JPEG, and a page no PNG; a suffix that is none of pictures says nothing."""
    (tmp_path / "a.jpg").write_bytes(file_of(draw(), "png"))
    (tmp_path / "b.png").write_bytes(b"<!doctype html><html><script>1</script></html>")
    (tmp_path / "c.upload").write_bytes(file_of(draw(), "png"))
    assert code_of(tmp_path / "a.jpg") == code_of(tmp_path / "b.png") == "mistyped"
    assert open_picture(tmp_path / "c.upload").format == "png"
    assert code_of(file_of(draw(), "gif"), "image/webp") == "mistyped"
    assert code_of(b"<svg/>", "image/svg+xml") == "unsupported_type"


def test_all_pictures_of_a_file_are_seen(draw: Draw, file_of: Make) -> None:
    """A second JPEG behind the first one is a frame."""
    found = open_picture(file_of(draw(), "jpeg") + file_of(draw(24, 16, seed=3), "jpeg"))
    assert [view.shape for view in found.views] == [(32, 48, 3), (16, 24, 3)]
    assert not found.animated


def test_a_still_picture_does_not_hide_what_moves(draw: Draw, file_of: Make) -> None:
    """An AVIF that moves has all its frames, also where it says that it is a still one in the first place."""
    moves = file_of(draw(), "avif", save_all=True, append_images=[draw(seed=1), draw(seed=2)])
    for data in (moves, moves[:8] + b"avif" + moves[12:]):
        found = open_picture(data)
        assert (len(found.frames), found.animated) == (3, True)


def test_a_picture_is_upright_in_whatever_file(draw: Draw, file_of: Make) -> None:
    """PNG and WebP have EXIF as well."""
    exif = Image.Exif()
    exif[0x0112] = 6
    for format_ in ("jpeg", "png", "webp", "avif"):
        found = open_picture(file_of(draw(), format_, exif=exif))
        assert (found.width, found.height, found.views[0].shape) == (32, 48, (48, 32, 3))


@pytest.fixture(scope="module")
def samples(draw: Draw, file_of: Make, film_of: Make) -> dict[str, bytes]:
    """Small files that are decoded in this process."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return {
        "jpeg": file_of(draw(), "jpeg", exif=exif, progressive=True),
        "png": file_of(draw().convert("RGBA"), "png", exif=exif),
        "webp": file_of(draw(), "webp", exif=exif),
        "gif": file_of(draw(), "gif"),
        "bmp": file_of(draw(16, 16), "bmp"),
        "avif": film_of("avif", 2),
    }


@each_case("name", ["jpeg", "png", "webp", "gif", "bmp", "avif"])
def test_any_cut_of_a_file_is_a_picture_or_a_named_error(samples: dict[str, bytes], name: str) -> None:
    """Never another exception; and never a picture, as what is cut does not end."""
    data = samples[name]
    step = max(1, len(data) // 120)
    assert {code_of(data[:end]) for end in range(0, len(data) - 1, step)} <= {
        "empty",
        "truncated",
        "undecodable",
        "unsupported_type",
    }


@given(data=st.data(), name=st.sampled_from(["jpeg", "png", "webp", "gif", "bmp"]))
def test_any_change_of_a_file_is_a_picture_or_a_named_error(
    samples: dict[str, bytes], data: Any, name: str
) -> None:
    """Never another exception."""
    file = bytearray(samples[name])
    for at in data.draw(st.lists(st.integers(0, len(file) - 1), max_size=4)):
        file[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(MediaError):
        open_picture(bytes(file), PictureLimits(pixels=100_000, total_pixels=200_000))


def test_an_image_of_pillow_is_a_picture(draw: Draw, film_of: Make) -> None:
    """As it is; one that moves has all its frames, and stands where it stood."""
    found = open_picture(draw())
    assert (found.format, found.width, found.data, found.clean) == ("image", 48, b"", b"")
    assert (found.views[0] == np.asarray(draw())).all()
    moving = Image.open(io.BytesIO(film_of("gif", 3)))
    moving.seek(1)
    assert (len(open_picture(moving).frames), moving.tell()) == (3, 1)
    clear = draw().convert("RGBA")
    clear.putalpha(0)
    assert (open_picture(clear).had_alpha, len(open_picture(clear).views)) == (True, 3)


def test_many_frames_of_an_image_of_pillow_fit_into_memory(draw: Draw, file_of: Make) -> None:
    """They are made smaller, as those of a file are."""
    frames = [Image.new("P", (1_000, 1_000), number) for number in range(60)]
    data = file_of(frames[0], "gif", save_all=True, append_images=frames[1:])
    found = open_picture(Image.open(io.BytesIO(data)))
    assert (len(found.frames), found.width) == (60, 1_000)
    assert found.views[0].shape == (500, 500, 3)


def test_what_is_in_memory_meets_the_limits(draw: Draw, file_of: Make) -> None:
    """Before it is loaded; what Pillow cannot load is named."""
    assert code_of(draw(), pixels=100) == "too_many_pixels"
    assert code_of(np.broadcast_to(np.uint8(0), (90_000, 90_000, 3))) == "too_many_pixels"
    assert code_of(Image.open(io.BytesIO(file_of(draw(200, 200), "jpeg")[:900]))) == "undecodable"


@each_case("source", [np.asarray, lambda image: image])
def test_a_large_picture_in_memory_is_seen_as_its_file_is(
    draw: Draw, file_of: Make, source: Callable[[Image.Image], Any]
) -> None:
    """At a half, a third, … of its size; boxes refer to all of it."""
    image, limits = draw(250, 190), PictureLimits(detail=60)
    found, filed = open_picture(source(image), limits), open_picture(file_of(image, "png"), limits)
    assert (found.width, found.height) == (250, 190)
    assert found.views[0].shape[1] < 125
    assert (found.views[0] == filed.views[0]).all()


@each_case("shape", [(8, 9), (8, 9, 3), (8, 9, 4)])
def test_what_becomes_of_an_array_later_changes_no_picture(shape: tuple[int, ...]) -> None:
    """It was read as it was when it was given."""
    pixels = np.full(shape, 255, np.uint8)
    found = open_picture(pixels)
    pixels[:] = 0
    assert found.views[0].min() == 255
    assert not found.views[0].flags.writeable


def test_what_becomes_of_an_image_of_pillow_later_changes_no_picture() -> None:
    """Neither does reading it change it."""
    image = Image.new("RGB", (9, 8), "white")
    found = open_picture(image)
    image.paste("black", (0, 0, 9, 8))
    assert found.views[0].min() == 255


@each_case("kind", [np.float16, np.float32, np.float64])
def test_numbers_that_are_a_little_outside_are_rounded_into_range(kind: type) -> None:
    """And the array stays as it is."""
    pixels = np.array([[-0.0005, 0.0, 0.5, 1.0, 1.0005]], dtype=kind)
    before = pixels.copy()
    assert open_picture(pixels).views[0][0, :, 0].tolist() == [0, 0, 128, 255, 255]
    assert (pixels == before).all()


@each_case(
    "convert",
    [
        lambda pixels: pixels,
        lambda pixels: pixels.astype(np.float32) / 255,
        lambda pixels: pixels.astype(np.float64) / 255,
        lambda pixels: pixels.astype(np.uint16) * 257,
    ],
)
def test_an_array_is_a_picture(draw: Draw, convert: Callable[[Any], Any]) -> None:
    """Of bytes, of numbers in 0..1 as diffusers gives them, of 16 bits."""
    pixels = np.asarray(draw())
    found = open_picture(convert(pixels))
    assert (found.format, found.width, found.height) == ("array", 48, 32)
    assert (found.views[0] == pixels).all()


def test_an_array_has_the_channels_of_a_picture(draw: Draw) -> None:
    """None, one, three, or four with alpha."""
    grey = np.asarray(draw().convert("L"))
    assert (open_picture(grey).views[0] == open_picture(grey[:, :, None]).views[0]).all()
    assert open_picture(grey > 99).views[0].max() == 255
    clear = np.dstack([np.asarray(draw()), np.zeros((32, 48), np.uint8)])
    assert [view.shape for view in open_picture(clear).views] == [(32, 48, 3)] * 3


@each_case(
    "array",
    [
        np.zeros((2, 2, 2), np.uint8),
        np.zeros((0, 2, 3), np.uint8),
        np.zeros((1, 2, 2, 3), np.uint8),
        np.zeros((2, 2, 3), np.int64),
        np.full((2, 2, 3), 2.0),
        np.full((2, 2, 3), np.nan),
        np.array([["a"]]),
    ],
)
def test_an_array_that_is_no_picture_is_named(array: Any) -> None:
    """By its shape, its type, or numbers outside of 0..1."""
    assert code_of(array) == "undecodable"


def test_equal_pixels_have_one_digest(draw: Draw) -> None:
    """And others another."""
    assert open_picture(draw()).sha256 == open_picture(draw()).sha256 != open_picture(draw(seed=1)).sha256


@each_case("format_", ["jpeg", "png", "gif", "avif"])
def test_a_file_that_was_seen_is_decoded_when_its_frames_are_wanted(film_of: Make, draw: Draw, file_of: Make, format_: str) -> None:  # fmt: skip
    """And is the same in all that is told of it before."""
    data = film_of(format_, 3) if format_ in ("gif", "avif") else file_of(draw().convert("RGB"), format_)
    seen = ShapeCache()
    first, again = open_picture(data, seen=seen), open_picture(data, seen=seen)
    assert isinstance(again.frames, LazySequence)
    told = [(each.width, each.height, each.had_alpha, each.animated, each.sha256, len(each.frames)) for each in (first, again)]  # fmt: skip
    assert told[0] == told[1]
    assert not again.frames.ready
    assert all((one == other).all() for one, other in zip(first.views, again.views, strict=True))
    assert [frame.start_ms for frame in first.frames] == [frame.start_ms for frame in again.frames]
    assert not isinstance(open_picture(data, PictureLimits(detail=20), seen=seen).frames, LazySequence)


def test_a_file_that_was_seen_meets_all_that_is_asked_of_files(draw: Draw, file_of: Make) -> None:
    """What it is said to be, its size, and what stands behind it; a file that cannot be decoded is never seen."""
    data, seen = file_of(draw(), "png"), ShapeCache()
    open_picture(data, seen=seen)
    for limits, declared, code in (
        (PictureLimits(), "image/jpeg", "mistyped"),
        (PictureLimits(bytes=10), None, "too_many_bytes"),
        (PictureLimits(pixels=10), None, "too_many_pixels"),
    ):
        with pytest.raises(MediaError) as caught:
            open_picture(data, limits, declared, seen)
        assert caught.value.code == code
    at = data.index(b"IDAT") + 4
    broken = data[:at] + bytes(12) + data[at + 12 :]
    for _ in range(2):
        with pytest.raises(MediaError):
            open_picture(broken, seen=seen)


def test_what_is_no_picture_at_all_is_a_mistake() -> None:
    """Of who calls."""
    with pytest.raises(TypeError, match="a list is no picture"):
        open_picture([1])
