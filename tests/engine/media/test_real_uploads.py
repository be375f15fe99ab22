"""What people upload from cameras and old disks: large pictures and films are judged, films that nothing reads are named."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw

from guardrails import Guard
from guardrails.types import Image, Verdict
from tests.cases import each_case
from tests.films import film, green, resized, scene

POLICY = """
detectors: {green: {use: green_square}}
rules: [{id: green, on: [input, output], when: custom.green_square > 0.5, then: block}]
films: {fps: 4, corroborate: 1}
"""


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that blocks green squares."""
    return guard_of(POLICY)


def decision(verdict: Verdict) -> tuple[str, list[str]]:
    """Return the action, and the reasons for what was not judged."""
    return str(verdict.action), [each.reason for each in verdict.coverage.unchecked]


@each_case("found", [False, True])
def test_a_picture_of_48_megapixels_is_judged(guard: Guard, found: bool) -> None:
    """Smaller than it is, as what phones of today make."""
    image = Pillow.new("RGB", (8000, 6000), (90, 90, 120))
    if found:
        ImageDraw.Draw(image).rectangle((3000, 2000, 3400, 2400), fill=(0, 255, 0))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=70)
    assert decision(guard.check(out.getvalue(), "input")) == ("block" if found else "allow", [])


@each_case(("size", "fps"), [((3840, 2160), 30), ((320, 240), 240)])
def test_films_in_4k_and_of_240_frames_a_second_are_judged(
    guard: Guard, size: tuple[int, int], fps: int
) -> None:
    """What is looked at is made smaller."""
    assert decision(guard.check(film(scene(8, size=size), fps=fps), "input")) == ("allow", [])
    assert decision(guard.check(film(resized(green(8), size), fps=fps), "input"))[0] == "block"


@each_case("mistyped", ["block", "read"])
def test_a_file_with_the_name_of_another_type_follows_the_policy(
    guard_of: Callable[..., Guard], tmp_path: Path, mistyped: str
) -> None:
    """A phone's picture that was renamed: refused by default, or judged as what it is. So is a film, and what a body declares."""
    guard = guard_of(f"{POLICY}media: {{mistyped: {mistyped}}}\n")
    webp, found = io.BytesIO(), Pillow.new("RGB", (120, 90), (90, 90, 120))
    found.save(webp, "WEBP")
    ImageDraw.Draw(found).rectangle((30, 20, 70, 60), fill=(0, 255, 0))
    files = {"a.jpg": webp.getvalue(), "b.avi": film(scene(4))}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        action, reasons = decision(guard.check(tmp_path / name, "input"))
        assert (action, [each.partition(":")[0] for each in reasons]) == (
            ("allow", []) if mistyped == "read" else ("block", ["mistyped"])
        )
    out = io.BytesIO()
    found.save(out, "PNG")
    assert decision(guard.check(Image(out.getvalue(), declared="image/jpeg"), "input"))[0] == "block"


@each_case("floor", ["block", "read"])
def test_a_floor_sees_no_less(guard_of: Callable[..., Guard], floor: str) -> None:
    """What it does not read stays unread."""
    guard = guard_of(f"{POLICY}media: {{mistyped: read}}\n", floor=f"{POLICY}media: {{mistyped: {floor}}}\n")
    out = io.BytesIO()
    Pillow.new("RGB", (120, 90), (90, 90, 120)).save(out, "PNG")
    got = decision(guard.check(Image(out.getvalue(), declared="image/jpeg"), "input"))[0]
    assert got == ("allow" if floor == "read" else "block")


