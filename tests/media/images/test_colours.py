"""What a file says of its colours: what makes another picture of the same numbers is judged as it is seen, and nothing else."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL import ImageCms

from guardrails import Guard
from guardrails.media.errors import MediaError
from guardrails.media.images import colours
from guardrails.media.images.outline import read_outline
from guardrails.media.images.picture import open_picture
from guardrails.media.images.redact import redact_picture
from tests.cases import each_case

Colours = Sequence[tuple[float, float, float]]
SRGB: Colours = ((0.436, 0.222, 0.014), (0.385, 0.717, 0.097), (0.143, 0.061, 0.714))
P3: Colours = ((0.515, 0.241, -0.001), (0.292, 0.692, 0.042), (0.157, 0.067, 0.784))
ADOBE: Colours = ((0.610, 0.311, 0.019), (0.205, 0.626, 0.061), (0.149, 0.063, 0.745))
PROPHOTO: Colours = ((0.798, 0.288, 0.0), (0.135, 0.712, 0.0), (0.031, 0.0, 0.825))
SWAPPED: Colours = (SRGB[1], SRGB[0], SRGB[2])

POLICY = """
detectors:
  green: {use: green_square}
rules:
  - {id: green, on: output, when: custom.green_square > 0.5, then: %s}
"""


def fixed(*numbers: float) -> bytes:
    """Return numbers as profiles have them."""
    return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)


def power(gamma: float) -> bytes:
    """Return a curve by its power."""
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)


def table(numbers: Sequence[float]) -> bytes:
    """Return a curve by its entries."""
    return (
        b"curv"
        + bytes(4)
        + struct.pack(f">I{len(numbers)}H", len(numbers), *(round(n * 65535) for n in numbers))
    )


def formula(kind: int, *numbers: float) -> bytes:
    """Return a curve by its formula."""
    return b"para" + bytes(4) + struct.pack(">HH", kind, 0) + fixed(*numbers)


USUAL = power(2.2)
S_CURVE = formula(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def profile(
    primaries: Colours = SRGB, curve: bytes = USUAL, *, space: bytes = b"RGB ", **more: bytes
) -> bytes:
    """Return a profile."""
    tags = {b"cprt": b"text" + bytes(4) + b"x\0\0\0", b"wtpt": b"XYZ " + bytes(4) + fixed(0.9642, 1, 0.8249)}
    tags[b"desc"] = b"desc" + bytes(4) + struct.pack(">I", 2) + b"x\0" + bytes(78)
    if space == b"GRAY":
        tags[b"kTRC"] = curve
    else:
        tags |= {
            n: b"XYZ " + bytes(4) + fixed(*p)
            for n, p in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)
        }
        tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    tags |= {name.encode(): tag for name, tag in more.items()}
    head = bytearray(128)
    head[8:24] = b"\x02\x40\0\0mntr" + space + b"XYZ "
    head[36:40], head[68:80] = b"acsp", fixed(0.9642, 1, 0.8249)
    body, entries, at = b"", struct.pack(">I", len(tags)), 132 + 12 * len(tags)
    for name, tag in tags.items():
        entries += name + struct.pack(">II", at + len(body), len(tag))
        body += tag + bytes(-len(tag) % 4)
    head[:4] = struct.pack(">I", at + len(body))
    return bytes(head) + entries + body


def drawn(colour: tuple[int, int, int], mode: str = "RGB") -> Pillow.Image:
    """Return a grey picture with a square of a colour."""
    image = Pillow.new("RGB", (120, 80), (120, 120, 120))
    image.paste(colour, (20, 30, 60, 54))
    return image.convert(mode)


def filed(image: Pillow.Image, format_: str, icc: bytes) -> bytes:
    """Return a picture as a file with a profile."""
    out = io.BytesIO()
    more: dict[str, Any] = {"quality": 95} if format_ in ("JPEG", "AVIF") else {}
    image.save(out, format_, icc_profile=icc, **more)
    return out.getvalue()


def with_gamma(data: bytes, gamma: float) -> bytes:
    """Return a PNG that says its gamma."""
    chunk = b"gAMA" + struct.pack(">I", round(gamma * 100_000))
    return data[:33] + struct.pack(">I", 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[33:]


@each_case("primaries", [SRGB, P3, ADOBE, PROPHOTO], ids=["srgb", "p3", "adobe", "prophoto"])
@each_case(
    "curve",
    [
        USUAL,
        power(1.8),
        power(2.6),
        S_CURVE,
        formula(0, 2.2),
        table([(n / 1023) ** 2.2 for n in range(1024)]),
    ],
    ids=["2.2", "1.8", "2.6", "srgb", "formula", "table"],
)
def test_profiles_of_cameras_screens_and_editors_are_ordinary(primaries: Colours, curve: bytes) -> None:
    """Wide colours too: a picture is judged by its numbers then, once."""
    own = profile(primaries, curve)
    assert colours.is_ordinary_profile(own)
    for format_ in ("JPEG", "PNG", "WEBP"):
        data = filed(drawn((200, 30, 30)), format_, own)
        assert not read_outline(data).coloured
        assert own not in read_outline(data).clean
        assert len(open_picture(data).frames[0].views) == 1


def test_the_profile_that_lcms_makes_is_ordinary() -> None:
    """And one of grey."""
    assert colours.is_ordinary_profile(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    assert colours.is_ordinary_profile(profile(space=b"GRAY"))


ODD = {
    "swapped": profile(SWAPPED),
    "linear": profile(curve=power(1.0)),
    "steep": profile(curve=power(6.0)),
    "turned": profile(curve=table([1 - (n / 255) ** 2.2 for n in range(256)])),
    "a spike": profile(curve=table([0.9 if n == 5 else (n / 255) ** 2.2 for n in range(256)])),
    "a plateau": profile(curve=table([0.2 if 0 < n < 100 else (n / 255) ** 2.2 for n in range(256)])),
    "a long table": profile(curve=table([n / 4999 for n in range(5000)])),
    "a formula": profile(curve=formula(4, 2.4, 1.0, 0.0, 0.0, 0.1, 0.0, 0.9)),
    "an unknown formula": profile(curve=formula(9, 2.4)),
    "a formula out of reach": profile(curve=formula(0, 3000.0)),
    "tables beside": profile(A2B0=b"mft2"),
    "another space": profile(space=b"CMYK"),
    "cut": profile()[:200],
}


@each_case("own", ODD.values(), ids=ODD)
def test_what_may_make_another_picture_is_not_ordinary(own: bytes) -> None:
    """By primaries, by curves at any place, by tables, and what cannot be read."""
    assert not colours.is_ordinary_profile(own)


@given(st.binary(max_size=400))
def test_any_bytes_can_be_asked(data: bytes) -> None:
    """Nothing is raised; what nobody takes for a profile counts for nothing, what may be one is not ordinary."""
    assert colours.is_ordinary_profile(data) or data[36:40] == b"acsp"
    assert not colours.is_ordinary_profile(profile()[:128] + bytes(4) + data)


@each_case("format_", ["PNG", "JPEG", "WEBP", "AVIF"])
def test_a_picture_is_judged_as_its_profile_shows_it(guard_of: Callable[..., Guard], format_: str) -> None:
    """And as its numbers are, which is what who knows no profiles shows."""
    guard = guard_of(POLICY % "block")
    icc = ODD["swapped"]
    assert guard.check(filed(drawn((255, 0, 0)), format_, icc), "output").blocked
    assert guard.check(filed(drawn((0, 255, 0)), format_, icc), "output").blocked
    assert not guard.check(filed(drawn((0, 0, 255)), format_, icc), "output").blocked
    assert len(open_picture(filed(drawn((255, 0, 0)), format_, icc)).frames[0].views) == 2


@each_case("mode", ["RGB", "RGBA", "P"])
def test_a_picture_that_was_opened_is_judged_so_too(guard_of: Callable[..., Guard], mode: str) -> None:
    """A Pillow image knows the profile of its file."""
    image = Pillow.open(io.BytesIO(filed(drawn((255, 0, 0), mode), "PNG", ODD["swapped"])))
    assert guard_of(POLICY % "block").check(image, "output").blocked
    verdict = guard_of(POLICY % "redact").check(image, "output")
    assert str(verdict.action) == "redact"
    content: Any = verdict.content
    assert "icc_profile" not in content.info


@each_case("format_", ["PNG", "JPEG", "WEBP", "AVIF"])
def test_what_is_redacted_is_in_the_colours_that_were_seen(format_: str) -> None:
    """The profile is gone, and what it did is done."""
    picture = open_picture(filed(drawn((255, 0, 0)), format_, ODD["swapped"]))
    made = redact_picture(picture, [(80, 10, 10, 10)])
    again = open_picture(made)
    assert not again.outline.coloured  # type: ignore[union-attr]
    assert Pillow.open(io.BytesIO(made)).info.get("icc_profile") is None
    [view] = again.views
    assert np.abs(view[40, 40].astype(int) - (0, 255, 0)).max() < 40


def test_alpha_stays() -> None:
    """The colours under it are those of the profile."""
    image = drawn((255, 0, 0), "RGBA")
    image.putalpha(Pillow.new("L", image.size, 200))
    image.info["icc_profile"] = ODD["swapped"]
    made = colours.apply_profile(image)
    assert made is not None
    red, green, _, alpha = made.getpixel((40, 40))  # type: ignore[misc]
    assert (red < 60, green > 200, alpha) == (True, True, 200)
    assert made.info == {}


@each_case("mode", ["1", "L", "LA", "CMYK", "P"])
def test_a_profile_of_other_numbers_counts_for_nothing(mode: str) -> None:
    """As to who shows pictures: lcms refuses it; so does it what is none."""
    image = drawn((255, 0, 0), mode)
    image.info["icc_profile"] = bytes(300) if mode == "P" else ODD["swapped"]
    assert colours.apply_profile(image) is None


def test_a_profile_of_grey() -> None:
    """One that turns light and dark around."""
    image = drawn((255, 255, 255), "L")
    image.info["icc_profile"] = profile(space=b"GRAY", curve=power(8.0))
    made = colours.apply_profile(image)
    assert made is not None
    assert max(made.getpixel((0, 0))) < 40  # type: ignore[arg-type]


def test_colours_that_hardly_move_are_judged_once() -> None:
    """Whatever the profile is: what counts is what it does to this picture."""
    image = drawn((120, 120, 120))
    image.info["icc_profile"] = ODD["swapped"]
    assert colours.apply_profile(image) is None


@each_case(("gamma", "views"), [(0.45455, 1), (0.55, 1), (0.04, 2), (4.0, 2)])
def test_a_gamma_that_shows_another_picture(gamma: float, views: int) -> None:
    """What is nearly black by its numbers is seen where the file says so."""
    data = with_gamma(filed(drawn((10, 60, 10)), "PNG", b""), gamma)
    picture = open_picture(data)
    assert len(picture.views) == views
    made = open_picture(redact_picture(picture, [(80, 10, 10, 10)]))
    assert len(made.views) == 1
    assert np.array_equal(made.views[0][40, 40], picture.views[-1][40, 40])
    grey = drawn((10, 60, 10), "LA")
    grey.info["gamma"] = gamma
    assert (colours.apply_profile(grey) is None) == (views == 1)


@each_case(
    ("points", "ordinary"),
    [
        ((0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06), True),
        ((0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06), True),
        ((0.3457, 0.3585, 0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001), True),
        ((0.3127, 0.329, 0.3, 0.6, 0.64, 0.33, 0.15, 0.06), False),
        ((0.0,) * 8, True),
        ((0.3127, 0.329, 9.0, 0.33, 0.3, 0.6, 0.15, 0.06), True),
        ((0.3127,), True),
    ],
    ids=["srgb", "p3", "prophoto", "swapped", "nothing", "out of reach", "cut"],
)
def test_points_of_colours_that_are_not_judged_are_refused(
    points: Sequence[float], *, ordinary: bool
) -> None:
    """Where a gamma stands beside them, as only then anybody takes them."""
    content = b"".join(struct.pack(">I", round(number * 100_000)) for number in points)
    assert colours.are_ordinary(content) == ordinary
    chunk = b"cHRM" + content
    plain = filed(drawn((255, 0, 0)), "PNG", b"")
    part = struct.pack(">I", len(content)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    data = plain[:33] + part + plain[33:]
    assert not read_outline(data).coloured
    if ordinary:
        assert not read_outline(with_gamma(data, 0.45455)).coloured
    else:
        with pytest.raises(MediaError, match="colours are others"):
            read_outline(with_gamma(data, 0.45455))


def test_a_profile_has_a_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """Larger ones are named, whatever the format: whoever shows the picture might read them."""
    own = profile(zzzz=bytes(70_000))
    files = [filed(drawn((255, 0, 0)), format_, own) for format_ in ("PNG", "JPEG", "WEBP")]
    monkeypatch.setattr(colours, "MOST", 60_000)
    for data in files:
        with pytest.raises(MediaError, match="profile of colours") as raised:
            read_outline(data)
        assert raised.value.code == "too_many_bytes"
    image = drawn((255, 0, 0))
    image.info["icc_profile"] = ODD["swapped"] + bytes(70_000)
    with pytest.raises(MediaError, match="profile of colours"):
        colours.apply_profile(image)


@each_case("content", [b"", b"name", b"name\0\0no zlib"])
def test_a_packed_profile_that_is_broken_is_none(content: bytes) -> None:
    """PNG has it packed."""
    assert colours.unpack_profile(content) == b""
    assert colours.unpack_profile(b"name\0\0" + zlib.compress(b"profile")) == b"profile"
