"""A file that is called something else is refused, or judged as what its bytes are, whatever it is called."""

from __future__ import annotations

import base64
import io
import wave
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image as Pillow
from PIL import ImageDraw

from guardrails import Guard
from guardrails.engine.formats.file_kinds import find_kind
from guardrails.types import Audio, Image, Media, Verdict, Video
from tests.cases import each_case
from tests.films import film, green, scene

POLICY = """
detectors: {green: {use: green_square}}
rules: [{id: green, on: [input, output], when: custom.green_square > 0.5, then: block}]
films: {fps: 4, corroborate: 1}
media: {mistyped: SAID}
"""


@pytest.fixture(scope="module")
def guards(guard_of: Callable[..., Guard]) -> dict[str, Guard]:
    """A guard that blocks green squares, for each setting."""
    return {said: guard_of(POLICY.replace("SAID", said)) for said in ("block", "read")}


def drawn(format_: str, *, found: bool = False) -> bytes:
    """Return a picture, perhaps with a green square."""
    image, out = Pillow.new("RGB", (160, 120), (90, 90, 120)), io.BytesIO()
    if found:
        ImageDraw.Draw(image).rectangle((40, 30, 90, 80), fill=(0, 255, 0))
    image.save(out, format_)
    return out.getvalue()


def silence() -> bytes:
    """Return a sound."""
    out = io.BytesIO()
    with wave.open(out, "wb") as made:
        made.setnchannels(1)
        made.setsampwidth(2)
        made.setframerate(16_000)
        made.writeframes(bytes(32_000))
    return out.getvalue()


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
FILES: dict[str, Callable[[bool], bytes]] = {
    "png.webp": lambda found: drawn("PNG", found=found),
    "jpeg.heic": lambda found: drawn("JPEG", found=found),
    "mp4.jpg": lambda found: film(green(8) if found else scene(8)),
    "png.mp4": lambda found: drawn("PNG", found=found),
    "gif.mov": lambda found: drawn("GIF", found=found),
    "webp.mp3": lambda found: drawn("WEBP", found=found),
}
"""What a file is and what it is called → what makes it."""


@each_case("name", FILES)
def test_a_file_follows_the_policy_across_kinds(guards: dict[str, Guard], tmp_path: Path, name: str) -> None:
    """By its name and by the type of a data URI: refused as mistyped, or judged as what it is."""
    harmless, found = FILES[name](False), FILES[name](True)
    path = tmp_path / name
    path.write_bytes(harmless)
    verdict = guards["block"].check(path, "input")
    assert [each.reason.partition(":")[0] for each in verdict.coverage.unchecked] == ["mistyped"]
    verdict = guards["read"].check(path, "input")
    assert (str(verdict.action), verdict.coverage.unchecked) == ("allow", ())
    path.write_bytes(found)
    assert _rules(guards["read"].check(path, "input")) == ["green"]
    with path.open("rb") as file:
        assert _rules(guards["read"].check(file, "input")) == ["green"]


def _rules(verdict: Verdict) -> list[str]:
    return [rule.id for rule in verdict.rules]


@each_case("said", ["image/jpeg", "image/heic", "video/mp4"])
def test_what_a_body_declares_is_only_said(guards: dict[str, Guard], said: str) -> None:
    """By the address of a data URI."""
    data = base64.b64encode(drawn("PNG", found=True)).decode()
    part = {"type": "image_url", "image_url": {"url": f"data:{said};base64,{data}"}}
    body = {"messages": [{"role": "user", "content": [part]}]}
    refused, read = (guards[setting].check(body, "input") for setting in ("block", "read"))
    assert (str(refused.action), _rules(read)) == ("block", ["green"])
    assert _rules(refused) != ["green"]


def test_sounds(guards: dict[str, Guard], tmp_path: Path) -> None:
    """One that is called another, or a film."""
    for name in ("wav.mp3", "wav.mp4"):
        path = tmp_path / name
        path.write_bytes(silence())
        refused = guards["block"].check(path, "input").coverage.unchecked
        assert [each.reason.partition(":")[0] for each in refused] == ["mistyped"]
        assert guards["read"].check(path, "input").coverage.unchecked == ()


@each_case(
    ("data", "reason"),
    [
        (b"<!doctype html><p>hello", "files of type html are not read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "files of type svg are not read"),
        (b"%PDF-1.7\n", "files of type pdf are not read"),
        (b"PK\3\4" + bytes(26), "files of type zip are not read"),
        (b"II*\0" + bytes(60), "files of type tiff are not read"),
        (b"simply some words", "files of no known type are not read"),
    ],
)
def test_what_is_no_medium_is_refused_by_its_name(
    guards: dict[str, Guard], tmp_path: Path, data: bytes, reason: str
) -> None:
    """With either setting: a picture it is not."""
    path = tmp_path / "a.png"
    path.write_bytes(data)
    [refused] = guards["block"].check(path, "input").coverage.unchecked
    [read] = guards["read"].check(path, "input").coverage.unchecked
    assert refused.reason.startswith("mistyped: it is said to be png, and its bytes are")
    assert f"unsupported_type: {reason}" in read.reason


def test_kinds() -> None:
    """What bytes do not tell stays what it was given as; a container of either is the sound that it is called."""
    mp4, m4a = b"\0\0\0\x18ftypisom\0\0\0\0", b"\0\0\0\x18ftypM4A \0\0\0\0"
    found: list[tuple[Media, type[Media]]] = [
        (Image(b"what is this"), Image), (Video(b"what is this"), Video), (Video(HEIC), Image), (Image(mp4), Video),
        (Image(m4a), Audio), (Audio(mp4), Audio), (Video(m4a), Video), (Image(source="no such file"), Image),
    ]  # fmt: skip
    assert [find_kind(given) for given, _ in found] == [kind for _, kind in found]
