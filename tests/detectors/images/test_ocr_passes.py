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
    CLOSER,
    cut_tiles,
    enhance_faint,
    find_small,
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
        return [("faint", 0.97, at)] if view.min() < 200 else [("plain", 0.95, at)]

    view = plain(300, 40)
    view[10:20, 10:30] = 250
    found = read_in_passes(read, 50)(view)
    assert seen == [(200, 40, 3)] * 3
    assert [(score, corners[0]) for _, score, corners in found] == [(0.95, (1.0, 2.0)), (0.97, (1.0, 2.0)), (0.95, (1.0, 102.0))]  # fmt: skip
    view[10:20, 10:30] = 100
    assert len(read_in_passes(read, 100)(view)) == 1


ROW = [(20.0, 10.0), (80.0, 10.0), (80.0, 20.0), (20.0, 20.0)]
COLUMN = [(30.0, 10.0), (40.0, 10.0), (40.0, 50.0), (30.0, 50.0)]
RING = [(20.0, 10.0), (31.0, 10.0), (31.0, 20.0), (20.0, 20.0)]


@each_case(
    ("place", "score", "reads", "looks"),
    [
        (ROW, 0.0, 1, 2),
        (ROW, 0.8, 2, 3),
        (ROW, 0.8, 3, 4),
        (ROW, 0.8, 9, 4),
        (COLUMN, 0.5, 1, 2),
        (RING, 0.0, 1, 1),
        (ROW, 0.95, 1, 1),
    ],
)
def test_what_is_not_certain_is_read_mirrored_and_turned(
    place: list[tuple[float, float]], score: float, reads: int, looks: int
) -> None:
    """A row of letters and what is around it, until it can be read; not a ring, as on photos."""
    view = np.random.default_rng(0).integers(0, 255, (60, 200, 3), dtype=np.uint8)
    seen: list[Any] = []

    def read(look: Any) -> list[Any]:
        seen.append(look)
        if len(seen) == 1:
            return [("doubtful" if score else "", score, place)]
        xs, ys = zip(*place, strict=True)
        wide, high = max(xs) - min(xs), max(ys) - min(ys)
        return [("plain", 0.96, [(8, 8), (8 + wide, 8), (8 + wide, 8 + high), (8, 8 + high)])][
            : len(seen) > reads
        ]

    found = read_in_passes(read, 640)(view)
    assert len(seen) == looks
    left, top = (int(min(each[axis] for each in place)) - 8 for axis in (0, 1))
    right, bottom = (int(max(each[axis] for each in place)) + 8 for axis in (0, 1))
    part = view[top:bottom, left:right]
    for look, turned in zip(seen[1:], (part[:, ::-1], part[::-1, ::-1], part[::-1]), strict=False):
        assert np.array_equal(look, turned)
    if 1 < looks == reads + 1:
        assert {*found[-1][2]} == {*place}
    assert all(text for text, _, _ in found)


def lettered(height: int, width: int, *places: tuple[int, int]) -> Any:
    """Return a white page with small marks, in rows as letters are, at some places (left, top)."""
    view = plain(height, width)
    for left, top in places:
        view[top : top + 9, left : left + 200 : 5] = 0
        view[top : top + 9, left + 1 : left + 200 : 5] = 0
    return view


def test_small_letters_are_looked_at_at_full_size() -> None:
    """Where nothing was read; what was, is not looked at again."""
    view = lettered(1_000, 1_800, (1_300, 700))
    [(left, top, part)] = find_small(view, [], 640)
    assert left <= 1_300
    assert left + part.shape[1] >= 1_500
    assert top <= 700 < 709 <= top + part.shape[0]
    assert max(part.shape[:2]) <= 640
    assert np.array_equal(part, view[top : top + part.shape[0], left : left + part.shape[1]])
    known = ("read", 0.9, [(1_300.0, 700.0), (1_500.0, 700.0), (1_500.0, 709.0), (1_300.0, 709.0)])
    assert list(find_small(view, [known], 640)) == []
    doubtful = ("read", 0.5, known[2])
    assert len(find_small(view, [doubtful], 640)) == 1


@each_case("kind", ["small", "photo", "blocks", "stars", "blank"])
def test_other_pictures_are_looked_at_once(kind: str) -> None:
    """Those that are no larger than what is looked at, photos, filled shapes, and pages with nothing on them."""
    view = lettered(400, 600, (30, 30)) if kind == "small" else plain(900, 1_500)
    if kind == "photo":
        view = np.random.default_rng(0).integers(0, 255, view.shape, dtype=np.uint8)
    if kind == "stars":
        view[::60, ::60] = 0
    if kind == "blocks":
        view[160:480, 160:640] = (20, 60, 90)
    assert list(find_small(view, [], 640)) == []


def test_few_parts_are_looked_at_closer() -> None:
    """Those with most in them: each takes as long as a look at all."""
    places = [(left, top) for left in range(50, 3_000, 300) for top in range(50, 1_900, 90)]
    assert len(find_small(lettered(2_000, 3_200, *places), [], 640)) == CLOSER


def test_a_line_in_two_pieces_is_told_once() -> None:
    """As pieces overlap."""

    def read(view: Any) -> list[Any]:
        rows = np.flatnonzero((view == 7).any(axis=(1, 2)))
        return [
            ("line", 0.9, [(2.0, y), (20.0, y), (20.0, y + 3), (2.0, y + 3)]) for y in map(float, rows[:1])
        ]

    view = np.random.default_rng(0).integers(10, 255, (300, 40, 3), dtype=np.uint8)
    view[150:154] = 7
    assert [text for text, _, _ in read_in_passes(read, 50)(view)] == ["line"]


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
