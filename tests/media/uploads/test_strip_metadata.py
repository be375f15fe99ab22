"""A picture without its metadata shows the same: upright, in its colours, with nothing else in the file."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image as Pillow

from guardrails.media.images.picture import open_picture
from guardrails.media.images.profiles import rewrite_profile
from guardrails.media.limits import PictureLimits
from guardrails.media.uploads.strip_metadata import strip_metadata
from tests.cases import each_case
from tests.media.images.test_colours import P3, profile

SECRET = "jane@example.com"
FORMATS = {"JPEG": 0, "PNG": 0, "WEBP": 8, "GIF": 0, "AVIF": 12}
"""How far a colour may be from what it was, where a file is written anew."""


def tagged(format_: str, *, orientation: int = 1, icc: bytes = b"") -> bytes:
    """Return a picture with a place and a name in its EXIF, and as a comment."""
    image = Pillow.new("RGB", (64, 48), (30, 90, 200))
    image.paste((200, 60, 20), (0, 0, 32, 16))
    exif = Pillow.Exif()
    exif[0x0112], exif[0x013B] = orientation, SECRET
    exif.get_ifd(0x8825)[1] = "N"
    out = io.BytesIO()
    more = {} if format_ == "GIF" else {"exif": exif.tobytes(), "icc_profile": icc or None}
    image.save(out, format_, comment=SECRET, **more)
    return out.getvalue()


@each_case("format_", FORMATS)
@each_case(("orientation", "icc"), [(1, b""), (6, b""), (6, profile(P3))])
def test_nothing_but_the_picture_stays(format_: str, orientation: int, icc: bytes) -> None:
    """Turned as it was, in the colours that it had; no place, no name."""
    before = open_picture(tagged(format_, orientation=orientation, icc=icc))
    made = strip_metadata(before, PictureLimits())
    assert made is not None
    assert SECRET.encode() not in made
    after = open_picture(made)
    assert (after.width, after.height, after.format) == (before.width, before.height, before.format)
    pairs = (before.views[0].astype(int), after.views[0].astype(int))
    assert np.abs(pairs[0] - pairs[1]).mean() <= FORMATS[format_]
    with Pillow.open(io.BytesIO(made)) as image:
        assert 0x013B not in image.getexif()
        assert not image.getexif().get_ifd(0x8825)
        kept = image.info.get("icc_profile")
        assert kept == (rewrite_profile(icc) if icc and format_ != "GIF" else None)


@each_case("format_", ["PNG", "GIF"])
def test_a_picture_without_metadata_stays_as_it_is(format_: str) -> None:
    """Byte for byte."""
    out = io.BytesIO()
    Pillow.new("RGB", (20, 20), (90, 90, 120)).save(out, format_)
    assert strip_metadata(open_picture(out.getvalue()), PictureLimits()) is None


def test_what_is_no_file_has_none() -> None:
    """Pixels are pixels."""
    assert strip_metadata(open_picture(np.zeros((8, 8, 3), np.uint8)), PictureLimits()) is None
