"""Texts and codes in pictures, read by the real packages of the extra `ocr`."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import zxingcpp
from PIL import Image, ImageDraw, ImageFont

from guardrails import Guard
from guardrails.detectors.images.reading.ocr import ARENA, load_rapidocr, load_reader
from guardrails.inference import denormals

POLICY = """
detectors:
  written: {use: image_text}
  pii: {use: pii, entities: [email, credit_card]}
  words: {use: terms, terms: [zqxbomb], category: custom.bomb}
rules:
  - {id: pii, on: [input, output], when: pii > 0, then: redact}
  - {id: bomb, on: [input, output], when: custom.bomb > 0, then: block}
"""


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that reads pictures, redacts addresses and cards, and blocks `zqxbomb`."""
    return guard_of(POLICY)


def written(*lines: str, size: int = 24, ink: str = "black", ground: str = "white") -> Image.Image:
    """Return a picture with lines of text."""
    image = Image.new("RGB", (640, 60 + 60 * len(lines)), ground)
    for at, line in enumerate(lines):
        ImageDraw.Draw(image).text((30, 30 + 60 * at), line, fill=ink, font=ImageFont.load_default(size))
    return image


def coded(text: str) -> Image.Image:
    """Return a picture with a QR code."""
    code = np.asarray(zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode).to_image(scale=6))
    image = Image.new("RGB", (code.shape[1] + 80, code.shape[0] + 80), "white")
    image.paste(Image.fromarray(code).convert("RGB"), (40, 40))
    return image


@pytest.mark.parametrize(
    "fields", [{}, {"size": 14}, {"ink": "white", "ground": "navy"}, {"ink": "#777777", "ground": "#bbbbbb"}]
)
def test_what_is_written_is_redacted_where_it_stands(guard: Guard, fields: dict[str, Any]) -> None:
    """The lines without an address or a number stay as they are, and what comes out holds neither."""
    image = written(
        "Dear friend, how are you?", "mail me at jo@example.com today", "card 4111 1111 1111 1111", **fields
    )
    verdict = guard.check(image, "output")
    assert str(verdict.action) == "redact"
    assert {finding.category for finding in verdict.findings} == {"pii.email", "pii.credit_card"}
    assert {finding.origin for finding in verdict.findings} == {"ocr"}
    made: Any = verdict.content
    assert (np.asarray(made)[:70] == np.asarray(image)[:70]).all()
    assert guard.check(made, "output").findings == ()


def test_a_word_in_a_picture_is_a_word(guard: Guard) -> None:
    """And a near miss is none; a picture without any text is clean."""
    assert guard.check(written("this is zqxbomb here")).blocked
    assert str(guard.check(written("this is a bath bomb")).action) == "allow"
    assert str(guard.check(written()).action) == "allow"


def test_a_word_that_hides_is_a_word(guard: Guard) -> None:
    """Nearly white on white beside plain letters, far down a long page, or in one frame of many."""
    faint = written("An ordinary headline")
    ImageDraw.Draw(faint).text((30, 85), "buy zqxbomb now", fill="#fbfbfb", font=ImageFont.load_default(24))
    page = Image.new("RGB", (600, 8000), "white")
    page.paste(written("buy zqxbomb now", size=22).resize((600, 112)), (0, 7000))
    frames = [written("hello", ground=f"#{255 - at:02x}ffff") for at in range(40)]
    frames[22] = written("buy zqxbomb now", ground="#eaffff")
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=40)
    assert [guard.check(each, "output").blocked for each in (faint, page, out.getvalue())] == [True] * 3


def test_a_code_is_read_and_covered(guard: Guard) -> None:
    """All of it."""
    assert guard.check(coded("https://a.example/zqxbomb")).blocked
    verdict = guard.check(coded("mail jo@example.com"))
    assert (str(verdict.action), [finding.origin for finding in verdict.findings]) == ("redact", ["code"])
    assert guard.check(verdict.content).findings == ()


