"""Profiles of colours that are ordinary go on with what is redacted, with nothing else in them: colours are seen as before."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image as Pillow
from PIL import ImageCms

from guardrails.media.images.outline import read_outline
from guardrails.media.images.picture import open_picture
from guardrails.media.images.profiles import is_grey, profile_for, rewrite_profile
from guardrails.media.images.redact import redact_picture
from tests.cases import each_case
from tests.media.images.test_colours import (
    ADOBE,
    P3,
    PROPHOTO,
    S_CURVE,
    SRGB,
    USUAL,
    Colours,
    filed,
    power,
    profile,
    table,
)

BOX = (0, 0, 8, 8)
SPACES = {"srgb": SRGB, "p3": P3, "adobe": ADOBE, "prophoto": PROPHOTO}
CURVES = {
    "power": power(1.8),
    "formula": S_CURVE,
    "table": table([(n / 1023) ** 2.2 for n in range(1024)]),
}
FORMATS = {"PNG": 0.0, "WEBP": 1.5, "JPEG": 1.5, "AVIF": 1.5}
"""How far colours may move on average, of 255: as far as encoders move them that lose something."""


def fields_of_colour() -> Pillow.Image:
    """Return a picture of many colours, each a field that encoders keep."""
    levels = np.array([0, 85, 170, 255], np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(8, 8, 3)
    return Pillow.fromarray(colours.repeat(16, 0).repeat(16, 1))


def seen(data: bytes) -> np.ndarray[Any, Any]:
    """Return a file as a browser shows it on a screen of sRGB, the middle of each field."""
    with Pillow.open(io.BytesIO(data)) as image:
        own = image.info.get("icc_profile")
        screen = image
        if own is not None:
            using: Any = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(io.BytesIO(own)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
            screen = using
        return np.asarray(screen.convert("RGB"))[24::16, 24::16].astype(int)


@each_case("format_", FORMATS)
@each_case("primaries", SPACES.values(), ids=[*SPACES])
def test_what_is_redacted_is_seen_in_the_colours_that_it_had(primaries: Colours, format_: str) -> None:
    """ProPhoto, AdobeRGB, Display P3 and sRGB, in each format that has profiles."""
    data = filed(fields_of_colour(), format_, profile(primaries, S_CURVE))
    made = redact_picture(open_picture(data), [BOX])
    assert np.abs(seen(made) - seen(data)).mean() <= FORMATS[format_]
    assert not open_picture(made).views[0][:8, :8].any() or format_ not in ("PNG", "WEBP")


@each_case("curve", CURVES.values(), ids=[*CURVES])
@each_case("primaries", SPACES.values(), ids=[*SPACES])
def test_a_rewritten_profile_means_the_same(primaries: Colours, curve: bytes) -> None:
    """To lcms; it is ordinary, and writing it once more changes nothing."""
    own = profile(primaries, curve)
    made = rewrite_profile(own)
    assert rewrite_profile(made) == made
    plain = fields_of_colour()
    assert np.array_equal(seen(filed(plain, "PNG", made)), seen(filed(plain, "PNG", own)))


def test_nothing_of_whoever_wrote_the_profile_goes_on() -> None:
    """Names and texts in it are as any other metadata; nor does what stands behind a curve."""
    secret = b"jane@example.com"
    own = profile(P3, USUAL + secret, cprt=b"text" + bytes(4) + secret + b"\0", zzzz=secret)
    assert secret in own
    made = redact_picture(open_picture(filed(fields_of_colour(), "PNG", own)), [BOX])
    with Pillow.open(io.BytesIO(made)) as image:
        assert image.info["icc_profile"] == rewrite_profile(own)
    assert secret not in rewrite_profile(own)


@each_case("format_", ["JPEG", "PNG"])
def test_a_grey_picture_stays_grey_where_its_profile_is(format_: str) -> None:
    """A profile of grey means nothing in a picture of three channels."""
    own = profile(space=b"GRAY", curve=power(1.8))
    made = redact_picture(open_picture(filed(fields_of_colour().convert("L"), format_, own)), [BOX])
    with Pillow.open(io.BytesIO(made)) as image:
        assert (image.mode, image.info["icc_profile"]) == ("L", rewrite_profile(own))
    assert is_grey(rewrite_profile(own))


@each_case(("mode", "kept"), [("RGB", True), ("P", True), ("L", False), ("CMYK", False)])
def test_a_profile_of_other_numbers_is_left_out(mode: str, kept: bool) -> None:
    """It meant nothing before, and would mean something in what is written."""
    image = fields_of_colour().convert(mode)
    data = filed(image, "JPEG" if mode == "CMYK" else "PNG", profile(P3, S_CURVE))
    with Pillow.open(io.BytesIO(redact_picture(open_picture(data), [BOX]))) as made:
        assert ("icc_profile" in made.info) == kept
    assert bool(profile_for(rewrite_profile(profile(P3, S_CURVE)), mode)) == kept


def test_a_picture_that_was_opened_keeps_its_profile() -> None:
    """A Pillow image comes back as one, of the same colours."""
    image = Pillow.open(io.BytesIO(filed(fields_of_colour(), "PNG", profile(P3, S_CURVE))))
    made = redact_picture(open_picture(image), [BOX])
    assert made.info == {"icc_profile": rewrite_profile(profile(P3, S_CURVE))}


def test_cmyk_and_sixteen_bits_become_what_a_screen_shows() -> None:
    """Three channels of eight bits: what printers and editors need more for is not kept."""
    printed = filed(fields_of_colour().convert("CMYK"), "JPEG", b"")
    with Pillow.open(io.BytesIO(redact_picture(open_picture(printed), [BOX]))) as made:
        assert made.mode == "RGB"
    deep = np.full((40, 40), 40_000, np.uint16)
    out = io.BytesIO()
    Pillow.fromarray(deep).save(out, "PNG")
    with Pillow.open(io.BytesIO(redact_picture(open_picture(out.getvalue()), [BOX]))) as made:
        assert made.getpixel((30, 30)) == (156, 156, 156)


@each_case("own", [b"", b"no profile", bytes(300)])
def test_what_is_no_profile_is_written_as_none(own: bytes) -> None:
    """Nor is one that makes another picture."""
    assert rewrite_profile(own) == b""
    assert rewrite_profile(profile((SRGB[1], SRGB[0], SRGB[2]))) == b""
    assert read_outline(filed(fields_of_colour(), "PNG", own)).profile == b""
