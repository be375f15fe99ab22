"""Texts in pictures: what readers find, in which order, and what is believed of it."""

from __future__ import annotations

import io
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from guardrails import Guard, PolicyErrors
from guardrails.detectors.images.image_text import ImageTextConfig, ImageTextExtractor, read_codes
from guardrails.detectors.images.reading.ocr_lines import OcrLine
from guardrails.detectors.images.text_layout import PlacedText
from guardrails.media.images.picture import open_picture
from guardrails.types import CLEAN, Image, Text
from tests.cases import each_case


def at(x: float, y: float, width: float, height: float) -> list[tuple[float, float]]:
    """Return the corners of a box."""
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def read(pixels: Any, *found: OcrLine, origin: str = "ocr", **fields: Any) -> Sequence[PlacedText]:
    """Return what is written in a picture in which a reader finds that."""
    config = ImageTextConfig.model_validate({"use": "image_text", **fields})
    [texts] = ImageTextExtractor(config, [(origin, lambda view: found)]).extracts(
        [Image(source=open_picture(pixels))]
    )
    return texts


PLAIN = np.full((100, 200, 3), 255, dtype=np.uint8)


def test_lines_come_as_one_reads_them() -> None:
    """From top to bottom, and those of one height from left to right, each with its box."""
    [text] = read(
        PLAIN, ("lower", 0.99, at(10, 60, 80, 20)), ("right", 0.9, at(110, 12, 60, 20)), ("left  one", 0.9, at(10, 10, 60, 20))
    )  # fmt: skip
    assert (text.text, text.origin) == ("left one\nright\nlower", "ocr")
    assert [line.box for _, line in text.lines][2] == (10, 60, 81, 21)


@each_case(
    ("text", "score", "believed"),
    [
        ("hello", 0.75, True),
        ("hello", 0.74, False),
        ("abc", 0.89, False),
        ("abc", 0.9, True),
        ("  ", 1.0, False),
        ("", 1.0, False),
    ],
)
def test_doubtful_lines_are_left_out(text: str, score: float, *, believed: bool) -> None:
    """On photos there are letters where there are none, most of them few."""
    assert bool(read(PLAIN, (text, score, at(1, 1, 50, 9)))) is believed


def test_a_text_that_every_view_has_is_one() -> None:
    """Of a picture with alpha, or of a moving one; another is another."""
    pixels = np.full((50, 60, 4), 255, dtype=np.uint8)
    pixels[:10, :10, 3] = 0
    [text] = read(pixels, ("hello", 1.0, at(1, 1, 50, 9)))
    assert text.text == "hello"


@each_case("corners", [at(-20, -20, 900, 900), at(199.9, 99.9, 0, 0), at(300, 300, 5, 5)])
def test_boxes_lie_inside_of_the_picture(corners: list[tuple[float, float]]) -> None:
    """Whatever a reader says."""
    [text] = read(PLAIN, ("hello", 1.0, corners))
    x, y, width, height = text.box((0, 5))
    assert 0 <= x < x + width <= 200
    assert 0 <= y < y + height <= 100


def test_boxes_of_a_large_picture_are_those_at_full_size() -> None:
    """It was made smaller to be looked at."""
    out = io.BytesIO()
    Pillow.new("RGB", (4200, 3000)).save(out, "PNG")
    [text] = read(out.getvalue(), ("hello", 1.0, at(0, 0, 1050, 25)))
    x, y, width, height = text.box((0, 5))
    assert (x, y) == (0, 0)
    assert abs(width - 2100) <= 4
    assert abs(height - 50) <= 4


def test_a_code_is_covered_as_a_whole() -> None:
    """A part of its text stands nowhere in particular."""
    [text] = read(PLAIN, ("a long text", 1.0, at(10, 10, 60, 50)), origin="code")
    assert text.box((3, 4)) == text.box((0, 11)) == (10, 10, 61, 51)


def test_what_was_read_is_remembered() -> None:
    """The same picture is read once."""
    calls: list[int] = []

    def reader(view: Any) -> list[OcrLine]:
        calls.append(1)
        return [("hello", 1.0, at(1, 1, 50, 9))]

    extractor = ImageTextExtractor(ImageTextConfig(use="image_text"), [("ocr", reader)])
    images = [Image(source=open_picture(PLAIN.copy())) for _ in range(3)]
    assert {texts[0].text for texts in extractor.extracts(images)} == {"hello"}
    assert len(calls) == 1
    assert extractor.detect(images) == [CLEAN] * 3
    assert extractor.extracts([Text("x")]) == [()]


def test_some_frames_of_what_moves_are_read() -> None:
    """Those that differ most, in their order."""
    shades = [0, 20, 20, 21, 100, 101, 102, 103, 200, 201]
    frames = [Pillow.new("RGB", (9, 9), (shade, 0, at_)) for at_, shade in enumerate(shades)]
    out = io.BytesIO()
    frames[0].save(out, "PNG", save_all=True, append_images=frames[1:], duration=40)
    seen: list[int] = []

    def reader(view: Any) -> list[OcrLine]:
        seen.append(int(view[0, 0, 0]))
        return []

    config = ImageTextConfig.model_validate({"use": "image_text", "frames": 4})
    assert ImageTextExtractor(config, [("ocr", reader)]).extracts(
        [Image(source=open_picture(out.getvalue()))]
    ) == [()]
    assert seen == [0, 21, 100, 201]


@each_case(("fields", "gone"), [("", "rapidocr"), ("", "zxingcpp"), (", read: [codes]", "zxingcpp")])
def test_without_the_extra_it_is_an_error_at_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: str, gone: str
) -> None:
    """That names the cure."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == gone else object())
    (tmp_path / "p.yaml").write_text(
        f"format: 1\nname: t\ndetectors:\n  w: {{use: image_text{fields}}}\nrules: []\n"
    )
    with pytest.raises(PolicyErrors) as caught:
        Guard.load(tmp_path / "p.yaml")
    [error] = caught.value
    assert (error.code, error.hint) == ("missing_extra", "pip install 'guardrails-middleware[ocr]'")
    assert gone in error.message


def test_the_reader_of_codes_takes_what_zxing_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Codes without a text are none."""
    corner = [types.SimpleNamespace(x=x, y=y) for x, y in at(1, 2, 3, 4)]
    names = ("top_left", "top_right", "bottom_right", "bottom_left")
    position = types.SimpleNamespace(**dict(zip(names, corner, strict=True)))
    found = [types.SimpleNamespace(text=text, position=position) for text in ("hello", "")]
    monkeypatch.setitem(sys.modules, "zxingcpp", types.SimpleNamespace(read_barcodes=lambda view: found))
    assert read_codes(PLAIN) == [("hello", 1.0, at(1, 2, 3, 4))]
