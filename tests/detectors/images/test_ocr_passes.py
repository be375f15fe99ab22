"""Looks at pictures: pieces of thin ones, what is faint in them, and the frames that are worth reading."""

from __future__ import annotations

import io
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from guardrails.detectors.images.ocr_passes import (
    cut_tiles,
    enhance_faint,
    pick_distinct_frames,
    read_in_passes,
)
from guardrails.media.images.picture import PictureFrame
from tests.cases import each_case


def plain(height: int = 60, width: int = 90, shade: int = 255) -> Any:
    """Return a view of one shade."""
    return np.full((height, width, 3), shade, dtype=np.uint8)


@given(st.integers(1, 9_000), st.integers(1, 300), st.integers(64, 900))
def test_pieces_hold_all_of_a_view(height: int, width: int, longest: int) -> None:
    """Each is as small as it must be, and whatever is not longer than what two share is in one of them as a whole."""
    found = [*cut_tiles(np.zeros((height, width, 3), np.uint8), longest)]
    assert all(max(piece.shape[:2]) <= longest for _, _, piece in found)
    rows = sorted({(top, top + piece.shape[0]) for _, top, piece in found})
    assert (rows[0][0], rows[-1][1]) == (0, height)
    assert all(after[0] <= before[1] - longest // 8 for before, after in pairwise(rows))


@each_case(("ground", "ink"), [(255, 250), (255, 253), (0, 6), (128, 120), (40, 58)])
def test_what_is_faint_is_made_plain(ground: int, ink: int) -> None:
    """Dark on white, whatever the ground; what was plain already stays so."""
    view = plain(120, 180, ground)
    view[20:30, 20:120] = ink
    view[80:84, 20:120] = 255 - ground
    made = enhance_faint(view)
    assert made is not None
    assert made[0, 0].tolist() == [255] * 3
    assert made[25, 40].max() <= 215
    assert ground == 128 or made[82, 40].max() <= 15


def test_a_colour_can_be_faint_as_well() -> None:
    """Yellow that is nearly white differs in one channel."""
    view = plain(120, 180)
    view[20:30, 20:120, 2] = 245
    made = enhance_faint(view)
    assert made is not None
    assert made[25, 40].max() < 100


@each_case("kind", ["plain", "bold", "jpeg", "photo", "gradient"])
def test_a_picture_without_anything_faint_is_read_once(kind: str) -> None:
    """One of a single shade or of plain letters has nothing faint, nor what a JPEG makes of edges; a photo has no ground."""
    view = plain(200, 300)
    if kind in ("bold", "jpeg"):
        view[20:60, 20:60] = (200, 30, 30)
    if kind == "jpeg":
        out = io.BytesIO()
        Image.fromarray(view).resize((251, 167), Image.Resampling.LANCZOS).save(out, "JPEG", quality=60)
        view = np.asarray(Image.open(out))
    if kind == "photo":
        view = np.random.default_rng(0).integers(0, 255, view.shape, dtype=np.uint8)
    if kind == "gradient":
        view[:] = np.linspace(0, 255, 300).astype(np.uint8)[None, :, None]
    assert enhance_faint(view) is None


def test_each_look_is_read() -> None:
    """Pieces, and what is faint in them, with the corners where they are in all of the view; what is known is told once."""
    seen: list[tuple[int, ...]] = []

    def read(view: Any) -> list[Any]:
        seen.append(view.shape)
        at = [(1.0, 2.0), (5.0, 2.0), (5.0, 4.0), (1.0, 4.0)]
        return [("faint", 0.9, at)] if view.min() < 200 else [("plain", 0.8, at)]

    view = plain(300, 40)
    view[10:20, 10:30] = 250
    found = read_in_passes(read, 50)(view)
    assert seen == [(200, 40, 3)] * 3
    assert [(score, corners[0]) for _, score, corners in found] == [(0.8, (1.0, 2.0)), (0.9, (1.0, 2.0)), (0.8, (1.0, 102.0))]  # fmt: skip
    view[10:20, 10:30] = 100
    assert len(read_in_passes(read, 100)(view)) == 1


def frames(count: int, odd: int) -> list[PictureFrame]:
    """Return so many frames that are alike, and one of them with something in it."""
    made = []
    for number in range(count):
        view = plain(shade=100 + number % 5)
        if number == odd:
            view[10:14, 10:40] = 0
        made.append(PictureFrame((view,), number, number + 1))
    return made


@each_case("odd", [0, 1, 37, 99])
def test_the_frame_that_differs_is_among_those_that_are_read(odd: int) -> None:
    """Wherever it stands; they come in their order."""
    found = pick_distinct_frames(frames(100, odd), 4)
    starts = [frame.start_ms for frame in found]
    assert odd in starts
    assert starts == sorted(set(starts))
    assert len(starts) == 4


def test_few_frames_are_all_read() -> None:
    """Also where some are of another size, as those of several pictures in one file are."""
    few = [*frames(3, 1), PictureFrame((plain(20, 20),))]
    assert pick_distinct_frames(few, 4) is few
    assert len(pick_distinct_frames(few, 3)) == 3