def encoded(container: str, codec: str) -> bytes:
    """Return a film in a container that nothing here reads, made by a real encoder."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as made:
        stream = made.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 176, 144, "yuv420p"  # type: ignore[attr-defined]
        for level in range(0, 120, 10):
            frame = av.VideoFrame.from_ndarray(np.full((144, 176, 3), level, np.uint8), format="rgb24")
            made.mux(stream.encode(frame))  # type: ignore[attr-defined]
        made.mux(stream.encode())  # type: ignore[attr-defined]
    return out.getvalue()


@each_case(
    ("container", "codec", "ending", "name"),
    [
        ("flv", "flv", ".flv", "flv"),
        ("asf", "wmv2", ".wmv", "wmv"),
        ("mpeg", "mpeg1video", ".mpg", "mpeg"),
        ("vob", "mpeg2video", ".vob", "mpeg"),
        ("mpeg1video", "mpeg1video", ".m1v", "mpeg"),
        ("rm", "rv10", ".rm", "realmedia"),
    ],
)
def test_films_that_nothing_reads_are_named(
    guard: Guard, tmp_path: Path, container: str, codec: str, ending: str, name: str
) -> None:
    """As films of their type, by bytes and by path; none is taken for a broken picture or a text."""
    path = tmp_path / f"a{ending}"
    path.write_bytes(data := encoded(container, codec))
    for given in (data, path):
        action, [reason] = decision(guard.check(given, "input"))
        assert action == "block"
        assert f"unsupported_type: files of type {name} are not read as films" in reason


def test_a_3gp_is_read(guard: Guard) -> None:
    """It is a film of boxes."""
    assert decision(guard.check(encoded("3gp", "h263"), "input")) == ("allow", [])


@each_case(
    ("format_", "name"),
    [
        ("TIFF", "tiff"),
        ("JPEG2000", "jpeg 2000"),
        ("ICO", "ico"),
        ("ICNS", "icns"),
        ("DDS", "dds"),
        ("QOI", "qoi"),
    ],
)
def test_pictures_that_nothing_reads_are_named(guard: Guard, format_: str, name: str) -> None:
    """By their type."""
    out = io.BytesIO()
    Pillow.new("RGB", (64, 64), (90, 90, 120)).save(out, format_)
    action, [reason] = decision(guard.check(out.getvalue(), "input"))
    assert (action, reason.partition(";")[0]) == (
        "block",
        f"unsupported_type: files of type {name} are not read",
    )


@each_case(("limit", "judged"), [("block", 0), ("flag", 1)])
def test_a_film_that_says_that_it_is_too_long_is_not_watched(
    guard_of: Callable[..., Guard], limit: str, judged: int
) -> None:
    """Where that blocks; where it does not its beginning is judged."""
    guard = guard_of(f"{POLICY}limits: {{film_seconds: 1}}\nunchecked: {{limit: {limit}}}\n")
    verdict = guard.check(film(scene(40), fps=10), "input")
    [watched] = verdict.coverage.films
    assert (str(verdict.action), bool(watched.judged), bool(watched.frames)) == (
        limit,
        bool(judged),
        bool(judged),
    )
    assert any("seconds" in each for each in decision(verdict)[1])


def test_a_film_that_lies_about_its_length_is_stopped_at_the_limit(guard_of: Callable[..., Guard]) -> None:
    """One of four seconds that says a tenth: no more of it is decoded than a film may have."""
    guard = guard_of(f"{POLICY}limits: {{film_seconds: 1}}\n")
    verdict = guard.check(_shortened(film(scene(40), fps=10)), "input")
    [watched] = verdict.coverage.films
    assert (str(verdict.action), watched.frames) == ("block", 11)
    assert decision(verdict)[1] == ["it was watched for 1.1 s, then stopped: seconds"]


def _shortened(data: bytes) -> bytes:
    """Return a film whose boxes say a tenth of its length, and whose list of edits is gone."""
    made = bytearray(data.replace(b"elst", b"free"))
    for kind, at in ((b"mvhd", 16), (b"tkhd", 20), (b"mdhd", 16)):
        begin = made.find(kind) + 4 + at
        assert made[begin - at] == 0  # with numbers of four bytes
        length = int.from_bytes(made[begin : begin + 4], "big")
        made[begin : begin + 4] = (length // 10).to_bytes(4, "big")
    return bytes(made)