@pytest.mark.parametrize(
    "image",
    [
        written("Dear friend, how are you?", "mail me at jo@example.com today"),
        written("a small line of text", size=10),
        written("grey on grey", size=18, ink="#b9b9b9", ground="#c8c8c8"),
        written("turned by a quarter", size=20).rotate(90, expand=True),
        written(),
    ],
    ids=["lines", "small", "grey", "turned", "none"],
)
def test_numbers_next_to_zero_say_nothing(image: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same is read with them, at the same places and as surely; they only take time."""
    view = np.asarray(image)
    quick = load_reader(640)(view)
    monkeypatch.setattr(denormals, "LIBC", None)
    assert load_reader(640)(view) == quick


Ink = tuple[int, int, int]
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
INKS: dict[str, tuple[Ink, Ink]] = {
    "black on white": (BLACK, WHITE),
    "white on black": (WHITE, (30, 30, 30)),
    "grey on grey": ((119, 119, 119), (187, 187, 187)),
    "faint": ((185, 185, 185), (200, 200, 200)),
    "next to white": ((250, 250, 250), WHITE),
    "next to black": ((3, 3, 3), BLACK),
    "red on red": ((205, 30, 30), (200, 30, 30)),
}


def noted(ink: Ink, ground: Ink, size: int, *, wide: int = 640, turn: int = 0, quality: int = 0) -> Any:
    """Return the pixels of a picture with a note."""
    image = Image.new("RGB", (wide, wide * 3 // 4), ground)
    ImageDraw.Draw(image).text(
        (wide // 8, wide // 4), "Write to anna now 4711", fill=ink, font=ImageFont.load_default(size)
    )
    if quality:
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality)
        image = Image.open(out).convert("RGB")
    return np.asarray(image.rotate(turn, expand=True))


def read(view: Any) -> str:
    """Return what is read in pixels, without spaces."""
    return "".join(text for text, score, _ in LETTERS(view) if score >= 0.75).replace(" ", "")


LETTERS = load_reader(640)


@pytest.mark.parametrize("size", [12, 18, 30])
@pytest.mark.parametrize("inks", INKS)
def test_letters_are_read_in_whatever_ink(inks: str, size: int) -> None:
    """Also where an eye sees nothing, and a model that gets more contrast does."""
    assert "annanow4711" in read(noted(*INKS[inks], size))


@pytest.mark.parametrize(
    "fields",
    [
        {"size": 9},
        {"size": 9, "ink": (185, 185, 185), "ground": (200, 200, 200)},
        {"size": 9, "ink": (250, 250, 250)},
        {"size": 18, "wide": 1_024},
        {"size": 18, "wide": 1_600},
        {"size": 30, "wide": 1_600, "ink": (185, 185, 185), "ground": (200, 200, 200)},
        *({"size": 20, "turn": turn} for turn in (90, 180, 270)),
        {"size": 12, "turn": 90},
        {"size": 18, "quality": 85, "ink": (185, 185, 185), "ground": (200, 200, 200)},
        {"size": 18, "quality": 40},
    ],
)
def test_letters_are_read_small_turned_and_compressed(fields: dict[str, Any]) -> None:
    """As they were when the reader came in, or better."""
    assert "annanow4711" in read(noted(**{"ink": BLACK, "ground": WHITE, **fields}))


@pytest.mark.parametrize("shade", [0, 1, 200, 255])
def test_nothing_is_read_where_nothing_is(shade: int) -> None:
    """In one colour, in noise of a few steps, in soft patches."""
    plain = np.full((240, 320, 3), shade, np.uint8)
    noise = np.random.default_rng(shade).integers(0, 4, plain.shape, dtype=np.uint8)
    soft = Image.fromarray(np.random.default_rng(shade).integers(0, 256, (9, 12, 3), dtype=np.uint8))
    for view in (plain, np.minimum(plain, 251) + noise, np.asarray(soft.resize((640, 480)))):
        assert read(view) == ""


def test_the_models_run_as_we_want_them_to() -> None:
    """By sessions whose threads never spin: a version of RapidOCR that takes none would be slower, and must be known.

    Memory for large pictures is not kept.
    """
    for side, keeps in ((ARENA, True), (ARENA + 1, False)):
        reader = load_rapidocr(side)
        finds, reads = (
            part.session.session.get_session_options() for part in (reader.text_det, reader.text_rec)
        )
        for options in (finds, reads):
            assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
        assert (finds.enable_cpu_mem_arena, reads.enable_cpu_mem_arena) == (keeps, False)


@pytest.mark.parametrize(
    "turn",
    [
        Image.Transpose.FLIP_LEFT_RIGHT,
        Image.Transpose.FLIP_TOP_BOTTOM,
        Image.Transpose.ROTATE_90,
        Image.Transpose.ROTATE_180,
        Image.Transpose.TRANSPOSE,
    ],
)
def test_turned_and_mirrored_text_is_read(guard: Guard, turn: Image.Transpose) -> None:
    """As a person may hold it, or hold it to a mirror."""
    assert guard.check(written("how to make a zqxbomb today").transpose(turn), "output").blocked


def bent(text: str, sweep: float, *, smiles: bool) -> Image.Image:
    """Return a picture with a line of text on a circle, over it or under it."""
    note = written(text, size=34)
    wide, high = note.size
    pixels = np.pad(np.asarray(note), ((0, 1), (0, 1), (0, 0)), mode="edge")
    radius = wide / math.radians(sweep)
    ys, xs = np.mgrid[0:640, 0:900].astype(float)
    xs, ys = xs - 450, (ys[::-1] if smiles else ys) - 100 - radius
    along = (np.arctan2(xs, -ys) + math.radians(sweep) / 2) * radius
    across = radius + high / 2 - np.hypot(xs, ys)
    inside = (along >= 0) & (along < wide) & (across >= 0) & (across < high)
    across = high - across if smiles else across
    made = pixels[np.where(inside, across, 0).astype(int), np.where(inside, along, 0).astype(int)]
    return Image.fromarray(made)


@pytest.mark.parametrize("smiles", [False, True])
@pytest.mark.parametrize("sweep", [60, 120, 170])
def test_text_on_a_circle_is_read(guard: Guard, sweep: float, smiles: bool) -> None:
    """And what is found in it is covered where it stands; straight lines have no bent bands."""
    image = bent("how to make a zqxbomb today", sweep, smiles=smiles)
    assert guard.check(image, "output").blocked
    verdict = guard.check(bent("write to bob.miller@example.org", sweep, smiles=smiles), "output")
    assert str(verdict.action) == "redact"
    assert guard.check(verdict.content, "output").findings == ()
    lines = np.asarray(written("one line of a text", "and another one below it"))
    assert all(len(corners) == 4 for _, _, corners in load_reader(640)(lines))


def test_small_text_of_a_large_page_is_read(guard: Guard) -> None:
    """Ten pixels high, and covered where it stands."""
    page = Image.new("RGB", (1_920, 1_080), "white")
    font = ImageFont.load_default(10)
    ImageDraw.Draw(page).text((1_200, 800), "write to bob.miller@example.org today", fill="black", font=font)
    verdict = guard.check(page, "output")
    [finding] = verdict.findings
    assert finding.box is not None
    left, top, width, height = finding.box
    assert 1_195 <= left <= 1_300
    assert left + width <= 1_420
    assert 790 <= top <= 810
    assert height <= 30
